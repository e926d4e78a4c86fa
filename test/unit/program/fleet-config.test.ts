import "../components/lean-pulumi.ts";
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { fleetFromConfig } from "../../../program/fleet-config.ts";
import type { VpnFleetArgs } from "../../../components/vpn-fleet.ts";
import { pemIdentity } from "../components/pem-identity.ts";
import { ed25519KeyPair } from "../components/ed25519-key-pair.ts";
import { configReader, host, valueOf } from "./read-config.ts";

const { root, file, readAll, problemsOf } = configReader();
const { private: privateKey } = ed25519KeyPair();

/** What it says of hosts. */
function read(values: Record<string, unknown>): VpnFleetArgs {
  const { hosts } = readAll(values);
  assert.ok(hosts);
  return hosts;
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
    assert.deepEqual(Object.keys(fleetFromConfig(config, "fleet").hosts?.servers ?? {}), ["office"]);
  });

  test("without hosts, shows how to configure one", () => {
    assert.match(problemsOf({}), /pulumi config set --path 'fleet:hosts\[0\]\.host'/);
  });

  test("names every wrong key with its path and what is allowed", () => {
    const message = problemsOf({
      hosts: [{ ...host, pasword: "x", bastion: { hosst: "b" } }],
      modus: "user",
    });
    assert.match(message, /6 problems/);
    assert.match(message, /fleet:modus is not known: known here are hosts, aws, awsFleets, mode, listeners/);
    assert.match(message, /hosts\[0\]\.pasword is not known: did you mean password\?/);
    assert.match(message, /hosts\[0\]\.bastion\.hosst is not known: did you mean host\?/);
  });

  test("tells what became of keepState", () => {
    assert.match(
      problemsOf({ hosts: [host], keepState: true }),
      /fleet:keepState is gone: destroy leaves .* on the host unless purgeStateOnDestroy is true/,
    );
  });

  test("names a value of the wrong kind, without showing a secret", () => {
    const message = problemsOf({ hosts: [{ ...host, port: "22", password: 12345 }] });
    assert.match(
      message,
      /hosts\[0\]\.port is "22": a TCP port from 1 to 65535 is needed, without quotes: 22/,
    );
    assert.match(message, /hosts\[0\]\.password is a number: a text is needed, in quotes/);
    assert.doesNotMatch(message, /12345/);
  });

  test("finds what is wrong with a connection, in the words of the configuration", () => {
    const bastion = { host: "ssh://b", privateKey: "hidden" };
    const message = problemsOf({ hosts: [{ name: "a", host: "root@h", bastion }] });
    assert.match(message, /- hosts\[0\]\.host has a user before "@": give the host, "h", alone/);
    assert.match(message, /- hosts\[0\]\.hostKey is missing, so the host could not be told from an impostor/);
    assert.match(message, /- hosts\[0\]\.bastion\.host is a URL: give the host, "b", alone/);
    assert.match(message, /- hosts\[0\]\.bastion\.privateKey is no private key/);
    assert.match(message, /- hosts\[0\]\.bastion\.hostKey is missing/);
    assert.doesNotMatch(message, /hidden/);
    assert.match(problemsOf({ hosts: [{ ...host, bastion: "b" }] }), /hosts\[0\]\.bastion is "b": an object/);
    assert.match(problemsOf({ hosts: ["h"] }), /hosts\[0\] is "h": an object with name, host and hostKey/);
  });

  test("finds what is wrong with options, of all hosts and of one", () => {
    const message = problemsOf({
      hosts: [{ ...host, adminPassword: 12, publicHost: "a b", directory: "vpn" }],
      listeners: 443,
      healthTimeoutSeconds: 1,
      openFirewall: "no",
      mode: "root",
    });
    assert.match(message, /- fleet:listeners is 443: a list of TCP ports is needed, such as \[443\]/);
    assert.match(message, /- fleet:healthTimeoutSeconds is 1: a whole number from 5 to 600 is needed/);
    assert.match(message, /- fleet:openFirewall is "no": true or false is needed/);
    assert.match(message, /- fleet:mode is "root": one of "auto", "service", "user" is needed/);
    assert.match(message, /- hosts\[0\]\.adminPassword is a number: a text is needed, in quotes/);
    assert.match(message, /- hosts\[0\]\.publicHost has white space in it/);
    assert.match(message, /- hosts\[0\]\.directory is "vpn": a path on the host/);
  });

  test("takes a text of digits for a text where one is needed", async () => {
    const { adminPassword } = read({ hosts: [host], adminPassword: "0815" });
    assert.equal(await valueOf(adminPassword), "0815");
    assert.equal(await pulumi.isSecret(adminPassword as pulumi.Output<string>), true);
  });

  test("refuses an empty password of the administrator", () => {
    assert.match(
      problemsOf({ hosts: [host], adminPassword: "" }),
      /fleet:adminPassword is empty: leave it out to have one made/,
    );
  });

  test("refuses two hosts of one name, and a name that no resource can bear", () => {
    assert.match(problemsOf({ hosts: [host, host] }), /"office", which another host has already/);
    assert.match(problemsOf({ hosts: [{ ...host, name: "a b" }] }), /hosts\[0\]\.name is "a b"/);
  });

  test("names a key file that cannot be read", () => {
    const { password: _password, ...rest } = host;
    const message = problemsOf({ hosts: [{ ...rest, privateKeyFile: "/nonexistent/key" }] });
    assert.match(
      message,
      /has a problem:\n {2}- hosts\[0\]\.privateKeyFile is "\/nonexistent\/key": \/nonexistent\/key cannot be read: there is no such file$/,
    );
  });

  test("reads a key file below the project's root, and checks what is in it", async () => {
    const { password: _password, ...rest } = host;
    const fleet = read({ hosts: [{ ...rest, privateKeyFile: file("key", privateKey) }] });
    const { connection } = fleet.servers["office"] as unknown as {
      connection: { privateKey: pulumi.Output<string> };
    };
    assert.equal(await valueOf(connection.privateKey), privateKey);
    assert.equal(await pulumi.isSecret(connection.privateKey), true);
    assert.match(
      problemsOf({ hosts: [{ ...rest, privateKeyFile: file("no-key", "hidden words") }] }),
      /- hosts\[0\]\.privateKey is no private key/,
    );
    assert.match(
      problemsOf({ hosts: [{ ...host, privateKey, privateKeyFile: "key" }] }),
      /hosts\[0\]\.privateKeyFile and hosts\[0\]\.privateKey are both given: one of them is enough/,
    );
  });

  test("reads a certificate and its key from the configuration or from files", async () => {
    const { certificate, privateKey: certificateKey } = await pemIdentity("CN=vpn.example.org", {
      algorithm: "ec",
    });
    const files = {
      certificateFile: file("server.crt", certificate),
      certificateKeyFile: file("server.key", certificateKey),
    };
    for (const keys of [{ certificate, certificateKey }, files]) {
      for (const options of [
        read({ hosts: [host], ...keys }),
        read({ hosts: [{ ...host, ...keys }] }).servers["office"],
      ]) {
        assert.equal(options?.certificate, `${certificate.trim()}\n`);
        assert.equal(await valueOf(options.privateKey), certificateKey);
        assert.equal(await pulumi.isSecret(options.privateKey as pulumi.Output<string>), true);
      }
    }
    assert.match(
      problemsOf({ hosts: [host], certificate }),
      /fleet:certificateKey is missing: fleet:certificate is of use only with its key/,
    );
    assert.match(
      problemsOf({ hosts: [{ ...host, certificate: "x", certificateKey: "y" }] }),
      /- hosts\[0\]\.certificate is no certificate: .*\n {2}- hosts\[0\]\.certificateKey is no private key/,
    );
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
      /fleet:hubs is "hidden": a list of hubs is needed/,
    );
  });
});

