import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { after, afterEach, beforeEach, describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { accepts, removeShared, TryServer } from "./try-server.ts";

let server: TryServer;
beforeEach(async () => (server = await TryServer.create()));
afterEach(() => server.dispose());
after(removeShared);

/** Puts items into the file, as somebody does who has a configuration of the official server. */
async function configure(...items: string[]): Promise<void> {
  const { configFile } = server.paths;
  const text = await readFile(configFile, "utf8");
  const begin = /declare ServerConfiguration\r?\n\t*\{\r?\n/;
  assert.match(text, begin);
  await writeFile(
    configFile,
    text.replace(begin, (found) => `${found}${items.join("\r\n")}\r\n`),
  );
}

/** Status of an answer to somebody who logs in with the empty password that there is at first. */
function api(host = "127.0.0.1", path = "/api/"): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = { host, port: server.ports[0], path, auth: "administrator:", rejectUnauthorized: false };
    const sent = request(options, (response) => resolve(response.resume().statusCode));
    sent.once("error", reject).end();
  });
}

/** The cipher of a connection by one version of TLS. */
const cipherOf = (version: "TLSv1.2" | "TLSv1.3", more: { readonly ciphers?: string } = {}) =>
  new Promise<string>((resolve) => {
    const socket = connectTls({
      ...{ host: "127.0.0.1", port: server.ports[0], rejectUnauthorized: false },
      ...{ minVersion: version, maxVersion: version, ...more },
    });
    socket.once("error", () => resolve("refused"));
    socket.once("secureConnect", () => {
      resolve(socket.getCipher().name);
      socket.destroy();
    });
  });

describe("a configuration that restricts", () => {
  test("where it is listened on: nobody else is answered, and status, log and check go by it", async () => {
    await configure("string ListenIP 127.0.0.2");
    const { listeners, restrictions } = await server.start();
    const expected = server.ports.map((port) => ({ address: "127.0.0.2", port, state: "Listening" }));
    assert.deepEqual(listeners, expected);
    assert.deepEqual(restrictions, ["listens on 127.0.0.2 alone (ListenIP)"]);
    assert.deepEqual(await Promise.all(server.ports.map(accepts)), [false, false]);
    assert.equal(await api("127.0.0.2"), 200);
    const status = await server.run("status");
    assert.match(status.stdout, / TCP \d+ of 127\.0\.0\.2: Listening\n/);
    assert.match(status.stdout, / restricted: listens on 127\.0\.0\.2 alone \(ListenIP\)\n/);
    const check = await server.run("check");
    assert.equal(check.code, 0, check.stdout);
    assert.match(check.stdout, /^TCP \d+ of 127\.0\.0\.2: answers /);
    assert.match(await server.log(), /restricted: listens on 127\.0\.0\.2 alone/);
  });

  test("to an address that the host does not have: no other is taken instead", async () => {
    await configure("string ListenIP 192.0.2.1");
    const { code, stderr } = await server.run("start");
    assert.notEqual(code, 0);
    assert.match(stderr, /does not have the address 192\.0\.2\.1; .*ListenIP/);
    assert.deepEqual(await Promise.all(server.ports.map(accepts)), [false, false]);
  });

  test("to IPv4", async () => {
    await configure("bool DisableIPv6Listener yes");
    const { listeners } = await server.start();
    assert.deepEqual(
      listeners,
      server.ports.map((port) => ({ port, state: "Listening" })),
    );
    assert.equal(await api(), 200);
    await assert.rejects(api("::1"), { code: "ECONNREFUSED" });
  });

  test("from where administrators may come, at once when the file beside it changes", async () => {
    await writeFile(server.paths.adminAddressFile, "192.0.2.0/24\r\n127.0.0.1 DEFAULT\r\noffice\r\n");
    const { restrictions, warnings } = await server.start();
    assert.match(restrictions?.join() ?? "", /^administrators come only .*adminip\.txt \(2 lines\)$/);
    assert.match(warnings?.join() ?? "", /adminip\.txt: line 3 is no address.*"office"/);
    assert.equal(await api(), 401);
    await writeFile(server.paths.adminAddressFile, "127.0.0.1\n");
    assert.equal(await api(), 200);
    assert.equal(await api("::1"), 401);
    await rm(server.paths.adminAddressFile);
    assert.equal(await api("::1"), 200);
    assert.match(
      await server.log(),
      /event=administrator-login .* peer=127\.0\.0\.1 .* result=addressDenied/,
    );
    // Who has the host needs no address.
    await writeFile(server.paths.adminAddressFile, "");
    const { code } = await server.runWith(JSON.stringify({ adminPassword: "secret", hubs: [] }), "apply");
    assert.equal(code, 0);
  });

  test("that JSON-RPC is served", async () => {
    await configure("bool DisableJsonRpcWebApi true");
    const { restrictions } = await server.start();
    assert.deepEqual(restrictions, ["serves no JSON-RPC (DisableJsonRpcWebApi)"]);
    for (const path of ["/api", "/api/", "/api/Test"]) assert.equal(await api("127.0.0.1", path), 404);
    assert.equal((await server.run("check")).code, 0);
  });

  test("the versions of TLS and the ciphers", async () => {
    await configure("bool Tls_Disable1_3 true", "string CipherName ECDHE-RSA-AES256-GCM-SHA384:FOO");
    await server.start();
    assert.equal(await cipherOf("TLSv1.3"), "refused");
    assert.equal(await cipherOf("TLSv1.2"), "ECDHE-RSA-AES256-GCM-SHA384");
    assert.equal(await cipherOf("TLSv1.2", { ciphers: "ECDHE-RSA-AES128-GCM-SHA256" }), "refused");
  });

  test("how strong what TLS is made of has to be", async () => {
    await configure("bool Override_Security_Level true", "uint Override_Security_Level_Value 4");
    const { code, stderr } = await server.run("start");
    assert.equal(code, 7);
    assert.match(
      stderr,
      /certificate .*security level 4 .*Override_Security_Level_Value.*longer key, or lower/,
    );
  });

  for (const [items, problem] of [
    [["uint ServerType 2"], /ServerConfiguration\/ServerType is 2, a member of a cluster/],
    [["string ListenIP here"], /ServerConfiguration\/ListenIP is "here"/],
  ] as const) {
    test(`is not served at all where it would let in more than it says: ${items.join()}`, async () => {
      await configure(...items);
      const { code, stderr } = await server.run("start");
      assert.equal(code, 7);
      assert.match(stderr, problem);
    });
  }
});

test("what is switched on and not served is told by status and log", async () => {
  await configure("bool EnableVpnAzure true", "bool DisableSSTPServer false");
  const { notServed } = await server.start();
  assert.deepEqual(notServed, ["clients of SSTP", "VPN Azure"]);
  assert.match((await server.run("status")).stdout, / not served: VPN Azure\n/);
  assert.match(await server.log(), /kept in the configuration and not served: VPN Azure/);
});
