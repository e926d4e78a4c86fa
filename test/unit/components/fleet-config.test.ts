import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { fleetFromConfig } from "../../../components/fleet-config.ts";

const host = { name: "office", host: "203.0.113.5", hostKey: "ssh-ed25519 AAAA", password: "secret" };

function read(values: Record<string, unknown>) {
  const config = Object.entries(values).map(([key, value]) => [
    `fleet:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return fleetFromConfig(Object.fromEntries(config) as Record<string, string>, "fleet");
}

function problemsOf(values: Record<string, unknown>): string {
  try {
    read(values);
  } catch (error) {
    assert.ok(pulumi.RunError.isInstance(error));
    return error.message;
  }
  throw new Error("the configuration was accepted");
}

describe("fleetFromConfig", () => {
  test("makes a server of each host, and options of the keys beside them", () => {
    const fleet = read({
      hosts: [host, { ...host, name: "home", mode: "user", listeners: [5555] }],
      mode: "auto",
    });
    assert.deepEqual(Object.keys(fleet.servers), ["office", "home"]);
    assert.equal(fleet.mode, "auto");
    assert.equal(fleet.servers["home"]?.mode, "user");
    assert.deepEqual(fleet.servers["home"].listeners, [5555]);
  });

  test("keeps credentials secret", async () => {
    const { connection } = read({ hosts: [host] }).servers["office"] as { connection: { password: object } };
    assert.ok(pulumi.Output.isInstance(connection.password));
    assert.equal(await pulumi.isSecret(connection.password), true);
  });

  test("ignores the configuration of other projects and providers", () => {
    const config = { "fleet:hosts": JSON.stringify([host]), "aws:region": "eu-west-1" };
    assert.deepEqual(Object.keys(fleetFromConfig(config, "fleet").servers), ["office"]);
  });

  test("without hosts, shows how to configure one", () => {
    assert.match(problemsOf({}), /pulumi config set --path 'fleet:hosts\[0\]\.host'/);
  });

  test("names every wrong key with its path and what is allowed", () => {
    const message = problemsOf({
      hosts: [{ ...host, pasword: "x", bastion: { hosst: "b" } }],
      modus: "user",
    });
    assert.match(message, /3 problems/);
    assert.match(message, /fleet:modus is not a known key; allowed are .*hosts.*mode/);
    assert.match(message, /hosts\[0\]\.pasword is not a known key; allowed are .*password/);
    assert.match(message, /hosts\[0\]\.bastion\.hosst is not a known key/);
  });

  test("names a value of the wrong kind, without showing a secret", () => {
    const message = problemsOf({ hosts: [{ ...host, port: "22", password: 12345 }] });
    assert.match(message, /hosts\[0\]\.port is "22"; a number is needed/);
    assert.match(message, /hosts\[0\]\.password is of another kind/);
    assert.doesNotMatch(message, /12345/);
  });

  test("refuses two hosts of one name, and a name that no resource can bear", () => {
    assert.match(problemsOf({ hosts: [host, host] }), /"office", which another host has already/);
    assert.match(problemsOf({ hosts: [{ ...host, name: "a b" }] }), /hosts\[0\]\.name is "a b"/);
  });

  test("names a key file that cannot be read", () => {
    const { password: _password, ...rest } = host;
    const message = problemsOf({ hosts: [{ ...rest, privateKeyFile: "/nonexistent/key" }] });
    assert.match(message, /hosts\[0\]\.privateKeyFile cannot be read/);
  });

  test("gives hubs to all hosts or to one, as secrets", async () => {
    const hubs = [{ name: "DEFAULT", users: [{ name: "alice", password: "hidden" }] }];
    const fleet = read({
      hosts: [{ ...host, hubs, publicHost: "vpn.example.org" }],
      hubs: [{ name: "ALL" }],
    });
    const office = fleet.servers["office"];
    assert.equal(await pulumi.isSecret(fleet.hubs as pulumi.Output<unknown>), true);
    assert.equal(await pulumi.isSecret(office?.hubs as pulumi.Output<unknown>), true);
    assert.equal(office?.publicHost, "vpn.example.org");
  });

  test("names what is wrong with hubs, of all hosts and of one, and shows no password", () => {
    const message = problemsOf({
      hosts: [{ ...host, hubs: [{ name: "A", users: [{ name: "bob" }] }] }],
      hubs: [{ name: "B", users: [{ name: "u", password: "hidden", groop: "g" }] }],
    });
    assert.match(message, /hosts\[0\]\.hubs\[0\]\.users\[0\] \(user "bob" of hub "A"\): nothing tells/);
    assert.match(message, /fleet:hubs\[0\]\.users\[0\]\.groop \(user "u" of hub "B"\): is not known/);
    assert.doesNotMatch(message, /hidden/);
    assert.match(
      problemsOf({ hosts: [host], hubs: "hidden" }),
      /fleet:hubs is of another kind; a list of hubs/,
    );
  });
});
