import assert from "node:assert/strict";
import { createHash, webcrypto } from "node:crypto";
import { before, describe, test } from "node:test";
import { rpcs, type RpcName } from "../../../server/admin/definitions.ts";
import { RpcDispatcher } from "../../../server/admin/dispatch.ts";
import type { Field } from "../../../server/admin/fields.ts";
import { createHandlers } from "../../../server/admin/handlers.ts";
import { messageToJson } from "../../../server/admin/json-messages.ts";
import type { Administrator, RpcDefinition } from "../../../server/admin/rpc.ts";
import { zeroMessage } from "../../../server/admin/zero-value.ts";
import { credentialOf } from "../../../server/access/standing.ts";
import { policyOf } from "../../../server/access/user-policy.ts";
import type { HubSession } from "../../../server/access/virtual-hubs.ts";
import { createLocalBridge } from "../../../server/settings/local-bridge-settings.ts";
import { accessRule } from "../hub/access-rule-fixture.ts";
import { identity, type Identity } from "../access/client-certificate.ts";
import { groupOf, hubOf, userOf } from "../access/login-fixture.ts";
import { TestAdministration } from "./administration-fixture.ts";

/** Of the other hub: in its name and in those of all that belongs to it. */
const mark = "FOREIGN";
const administratorOfOwn: Administrator = { type: "hub", hubName: "OWN" };

let server: Identity;
let keyPem = "";
before(async () => {
  server = await identity({ name: "CN=server" });
  const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", server.keys.privateKey));
  keyPem = `-----BEGIN PRIVATE KEY-----\n${key.toString("base64")}\n-----END PRIVATE KEY-----\n`;
});

/** A server with the hub OWN, and another of which its administrator is to see nothing. */
function createServer() {
  const own = hubOf({ name: "OWN", users: [userOf("alice")], groups: [groupOf("staff")], message: "hello" });
  const foreign = hubOf({
    name: mark,
    users: [userOf(`${mark}-user`, { note: `${mark}-note` })],
    groups: [{ ...groupOf(`${mark}-group`), note: `${mark}-note` }],
    message: `${mark}-message`,
    accessList: [accessRule({ note: `${mark}-note` })],
    revokedCertificates: [
      {
        subject: { CommonName: mark, Organization: "", Unit: "", Country: "", State: "", Local: "" },
        serial: new Uint8Array(),
        md5: new Uint8Array(),
        sha1: new Uint8Array(),
      },
    ],
  });
  const administration = new TestAdministration(
    [own, foreign],
    [createLocalBridge(mark, `${mark}-device`, undefined)],
  );
  administration.certificatePem = server.x509.toString("pem");
  administration.keyPem = keyPem;
  const log = (hubName: string | undefined, path: string) =>
    administration.logFiles.set(path, { hubName, text: path });
  log(undefined, `server_log/${mark}.log`);
  log(mark, `security_log/${mark}/sec.log`);
  log("OWN", "security_log/OWN/sec.log");
  let ended = 0;
  const live = administration.hubs.find(mark);
  assert.ok(live !== undefined);
  const user = { name: "administrator", group: undefined };
  const policy = policyOf(foreign, "administrator");
  const session = {
    name: `SID-${mark}-1`,
    user,
    policy,
    peerAddresses: ["192.0.2.1"],
    end: () => (ended += 1),
  };
  const claim = {
    userName: user.name,
    isAdministrator: true,
    credential: credentialOf(foreign, "administrator"),
    client: { product: "" },
  };
  live.sessions.set(session.name, { session, claim, policy, hub: live } as unknown as HubSession);
  const faults: string[] = [];
  const dispatcher = new RpcDispatcher({
    handlers: createHandlers(administration),
    onFault: (method, fault) => faults.push(`${method}: ${String(fault)}`),
  });
  const call = (method: RpcName, params: unknown, administrator = administratorOfOwn) =>
    dispatcher.callJson(method, params, { administrator, peerAddress: "192.0.2.1", connectionName: "CID-1" });
  return { administration, call, faults, ended: () => ended };
}

/** A request whose texts name what belongs to the other hub, and whose hub is `hubName`. */
function requestFor(method: RpcName, hubName: string): Record<string, unknown> {
  const { right, hubField = "HubName", fields } = rpcs[method] as RpcDefinition;
  const names: Readonly<Record<string, string>> = {
    HubName: right === "hub" && hubField === "HubName" ? hubName : mark,
    [hubField]: right === "hub" ? hubName : mark,
    Name: /Session/.test(method) ? `SID-${mark}-1` : /Group/.test(method) ? `${mark}-group` : `${mark}-user`,
    FilePath: `security_log/${mark}/sec.log`,
  };
  const textOf = (name: string, field: Field) =>
    field.type === "scalar" && field.kind === "str" ? { [name]: names[name] ?? mark } : {};
  const texts = Object.entries(fields).map(([name, field]) => textOf(name, field));
  return messageToJson(
    fields,
    Object.assign(zeroMessage(fields), ...texts) as ReturnType<typeof zeroMessage>,
  );
}

