import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { describe, test } from "node:test";
import type { KeepAliveSettings } from "../../../server/settings/server-settings.ts";
import { KeepAliveSender } from "../../../server/transport/keep-alive.ts";
import { silent, until } from "./loopback.ts";

const text = "Internet Connection Keep Alive Packet";

/** Everything a TCP server got, by connection. */
async function tcpServer() {
  const connections: { socket: Socket; received: string; closed: boolean }[] = [];
  const server = createServer((socket) => {
    const connection = { socket, received: "", closed: false };
    connections.push(connection);
    socket.on("data", (chunk) => (connection.received += chunk.toString()));
    socket.on("close", () => (connection.closed = true));
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, connections, port: (server.address() as AddressInfo).port };
}

async function udpServer() {
  const received: string[] = [];
  const socket = createSocket("udp4", (message) => received.push(message.toString()));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return { socket, received, port: socket.address().port };
}

function settings(
  protocol: "tcp" | "udp",
  port: number,
  more: Partial<KeepAliveSettings> = {},
): KeepAliveSettings {
  return { enabled: true, host: "127.0.0.1", port, protocol, intervalSeconds: 0.02, ...more };
}

describe("the keep-alive sender", () => {
  test("sends at each interval over one TCP connection, and opens another when it is lost", async () => {
    const { server, connections, port } = await tcpServer();
    const sender = new KeepAliveSender(silent);
    sender.apply(settings("tcp", port));
    await until("three packets", () => (connections[0]?.received ?? "").startsWith(text.repeat(3)));
    assert.equal(connections.length, 1);
    connections[0]?.socket.destroy();
    await until("another connection", () => (connections[1]?.received ?? "") !== "");
    sender.close();
    await until("the connection to close", () => connections.every(({ closed }) => closed));
    server.close();
  });

  test("sends over UDP, and stops when it is told to", async () => {
    const { socket, received, port } = await udpServer();
    const sender = new KeepAliveSender(silent);
    sender.apply(settings("udp", port));
    await until("three packets", () => received.length >= 3);
    assert.equal(received[0], text);
    sender.apply(settings("udp", port, { enabled: false }));
    // Another that goes on at the same interval tells when this one would have sent.
    const other = await udpServer();
    const clock = new KeepAliveSender(silent);
    clock.apply(settings("udp", other.port));
    await until("what was on its way", () => other.received.length >= 2);
    const before = received.length;
    await until("four intervals", () => other.received.length >= 6);
    assert.equal(received.length, before);
    for (const each of [sender, clock]) each.close();
    for (const each of [socket, other.socket]) each.close();
  });

  test("goes where the settings say from the moment on in which they are changed", async () => {
    const { server, connections, port } = await tcpServer();
    const { socket, received, port: udpPort } = await udpServer();
    const sender = new KeepAliveSender(silent);
    sender.apply(settings("tcp", port));
    await until("a connection", () => connections.length === 1);
    sender.apply(settings("udp", udpPort));
    await until("the connection to close", () => connections[0]?.closed === true);
    await until("a datagram", () => received.length > 0);
    sender.close();
    server.close();
    socket.close();
  });

  test("tells once that the host cannot be reached", async () => {
    const { server, port } = await tcpServer();
    await new Promise((resolve) => server.close(resolve));
    const warnings: string[] = [];
    const sender = new KeepAliveSender({ ...silent, warn: (message) => warnings.push(message) });
    sender.apply(settings("tcp", port));
    await until("a warning", () => warnings.length > 0);
    assert.match(warnings[0] ?? "", /^keep-alive to 127\.0\.0\.1:\d+: .*ECONNREFUSED/);
    sender.close();
  });

  test("does nothing where it is off, or has nowhere to send to", () => {
    const sender = new KeepAliveSender(silent);
    sender.apply(settings("tcp", 80, { enabled: false }));
    sender.apply(settings("tcp", 0));
    sender.apply(settings("tcp", 80, { host: "" }));
    sender.close();
  });
});
