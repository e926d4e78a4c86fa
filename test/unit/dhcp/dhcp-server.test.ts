import { dhcpLimits } from "../../../server/limits.ts";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { formatAddress, parseAddress } from "../../../server/ethernet/ip-address.ts";
import {
  dhcpOptions,
  dhcpTypes,
  readDhcpMessage,
  writeDhcpMessage,
  type DhcpMessage,
} from "../../../server/dhcp/dhcp-message.ts";
import { DhcpServer, type DhcpSettings } from "../../../server/dhcp/dhcp-server.ts";
import { parseStaticRoutes, StaticRoutesError } from "../../../server/dhcp/static-routes.ts";

const ip = (text: string) => Buffer.from(parseAddress(text) ?? []).readUInt32BE();
const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const settings: DhcpSettings = {
  serverAddress: ip("192.168.30.1"),
  range: { first: ip("192.168.30.10"), last: ip("192.168.30.14") },
  mask: ip("255.255.255.0"),
  leaseSeconds: 7_200,
  gateway: ip("192.168.30.1"),
  nameServers: [ip("192.168.30.1"), 0],
  domainName: "example.com",
  routes: [],
};
const dayMs = 24 * 3_600_000;

/** A network with a server and a clock that the test moves. */
class Network {
  now = 1_700_000_000_000;
  readonly server: DhcpServer;

  constructor(change: Partial<DhcpSettings> = {}) {
    this.server = new DhcpServer({ ...settings, ...change }, () => this.now);
  }

  /** Says something in a client's name, over the wire, and tells what it was answered. */
  say(
    client: number,
    type: keyof typeof dhcpTypes,
    more: Partial<DhcpMessage> = {},
    options: [number, Uint8Array][] = [],
    from = 1,
  ) {
    const bytes = writeDhcpMessage({
      isReply: false,
      transactionId: 42 + client,
      broadcast: false,
      clientAddress: 0,
      yourAddress: 0,
      relayAddress: 0,
      clientMac: Uint8Array.of(2, 0, 0, 0, client >> 8, client & 255),
      ...more,
      options: new Map([[dhcpOptions.messageType, Uint8Array.of(dhcpTypes[type])], ...options]),
    });
    const message = readDhcpMessage(bytes, 0, bytes.length);
    assert.ok(message);
    const answer = this.server.answer(message, from);
    if (answer === undefined) return undefined;
    const wire = writeDhcpMessage(answer);
    const read = readDhcpMessage(wire, 0, wire.length);
    assert.ok(read);
    assert.deepEqual([read.isReply, read.transactionId], [true, 42 + client]);
    const kind = Object.entries(dhcpTypes).find(([, value]) => value === read.options.get(53)?.[0])?.[0];
    return { ...read, kind, address: formatAddress(u32(read.yourAddress)) };
  }

  /** As clients do it: ask, and take what is offered. */
  join(client: number): string {
    const offer = this.say(client, "discover");
    assert.equal(offer?.kind, "offer");
    const ack = this.request(client, offer.address);
    assert.equal(ack?.kind, "ack");
    assert.equal(ack.address, offer.address);
    return ack.address;
  }

  /** What follows on an offer. */
  request(client: number, address: string, server = settings.serverAddress) {
    return this.say(client, "request", {}, [
      [dhcpOptions.requestedAddress, u32(ip(address))],
      [dhcpOptions.serverIdentifier, u32(server)],
    ]);
  }

  renew(client: number, address: string) {
    return this.say(client, "request", { clientAddress: ip(address) });
  }
}

