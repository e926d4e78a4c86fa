import { connect as connectTls, type TLSSocket } from "node:tls";
import { blockLimits } from "../../server/limits.ts";
import { BlockDecoder } from "../../server/wire/block-stream.ts";
import { decodeHello } from "../../server/wire/hello.ts";
import { HttpReader } from "../../server/wire/http-head.ts";
import { encodePackRequest, PackResponseReader } from "../../server/wire/pack-message.ts";
import { Pack } from "../../server/wire/pack.ts";
import { hashPassword, secureResponse } from "../../server/wire/sha0.ts";
import { encodeSignatureRequest } from "../../server/wire/signature.ts";

export interface Account {
  readonly address: string;
  readonly hub: string;
  readonly user: string;
  readonly password: string;
  /** Of its own addresses, the one that the connection comes from. */
  readonly localAddress?: string;
  /** @default false */
  readonly compress?: boolean;
  /** More than one station is behind the session. @default false */
  readonly bridgeMode?: boolean;
}

/**
 * Logs in as a VPN client does, from the first packet of TCP to the welcome. It is small, so that it is the server that is
 * measured.
 *
 * @returns the connection, paused; what comes next is the data channel
 */
export async function login(account: Account): Promise<TLSSocket> {
  const { socket, answer } = await request(account, (random) => loginPack(account, random));
  if (answer.int("error") === 0 && answer.has("session_key")) return socket;
  socket.destroy();
  throw new Error(`error ${answer.int("error")}`);
}

/**
 * Connects and asks the server for something, as a VPN client does.
 *
 * @param make the request, of the server's challenge
 * @returns the connection, paused, and what the server answered
 */
export function request(
  { address, localAddress }: Pick<Account, "address" | "localAddress">,
  make: (random: Uint8Array) => Pack,
): Promise<{ readonly socket: TLSSocket; readonly answer: Pack }> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      ...{ host: address, port: 5555, rejectUnauthorized: false },
      ...(localAddress !== undefined && { localAddress }),
    });
    const http = new HttpReader();
    const response = new PackResponseReader(http);
    let state: "hello" | "answer" = "hello";
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    const receive = (chunk: Buffer) => {
      http.push(chunk);
      const pack = response.read();
      if (pack === undefined) return;
      if (state === "hello") {
        state = "answer";
        const asked = make(decodeHello(pack).random);
        socket.write(encodePackRequest(asked, { host: address, date: new Date() }));
        return;
      }
      socket.off("data", receive).pause();
      socket.unshift(http.takeRest());
      resolve({ socket, answer: pack });
    };
    socket.setNoDelay(true);
    socket.on("error", fail);
    socket.once("close", () => reject(new Error("closed")));
    socket.once("secureConnect", () => socket.write(encodeSignatureRequest(address)));
    socket.on("data", receive);
  });
}

function loginPack(account: Account, random: Uint8Array): Pack {
  const { hub, user, password, compress = false, bridgeMode = false } = account;
  return new Pack()
    .addStr("method", "login")
    .addStr("hubname", hub)
    .addStr("username", user)
    .addInt("protocol", 0)
    .addInt("authtype", 1)
    .addData("secure_password", secureResponse(hashPassword(password, user), random))
    .addStr("client_str", "SoftEther VPN Client")
    .addInt("client_ver", 501)
    .addInt("client_build", 9674)
    .addStr("hello", "SoftEther VPN Client")
    .addInt("version", 501)
    .addInt("build", 9674)
    .addInt("client_id", 0)
    .addInt("max_connection", 1)
    .addInt("use_encrypt", 1)
    .addBool("use_compress", compress)
    .addInt("half_connection", 0)
    .addInt("qos", 0)
    .addBool("require_bridge_routing_mode", bridgeMode)
    .addData("unique_id", Buffer.alloc(20, 1));
}

/** One Ethernet frame as the data channel carries it, between two of the benchmark's stations, or from one to all. */
export function encodeFrame(destination: number | "all", source: number, payload: Uint8Array): Buffer {
  const frameBytes = Math.max(60, payloadAt + payload.length);
  const bytes = Buffer.alloc(8 + frameBytes);
  bytes.writeUInt32BE(1, 0);
  bytes.writeUInt32BE(frameBytes, 4);
  const frame = bytes.subarray(8);
  if (destination === "all") frame.fill(0xff, 0, 6);
  else writeMacAddress(frame, 0, destination);
  writeMacAddress(frame, 6, source);
  // A type for experiments (IEEE 802), which nobody takes for IP.
  frame.writeUInt16BE(0x88b5, 12);
  frame.set(payload, payloadAt);
  return bytes;
}

/** Where the payload of a frame begins: behind the Ethernet header. */
export const payloadAt = 14;

/** One of those that everybody may give to whom they like. */
function writeMacAddress(frame: Buffer, at: number, station: number): void {
  frame.writeUInt16BE(0x0200, at);
  frame.writeUInt32BE(station, at + 2);
}

/**
 * Reads the frames of a session.
 *
 * @param receive gets the buffer, and where in it a frame begins and ends; it is valid during the call
 */
export function onFrames(
  socket: TLSSocket,
  receive: (buffer: Buffer, start: number, end: number) => void,
): void {
  const decoder = new BlockDecoder({
    frameBytes: blockLimits.frameBytes,
    sink: {
      alive: () => {},
      oversized: () => {},
      blocks: (buffer, start, end) => {
        for (let at = start; at < end;) {
          const next = at + 4 + buffer.readUInt32BE(at);
          receive(buffer, at + 4, next);
          at = next;
        }
      },
    },
  });
  socket.on("data", (chunk: Buffer) => decoder.receive(chunk)).resume();
}
