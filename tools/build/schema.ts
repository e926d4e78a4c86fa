import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import ts from "typescript";
import { Analyzer } from "@pulumi/pulumi/provider/experimental/analyzer.js";
import { generateSchema } from "@pulumi/pulumi/provider/experimental/schema.js";

/** Name of the Pulumi package: the first part of its type tokens. */
const packageName = "vpnserver";

/** Arguments that hold credentials. Other languages wrap them as secrets because the schema says so. */
const secretProperties = new Set(["privateKey", "privateKeyPassword", "password", "adminPassword"]);

/**
 * Infers the Pulumi package schema from the components' sources, so that the installed package needs neither sources nor
 * a compiler to serve other languages.
 *
 * @param entry module that exports the components, relative to the root
 * @param components names of the component classes
 * @param workDirectory folder for a passing file
 * @throws Error when a component uses a type that the schema cannot express
 */
export async function inferSchema(
  root: string,
  entry: string,
  components: readonly string[],
  packageInfo: { version: string; description: string },
  workDirectory: string,
): Promise<string> {
  // The analyzer takes in all that a tsconfig.json names, and that of the project names tests and tools too.
  await writeFile(
    join(workDirectory, "tsconfig.json"),
    JSON.stringify({ extends: join(root, "tsconfig.json"), include: [], files: [join(root, entry)] }),
  );
  const analyzer = new Analyzer(workDirectory, packageName, { main: join(root, entry) }, new Set(components));
  allowBooleanOrObject(analyzer);
  const { components: found, typeDefinitions, dependencies } = analyzer.analyze();
  const schema = generateSchema(
    packageName,
    packageInfo.version,
    packageInfo.description,
    found,
    typeDefinitions,
    dependencies,
  );
  for (const [token, type] of Object.entries(schema.types)) {
    const description = typeDefinitions[token.split(":")[2] ?? ""]?.description;
    if (description !== undefined) type.description = description;
    for (const [name, property] of Object.entries(type.properties ?? {})) {
      if (secretProperties.has(name)) Object.assign(property, { secret: true });
    }
  }
  const text = `${JSON.stringify(schema, null, 2)}\n`;
  const broken = /"([^"]+)": \{[^{}]*\[object Object\]/.exec(text);
  if (broken) {
    throw new Error(
      `the doc comment of "${broken[1]}" holds a {@link …}, which the schema cannot: name the thing in backquotes instead`,
    );
  }
  return text;
}

/** What the analyzer works with, of which its types tell nothing. */
interface AnalyzerOfTypes {
  analyzeType(
    context: unknown,
    type: ts.Type,
    location: unknown,
    optional?: boolean,
    description?: string,
  ): { type?: string; $ref?: string; oneOf?: unknown };
}

/** Teaches the analyzer `boolean | SomeArgs`, which the schema can say and the analyzer does not know. */
function allowBooleanOrObject(analyzer: Analyzer): void {
  const own = analyzer as unknown as AnalyzerOfTypes;
  const analyzeType = own.analyzeType.bind(analyzer);
  own.analyzeType = (context, type, location, optional, description) => {
    const members = type.isUnion() ? type.types : [];
    const [object, ...others] = members.filter(({ flags }) => (flags & ts.TypeFlags.Object) !== 0);
    const booleans = members.filter(({ flags }) => (flags & ts.TypeFlags.BooleanLiteral) !== 0);
    const isBoth = object?.isClassOrInterface() && others.length === 0 && booleans.length === 2;
    if (!isBoth || members.length !== 3) return analyzeType(context, type, location, optional, description);
    const { $ref, ...property } = analyzeType(context, object, location, optional, description);
    return { ...property, oneOf: [{ type: "boolean" }, { $ref }] };
  };
}