describe("a DHCP server", () => {
  test("gives each client an address of its own, and tells it the network", () => {
    const network = new Network();
    assert.equal(network.join(1), "192.168.30.10");
    assert.equal(network.join(2), "192.168.30.11");
    const { options } = network.say(3, "discover") ?? assert.fail();
    assert.deepEqual(
      Object.fromEntries([...options].map(([code, value]) => [code, Buffer.from(value).toString("hex")])),
      {
        53: "02",
        54: "c0a81e01",
        51: "00001c20",
        58: "00000e10",
        59: "0000189c",
        1: "ffffff00",
        3: "c0a81e01",
        6: "c0a81e01",
        15: Buffer.from("example.com").toString("hex"),
      },
    );
  });

  test("gives a client the address that it had, also long after", () => {
    const network = new Network();
    network.join(1);
    const address = network.join(2);
    network.now += 30 * dayMs;
    assert.equal(network.join(3), "192.168.30.12");
    assert.equal(network.join(2), address);
    assert.equal(network.renew(2, address)?.kind, "ack");
  });

  test("gives an address that is free again to somebody else, that of the longest absent first", () => {
    const network = new Network();
    for (let client = 1; client <= 5; client++) {
      network.join(client);
      network.now += 1_000;
    }
    assert.equal(network.say(6, "discover"), undefined);
    network.say(3, "release", { clientAddress: ip("192.168.30.12") });
    assert.equal(network.join(6), "192.168.30.12");
    network.now += dayMs;
    assert.equal(network.join(7), "192.168.30.10");
    assert.equal(network.renew(1, "192.168.30.10")?.kind, "nak");
  });

  test("keeps an offer for five seconds", () => {
    const network = new Network({ range: { first: ip("192.168.30.10"), last: ip("192.168.30.10") } });
    assert.equal(network.say(1, "discover")?.kind, "offer");
    assert.equal(network.say(2, "discover"), undefined);
    assert.deepEqual(network.server.leases(), []);
    network.now += 5_000;
    assert.equal(network.say(2, "discover")?.kind, "offer");
    assert.equal(network.request(1, "192.168.30.10")?.kind, "nak");
  });

  test("refuses an address that is another's, or of another network", () => {
    const network = new Network();
    network.join(1);
    assert.equal(network.request(2, "192.168.30.10")?.kind, "nak");
    assert.equal(network.renew(2, "10.0.0.7")?.kind, "nak");
    // A client that comes back to where it was, and asks for what it had there.
    assert.equal(network.say(2, "request", {}, [[50, u32(ip("192.168.30.13"))]])?.kind, "ack");
  });

  test("leaves the client to the server whose offer it took", () => {
    const network = new Network({ range: { first: ip("192.168.30.10"), last: ip("192.168.30.10") } });
    network.say(1, "discover");
    assert.equal(network.request(1, "10.0.0.7", ip("10.0.0.1")), undefined);
    assert.equal(network.join(2), "192.168.30.10");
  });

  test("does not give an address that somebody was found to use, and believes its own client only", () => {
    const network = new Network();
    const address = network.join(1);
    network.say(2, "decline", {}, [[50, u32(ip(address))]]);
    assert.equal(network.renew(1, address)?.kind, "ack");
    network.say(1, "decline", {}, [[50, u32(ip(address))]]);
    assert.deepEqual(network.server.leases(), []);
    assert.equal(network.join(1), "192.168.30.11");
    network.now += 10 * 60_000;
    for (const client of [2, 3, 4]) network.join(client);
    assert.equal(network.join(5), address);
  });

  test("tells who has an address already about the network", () => {
    const reply = new Network().say(1, "inform", { clientAddress: ip("192.168.30.99") });
    assert.equal(reply?.kind, "ack");
    assert.equal(reply.yourAddress, 0);
    assert.equal(reply.options.has(dhcpOptions.leaseSeconds), false);
    assert.ok(reply.options.has(dhcpOptions.nameServers));
  });

  test("hands out routes for both kinds of clients, and the default route among them", () => {
    const network = new Network({
      routes: parseStaticRoutes("192.168.5.0/255.255.255.0/192.168.30.2, 10.0.0.0/9/192.168.30.3"),
    });
    const { options } = network.say(1, "discover") ?? assert.fail();
    const expected = "18c0a805c0a81e02" + "090a00c0a81e03" + "00c0a81e01";
    for (const code of [121, 249])
      assert.equal(Buffer.from(options.get(code) ?? []).toString("hex"), expected);
  });

  test("leaves the SecureNAT of another server alone, and answers no answers", () => {
    const network = new Network();
    assert.equal(network.say(1, "discover", {}, [[12, Buffer.from("securenat-7")]]), undefined);
    assert.equal(network.say(1, "discover", { isReply: true }), undefined);
    assert.equal(network.say(1, "offer"), undefined);
  });

  test("never gives one address to two clients, whatever they say and whenever", () => {
    const step = fc.record({
      client: fc.integer({ min: 1, max: 8 }),
      what: fc.constantFrom("discover", "request", "decline", "release", "inform", "renew", "wait"),
      address: fc.integer({ min: settings.range.first - 1, max: settings.range.last + 1 }),
      waitMs: fc.constantFrom(1, 4_000, 6_000, 20_000, dayMs),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const network = new Network({ leaseSeconds: 15 });
        const held = new Map<number, { client: number; until: number }>();
        for (const { client, what, address, waitMs } of steps) {
          if (what === "wait") {
            network.now += waitMs;
            continue;
          }
          const answer =
            what === "renew"
              ? network.say(client, "request", { clientAddress: address })
              : network.say(client, what, what === "release" ? { clientAddress: address } : {}, [
                  [50, u32(address)],
                ]);
          const holder = held.get(address);
          if ((what === "release" || what === "decline") && holder?.client === client) held.delete(address);
          if (answer?.kind !== "ack" && answer?.kind !== "offer") continue;
          if (what === "inform") continue;
          const given = answer.yourAddress;
          assert.ok(given >= settings.range.first && given <= settings.range.last);
          const other = held.get(given);
          assert.ok(
            other === undefined || other.client === client || other.until <= network.now,
            "two have it",
          );
          if (answer.kind !== "ack") continue;
          for (const [its, { client: who }] of held) if (who === client) held.delete(its);
          held.set(given, { client, until: network.now + 15_000 });
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("addresses of sessions", () => {
  const half = 46;
  const pool = { range: { first: ip("192.168.30.10"), last: ip("192.168.30.101") } };
  /** Forged clients of a session, which take what they are offered, or leave it. */
  const storm = (network: Network, session: number, count: number, takes: boolean) => {
    for (let client = 0; client < count; client++) {
      const offer = network.say(1_000 * session + client, "discover", {}, [], session);
      if (takes && offer !== undefined)
        network.say(
          1_000 * session + client,
          "request",
          {},
          [[dhcpOptions.requestedAddress, u32(ip(offer.address))]],
          session,
        );
    }
  };
  const join = (network: Network, client: number, session: number) => {
    const offer = network.say(client, "discover", {}, [], session);
    if (offer === undefined) return undefined;
    return network.say(
      client,
      "request",
      {},
      [[dhcpOptions.requestedAddress, u32(ip(offer.address))]],
      session,
    );
  };

  test("one has all of them while it is alone, and half when another asks", () => {
    const network = new Network(pool);
    storm(network, 1, 500, true);
    assert.equal(network.server.leases().length, 2 * half);
    const other = new Network(pool);
    assert.equal(join(other, 1, 2)?.kind, "ack");
    storm(other, 1, 500, true);
    assert.equal(other.server.leases().length, half + 1);
  });

  test("offers that nobody takes keep no other session out", () => {
    const network = new Network(pool);
    storm(network, 1, 500, false);
    assert.equal(join(network, 1, 2)?.kind, "ack");
    storm(network, 1, 500, false);
    for (let client = 2; client < 20; client++) assert.equal(join(network, client, 2)?.kind, "ack");
  });

  test("a forged client that was not heard since makes room, and one that was heard stays", () => {
    const network = new Network(pool);
    assert.equal(join(network, 5_000, 1)?.address, "192.168.30.10");
    network.server.heard(ip("192.168.30.10"), 1);
    storm(network, 1, 500, true);
    assert.equal(network.server.leases().length, 2 * half);
    network.now += dhcpLimits.silentMs;
    for (let client = 0; client < 20; client++) assert.equal(join(network, client, 2)?.kind, "ack");
    assert.equal(network.server.leases().filter(({ address }) => address === ip("192.168.30.10")).length, 1);
    assert.equal(network.renew(5_000, "192.168.30.10")?.kind, "ack");
  });
});

describe("a DHCP message", () => {
  test("is what was written, whatever the options", () => {
    const option = fc.tuple(fc.integer({ min: 1, max: 254 }), fc.uint8Array({ maxLength: 600 }));
    fc.assert(
      fc.property(
        fc.array(option, { maxLength: 8 }),
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        (options, number) => {
          const message: DhcpMessage = {
            isReply: true,
            transactionId: number,
            broadcast: number % 2 === 0,
            clientAddress: number,
            yourAddress: 1,
            relayAddress: 2,
            clientMac: Uint8Array.of(1, 2, 3, 4, 5, 6),
            options: new Map([...options, [53, Uint8Array.of(5)] as const]),
          };
          const bytes = writeDhcpMessage(message);
          assert.deepEqual(normal(readDhcpMessage(bytes, 0, bytes.length)), normal(message));
        },
      ),
      { numRuns: 100 },
    );
  });

  test("that is cut off or made up is refused, or read as far as it goes", () => {
    const bytes = writeDhcpMessage({
      isReply: false,
      transactionId: 1,
      broadcast: false,
      clientAddress: 0,
      yourAddress: 0,
      relayAddress: 0,
      clientMac: Uint8Array.of(1, 2, 3, 4, 5, 6),
      options: new Map([[53, Uint8Array.of(1)]]),
    });
    for (let length = 0; length < 243; length++) assert.equal(readDhcpMessage(bytes, 0, length), undefined);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 240, maxLength: 700 }), (noise) => {
        const made = Buffer.concat([bytes.subarray(0, 240), noise.subarray(240)]);
        readDhcpMessage(made, 0, made.length);
      }),
      { numRuns: 300 },
    );
  });
});

describe("routes in text", () => {
  test("that are malformed are named", () => {
    for (const [text, reason] of [
      ["10.0.0.0/8", /"10\.0\.0\.0\/8" is not NETWORK\/MASK\/GATEWAY/],
      ["10.0.0.0/33/10.0.0.1", /is not NETWORK/],
      ["10.0.0.0/255.0.255.0/10.0.0.1", /has a gap/],
      ["10.0.0.1/8/10.0.0.1", /bits beside its mask/],
      [Array<string>(65).fill("10.0.0.0/8/10.0.0.1").join(), /64 are allowed/],
    ] as const) {
      assert.throws(
        () => parseStaticRoutes(text),
        (error: Error) => error instanceof StaticRoutesError && reason.test(error.message),
      );
    }
    assert.deepEqual(parseStaticRoutes(" "), []);
  });
});

function normal(message: DhcpMessage | undefined) {
  assert.ok(message);
  const options = [...message.options].map(
    ([code, value]) => [code, Buffer.from(value).toString("hex")] as const,
  );
  return { ...message, clientMac: Buffer.from(message.clientMac).toString("hex"), options: new Map(options) };
}