/** A reply as text, with its bytes as they are. */
function told(reply: unknown): string {
  return JSON.stringify(reply, (name, value: unknown) =>
    name.endsWith("_bin") && typeof value === "string"
      ? Buffer.from(value, "base64").toString("latin1")
      : value,
  );
}

const methods = Object.keys(rpcs) as RpcName[];

describe("the administrator of a hub", () => {
  for (const method of methods) {
    test(`changes nothing outside of it with ${method}`, async () => {
      const { administration, call, faults, ended } = createServer();
      const former = administration.settings();
      for (const hubName of ["OWN", mark]) await call(method, requestFor(method, hubName));
      const { hubs, ...others } = administration.settings();
      const { hubs: formerHubs, ...formerOthers } = former;
      assert.deepEqual(others, formerOthers);
      assert.deepEqual(
        hubs.map(({ name }) => name),
        ["OWN", mark],
      );
      assert.equal(hubs[1], formerHubs[1]);
      assert.deepEqual([administration.restarts, ended(), faults], [0, 0, []]);
    });
  }

  for (const method of methods.filter((name) => /^(Get|Enum|Read)/.test(name))) {
    test(`reads nothing of another with ${method}`, async () => {
      const { call } = createServer();
      const { hubField = "HubName", fields } = rpcs[method] as RpcDefinition;
      const plain = { ...zeroMessage(fields), ...(fields[hubField] && { [hubField]: "OWN" }) };
      for (const params of [
        messageToJson(fields, plain),
        requestFor(method, "OWN"),
        requestFor(method, mark),
      ]) {
        const answer = await call(method, params);
        if (answer.type === "error") continue;
        const echo = new Set(Object.values(params));
        for (const [name, value] of Object.entries(answer.reply as Record<string, unknown>)) {
          if (!echo.has(value)) assert.ok(!told({ [name]: value }).includes(mark), `${name}: ${told(value)}`);
        }
      }
    });
  }

  test("gets the certificate without its private key, which the server's gets", async () => {
    const { call } = createServer();
    const keyFor = async (administrator: Administrator) => {
      const answer = await call("GetServerCert", {}, administrator);
      assert.ok(answer.type === "reply");
      const { Cert_bin, Key_bin } = answer.reply as { Cert_bin: string; Key_bin: string };
      const fingerprint = createHash("sha256").update(Buffer.from(Cert_bin, "base64")).digest("hex");
      assert.equal(fingerprint, createHash("sha256").update(server.certificate).digest("hex"));
      return Key_bin;
    };
    assert.equal(await keyFor(administratorOfOwn), "");
    assert.notEqual(await keyFor({ type: "server" }), "");
  });

  test("sees and reads the logs of its hub, and no other file", async () => {
    const { call } = createServer();
    const list = await call("EnumLogFile", {});
    assert.ok(list.type === "reply");
    const { LogFiles } = list.reply as { LogFiles: { FilePath_str: string }[] };
    assert.deepEqual(
      LogFiles.map(({ FilePath_str }) => FilePath_str),
      ["security_log/OWN/sec.log"],
    );
    const read = await call("ReadLogFile", { FilePath_str: "security_log/OWN/sec.log" });
    assert.equal(read.type, "reply");
    const elsewhere = [
      "",
      `server_log/${mark}.log`,
      "security_log/OWN/../../vpn_server.config",
      "/etc/passwd",
    ];
    for (const FilePath_str of elsewhere) {
      assert.equal((await call("ReadLogFile", { FilePath_str })).type, "error", FilePath_str);
    }
  });

  test("sees its hub alone in the list of hubs", async () => {
    const { call } = createServer();
    const hubsFor = async (administrator: Administrator) => {
      const answer = await call("EnumHub", {}, administrator);
      assert.ok(answer.type === "reply");
      return (answer.reply as { HubList: { HubName_str: string }[] }).HubList.map(
        ({ HubName_str }) => HubName_str,
      );
    };
    assert.deepEqual(await hubsFor(administratorOfOwn), ["OWN"]);
    // In the order of their names.
    assert.deepEqual(await hubsFor({ type: "server" }), [mark, "OWN"]);
  });
});
