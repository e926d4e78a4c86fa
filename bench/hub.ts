import { createHubSettings } from "../server/config/sections/hub-config.ts";
import { ThreadTime } from "../server/hub/hub-time.ts";
import { Hub } from "../server/hub/hub.ts";
import type { HubPort } from "../server/hub/hub-port.ts";
import type { HubSettings } from "../server/settings/hub-settings.ts";
import { defaultPolicy, type Policy } from "../server/settings/policy.ts";

const chunkBytes = 16 * 1024;
const rounds = 5;
const framesInRound = 1_000_000;

const settings = createHubSettings("BENCH");

interface Case {
  readonly about: string;
  readonly frameBytes: number;
  /** Stations that the frames of a chunk go to in turn. */
  readonly destinations: number;
  readonly settings?: Partial<HubSettings>;
  readonly policy?: Partial<Policy>;
}

const cases: readonly Case[] = [
  { about: "unicast, 1514 bytes, one destination", frameBytes: 1514, destinations: 1 },
  { about: "unicast, 1514 bytes, 8 destinations in turn", frameBytes: 1514, destinations: 8 },
  { about: "unicast, 74 bytes, one destination", frameBytes: 74, destinations: 1 },
  { about: "unicast, 74 bytes, 100 destinations in turn", frameBytes: 74, destinations: 100 },
  {
    about: "unicast, 1514 bytes, policies for which each frame is looked into",
    frameBytes: 1514,
    destinations: 1,
    policy: { FilterNonIP: true, CheckMac: true, CheckIP: true, NoServer: true },
  },
  {
    about: "unicast, 1514 bytes, access list of 10 rules that do not fit",
    frameBytes: 1514,
    destinations: 1,
    settings: {
      accessList: Array.from({ length: 10 }, (_, index) => ({
        priority: index + 1,
        active: true,
        note: "",
        action: "discard",
        version: "ipv4",
        source: { network: undefined, mac: undefined, ports: undefined, user: undefined },
        destination: {
          network: { address: Uint8Array.of(192, 0, 2, index), mask: Uint8Array.of(255, 255, 255, 255) },
          mac: undefined,
          ports: { first: 80, last: 80 },
          user: undefined,
        },
        protocol: 6,
        established: undefined,
        delayMs: 0,
        jitterPercent: 0,
        lossPercent: 0,
        redirectUrl: "",
      })),
    },
  },
];

/** Measures how long a Virtual Hub takes to find out where a frame goes, on this machine's CPU; ports only count. */
export function measureHub(): void {
  console.log(
    `hub: chunks of ${chunkBytes / 1024} KiB, ${rounds} rounds of ${framesInRound} frames, best round\n`,
  );
  for (const each of cases) {
    const { nsPerFrame, framesPerRun } = measure(each);
    const gigabits = (each.frameBytes * 8) / nsPerFrame;
    console.log(
      `  ${nsPerFrame.toFixed(1).padStart(7)} ns per frame  ${gigabits.toFixed(0).padStart(5)} Gbit/s  ` +
        `${framesPerRun.toFixed(1).padStart(5)} frames per call  ${each.about}`,
    );
  }
}

function measure(each: Case): { readonly nsPerFrame: number; readonly framesPerRun: number } {
  const hub = new Hub({
    settings: { ...settings, ...each.settings },
    log: { security: () => undefined, packet: () => undefined },
    now: () => performance.now(),
    random: Math.random,
    schedule: () => () => undefined,
    time: new ThreadTime({ now: () => performance.now(), nextTurn: () => undefined }).createShare(),
  });
  const policy = { ...defaultPolicy, ...each.policy };
  const sender = hub.attach(new CountingPort("SENDER", policy));
  const receivers = Array.from({ length: each.destinations }, (_, index) => {
    const port = new CountingPort(`RECEIVER-${index}`, policy);
    const attachment = hub.attach(port);
    const hello = blocks([frame(0xffff_ffff, index + 1, 60)]);
    attachment.forward(hello, 0, hello.length);
    return port;
  });
  const inChunk = Math.floor(chunkBytes / (4 + each.frameBytes));
  const chunks = Array.from({ length: each.destinations }, (_, first) =>
    blocks(
      Array.from({ length: inChunk }, (_, index) =>
        frame(((first + index) % each.destinations) + 1, 0xaaaa, each.frameBytes),
      ),
    ),
  );
  let best = Infinity;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    let sent = 0;
    for (let chunk = 0; sent < framesInRound; chunk++) {
      const buffer = chunks[chunk % chunks.length] as Buffer;
      sender.forward(buffer, 0, buffer.length);
      sent += inChunk;
    }
    best = Math.min(best, ((performance.now() - start) * 1e6) / sent);
  }
  const frames = receivers.reduce((sum, port) => sum + port.frames, 0);
  const calls = receivers.reduce((sum, port) => sum + port.calls, 0);
  return { nsPerFrame: best, framesPerRun: frames / calls };
}

class CountingPort implements HubPort {
  readonly name: string;
  readonly kind = "session";
  readonly user: HubPort["user"];
  readonly policy: Policy;
  readonly monitor = false;
  readonly peerAddress = "192.0.2.1";
  frames = 0;
  calls = 0;

  constructor(name: string, policy: Policy) {
    this.name = name;
    this.user = { name, group: undefined };
    this.policy = policy;
  }

  deliver(_buffer: Buffer, _start: number, _end: number, frames: number): void {
    this.frames += frames;
    this.calls++;
  }
}

/** A TCP segment in the middle of a connection. */
function frame(destination: number, source: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUInt16BE(destination === 0xffff_ffff ? 0xffff : 0x5e00, 0);
  buffer.writeUInt32BE(destination, 2);
  buffer.writeUInt16BE(0x5e00, 6);
  buffer.writeUInt32BE(source, 8);
  buffer.writeUInt16BE(0x0800, 12);
  buffer[14] = 0x45;
  buffer.writeUInt16BE(bytes - 14, 16);
  buffer[23] = 6;
  buffer.set([10, 0, source >> 8, source & 0xff, 10, 0, 0, destination & 0xff], 26);
  buffer.writeUInt16BE(40_000, 34);
  buffer.writeUInt16BE(5201, 36);
  buffer[46] = 0x50;
  buffer[47] = 0x10;
  return buffer;
}

function blocks(frames: readonly Buffer[]): Buffer {
  return Buffer.concat(
    frames.flatMap((each) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(each.length);
      return [length, each];
    }),
  );
}
