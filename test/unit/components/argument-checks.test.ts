import "./lean-pulumi.ts";
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { ArgumentError } from "../../../components/arguments/argument-error.ts";
import { Deployment } from "../../../components/deployment/deployment.ts";
import { failQuietly } from "../../../components/deployment/deployment-error.ts";
import { isKnown, promiseOf, unknownOutput } from "../../../components/deployment/output-values.ts";
import { mockPulumi } from "./mocked-pulumi.ts";

before(() => mockPulumi("project"));

const deployment = () => new Deployment("office", {} as pulumi.Resource, {});

function refuse(problem: string) {
  return () => {
    throw new ArgumentError([problem]);
  };
}

function failureOf(output: pulumi.Output<unknown>): Promise<unknown> {
  failQuietly({ output });
  return promiseOf(output).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("checks of a deployment's arguments", () => {
  test("that fail are one error with the problems of all, in whatever order they are known", async () => {
    const checks = deployment();
    const late = new Promise<number>((resolve) => setTimeout(resolve, 20, 1));
    const outputs = [
      checks.check(pulumi.output(late), refuse("mode is wrong")),
      checks.check(pulumi.output(2), refuse("hubs are wrong")),
      checks.check(pulumi.output(3), (value) => value),
    ];
    const [first, ...others] = await Promise.all(outputs.map(failureOf));
    assert.ok(first instanceof Error);
    assert.equal(
      first.message,
      'VpnServer "office": the arguments have 2 problems:\n  mode is wrong\n  hubs are wrong',
    );
    for (const other of others) assert.equal(other, first);
  });

  test("tell what is known when the rest is not known yet", async () => {
    const checks = deployment();
    const unknown = checks.check(unknownOutput<string>(), refuse("nobody knows"));
    const known = checks.check(pulumi.output("a"), refuse("name is wrong"));
    assert.match(String(await failureOf(known)), /VpnServer "office": name is wrong/);
    assert.equal(await isKnown(unknown), false);
  });

  test("that find nothing give what they made, and do not fail by an argument that fails", async () => {
    const checks = deployment();
    const broken = checks.check(
      pulumi.output(Promise.reject<number>(new Error("elsewhere"))),
      (value) => value,
    );
    const failure = failureOf(broken);
    const good = checks.check(pulumi.output("a"), (value) => `${value}b`);
    assert.equal(await promiseOf(good), "ab");
    assert.match(String(await failure), /elsewhere/);
  });
});
