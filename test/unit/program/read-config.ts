import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { fleetFromConfig, type FleetSettings } from "../../../program/fleet-config.ts";
import { hostKey } from "../components/host-key-text.ts";

/** Keys of a host that nothing is wrong with. */
export const host = { name: "office", host: "203.0.113.5", hostKey, password: "secret" };

/** Configuration of a project `fleet`, by keys without its name; `root` goes when the tests of the file are done. */
export interface ConfigReader {
  readonly root: string;
  /** Writes a file below the root, objects as JSON. Gives its name. */
  readonly file: (name: string, content: unknown) => string;
  readonly readAll: (values: Readonly<Record<string, unknown>>) => FleetSettings;
  /** What the program says of values that it refuses. */
  readonly problemsOf: (values: Readonly<Record<string, unknown>>) => string;
}

/** Reads configuration with a project's root of its own. */
export function configReader(): ConfigReader {
  const root = mkdtempSync(join(tmpdir(), "fleet-config-"));
  after(() => rmSync(root, { recursive: true }));
  const readAll = (values: Readonly<Record<string, unknown>>): FleetSettings => {
    const config = Object.entries(values).map(([key, value]): [string, string] => [
      `fleet:${key}`,
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
    return fleetFromConfig(Object.fromEntries(config), "fleet", root);
  };
  return {
    root,
    file(name, content) {
      writeFileSync(join(root, name), typeof content === "string" ? content : JSON.stringify(content));
      return name;
    },
    readAll,
    problemsOf(values) {
      try {
        readAll(values);
      } catch (error) {
        assert.ok(pulumi.RunError.isInstance(error));
        return error.message;
      }
      throw new Error("the configuration was accepted");
    },
  };
}

/** What is in an Output. */
export async function valueOf<T>(output: pulumi.Input<T> | undefined): Promise<T> {
  return (output as unknown as { promise(): Promise<T> }).promise();
}
