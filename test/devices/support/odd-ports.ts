/** What `odd-server.ts` does with the connections of each of its ports. */
export const oddPorts = {
  /** Answers the first bytes with a megabyte, which it breaks off. */
  resetsInTheMiddle: 8_081,
  /** Says `bye` and that this is all, and goes on to listen. */
  endsFirst: 8_082,
  /** Answers, when the client has said that this is all, with how much it was. */
  endsLast: 8_083,
  /** Reads nothing until it is told to. */
  readsLater: 8_084,
} as const;
