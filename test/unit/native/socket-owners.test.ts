import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { parseAddress } from "../../../server/ethernet/ip-address.ts";
import { loadNative } from "../../../server/native/native.ts";
import { SocketOwners } from "../../../server/native/socket-owners.ts";

const end = (address = "", port = 0) => ({
  address: parseAddress(address.replace("::ffff:", "")) ?? assert.fail(),
  port,
});

describe("whose a socket is", () => {
  let owners: SocketOwners;
  let server: Server;
  let port: number;
  before(async () => {
    const native = await loadNative({ env: {}, directory: "/nowhere" });
    assert.ok(native.available);
    owners = new SocketOwners(native.calls);
    server = createServer().listen(0, "::");
    await once(server, "listening");
    ({ port } = server.address() as AddressInfo);
  });
  after(() => {
    owners.close();
    server.close();
  });

  /** A connection of another program, by another user where this one may become it. */
  async function connection(host: string, uid: number | undefined) {
    const program = `require("node:net").connect(${port}, "${host}").on("error", () => {})`;
    const child = spawn(process.execPath, ["-e", program], {
      stdio: "ignore",
      ...(uid !== undefined && { uid, gid: uid }),
    });
    const [socket] = (await once(server, "connection")) as [Socket];
    socket.on("error", () => {});
    const { remoteAddress, remotePort, localAddress, localPort } = socket;
    const ends = [end(remoteAddress, remotePort), end(localAddress, localPort)] as const;
    return { child, socket, ends };
  }

  const isRoot = process.getuid?.() === 0;
  for (const host of ["127.0.0.1", "127.8.9.10", "::1"]) {
    test(`is told of both ends of a connection to ${host}`, async () => {
      const uid = isRoot ? 65_534 : undefined;
      const { child, socket, ends } = await connection(host, uid);
      const [theirs, ours] = ends;
      assert.equal(owners.userOf(theirs, ours), uid ?? process.getuid?.());
      assert.equal(owners.userOf(ours, theirs), process.getuid?.());
      assert.equal(owners.userOf(theirs, { ...ours, port: 1 }), undefined);
      const closed = once(socket.resume(), "close");
      child.kill("SIGKILL");
      await closed;
      // One that nobody has open belongs to nobody, and not to root.
      assert.equal(owners.userOf(theirs, ours), undefined);
      assert.equal(owners.userOf(ours, theirs), undefined);
    });
  }

  test("is not known of one that its program has closed", async () => {
    const { child, socket, ends } = await connection("127.0.0.1", undefined);
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
    // It waits for this end to close as well.
    assert.equal(owners.userOf(...ends), undefined);
    socket.destroy();
  });

  test("is not known of what cannot be", () => {
    const [four, sixteen] = [end("127.0.0.1", port), end("::1", port)];
    assert.equal(owners.userOf(four, sixteen), undefined);
    for (let index = 0; index < 1_000; index++) assert.equal(owners.userOf(four, four), undefined);
  });
});
