import "./lean-pulumi.ts";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { ArgumentError } from "../../../components/arguments/argument-error.ts";
import { connectionKinds, endpointKinds } from "../../../components/arguments/connection-arguments.ts";
import {
  checkAdminPassword,
  checkArgumentNames,
  optionKinds,
  resolveSettings,
} from "../../../components/arguments/server-arguments.ts";
import type { DeploymentSettings } from "../../../components/arguments/deployment-settings.ts";
import { hostKey } from "./host-key-text.ts";
import { problemOf, problemsOf } from "./problems-of.ts";

const connection = { host: "203.0.113.5", password: "p", hostKey };
const resolve = (args: unknown): DeploymentSettings =>
  resolveSettings(args as Parameters<typeof resolveSettings>[0]);

describe("resolveSettings", () => {
  test("fills in the defaults", () => {
    const { connection: _, ...settings } = resolve({ connection });
    assert.deepEqual(settings, {
      publicHost: "203.0.113.5",
      install: { mode: "auto", adopt: false, openFirewall: true, healthTimeoutSeconds: 30 },
      removal: { uninstall: true, purgeState: false },
      connectTimeoutMs: 60_000,
    });
  });

  test("takes what is told", () => {
    const { install, removal, connectTimeoutMs } = resolve({
      connection,
      mode: "user",
      adopt: true,
      listeners: [443, 5555, 443],
      directory: "~/vpn",
      stateDirectory: "/srv/vpn",
      importFrom: "/usr/local/vpnserver",
      openFirewall: false,
      healthTimeoutSeconds: 5,
      connectTimeoutSeconds: 0,
      uninstallOnDestroy: false,
      purgeStateOnDestroy: true,
    });
    assert.deepEqual(install, {
      mode: "user",
      adopt: true,
      openFirewall: false,
      healthTimeoutSeconds: 5,
      listeners: [443, 5555],
      directory: "~/vpn",
      stateDirectory: "/srv/vpn",
      importFrom: "/usr/local/vpnserver",
    });
    assert.deepEqual(removal, { uninstall: false, purgeState: true });
    assert.equal(connectTimeoutMs, 0);
  });

  test("takes the brackets off an IPv6 address that clients connect to", () => {
    assert.equal(resolve({ connection, publicHost: "[2001:db8::1]" }).publicHost, "2001:db8::1");
    assert.equal(resolve({ connection: { ...connection, host: "[::1]" } }).publicHost, "::1");
  });

  test("takes null for left out, by which some languages say so", () => {
    const nothing = Object.fromEntries(Object.keys(optionKinds).map((name) => [name, null]));
    assert.deepEqual(resolve({ connection, publicHost: null, ...nothing }), resolve({ connection }));
  });

  const cases: readonly (readonly [object, string])[] = [
    [{ mode: "root" }, 'mode is "root": one of "auto", "service", "user" is needed'],
    [{ listeners: "443" }, 'listeners is "443": a list of TCP ports is needed, such as [443]'],
    [
      { listeners: ["443"] },
      'listeners[0] is "443": a TCP port from 1 to 65535 is needed, without quotes: 443',
    ],
    [
      { listeners: [] },
      "listeners is an empty list: a server without a listener serves nobody; leave listeners out to keep what the host has",
    ],
    [{ adopt: "yes" }, 'adopt is "yes": true or false is needed'],
    [{ openFirewall: "false" }, 'openFirewall is "false": true or false is needed, without quotes'],
    [{ uninstallOnDestroy: 1 }, "uninstallOnDestroy is 1: true or false is needed"],
    [{ purgeStateOnDestroy: "" }, "purgeStateOnDestroy is empty: true or false is needed"],
    [{ directory: "vpn" }, 'directory is "vpn": a path on the host that begins with / or ~/ is needed'],
    [
      { stateDirectory: "./s" },
      'stateDirectory is "./s": a path on the host that begins with / or ~/ is needed',
    ],
    [{ importFrom: 7 }, 'importFrom is 7: a text is needed, in quotes: "7"'],
    [
      { healthTimeoutSeconds: "30" },
      'healthTimeoutSeconds is "30": a whole number from 5 to 600 is needed, without quotes: 30',
    ],
    [{ connectTimeoutSeconds: -1 }, "connectTimeoutSeconds is -1: a whole number from 0 to 3600 is needed"],
    [
      { publicHost: "https://vpn.example.org/" },
      'publicHost is a URL: give the host, "vpn.example.org", alone; the ports are those of listeners',
    ],
  ];
  for (const [args, problem] of cases) {
    test(`tells: ${problem}`, () => {
      assert.equal(
        problemOf(() => resolve({ connection, ...args })),
        problem,
      );
    });
  }

  test("tells of a missing connection", () => {
    assert.match(
      problemOf(() => resolve({})),
      /^connection is missing: an object that tells how to reach the host is needed/,
    );
  });

  test("tells every problem at once", () => {
    const args = { connection: { host: "" }, mode: 1, listeners: 1, directory: 1, publicHost: 1 };
    const problems = problemsOf(() => resolve(args));
    assert.deepEqual(
      problems.map((problem) => problem.split(" ")[0]),
      [
        "mode",
        "listeners",
        "directory",
        "connection.host",
        ...(process.env["SSH_AUTH_SOCK"] ? [] : ["connection"]),
        "connection.hostKey",
        "publicHost",
      ],
    );
  });

  test("gives settings or an ArgumentError, whatever an argument is", () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
    });
    const names = fc.constantFrom("connection", "publicHost", ...Object.keys(optionKinds));
    const inner = fc.constantFrom("bastion", ...Object.keys(connectionKinds), ...Object.keys(endpointKinds));
    const args = fc.oneof(
      anything.map((value): unknown => value ?? {}),
      fc.tuple(names, anything).map(([name, value]) => ({ connection, [name]: value })),
      fc.tuple(inner, anything).map(([name, value]) => ({ connection: { ...connection, [name]: value } })),
      fc.tuple(inner, anything).map(([name, value]) => ({
        connection: { ...connection, bastion: { ...connection, [name]: value } },
      })),
    );
    fc.assert(
      fc.property(args, (value) => {
        try {
          resolve(value);
        } catch (error) {
          assert.ok(error instanceof ArgumentError, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("checkArgumentNames", () => {
  test("knows every argument, of the connection and the bastion too", () => {
    const all = (kinds: object) => Object.fromEntries(Object.keys(kinds).map((name) => [name, undefined]));
    const args = {
      ...all(optionKinds),
      publicHost: undefined,
      connection: { ...all(connectionKinds), bastion: all(endpointKinds) },
    };
    assert.deepEqual(checkArgumentNames(args), []);
  });

  test("refuses others, and tells what was probably meant", () => {
    const args = {
      listners: [443],
      connection: { hots: "h", bastion: { hostkey: "k" } },
      firewall: true,
    };
    const problems = checkArgumentNames(args);
    assert.deepEqual(
      problems.map((problem) => problem.replace(/[Kk]nown here are .*/, "…")),
      [
        "listners is not known: did you mean listeners? …",
        "firewall is not known: …",
        "connection.hots is not known: did you mean host? …",
        "connection.bastion.hostkey is not known: did you mean hostKey? …",
      ],
    );
    assert.match(problems.join(), /nown here are mode, listeners, hubs, .*connection, publicHost/);
  });

  test("tells where transform belongs", () => {
    assert.match(
      checkArgumentNames({ transform: {} }).join(),
      /^transform is no argument: it belongs to the options/,
    );
  });

  test("tells what became of keepState", () => {
    assert.deepEqual(checkArgumentNames({ keepState: true }), [
      "keepState is gone: destroy leaves configuration, certificate, keys and logs on the host unless purgeStateOnDestroy is true",
    ]);
  });

  test("looks into no Output, and leaves what Pulumi adds alone", () => {
    const args = {
      __internal: true,
      connection: pulumi.output({ hots: "h" }),
      hubs: Promise.resolve([]),
    };
    assert.deepEqual(checkArgumentNames(args), []);
    assert.deepEqual(checkArgumentNames({ connection: Promise.resolve({ hots: "h" }) }), []);
    assert.deepEqual(checkArgumentNames({ connection: { bastion: pulumi.output({ hots: "h" }) } }), []);
  });
});

describe("checkAdminPassword", () => {
  test("takes what the server takes, and none at all", () => {
    for (const password of [undefined, "x", "p".repeat(255), "pässword ☃"]) {
      assert.equal(checkAdminPassword(password), undefined);
    }
  });

  const bounds = "1 to 255 characters are needed";
  const cases: readonly (readonly [unknown, string])[] = [
    ["", `is empty: leave it out to have one made; ${bounds}`],
    ["hidden".repeat(50), `is longer than 255 characters: ${bounds}`],
    ["hidden\0", "is a text: a text without zero bytes is needed"],
    ["hidden\ud800", `holds a character that no text may hold: ${bounds}`],
    [null, "is null: leave it out to have one made"],
    [4711, "is a number: a text is needed, in quotes"],
    [{}, "is an object: a text is needed"],
  ];
  for (const [password, problem] of cases) {
    test(`tells: ${problem}`, () => {
      assert.equal(checkAdminPassword(password), `adminPassword ${problem}`);
    });
  }
});
