import type { Policy } from "../settings/policy.ts";
import type { HubTime } from "./hub-time.ts";

/**
 * What plugs into a Virtual Hub: a VPN session, SecureNAT, a local bridge, a cascade. The hub knows nothing else of it.
 *
 * Frames go both ways as blocks, the form that they have on the wire: `u32` length in big-endian, then that many bytes, one
 * block after the other. So a run of frames from one port to another is copied once, whatever their number.
 */
export interface HubPort {
  /** Session name, such as `SID-ALICE-1`. */
  readonly name: string;
  readonly kind: "session" | "secure-nat" | "local-bridge" | "cascade" | "l3-switch";
  /** For access lists and logs. */
  readonly user: { readonly name: string; readonly group: string | undefined };
  /** The policy that holds for this port. */
  readonly policy: Policy;
  /** Gets a copy of every frame and may send none. */
  readonly monitor: boolean;
  /** Physical address of the peer, for the packet log; empty where there is none. */
  readonly peerAddress: string;
  /**
   * Takes the blocks of `buffer` from `start` to `end`, `frames` of them, which the port of the number `from` sent: no other port
   * of the server ever has it, and the hub itself has 0. The buffer is the caller's and valid during the call only. Never throws, never calls back into the hub; what does not fit is dropped and counted by the port. A port that
   * answers frames is an {@link AnsweringPort}.
   */
  deliver(buffer: Buffer, start: number, end: number, frames: number, from: number): void;
}

/** A port's place in a hub, from plugging in to {@link HubAttachment.detach}. */
export interface HubAttachment {
  /** The hub's share of the thread, for what the port has to do. */
  readonly time: HubTime;
  /**
   * Takes frames from the port: the blocks of `buffer` from `start` to `end`, well-formed, each of 1..1600 bytes. The buffer is
   * the hub's during the call only.
   *
   * @param isOver whether the time for it is over; asked after each frame that costs much. Without it all are taken
   * @returns where the rest begins, for which there was no time; `end` where there is none. At least one frame is taken
   */
  forward(buffer: Buffer, start: number, end: number, isOver?: () => boolean): number;
  /** Unplugs the port; what it forwards later is ignored. */
  detach(): void;
}
