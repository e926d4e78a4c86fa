import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { dhcpOptions, dhcpTypes, writeDhcpMessage } from "../../server/dhcp/dhcp-message.ts";
import type { Attack, Battle } from "../support/attack.ts";
import {
  blocksOf,
  ipOf,
  ipv4,
  randomWord,
  setFragment,
  tcp,
  udp,
  writeMac,
  type Ends,
} from "../support/frames.ts";
import { gatewayAddress, NatClient } from "../support/nat-client.ts";
import { flood, mbit, session } from "../support/traffic.ts";

const port = 9_000;

/** A host outside, played by the attacker. */
async function listenOutside(battle: Battle, serve: (socket: Socket) => void): Promise<number> {
  const host = battle.localAddresses[0] ?? "";
  const server = createServer((socket) => {
    socket.on("error", () => {});
    serve(socket);
  });
  server.listen({ port, host, backlog: 4_096 });
  await once(server, "listening");
  return ipOf(host);
}

const connections = 10_000;

export const natConnections: Attack = {
  about: "a client of SecureNAT opens 10,000 connections and keeps them",
  secureNat: true,
  memoryMb: 600,
  async run(battle) {
    const outside = await listenOutside(battle, (socket) => socket.resume());
    const client = await NatClient.open(battle, 1);
    let opened = 0;
    battle.begin();
    const chunk = () =>
      client.blocksOf(16, () =>
        opened >= connections
          ? udp(client.ends(outside), 1, 9, Buffer.alloc(1))
          : tcp(client.ends(outside), { fromPort: 10_000 + opened++, toPort: port }),
      );
    // 2,500 in a second.
    await flood(battle, client.socket, { bitsPerSecond: 2_500 * 68 * 8, chunk });
    return { figures: { opened, established: client.established, refused: client.refused } };
  },
};

export const natUdpPorts: Attack = {
  about: "a client of SecureNAT sends UDP to and from all ports, 20 Mbit/s",
  secureNat: true,
  async run(battle) {
    const outside = ipOf(battle.localAddresses[0] ?? "");
    const client = await NatClient.open(battle, 1);
    const payload = Buffer.alloc(18);
    battle.begin();
    const chunk = () =>
      client.blocksOf(64, () =>
        udp(client.ends(outside), randomWord() % 65_536, randomWord() % 65_536, payload),
      );
    const sent = await flood(battle, client.socket, { bitsPerSecond: 20e6, chunk });
    return { figures: { sent: mbit(sent) } };
  },
};

/** A question for the address of a name that nobody has asked for before, as four bytes tell it. */
function question(name: number): Buffer {
  const label = name.toString(16).padStart(8, "0");
  return Buffer.concat([
    Buffer.from("000101000001000000000000", "hex"),
    Buffer.of(label.length),
    Buffer.from(label),
    Buffer.from("0000010001", "hex"),
  ]);
}

export const natQuestions: Attack = {
  about: "a client of SecureNAT asks for names by many addresses of its own, 5 Mbit/s",
  secureNat: true,
  async run(battle) {
    const client = await NatClient.open(battle, 1);
    let asked = 0;
    battle.begin();
    const chunk = () =>
      client.blocksOf(16, (index) =>
        udp(
          { ...client.ends(gatewayAddress), fromIp: ipOf("192.168.30.100") + (asked++ % 16) },
          1_024 + index,
          53,
          question(asked),
        ),
      );
    const sent = await flood(battle, client.socket, { bitsPerSecond: 5e6, chunk });
    return { figures: { sent: mbit(sent), asked } };
  },
};

const oddPorts = [0, 1, 53, 67, 68, 137, 5_355, port, 65_535];
const oddAddresses = [
  "0.0.0.0",
  "127.0.0.1",
  "192.168.30.1",
  "192.168.30.255",
  "224.0.0.252",
  "255.255.255.255",
];
const oddLengths = [8, 9, 12, 19, 20, 40, 240, 600, 1_400];
const [icmp, tcpProtocol, udpProtocol] = [1, 6, 17];
const oddProtocols = [0, icmp, 2, tcpProtocol, tcpProtocol, udpProtocol, udpProtocol, 41, 47, 50, 132, 255];

function oneOf<Value>(values: readonly Value[]): Value {
  return values[randomWord() % values.length] as Value;
}

