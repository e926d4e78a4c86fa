import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns";
import { readFileSync } from "node:fs";
import { isIPv6 } from "node:net";

/** How long one resolver is waited for, and how often all of them are asked; as `resolv.conf` has it by default, but shorter. */
export const resolverWaitMs = 2_500;
const rounds = 2;
const headerBytes = 12;
const response = 0x80;

/** A resolver of the host. */
export interface ResolverAddress {
  readonly host: string;
  readonly port: number;
}

/** For how long they are taken to be the same: to look takes as long as to open some sockets. */
const resolverHoldMs = 1_000;

/** Those of the host as it is set up now, or was a moment ago, in the order in which they are asked. */
export class SystemResolvers {
  readonly #now: () => number;
  readonly #read: () => ResolverAddress[];
  #known: readonly ResolverAddress[] = [];
  #until = -Infinity;

  /** @param now milliseconds that only go up */
  constructor(now: () => number, read = readSystemResolvers) {
    this.#now = now;
    this.#read = read;
  }

  get(): readonly ResolverAddress[] {
    const now = this.#now();
    if (now >= this.#until) {
      this.#known = this.#read();
      this.#until = now + resolverHoldMs;
    }
    return this.#known;
  }
}

function readSystemResolvers(): ResolverAddress[] {
  const read = () => {
    try {
      return readFileSync("/etc/resolv.conf", "latin1");
    } catch {
      return "";
    }
  };
  return resolverAddresses(new Resolver().getServers(), read);
}

/**
 * @param servers as the runtime tells them
 * @param resolvConf text of the file that names them, which is asked for where one is link-local: the runtime leaves out by which interface
 */
export function resolverAddresses(servers: readonly string[], resolvConf: () => string): ResolverAddress[] {
  return servers.map((server) => {
    const bracketed = /^\[(.*)\]:(\d+)$/.exec(server);
    const [host = "", port] =
      bracketed !== null ? bracketed.slice(1) : isIPv6(server) ? [server] : server.split(":");
    return { host: /^fe80:/i.test(host) ? withZone(host, resolvConf()) : host, port: Number(port ?? 53) };
  });
}

function withZone(host: string, resolvConf: string): string {
  const words = resolvConf.split("\n").map((line) => line.trim().split(/\s+/));
  const named = words.find(([key, value = ""]) => key === "nameserver" && value.split("%")[0] === host);
  return named?.[1] ?? host;
}

/**
 * Asks one resolver after the other, each time from another port and with another number, which nobody can guess (RFC 5452).
 *
 * @param answered gets the answer with the number of the query; nothing when none came
 * @param inTurn opens a socket when it is its turn, in a later turn of the event loop or at once
 * @returns gives the question up, and then nothing is answered
 */
export function queryResolvers(
  query: Buffer,
  answered: (answer: Buffer | undefined) => void,
  resolvers: readonly ResolverAddress[],
  inTurn: (opening: () => void) => void = (opening) => opening(),
): () => void {
  const order = Array.from({ length: rounds }, () => resolvers).flat();
  let isGivenUp = false;
  let stop = () => {};
  const next = () => {
    const resolver = order.shift();
    if (resolver === undefined) answered(undefined);
    else inTurn(() => void (isGivenUp || ask(resolver)));
  };
  const ask = (resolver: ResolverAddress) => {
    const number = randomInt(0x1_0000);
    const question = Buffer.from(query);
    question.writeUInt16BE(number, 0);
    const socket = createSocket(isIPv6(resolver.host) ? "udp6" : "udp4");
    let isOver = false;
    const end = () => {
      if (isOver) return false;
      isOver = true;
      clearTimeout(timer);
      socket.close();
      return true;
    };
    const fail = () => {
      if (end()) next();
    };
    const timer = setTimeout(fail, resolverWaitMs);
    stop = () => void end();
    socket.on("error", fail);
    // By an event, since a callback is called without a connection too, such as where there is no way to the resolver.
    socket.on("connect", () => {
      if (!isOver) socket.send(question, (error) => void (error && fail()));
    });
    // Connected: what comes from anybody else is not heard.
    socket.connect(resolver.port, resolver.host);
    socket.on("message", (answer) => {
      const isAnswer = answer.length >= headerBytes && ((answer[2] ?? 0) & response) !== 0;
      if (!isAnswer || answer.readUInt16BE(0) !== number || !end()) return;
      query.copy(answer, 0, 0, 2);
      answered(answer);
    });
  };
  // Never before the caller has what gives it up.
  const first = setImmediate(next);
  stop = () => clearImmediate(first);
  return () => {
    isGivenUp = true;
    stop();
  };
}
