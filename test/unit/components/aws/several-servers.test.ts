import "../lean-pulumi.ts";
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { Provider } from "@pulumi/aws/provider.js";
import * as pulumi from "@pulumi/pulumi";
import type * as Components from "../../../../components/aws/index.ts";
import { mockAws, untilDeclared, type MockedAws } from "./mocked-aws.ts";

describe("servers on AWS in one stack", () => {
  let aws: MockedAws;
  let components: typeof Components;
  /** References to the providers of resources, by the resources' names. */
  const providers = new Map<string, string>();

  before(async () => {
    aws = await mockAws();
    components = await import("../../../../components/aws/index.ts");
    const monitor = pulumi.runtime.getMonitor() as unknown as {
      registerResource(request: RegisterRequest, callback: unknown): void;
    };
    const register = monitor.registerResource.bind(monitor);
    monitor.registerResource = (request, callback) => {
      providers.set(request.getName(), request.getProvider());
      register(request, callback);
    };
  });

  async function declare(name: string, args: object, opts: pulumi.ComponentResourceOptions = {}) {
    new components.AwsVpnServer(name, { sshFrom: ["203.0.113.7/32"], sessionManager: true, ...args }, opts);
    await untilDeclared(aws.resources, [
      `${name}-server-hubs`,
      `${name}-server-repair`,
      `${name}-first-boot`,
    ]);
  }

  const ofAws = (name: string) =>
    [...aws.resources].filter(([key, { type }]) => key.startsWith(`${name}-`) && type.startsWith("aws:"));

  test("are each where their provider is: it makes all that is AWS's, and answers all questions", async () => {
    const north = new Provider("in-north", { region: "eu-north-1" });
    const south = new Provider("in-south", { region: "eu-south-1" });
    const asked = aws.calls.length;
    await declare("north", {}, { provider: north });
    const askedOfNorth = aws.calls.slice(asked);
    await declare("south", {}, { providers: [south] });
    const askedOfSouth = aws.calls.slice(asked + askedOfNorth.length);
    for (const [name, calls] of [
      ["north", askedOfNorth],
      ["south", askedOfSouth],
    ] as const) {
      const own = new RegExp(`::pulumi:providers:aws::in-${name}::`);
      assert.equal(calls.length, 6);
      for (const { token, provider } of calls) assert.match(provider, own, token);
      assert.ok(ofAws(name).length > 15);
      for (const [key] of ofAws(name)) assert.match(providers.get(key) ?? "", own, key);
      // What is done on the host goes by SSH, wherever that is.
      for (const key of [`${name}-first-boot`, `${name}-server-install`]) {
        assert.doesNotMatch(providers.get(key) ?? "", /:aws::/, key);
      }
    }
  });

  test("may share a provider and name their regions, each on everything of a region", async () => {
    await declare("west", { region: "eu-west-1" });
    await declare("east", { region: "us-east-1" });
    const regionsOf = (name: string) =>
      new Set(
        ofAws(name)
          .filter(([, { type }]) => !type.startsWith("aws:iam"))
          .map(([, { inputs }]) => inputs["region"]),
      );
    assert.deepEqual([...regionsOf("west")], ["eu-west-1"]);
    assert.deepEqual([...regionsOf("east")], ["us-east-1"]);
  });

  test("have a volume that grows: it and what mounts it change in place, and nothing else does", async () => {
    await declare("tiny", { stateVolumeGiB: 8 });
    await declare("vast", { stateVolumeGiB: 20 });
    // Keys and identities are made anew for the second one.
    const random = /-(key-pair|ssh-key|host-key|server-.*)$/;
    const inputsOf = (name: string) =>
      Object.fromEntries(
        [...aws.resources]
          .filter(([key]) => key.startsWith(`${name}-`) && !random.test(key))
          .map(([key, { inputs }]) => {
            const { connection: _, userData: __, ...others } = inputs;
            return [key.slice(name.length + 1), JSON.stringify(others).replaceAll(name, "edge")];
          }),
      );
    const [small, large] = [inputsOf("tiny"), inputsOf("vast")];
    assert.deepEqual(Object.keys(small).sort(), Object.keys(large).sort());
    const changed = Object.keys(small).filter((key) => small[key] !== large[key]);
    assert.deepEqual(changed.sort(), ["first-boot", "state"]);
    assert.equal(large["state"], small["state"]?.replace('"size":8', '"size":20'));
    const [before, after] = [small, large].map(({ "first-boot": text = "" }) => JSON.parse(text) as object);
    assert.deepEqual({ ...after, stdin: "" }, { ...before, stdin: "" }, "nothing has it run in a new place");
  });
});

interface RegisterRequest {
  getName(): string;
  getProvider(): string;
}
