import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Frame } from "../../../server/ethernet/frame.ts";
import { internetChecksum } from "../../../server/ethernet/frame-checksum.ts";
import { findDnsQueryName } from "../../../server/ethernet/frame-dns.ts";
import { carriesTcpData, encodeRedirect } from "../../../server/ethernet/frame-redirect.ts";
import {
  announcesDefaultRouter,
  removeDefaultRouter,
} from "../../../server/ethernet/frame-router-advertisement.ts";
import { writeTagged, writeUntagged } from "../../../server/ethernet/frame-vlan.ts";
import {
  bpdu,
  checksumOfIpv6,
  dhcp,
  dnsQuery,
  ethernet,
  icmpv6,
  ipv4,
  ipv6,
  mac,
  routerAdvertisement,
  tagged,
  tcp,
  tcp4,
  udp,
  udp4,
} from "../hub/frames.ts";

function read(bytes: Buffer): Frame {
  const frame = new Frame();
  assert.ok(frame.read(bytes, 0, bytes.length));
  return frame;
}

/** An ARP request as it was seen on a network: who has 192.168.0.1? Tell 192.168.0.114. */
const arpRequest = Buffer.from(
  "ffffffffffff00155dab1c0a08060001080006040001" + "00155dab1c0ac0a80072000000000000c0a80001",
  "hex",
);

