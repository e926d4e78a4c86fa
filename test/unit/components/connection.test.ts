import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveConnection } from "../../../components/arguments/connection-arguments.ts";
import { commandConnection } from "../../../components/ssh/ssh-connection.ts";
import { hostKey } from "./host-key-text.ts";
import { problemOf, problemsOf } from "./problems-of.ts";
import { ed25519KeyPair } from "./ed25519-key-pair.ts";

const { private: privateKey } = ed25519KeyPair();
const folder = mkdtempSync(join(tmpdir(), "connection-"));
const agentSocketPath = join(folder, "agent");
const noSocket = join(folder, "file");
let agent: Server;

before(async () => {
  writeFileSync(noSocket, "");
  agent = createServer().listen(agentSocketPath);
  await once(agent, "listening");
});

after(async () => {
  agent.close();
  await once(agent, "close");
  rmSync(folder, { recursive: true });
});

describe("resolveConnection", () => {
  test("fills in port 22 and root", () => {
    const connection = resolveConnection({ host: "h", privateKey, hostKey }, {});
    assert.equal(connection.port, 22);
    assert.equal(connection.user, "root");
  });

  test("takes the agent of the environment only when neither key nor password is given", () => {
    const environment = { SSH_AUTH_SOCK: agentSocketPath };
    const agentOf = (args: object) =>
      resolveConnection({ host: "h", hostKey, ...args }, environment).agentSocketPath;
    assert.equal(agentOf({}), agentSocketPath);
    assert.equal(agentOf({ password: "p" }), undefined);
    assert.equal(agentOf({ privateKey }), undefined);
  });

  test("does not mind an agent that is not there when there is a key", () => {
    const args = { host: "h", hostKey, privateKey, agentSocketPath: "/nonexistent/agent" };
    assert.equal(resolveConnection(args, {}).agentSocketPath, "/nonexistent/agent");
  });

  test("takes IPv6 addresses in brackets, of the bastion too", () => {
    const bastion = { host: "[2001:db8::2]", password: "p", hostKey };
    const connection = resolveConnection({ host: "[2001:db8::1]", password: "p", hostKey, bastion }, {});
    assert.equal(connection.host, "2001:db8::1");
    assert.equal(connection.bastion?.host, "2001:db8::2");
  });

  test("takes null for left out, by which some languages say so", () => {
    const args = {
      host: "h",
      password: "p",
      hostKey,
      port: null,
      user: null,
      privateKey: null,
      bastion: null,
    };
    const connection = resolveConnection({ ...args, insecureSkipHostKeyCheck: null }, {});
    assert.deepEqual([connection.port, connection.user, connection.bastion], [22, "root", undefined]);
    assert.equal("privateKey" in connection, false);
  });

  test("goes without a host key where the check is switched off", () => {
    const connection = resolveConnection({ host: "h", password: "p", insecureSkipHostKeyCheck: true }, {});
    assert.equal(connection.hostKey, undefined);
    assert.equal("hostKey" in commandConnection(connection), false);
  });

  test("hands the bastion to @pulumi/command as its proxy", () => {
    const bastion = { host: "b", password: "p", hostKey };
    const connection = resolveConnection({ host: "h", password: "p", hostKey, bastion }, {});
    assert.deepEqual(commandConnection(connection).proxy, {
      host: "b",
      port: 22,
      user: "root",
      password: "p",
      hostKey,
    });
  });

  const object =
    'an object that tells how to reach the host is needed, such as { host: "203.0.113.5", hostKey: "ssh-ed25519 AAAA…", privateKey }';
  const startOrGive = "start an SSH agent, or give privateKey or password";
  const fine = { host: "h", password: "p", hostKey };
  const cases: readonly (readonly [string, unknown, string])[] = [
    ["no connection", undefined, ` is missing: ${object}`],
    ["a text", "root@h", ` is "root@h": ${object}`],
    ["a list", [fine], ` is a list: ${object}`],
    [
      "a host with the user in front",
      { ...fine, host: "admin@h" },
      '.host has a user before "@": give the host, "h", alone; user and port are arguments of their own, connection.user and connection.port',
    ],
    [
      "a port in quotes",
      { ...fine, port: "22" },
      '.port is "22": a TCP port from 1 to 65535 is needed, without quotes: 22',
    ],
    ["an empty user", { ...fine, user: "" }, ".user is empty: leave it out to log in as root"],
    ["a user that is a number", { ...fine, user: 0 }, '.user is 0: a text is needed, in quotes: "0"'],
    [
      "a user with white space",
      { ...fine, user: "a b" },
      '.user is "a b": the name of a user, without white space, is needed',
    ],
    ["an empty password", { ...fine, password: "" }, ".password is empty: give it a value, or leave it out"],
    [
      "a password that is a number",
      { ...fine, password: 4711 },
      ".password is a number: a text is needed, in quotes",
    ],
    [
      "a switch in quotes",
      { ...fine, insecureSkipHostKeyCheck: "true" },
      '.insecureSkipHostKeyCheck is "true": true or false is needed, without quotes',
    ],
    [
      "no way to log in",
      { host: "h", hostKey },
      " has no way to log in: give privateKey, password or agentSocketPath, or start an SSH agent (SSH_AUTH_SOCK)",
    ],
    [
      "an agent that is not there",
      { host: "h", hostKey, agentSocketPath: "/nonexistent/agent" },
      `.agentSocketPath is "/nonexistent/agent", which cannot be used (ENOENT): ${startOrGive}`,
    ],
    [
      "an agent that is no socket",
      { host: "h", hostKey, agentSocketPath: noSocket },
      `.agentSocketPath is "${noSocket}", which is no socket: ${startOrGive}`,
    ],
    [
      "no host key",
      { host: "h", port: 2222, password: "p" },
      '.hostKey is missing, so h could not be told from an impostor. Get it with "ssh-keyscan -p 2222 -t ed25519 h", ' +
        "compare it with /etc/ssh/ssh_host_ed25519_key.pub on the host, and give it as " +
        '"ssh-ed25519 AAAA…". Where that does not matter, set insecureSkipHostKeyCheck: true',
    ],
    [
      "an unknown member",
      { ...fine, pasword: "q" },
      ".pasword is not known: did you mean password? Known here are host, port, user, privateKey, privateKeyPassword, password, agentSocketPath, hostKey, insecureSkipHostKeyCheck, bastion",
    ],
    [
      "a bastion that is a text",
      { ...fine, bastion: "b" },
      '.bastion is "b": an object with host and hostKey is needed',
    ],
    [
      "a mistake of the bastion",
      { ...fine, bastion: { ...fine, port: 0 } },
      ".bastion.port is 0: a TCP port from 1 to 65535 is needed",
    ],
    [
      "a bastion of the bastion",
      { ...fine, bastion: { ...fine, bastion: fine } },
      ".bastion.bastion is not known: known here are host, port, user, privateKey, privateKeyPassword, password, agentSocketPath, hostKey, insecureSkipHostKeyCheck",
    ],
  ];
  for (const [name, args, problem] of cases) {
    test(`refuses ${name}: ${problem}`, () => {
      assert.equal(
        problemOf(() => resolveConnection(args, {})),
        `connection${problem}`,
      );
    });
  }

  test("names SSH_AUTH_SOCK when the agent of the environment is not there", () => {
    const environment = { SSH_AUTH_SOCK: "/nonexistent/agent" };
    assert.equal(
      problemOf(() => resolveConnection({ host: "h", hostKey }, environment)),
      `connection has neither key nor password, and SSH_AUTH_SOCK is "/nonexistent/agent", which cannot be used (ENOENT): ${startOrGive}`,
    );
  });

  test("tells every problem of host and bastion at once", () => {
    const args = {
      host: "a b",
      port: "x",
      user: 7,
      privateKey: "hidden",
      hostKey: "no",
      bastion: { prot: 1 },
    };
    const problems = problemsOf(() => resolveConnection(args, {}));
    assert.deepEqual(
      problems.map((problem) => problem.split(" ")[0]),
      [
        "connection.host",
        "connection.port",
        "connection.user",
        "connection.privateKey",
        "connection.hostKey",
        "connection.bastion.prot",
        "connection.bastion.host",
        "connection.bastion",
        "connection.bastion.hostKey",
      ],
    );
    assert.doesNotMatch(problems.join(), /hidden/);
  });
});
