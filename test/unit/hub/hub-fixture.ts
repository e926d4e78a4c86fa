import { createHubSettings } from "../../../server/config/sections/hub-config.ts";
import { createFreeTime } from "./free-time.ts";
import { Hub, type HubEnvironment } from "../../../server/hub/hub.ts";
import type { HubPort } from "../../../server/hub/hub-port.ts";
import {
  defaultHubOptions,
  type HubOptions,
  type HubSettings,
} from "../../../server/settings/hub-settings.ts";
import { defaultPolicy, type Policy } from "../../../server/settings/policy.ts";

const newHub = createHubSettings("TEST");

/** A port that keeps what it gets. */
export class TestPort implements HubPort {
  readonly name: string;
  readonly kind: HubPort["kind"];
  readonly user: HubPort["user"];
  readonly policy: Policy;
  readonly monitor: boolean;
  readonly peerAddress: string;
  /** Each call of {@link deliver}, as the frames that came by it. */
  readonly runs: Buffer[][] = [];

  constructor(name: string, options: TestPortOptions = {}) {
    this.name = `SID-${name.toUpperCase()}-1`;
    this.kind = options.kind ?? "session";
    this.user = { name, group: options.group };
    this.policy = { ...defaultPolicy, ...options.policy };
    this.monitor = options.monitor ?? false;
    this.peerAddress = options.peerAddress ?? "203.0.113.1";
  }

  deliver(buffer: Buffer, start: number, end: number, frames: number): void {
    const run = unblock(buffer.subarray(start, end));
    if (run.length !== frames) throw new Error(`${run.length} blocks were handed over as ${frames} frames`);
    this.runs.push(run);
  }

  /** What came in since the last call. */
  take(): Buffer[] {
    return this.runs.splice(0).flat();
  }
}

export interface TestPortOptions {
  readonly kind?: HubPort["kind"];
  readonly group?: string;
  readonly policy?: Partial<Policy>;
  readonly monitor?: boolean;
  readonly peerAddress?: string;
}

/** A hub with a clock and a source of chance that the test moves. */
export class TestHub {
  readonly hub: Hub;
  readonly security: string[] = [];
  readonly packets: string[] = [];
  readonly timers: { readonly callback: () => void; readonly at: number }[] = [];
  now = 1_000;
  random = 0.5;

  constructor(settings: Partial<HubSettings> & { readonly option?: Partial<HubOptions> } = {}) {
    const options: HubEnvironment = {
      settings: {
        ...newHub,
        ...settings,
        options: { ...defaultHubOptions, ...settings.options, ...settings.option },
      },
      log: {
        security: (message) => this.security.push(message),
        packet: (line) => this.packets.push(line),
      },
      now: () => this.now,
      random: () => this.random,
      schedule: (callback, delayMs) => {
        const timer = { callback, at: this.now + delayMs };
        this.timers.push(timer);
        return () => {
          const index = this.timers.indexOf(timer);
          if (index !== -1) this.timers.splice(index, 1);
        };
      },
      time: createFreeTime(),
    };
    this.hub = new Hub(options);
  }

  /** Plugs ports in; gives what each forwards its frames with. */
  attach(port: TestPort): TestAttachment {
    const attachment = this.hub.attach(port);
    return {
      port,
      attachment,
      send: (...frames) => {
        const blocks = block(...frames);
        attachment.forward(blocks, 0, blocks.length);
      },
    };
  }

  plug(name: string, options?: TestPortOptions): TestAttachment {
    return this.attach(new TestPort(name, options));
  }

  /** Lets time pass, and what is due in it happen. */
  advance(ms: number): void {
    const until = this.now + ms;
    for (let rounds = 0; rounds < 10_000; rounds++) {
      const due = this.timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.timers.splice(this.timers.indexOf(due), 1);
      this.now = Math.max(this.now, due.at);
      due.callback();
    }
    this.now = until;
  }
}

export interface TestAttachment {
  readonly port: TestPort;
  readonly attachment: ReturnType<Hub["attach"]>;
  /** Forwards frames as the blocks of one chunk. */
  readonly send: (...frames: Buffer[]) => void;
}

/** Frames as blocks, one behind the other. */
export function block(...frames: Buffer[]): Buffer {
  const blocks = Buffer.allocUnsafe(frames.reduce((bytes, frame) => bytes + 4 + frame.length, 0));
  let at = 0;
  for (const frame of frames) {
    at = blocks.writeUInt32BE(frame.length, at);
    at += frame.copy(blocks, at);
  }
  return blocks;
}

export function unblock(blocks: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < blocks.length;) {
    const end = at + 4 + blocks.readUInt32BE(at);
    frames.push(Buffer.from(blocks.subarray(at + 4, end)));
    at = end;
  }
  return frames;
}
