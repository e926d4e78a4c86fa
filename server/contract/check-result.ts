import { parserOf } from "./json-format.ts";
import {
  listOf,
  MalformedJsonError,
  objectOf,
  optional,
  tcpPort,
  text,
  trueOrFalse,
  type Reader,
} from "./json-reader.ts";
import { listenerState, type ListenerState } from "./listener-status.ts";

/** What `check --json` prints. */
export interface CheckResult {
  readonly ok: boolean;
  readonly listeners: readonly ListenerCheck[];
}

/** What `check` found about one port. */
export interface ListenerCheck {
  readonly port: number;
  /** Where it listens, when that is not every address of the host. */
  readonly address?: string;
  /** Left out for a port that the server of this state directory does not have. */
  readonly state?: ListenerState;
  readonly reason?: string;
  readonly ok: boolean;
  /** It did not answer because the server is full, which runs well. */
  readonly full?: boolean;
  readonly error?: string;
  readonly product?: string;
  readonly tlsVersion?: string;
  readonly certificateFingerprint?: string;
  readonly roundTripMs?: number;
}

const milliseconds: Reader<number> = (value, path) => {
  if (typeof value === "number" && value >= 0) return value;
  throw new MalformedJsonError(path, "a number of milliseconds");
};

export const parseCheckResult = parserOf(
  "check",
  objectOf<CheckResult>({
    ok: trueOrFalse,
    listeners: listOf(
      objectOf<ListenerCheck>({
        port: tcpPort,
        address: optional(text),
        state: optional(listenerState),
        reason: optional(text),
        ok: trueOrFalse,
        full: optional(trueOrFalse),
        error: optional(text),
        product: optional(text),
        tlsVersion: optional(text),
        certificateFingerprint: optional(text),
        roundTripMs: optional(milliseconds),
      }),
    ),
  }),
);
