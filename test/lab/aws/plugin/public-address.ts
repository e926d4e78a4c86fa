/**
 * The address by which the lab reaches what the server of the API gives an address from its own head: it takes Elastic IPs from
 * 127.0.0.0/8, which no kernel forwards, and public addresses from those of others. What it gets here is of 198.18.0.0/15, a range
 * for measurements, of which nothing is on the Internet (RFC 2544).
 */
export function publicAddressOf(madeUp: string): string {
  const [first, second, third, fourth] = madeUp.split(".").map(Number);
  if (first === undefined || second === undefined || third === undefined || fourth === undefined) return "";
  // Two addresses become the same one by a chance of less than one in 65,000, which a lab can bear.
  return `198.${18 + (first === 127 ? second % 2 : 0)}.${third}.${fourth}`;
}
