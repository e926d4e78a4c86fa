/** The versions that work together. The engine's is that of `@pulumi/pulumi` in package-lock.json. */
export const engineVersion = "3.259.0";

/** YAML language host that compiles against {@link engineVersion}. The official release brings its own. */
export const yamlLanguageVersion = "1.38.1";

/** The version of `@pulumi/command` in package-lock.json. */
export const commandPluginVersion = "1.2.1";