describe("looking into an Ethernet frame", () => {
  it("finds sender and target of an ARP request", () => {
    const frame = read(arpRequest);
    assert.equal(frame.network, "arp");
    assert.equal(frame.isMulticast, true);
    assert.equal(frame.isArpOfIpv4, true);
    assert.equal(frame.arpOperation, 1);
    assert.equal(frame.sourceIp3 >>> 0, 0xc0a80072);
    assert.equal(frame.destinationIp3 >>> 0, 0xc0a80001);
    assert.deepEqual([frame.source0, frame.source1 >>> 0], [0x0015, 0x5dab1c0a]);
  });

  it("does not take ARP of another network for ARP of IPv4", () => {
    const other = Buffer.from(arpRequest);
    other[18] = 8;
    assert.equal(read(other).isArpOfIpv4, false);
  });

  it("finds ports and flags of TCP, behind options of IP, too", () => {
    for (const options of [undefined, Buffer.alloc(8)]) {
      const segment = tcp({ sourcePort: 1, destinationPort: 65_535, flags: 0x12, payload: Buffer.alloc(3) });
      const frame = read(ipv4({ from: 1, to: 2, protocol: 6, ...(options && { options }) }, segment));
      assert.deepEqual(
        [frame.network, frame.transport, frame.sourcePort, frame.destinationPort, frame.tcpFlags],
        ["ipv4", "tcp", 1, 65_535, 0x12],
      );
      assert.equal(frame.packetEnd - frame.payloadAt, 3);
      assert.deepEqual([frame.sourceIp2, frame.sourceIp3], [0xffff, 0x0a000001]);
    }
  });

  it("looks behind a VLAN tag", () => {
    const frame = read(tagged(udp4({ from: 1, to: 2 }, { destinationPort: 99 }), 0xf000 | 42));
    assert.deepEqual(
      [frame.vlan, frame.outerType, frame.etherType, frame.transport, frame.destinationPort],
      [42, 0x8100, 0x0800, "udp", 99],
    );
  });

  it("does not take the middle of a packet for a header", () => {
    assert.equal(read(ipv4({ from: 1, protocol: 6, fragmentOffset: 1 }, tcp({}))).transport, "fragment");
    assert.equal(read(ipv4({ from: 1, protocol: 6, fragmentOffset: 0x2000 }, tcp({}))).transport, "tcp");
    const fragment = (offset: number) => Buffer.concat([Buffer.from([6, 0, 0, offset, 0, 0, 0, 0]), tcp({})]);
    assert.equal(read(ipv6({ from: 1, protocol: 44 }, fragment(8))).transport, "fragment");
    assert.equal(read(ipv6({ from: 1, protocol: 44 }, fragment(1))).transport, "tcp");
  });

  it("goes over the extension headers of IPv6", () => {
    const extensions = Buffer.concat([
      Buffer.from([43, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.from([60, 1, ...Buffer.alloc(14)]),
      Buffer.from([17, 0, 0, 0, 0, 0, 0, 0]),
    ]);
    const frame = read(
      ipv6({ from: 1, protocol: 0 }, Buffer.concat([extensions, udp({ destinationPort: 547 })])),
    );
    assert.deepEqual([frame.protocol, frame.transport, frame.isDhcpv6], [17, "udp", true]);
  });

  it("ignores what stands behind the IP packet", () => {
    const padded = Buffer.concat([tcp4({ from: 1, to: 2 }), Buffer.alloc(6)]);
    const frame = read(padded);
    assert.equal(frame.packetEnd - frame.payloadAt, 0);
    const lying = Buffer.from(tcp4({ from: 1, to: 2 }));
    lying.writeUInt16BE(30, 16);
    assert.equal(new Frame().read(lying, 0, lying.length), false, "TCP header beyond the end of the packet");
  });

  it("finds the kind of a DHCP message", () => {
    const frame = read(dhcp({ from: 1, type: 5, client: 7, yourIp: "10.0.0.7" }));
    assert.deepEqual([frame.isDhcp, frame.dhcpOperation, frame.dhcpMessageType], [true, 2, 5]);
    assert.equal(read(udp4({ from: 1 }, { sourcePort: 67, destinationPort: 68 })).isDhcp, false, "too short");
  });

  it("finds the bridge of a spanning tree message", () => {
    const frame = read(bpdu(1, 77));
    assert.deepEqual([frame.network, frame.source0, frame.source1], ["bpdu", 0x5e00, 77]);
  });

  it("notices sources that are no station", () => {
    for (const source of [Buffer.alloc(6), Buffer.alloc(6, 0xff), mac(2)])
      assert.equal(read(ethernet(mac(2), source)).hasInvalidSource, true);
    assert.equal(read(ethernet(mac(2), mac(1))).hasInvalidSource, false);
  });

  const samples = [
    arpRequest,
    tcp4({ from: 1, to: 2 }),
    tagged(udp4({ from: 1 }), 5),
    dhcp({ from: 1, type: 1, client: 1 }),
    ipv6({ from: 1, protocol: 0 }, Buffer.concat([Buffer.from([17, 0, 0, 0, 0, 0, 0, 0]), udp({})])),
    icmpv6({ from: 1 }, 135),
    routerAdvertisement({ from: 1 }, 1800),
    dnsQuery({ from: 1 }, "www.example.com"),
    bpdu(1, 2),
  ];

  it("never looks beyond the end of a frame, cut anywhere, changed anywhere", () => {
    const frame = new Frame();
    const change = fc.record({ at: fc.nat(400), byte: fc.nat(255) });
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.nat(400),
        fc.array(change, { maxLength: 4 }),
        (sample, cut, changes) => {
          const bytes = Buffer.from(sample.subarray(0, Math.min(cut, sample.length)));
          for (const { at, byte } of changes) if (at < bytes.length) bytes[at] = byte;
          // Behind the frame stands what would be taken for a header by one that reads on.
          const end = 16 + bytes.length;
          const buffer = Buffer.concat([Buffer.alloc(16, 0x11), bytes, Buffer.alloc(2048, 0x11)]);
          const isWhole = frame.read(buffer, 16, end);
          if (!isWhole) return;
          assert.ok(frame.networkAt <= end);
          if (frame.network === "ipv4" || frame.network === "ipv6") {
            assert.ok(frame.transportAt <= end && frame.packetEnd <= end);
            if (frame.transport === "tcp" || frame.transport === "udp") assert.ok(frame.payloadAt <= end);
          }
          const seen = { ...frame, buffer: undefined };
          const alone = Buffer.concat([Buffer.alloc(16, 0x11), bytes]);
          const again = new Frame();
          Object.assign(again, frame);
          again.read(alone, 16, end);
          assert.deepEqual({ ...again, buffer: undefined }, seen);
          findDnsQueryName(frame);
          if (announcesDefaultRouter(frame)) removeDefaultRouter(frame, Buffer.from(bytes));
          if (carriesTcpData(frame)) encodeRedirect(frame, "http://example.com/");
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("takes every cut of a frame for a shorter frame or for none", () => {
    for (const sample of samples) {
      for (let cut = 0; cut < 14; cut++)
        assert.equal(new Frame().read(sample, 0, cut), false, `${cut} bytes`);
    }
  });
});

describe("checksum of IP", () => {
  it("is the one of a known header", () => {
    // The example of the article on the IPv4 header in Wikipedia.
    const header = Buffer.from("45000073000040004011b861c0a80001c0a800c7", "hex");
    assert.equal(internetChecksum(header, 0, 20), 0);
    header.writeUInt16BE(0, 10);
    assert.equal(internetChecksum(header, 0, 20), 0xb861);
  });
});

describe("name of a DNS query", () => {
  it("is found in a query and nowhere else", () => {
    assert.equal(findDnsQueryName(read(dnsQuery({ from: 1 }, "www.example.com"))), "www.example.com");
    const answer = Buffer.from(dnsQuery({ from: 1 }, "www.example.com"));
    answer[14 + 20 + 8 + 2] = 0x81;
    assert.equal(findDnsQueryName(read(answer)), undefined);
    assert.equal(findDnsQueryName(read(udp4({ from: 1 }))), undefined);
  });

  it("has no character that could end a line or a column", () => {
    assert.equal(findDnsQueryName(read(dnsQuery({ from: 1 }, "a\r\nb c\xff"))), "a??b?c?");
  });
});

describe("router advertisement", () => {
  it("loses its default router, and the checksum fits", () => {
    for (const frame of [
      routerAdvertisement({ from: 1, to: 2 }, 1800),
      tagged(routerAdvertisement({ from: 1 }, 65_535), 9),
    ]) {
      const view = read(frame);
      assert.equal(announcesDefaultRouter(view), true);
      const changed = Buffer.from(frame);
      removeDefaultRouter(view, changed);
      assert.equal(announcesDefaultRouter(read(changed)), false);
      const untagged =
        view.vlan === 0 ? changed : Buffer.concat([changed.subarray(0, 12), changed.subarray(16)]);
      const found = untagged.readUInt16BE(56);
      untagged.writeUInt16BE(0, 56);
      assert.equal(found, checksumOfIpv6(untagged));
    }
    assert.equal(announcesDefaultRouter(read(routerAdvertisement({ from: 1 }, 0))), false);
  });
});

describe("VLAN tag", () => {
  it("comes and goes without a trace", () => {
    const frame = udp4({ from: 1, to: 2 });
    const target = Buffer.alloc(frame.length + 10, 0xee);
    const bytes = writeTagged(frame, 0, frame.length, 7, target, 6);
    const withTag = Buffer.from(target.subarray(6, 6 + bytes));
    assert.deepEqual(withTag, tagged(frame, 7));
    const back = Buffer.alloc(frame.length);
    assert.equal(writeUntagged(withTag, 0, withTag.length, back, 0), frame.length);
    assert.deepEqual(back, frame);
  });
});

describe("redirect of an HTTP request", () => {
  const request = {
    payload: Buffer.from("GET / HTTP/1.1\r\n\r\n"),
    sequence: 0xffff_fff8,
    acknowledgement: 77,
  };

  it("answers in the name of the server", () => {
    const frames = [
      tcp4({ from: 1, to: 2 }, request),
      tagged(tcp4({ from: 1, to: 2 }, request), 3),
      ipv6({ from: 1, to: 2, protocol: 6 }, tcp(request)),
    ];
    for (const frame of frames) {
      const asked = read(frame);
      assert.equal(carriesTcpData(asked), true);
      const bytes = encodeRedirect(asked, "http://example.com/?a=1");
      const answer = read(bytes);
      assert.deepEqual([answer.destination1, answer.source1, answer.vlan], [1, 2, asked.vlan]);
      assert.deepEqual([answer.sourcePort, answer.destinationPort], [5201, 40_000]);
      assert.equal(answer.tcpFlags, 0x18);
      assert.equal(bytes.readUInt32BE(answer.transportAt + 4), 77);
      assert.equal(bytes.readUInt32BE(answer.transportAt + 8), request.payload.length - 8);
      assert.deepEqual(
        [answer.sourceIp0, answer.sourceIp3, answer.destinationIp3],
        [asked.destinationIp0, asked.destinationIp3, asked.sourceIp3],
      );
      const text = bytes.toString("latin1", answer.payloadAt);
      assert.match(text, /^HTTP\/1\.1 302 Found\r\nLocation: http:\/\/example\.com\/\?a=1\r\n/);
      const [head = "", body = ""] = text.split("\r\n\r\n");
      assert.equal(Number(/Content-Length: (\d+)/.exec(head)?.[1]), body.length);
      const addresses = asked.network === "ipv4" ? [12, 20] : [8, 40];
      const pseudo = Buffer.alloc(4);
      pseudo.writeUInt16BE(6, 0);
      pseudo.writeUInt16BE(answer.packetEnd - answer.transportAt, 2);
      const summed = Buffer.concat([
        bytes.subarray(
          answer.networkAt + (addresses[0] as number),
          answer.networkAt + (addresses[1] as number),
        ),
        pseudo,
        bytes.subarray(answer.transportAt),
      ]);
      assert.equal(internetChecksum(summed, 0, summed.length), 0);
    }
  });

  it("has no line end and no mark-up of the address", () => {
    const asked = read(tcp4({ from: 1, to: 2 }, request));
    const text = encodeRedirect(asked, 'http://a/\r\nX: "<\u00e9\ud800').toString("latin1", 54);
    assert.match(text, /\r\nLocation: http:\/\/a\/%0d%0aX:%20%22%3c%c3%a9%ef%bf%bd\r\n/);
  });

  it("is not for segments without data", () => {
    assert.equal(carriesTcpData(read(tcp4({ from: 1, to: 2 }))), false);
    assert.equal(carriesTcpData(read(tcp4({ from: 1, to: 2 }, { ...request, flags: 0x02 }))), false);
    assert.equal(carriesTcpData(read(udp4({ from: 1, to: 2 }))), false);
  });
});
