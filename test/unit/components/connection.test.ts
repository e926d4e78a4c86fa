import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ArgumentError } from "../../../components/argument-error.ts";
import { commandConnection, parseHostKey, resolveConnection } from "../../../components/connection.ts";

// The base64 of an ed25519 key: length-prefixed type name, then 32 bytes.
const base64 = Buffer.concat([
  Buffer.from([0, 0, 0, 11]),
  Buffer.from("ssh-ed25519"),
  Buffer.from([0, 0, 0, 32]),
  Buffer.alloc(32, 7),
]).toString("base64");
const hostKey = `ssh-ed25519 ${base64}`;

function problemOf(action: () => unknown): ArgumentError {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof ArgumentError);
    return error;
  }
  throw new Error("no ArgumentError was thrown");
}

describe("resolveConnection", () => {
  test("fills in port 22 and root", () => {
    const connection = resolveConnection({ host: "h", privateKey: "k", hostKey }, {});
    assert.equal(connection.port, 22);
    assert.equal(connection.user, "root");
  });

  test("takes the agent of the environment only when neither key nor password is given", () => {
    const environment = { SSH_AUTH_SOCK: "/run/agent" };
    assert.equal(resolveConnection({ host: "h", hostKey }, environment).agentSocketPath, "/run/agent");
    assert.equal(
      resolveConnection({ host: "h", hostKey, password: "p" }, environment).agentSocketPath,
      undefined,
    );
  });

  test("refuses a connection without a way to log in, and names the ways", () => {
    const { argument, message } = problemOf(() => resolveConnection({ host: "h", hostKey }, {}));
    assert.equal(argument, "connection");
    assert.match(message, /privateKey, password or agentSocketPath/);
  });

  test("refuses a connection without a host key, and says how to get one", () => {
    const { argument, message } = problemOf(() =>
      resolveConnection({ host: "h", port: 2222, password: "p" }, {}),
    );
    assert.equal(argument, "connection.hostKey");
    assert.match(message, /ssh-keyscan -p 2222 -t ed25519 h/);
  });

  test("goes without a host key where the check is switched off", () => {
    const connection = resolveConnection({ host: "h", password: "p", insecureSkipHostKeyCheck: true }, {});
    assert.equal(connection.hostKey, undefined);
    assert.equal("hostKey" in commandConnection(connection), false);
  });

  test("names the bastion's argument when the mistake is there", () => {
    const bastion = { host: "b", password: "p", hostKey, port: 0 };
    const { argument } = problemOf(() =>
      resolveConnection({ host: "h", password: "p", hostKey, bastion }, {}),
    );
    assert.equal(argument, "connection.bastion.port");
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
});

describe("parseHostKey", () => {
  test("reads authorized_keys form, with and without a comment", () => {
    assert.deepEqual(parseHostKey(hostKey, "hostKey"), { type: "ssh-ed25519", base64 });
    assert.deepEqual(parseHostKey(`${hostKey} root@host\n`, "hostKey"), { type: "ssh-ed25519", base64 });
  });

  test("reads a line of ssh-keyscan, which has the host in front", () => {
    assert.deepEqual(parseHostKey(`[h]:2222 ${hostKey}`, "hostKey"), { type: "ssh-ed25519", base64 });
  });

  test("refuses what is no key, a fingerprint among it", () => {
    for (const text of ["", "ssh-ed25519", "SHA256:abc", "ssh-rsa AAAA", "ssh-ed25519 not*base64"]) {
      assert.equal(problemOf(() => parseHostKey(text, "hostKey")).argument, "hostKey");
    }
  });

  test("refuses a key whose content is of another type than its name", () => {
    assert.match(
      problemOf(() => parseHostKey(`ecdsa-sha2-nistp256 ${base64}`, "hostKey")).message,
      /does not hold a key/,
    );
  });
});
