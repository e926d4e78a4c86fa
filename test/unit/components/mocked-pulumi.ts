import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as pulumi from "@pulumi/pulumi";
import type { Artifacts } from "../../../components/host/artifact.ts";

const root = join(import.meta.dirname, "../../..");
const urlOf = (path: string) => pathToFileURL(join(root, path)).href;

/** In the place of `dist/`, so that nothing has to be built for these tests. */
const artifacts: Artifacts = {
  version: "0.0.0",
  releases: [
    { uname: "Linux x86_64", sha256: "a".repeat(64), bytes: 2, uploadPath: "/dev/null", uploadBytes: 1 },
    { uname: "Linux aarch64", sha256: "b".repeat(64), bytes: 3, uploadPath: "/dev/null", uploadBytes: 1 },
  ],
};

/** A resource that was declared. */
export interface MockedResource {
  readonly type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** What providers answer, where the inputs alone will not do. */
export interface MockedAnswers {
  readonly outputsOf?: (type: string, name: string) => Readonly<Record<string, unknown>> | undefined;
  readonly call?: (
    token: string,
    inputs: Readonly<Record<string, unknown>>,
    provider: string,
  ) => Record<string, unknown> | undefined;
}

/**
 * Takes the place of Pulumi's engine in a preview, as users' own tests do: resources are recorded by their names, and nobody is
 * dialled. What uses the components has to be imported after it.
 */
export async function mockPulumi(
  project: string,
  config: Readonly<Record<string, string>> = {},
  answers: MockedAnswers = {},
): Promise<ReadonlyMap<string, MockedResource>> {
  registerHooks({
    load: (url, context, next) => {
      if (url !== urlOf("components/host/artifact.ts")) return next(url, context);
      const source = `export const findArtifacts = () => (${JSON.stringify(artifacts)});`;
      return { format: "module", source, shortCircuit: true };
    },
  });
  const resources = new Map<string, MockedResource>();
  await pulumi.runtime.setMocks(
    {
      newResource: ({ name, type, inputs }) => {
        const state = inputs as Record<string, unknown>;
        resources.set(name, { type, inputs: state });
        const outputs = answers.outputsOf?.(type, name) ?? {};
        return { id: `${name}-id`, state: { ...state, output: state["input"], ...outputs } };
      },
      call: ({ token, inputs, provider = "" }) => {
        const given = inputs as Record<string, unknown>;
        return answers.call?.(token, given, provider) ?? given;
      },
    },
    project,
    "stack",
    true,
  );
  for (const [key, value] of Object.entries(config)) pulumi.runtime.setConfig(`${project}:${key}`, value);
  return resources;
}

/** @throws Error when they are not all declared within 10 s */
export async function untilDeclared(
  resources: ReadonlyMap<string, MockedResource>,
  names: readonly string[],
): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!names.every((name) => resources.has(name))) {
    if (performance.now() > deadline) throw new Error(`there are only ${[...resources.keys()].join()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
