import "../components/lean-pulumi.ts";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { anonymousUsers } from "../../../policy/anonymous-users.ts";
import { describeHubs } from "../../../components/deployment/declared-hubs.ts";
import { unknownText, violationsOf } from "./judge.ts";

const hubs = [
  {
    name: "DEFAULT",
    users: [
      { name: "alice", password: "hidden" },
      { name: "guest", anonymous: true },
    ],
  },
  { name: "LAB", users: [{ name: "robot", anonymous: true }] },
];
const problem = (host: string) =>
  `on ${host} nothing is asked of guest of DEFAULT, robot of LAB: anybody could be in the hub's network`;
const server = "urn:pulumi:dev::project::vpnserver:index:VpnFleet$vpnserver:index:VpnServer::fleet-office";

const declared = (publicHost: unknown, config = {}, told: readonly unknown[] = hubs) =>
  violationsOf(anonymousUsers, {
    type: "vpnserver:index:DeclaredHubs",
    props: { hubs: describeHubs(told), publicHost },
    config,
  });
const applied = (props: Record<string, unknown>, parent?: string) =>
  violationsOf(anonymousUsers, { type: "command:remote:Command", props, ...(parent && { parent }) });

describe("anonymous-user-on-a-public-server", () => {
  test("names the users and hubs, where a preview shows them", () => {
    // The last is what a fleet on AWS declares before its load balancer has a name.
    for (const host of ["203.0.113.5", "2001:db8::5", "vpn.example.org", "its load balancer"]) {
      assert.deepEqual(declared(host), [problem(host)]);
    }
  });

  test("names them before they are applied", () => {
    const stdin = JSON.stringify({ adminPassword: "hidden", hubs });
    const connection = { host: "203.0.113.5" };
    assert.deepEqual(applied({ stdin, connection }, server), [problem("203.0.113.5")]);
    const onAws = server.replace("VpnFleet$", "AwsVpnServer$");
    assert.deepEqual(applied({ stdin, connection }, onAws), [problem("203.0.113.5")]);
    assert.deepEqual(applied({ stdin, connection: { host: "10.1.2.3" } }, server), []);
    assert.deepEqual(applied({ stdin: unknownText, connection }, server), []);
    assert.deepEqual(applied({ stdin: "{ no JSON", connection }, server), []);
    assert.deepEqual(applied({ stdin: "#!/bin/sh", connection }, server), []);
  });

  test("leaves commands alone that are no server's", () => {
    const props = { stdin: JSON.stringify({ hubs }), connection: { host: "203.0.113.5" } };
    assert.deepEqual(applied(props), []);
    assert.deepEqual(applied(props, "urn:pulumi:dev::project::my:own:VpnServer::x"), []);
  });

  test("lets servers pass that the Internet cannot reach", () => {
    for (const host of [
      "10.1.2.3",
      "172.31.0.1",
      "192.168.1.1",
      "127.0.0.1",
      "fd00::1",
      "::1",
      "localhost",
    ]) {
      assert.deepEqual(declared(host), [], host);
    }
    assert.equal(declared("172.32.0.1").length, 1);
    const privateHosts = [".corp.example", "lab"];
    for (const host of ["vpn.corp.example", "VPN.corp.example.", "lab"]) {
      assert.deepEqual(declared(host, { privateHosts }), [], host);
    }
    for (const host of ["corp.example", "mylab", "vpn.example.org"]) {
      assert.equal(declared(host, { privateHosts }).length, 1, host);
    }
  });

  test("has nothing against users who prove who they are, or what a preview does not know", () => {
    assert.deepEqual(
      declared("203.0.113.5", {}, [{ name: "DEFAULT", users: [{ name: "alice", password: "x" }] }]),
      [],
    );
    assert.deepEqual(declared("203.0.113.5", {}, [{ name: "EMPTY" }]), []);
    assert.deepEqual(declared(unknownText), []);
  });
});
