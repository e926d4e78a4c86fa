import { parserOf } from "./json-format.ts";
import { hubNetwork, type HubNetwork } from "./hub-network.ts";
import { listOf, objectOf, optional, pem, text, trueOrFalse } from "./json-reader.ts";

/** As `apply --json` prints it. */
export interface ApplyResult {
  readonly changed: boolean;
  /** One line each, such as `hub DEFAULT: user alice created`. */
  readonly changes: readonly string[];
  /** What is as desired, and hardly meant; left out where there is nothing to tell. */
  readonly warnings?: readonly string[];
  /** Names of the sessions that had to end; none is known of in a dry run. */
  readonly endedSessions: readonly string[];
  /** The server's certificate, PEM, without its chain. */
  readonly certificate: string;
  /** Every hub of the server. */
  readonly hubs: readonly string[];
  /** Of the hubs with SecureNAT. */
  readonly networks?: readonly HubNetwork[];
}

export const parseApplyResult = parserOf(
  "apply",
  objectOf<ApplyResult>({
    changed: trueOrFalse,
    changes: listOf(text),
    warnings: optional(listOf(text)),
    endedSessions: listOf(text),
    certificate: pem,
    hubs: listOf(text),
    networks: optional(listOf(hubNetwork)),
  }),
);
