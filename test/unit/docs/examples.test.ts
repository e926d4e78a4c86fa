import "../components/lean-pulumi.ts";
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { hostKey } from "../components/host-key-text.ts";
import { mockPulumi, untilDeclared, type MockedResource } from "../components/mocked-pulumi.ts";
import { ed25519KeyPair } from "../components/ed25519-key-pair.ts";

const root = join(import.meta.dirname, "../../..");

interface Package {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

function packageIn(folder: string): Package {
  return JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Package;
}

describe("the examples", () => {
  let resources: ReadonlyMap<string, MockedResource>;

  before(async () => {
    const hosts = { office: { address: "192.0.2.1", hostKey }, lab: { address: "192.0.2.2", hostKey } };
    resources = await mockPulumi("example", {
      host: "192.0.2.1",
      hostKey,
      hosts: JSON.stringify(hosts),
      privateKey: ed25519KeyPair().private,
      alicePassword: "one",
      bobPassword: "two",
      recorderPassword: "three",
    });
  });

  const typeOf = (name: string) => resources.get(name)?.type;
  const run = (example: string) =>
    import(pathToFileURL(join(root, "examples", example, "index.ts")).href) as Promise<
      Readonly<Record<string, unknown>>
    >;

  test("one-server declares a server, with its hubs applied on the host", async () => {
    const outputs = await run("one-server");
    await untilDeclared(resources, ["office", "office-install", "office-hubs", "office-declared-hubs"]);
    assert.equal(typeOf("office"), "vpnserver:index:VpnServer");
    assert.equal(typeOf("office-hubs"), "command:remote:Command");
    assert.deepEqual(Object.keys(outputs), ["adminPassword", "connections", "endpoints", "vpnFiles"]);
  });

  test("fleet declares a server for each host of its configuration, with the hubs of all", async () => {
    const outputs = await run("fleet");
    const servers = ["vpn-office", "vpn-lab"];
    await untilDeclared(resources, ["vpn", ...servers.map((name) => `${name}-declared-hubs`)]);
    assert.equal(typeOf("vpn"), "vpnserver:index:VpnFleet");
    for (const name of servers) {
      assert.equal(typeOf(name), "vpnserver:index:VpnServer");
      const { hubs } = resources.get(`${name}-declared-hubs`)?.inputs ?? {};
      assert.deepEqual(Object.keys(hubs as object), ["CAMERAS", "STAFF"]);
    }
    assert.deepEqual(Object.keys(outputs), ["adminPasswords", "health", "vpnFiles"]);
  });

  test("install the package of this version, and the Pulumi that it needs", () => {
    const { version, dependencies } = packageIn(".");
    const examples = globSync("examples/*/package.json", { cwd: root });
    assert.equal(examples.length, 3);
    for (const path of examples) {
      const example = packageIn(join(path, ".."));
      assert.equal(example.dependencies["pulumi-vpnserver"], `file:../pulumi-vpnserver-${version}.tgz`);
      const { "@pulumi/pulumi": sdk = dependencies["@pulumi/pulumi"] } = example.dependencies;
      assert.equal(sdk, dependencies["@pulumi/pulumi"]);
    }
  });
});
