import "./lean-pulumi.ts";
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { VpnServerArgs } from "../../../components/index.ts";
import { hostKey } from "./host-key-text.ts";
import { mockPulumi, untilDeclared, type MockedResource } from "./mocked-pulumi.ts";

let resources: ReadonlyMap<string, MockedResource>;

before(async () => {
  resources = await mockPulumi("project");
});

const connection = { host: "192.0.2.1", password: "secret", hostKey };

async function declare(name: string, args: Omit<VpnServerArgs, "connection">) {
  const { VpnServer } = await import("../../../components/index.ts");
  const server = new VpnServer(name, { connection, ...args });
  await new Promise((resolve) => server.urn.apply(resolve));
  await untilDeclared(resources, [`${name}-repair`, `${name}-hubs`]);
  return (child: string) => {
    const resource = resources.get(`${name}-${child}`);
    assert.ok(resource, `there is no ${child}`);
    return resource;
  };
}

describe("VpnServer in a preview", () => {
  test("has its children under its own name, and the stash makes its identity", async () => {
    const child = await declare("office", {});
    assert.equal(child("id").type, "pulumi:index:Stash");
    assert.equal(child("admin-password").type, "pulumi:index:Stash");
    for (const name of ["install", "hubs", "repair"]) {
      assert.equal(child(name).type, "command:remote:Command");
    }
  });

  test("hands a script to the host that names the server's owner", async () => {
    const { inputs } = (await declare("paris", {}))("install");
    assert.equal(inputs["create"], "sh -s install");
    assert.equal(inputs["delete"], "sh -s uninstall");
    assert.match(String(inputs["stdin"]), /--owner-name paris/);
    assert.doesNotMatch(String(inputs["stdin"]), /uninstall .*--purge/);
  });

  test("says nothing to the host on destroy when the server is to stay", async () => {
    const { inputs } = (await declare("stays", { uninstallOnDestroy: false }))("install");
    assert.equal(inputs["delete"], undefined);
  });

  test("makes no password where one is given, or the imported one stays", async () => {
    await declare("given", { adminPassword: "a password" });
    assert.equal(resources.has("given-admin-password"), false);
    await declare("imported", { importFrom: "/var/lib/softether" });
    assert.equal(resources.has("imported-admin-password"), false);
  });

  test("the repair has nothing to do", async () => {
    const { inputs } = (await declare("well", {}))("repair");
    assert.deepEqual(
      [inputs["create"], inputs["update"], inputs["delete"]],
      [undefined, undefined, undefined],
    );
  });
});
