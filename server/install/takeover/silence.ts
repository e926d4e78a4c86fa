import { isIP } from "node:net";
import type { RunProgram } from "../../platform/run-program.ts";

const table = "inet vpnserver_takeover";

/** Longer than any client waits for a connection that is silent: a policy's time-out is 60 s at most. */
const silentSeconds = 90;

/** Elements in one command, whose length has a limit. */
const mostElements = 1_000;

/** In hooks where the host's firewall is not looked for. */
const rules = (ports: readonly number[]) => `table ${table} {
  set ports { type inet_service; elements = { ${ports.join(", ")} }; }
  set former { type ipv4_addr . inet_service; flags timeout; timeout ${silentSeconds}s; }
  set former6 { type ipv6_addr . inet_service; flags timeout; timeout ${silentSeconds}s; }
  chain arriving {
    type filter hook prerouting priority -310; policy accept;
    ip saddr . tcp sport @former drop
    ip6 saddr . tcp sport @former6 drop
    iif != "lo" tcp dport @ports tcp flags & (syn | ack) == syn drop
  }
  chain leaving {
    type filter hook output priority -310; policy accept;
    ip daddr . tcp dport @former drop
    ip6 daddr . tcp dport @former6 drop
  }
}
`;

/**
 * Does `work`, which stops the former server, while the connections of its clients fall silent instead of ending. The clients
 * give them up after their time-out, 20 s unless a policy says otherwise, and connect anew.
 *
 * The official server ends connections without a word in TLS. A VPN Client that was built with OpenSSL 3 may keep that as an
 * error of its session's thread (SSL_R_UNEXPECTED_EOF_WHILE_READING; it asks SSL_get_error without ERR_clear_error), and from
 * then on loses every connection right after login, until it is started again. Debian's 9674 does so, after a restart of the
 * official server as well, and after a reset of the connection too. Silence leaves nothing behind.
 *
 * Where the host has no `nft`, `ss` or `systemd-run`, the work is done all the same.
 *
 * @param ports on which the former server answers
 */
export async function whileClientsHearNothing<T>(
  ports: readonly number[],
  run: RunProgram,
  work: () => Promise<T>,
): Promise<T> {
  if (ports.length === 0 || !(await fallSilent(ports, run))) return work();
  try {
    return await work();
  } finally {
    // New connections are for whoever listens next.
    await run("nft", [`flush set ${table} ports`]);
  }
}

async function fallSilent(ports: readonly number[], run: RunProgram): Promise<boolean> {
  // Of a run that broke off; no result at all tells that there is no program of that name.
  if ((await run("nft", [`delete table ${table}`])) === undefined) return false;
  // Before there are rules, so that they end whatever becomes of us. No timer, which each daemon-reload begins anew.
  const removal = `sleep ${silentSeconds}; exec nft delete table ${table}`;
  const scheduled = await run("systemd-run", ["--quiet", "--collect", "sh", "-c", removal]);
  if (scheduled?.code !== 0 || (await run("nft", [rules(ports)]))?.code !== 0) return false;
  const filter = `( ${ports.map((port) => `sport = :${port}`).join(" or ")} )`;
  const listed = await run("ss", ["--tcp", "--numeric", "--no-header", "state", "established", filter]);
  const peers = parsePeers(listed?.stdout ?? "");
  for (const [set, family] of [
    ["former", 4],
    ["former6", 6],
  ] as const) {
    const elements = peers.filter(({ address }) => isIP(address) === family);
    for (let at = 0; at < elements.length; at += mostElements) {
      const some = elements.slice(at, at + mostElements).map(({ address, port }) => `${address} . ${port}`);
      await run("nft", [`add element ${table} ${set} { ${some.join(", ")} }`]);
    }
  }
  return true;
}

/** The peers of `ss --no-header state established`, without this host itself: the fourth column, `192.0.2.1:50000`. */
export function parsePeers(text: string): { readonly address: string; readonly port: number }[] {
  return text.split("\n").flatMap((line) => {
    const peer = line.trim().split(/\s+/)[3] ?? "";
    const [, inBrackets, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(peer) ?? [];
    const address = (inBrackets ?? plain ?? "").replace(/^::ffff:(?=\d+\.)/, "").replace(/%.*/, "");
    const isOther = isIP(address) !== 0 && address !== "::1" && !address.startsWith("127.");
    return isOther ? [{ address, port: Number(port) }] : [];
  });
}