describe("hubs from files", () => {
  const hub = (name: string) => ({ name, users: [{ name: "alice", password: "hidden" }] });
  const namesOf = async (hubs: VpnFleetArgs["hubs"]) =>
    ((await valueOf(hubs)) as { name: string }[]).map(({ name }) => name);

  test("puts files and configuration together, for all hosts or for one, as secrets", async () => {
    mkdirSync(join(root, "hubs"));
    const keys = {
      hubs: [hub("A")],
      hubsFile: file("b.json", [hub("B")]),
      hubsFiles: [
        file("hubs/c.json", { hubs: [hub("C"), hub("D")] }),
        join(root, file("e.json", [hub("E")])),
      ],
    };
    for (const options of [
      read({ hosts: [host], ...keys }),
      read({ hosts: [{ ...host, ...keys }] }).servers["office"],
    ]) {
      assert.deepEqual(await namesOf(options?.hubs), ["A", "B", "C", "D", "E"]);
      assert.equal(await pulumi.isSecret(options?.hubs as pulumi.Output<unknown>), true);
      assert.ok(options !== undefined && !("hubsFile" in options) && !("hubsFiles" in options));
    }
  });

  test("reads a file that begins with a byte order mark, and an empty list", async () => {
    const hubsFile = file("bom.json", `\ufeff${JSON.stringify([hub("A")])}`);
    assert.deepEqual(await namesOf(read({ hosts: [host], hubsFile }).hubs), ["A"]);
    assert.deepEqual(await namesOf(read({ hosts: [host], hubsFile: file("none.json", []) }).hubs), []);
  });

  const form = 'a list of hubs is needed, or an object with it: { "hubs": [ … ] }';
  const cases: readonly (readonly [string, () => Record<string, unknown>, string])[] = [
    [
      "a file that is not there",
      () => ({ hubsFile: "nowhere.json" }),
      `fleet:hubsFile is "nowhere.json": ${join(root, "nowhere.json")} cannot be read: there is no such file`,
    ],
    ["a folder", () => ({ hubsFiles: ["."] }), `fleet:hubsFiles[0] is ".": ${root} is no file`],
    [
      "what is no text",
      () => {
        writeFileSync(join(root, "binary"), Buffer.from([0xff, 0xfe, 0x00]));
        return { hubsFile: "binary" };
      },
      `fleet:hubsFile is "binary": ${join(root, "binary")} is no text in UTF-8`,
    ],
    [
      "an empty file",
      () => ({ hubsFile: file("empty", "") }),
      'fleet:hubsFile "empty" is empty: JSON is needed',
    ],
    [
      "what is no JSON",
      () => ({ hubsFile: file("bad.json", '[\n  {"name": "A", "message": hidden}\n]') }),
      'fleet:hubsFile "bad.json" is no JSON: see line 2, column 28',
    ],
    [
      "a text",
      () => ({ hubsFile: file("t.json", '"hidden"') }),
      `fleet:hubsFile "t.json" holds a text: ${form}`,
    ],
    ["null", () => ({ hubsFile: file("n.json", "null") }), `fleet:hubsFile "n.json" holds null: ${form}`],
    [
      "an object without hubs",
      () => ({ hubsFile: file("o.json", {}) }),
      `fleet:hubsFile "o.json" holds an object that has no list hubs: ${form}`,
    ],
    [
      "an object with something else",
      () => ({ hubsFile: file("s.json", { hubs: [], adminPassword: "hidden" }) }),
      `fleet:hubsFile "s.json" holds an object that has adminPassword: ${form}`,
    ],
    [
      "a mistake in a hub",
      () => ({
        hubsFiles: [
          file("w.json", [{ name: "A", users: [{ name: "bob", pasword: "hidden", anonymous: true }] }]),
        ],
      }),
      'fleet:hubsFiles[0] "w.json": hubs[0].users[0].pasword (user "bob" of hub "A"): is not known here; ' +
        "known are name, realName, note, group, expires, policy, password, certificate, anonymous, signedCertificate. Did you mean password?",
    ],
    [
      "a hub that is in the configuration too",
      () => ({ hubs: [hub("A")], hubsFile: file("a.json", [hub("a")]) }),
      'fleet:hubsFile "a.json" has the hub "a", which fleet:hubs has too: put it into one of them',
    ],
    [
      "a file that is named twice",
      () => ({ hubsFiles: [file("x.json", [hub("X")]), "x.json"] }),
      'fleet:hubsFiles[1] "x.json" has the hub "X", which fleet:hubsFiles[0] "x.json" has too: put it into one of them',
    ],
    ["an empty path", () => ({ hubsFile: "" }), "fleet:hubsFile is empty: give it a value, or leave it out"],
    ["no list", () => ({ hubsFiles: "a.json" }), 'fleet:hubsFiles is "a.json": a list of texts is needed'],
    [
      "a path that is no text",
      () => ({ hubsFiles: [7] }),
      'fleet:hubsFiles[0] is 7: a text is needed, in quotes: "7"',
    ],
  ];
  for (const [name, keys, problem] of cases) {
    test(`refuses ${name}: ${problem.replace(root, "…")}`, () => {
      assert.equal(
        problemsOf({ hosts: [host], ...keys() }),
        `the configuration of this stack has a problem:\n  - ${problem}`,
      );
    });
  }
});