/** A packet with right checksums whose header and ports are such as few programs send, to an address that may be anybody's. */
function oddPacket(ends: Ends): Buffer {
  const protocol = oneOf(oddProtocols);
  // Room for what has the checksum.
  const payload = Buffer.alloc(Math.max(oneOf(oddLengths), protocol === tcpProtocol ? 20 : 8));
  for (let at = 0; at < payload.length; at++) payload[at] = randomWord();
  payload.writeUInt16BE(oneOf(oddPorts), 0);
  payload.writeUInt16BE(oneOf(oddPorts), 2);
  if (protocol === udpProtocol)
    payload.writeUInt16BE(oneOf([payload.length, payload.length, randomWord() & 0xffff]), 4);
  if (protocol === icmp) payload.writeUInt8(oneOf([0, 3, 5, 8, 8, 13]), 0);
  if (protocol === tcpProtocol) {
    // How long its header says to be, and its flags.
    payload.writeUInt8(oneOf([4, 5, 6, 15]) << 4, 12);
    payload.writeUInt8(oneOf([2, 2, 16, 18, 1, 4, 17, 0, 63, 255]), 13);
  }
  const frame = ipv4(ends, protocol, payload);
  if (randomWord() % 4 === 0) setFragment(frame, randomWord());
  return frame;
}

export const natOddPackets: Attack = {
  about: "a client of SecureNAT sends odd packets of all kinds to all kinds of addresses, 10 Mbit/s",
  secureNat: true,
  async run(battle) {
    const outside = await listenOutside(battle, (socket) => socket.end("x"));
    const client = await NatClient.open(battle, 1);
    battle.begin();
    const chunk = () =>
      client.blocksOf(32, () => oddPacket(client.ends(oneOf([outside, ...oddAddresses.map(ipOf)]))));
    const sent = await flood(battle, client.socket, { bitsPerSecond: 10e6, chunk });
    return { figures: { sent: mbit(sent) } };
  },
};

export const natNeverReads: Attack = {
  about: "a client of SecureNAT opens 500 connections to one who sends without end, and reads none",
  secureNat: true,
  memoryMb: 600,
  async run(battle) {
    const filling = Buffer.alloc(64 * 1024);
    const outside = await listenOutside(battle, (socket) => {
      const fill = () => {
        while (!socket.destroyed && socket.write(filling));
      };
      socket.on("drain", fill);
      fill();
    });
    const client = await NatClient.open(battle, 1);
    let opened = 0;
    battle.begin();
    const chunk = () =>
      client.blocksOf(8, () =>
        tcp(client.ends(outside), { fromPort: 10_000 + (opened++ % 500), toPort: port, sequence: 1 }),
      );
    await flood(battle, client.socket, { bitsPerSecond: 250 * 68 * 8, chunk });
    return { figures: { established: client.established, refused: client.refused } };
  },
};

export const natDhcpClients: Attack = {
  about: "thousands of made-up clients ask SecureNAT for addresses, 5 Mbit/s",
  secureNat: true,
  async run(battle) {
    const socket = await session(battle, { bridgeMode: true });
    let offers = 0;
    socket.on("data", () => offers++);
    let number = 5_000;
    battle.begin();
    const chunk = () => blocksOf(8, (index) => ask(index % 2 === 0 ? ++number : number, index % 2 === 0));
    const sent = await flood(battle, socket, { bitsPerSecond: 5e6, chunk });
    return { figures: { sent: mbit(sent), clients: number - 5_000, "reads with answers": offers } };
  },
};

/** A client that looks for an address, or takes one of them as if it had been offered. */
function ask(station: number, looks: boolean): Buffer {
  const clientMac = Buffer.alloc(6);
  writeMac(clientMac, 0, station);
  const wanted = Buffer.alloc(4);
  wanted.writeUInt32BE(ipOf("192.168.30.10") + (station % 190));
  const host = Buffer.alloc(4);
  host.writeUInt32BE(ipOf("192.168.30.1"));
  const message = writeDhcpMessage({
    isReply: false,
    transactionId: station,
    broadcast: true,
    clientAddress: 0,
    yourAddress: 0,
    relayAddress: 0,
    clientMac,
    options: new Map<number, Uint8Array>([
      [dhcpOptions.messageType, Uint8Array.of(looks ? dhcpTypes.discover : dhcpTypes.request)],
      ...(looks
        ? []
        : ([
            [dhcpOptions.requestedAddress, wanted],
            [dhcpOptions.serverIdentifier, host],
          ] as const)),
    ]),
  });
  return udp({ to: "everybody", from: station, toIp: 0xffff_ffff, fromIp: 0 }, 68, 67, message);
}
