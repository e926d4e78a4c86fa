import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { checkSecureNat } from "../../../server/desired/desired-secure-nat.ts";
import { Problems } from "../../../server/desired/value-check.ts";
import { parseIpv6Network } from "../../../server/ethernet/ip-network.ts";
import { formatIpv4 } from "../../../server/ethernet/word-address.ts";
import { createSecureNatSettings, speaksIpv6 } from "../../../server/settings/secure-nat-settings.ts";

function check(value: unknown) {
  const problems = new Problems();
  return { desired: checkSecureNat({ value, path: "secureNat" }, problems), problems: problems.texts };
}

function planOf(value: object) {
  const { desired, problems } = check(value);
  assert.deepEqual(problems, []);
  assert.ok(desired?.plan);
  return desired.plan;
}

function dhcpOf(value: object) {
  const { first, last, gateway, nameServers } = planOf(value).dhcp;
  return [first, last, gateway, ...nameServers].map(formatIpv4);
}

describe("SecureNAT as desired", () => {
  test("is a switch, which leaves the rest as it is", () => {
    assert.deepEqual(check(true).desired, { enabled: true, plan: undefined });
    assert.deepEqual(check(false).desired, { enabled: false, plan: undefined });
    assert.deepEqual(check({}).desired, { enabled: true, plan: undefined });
    assert.deepEqual(check({ enabled: false }).desired, { enabled: false, plan: undefined });
    assert.deepEqual(check(undefined), { desired: undefined, problems: [] });
  });

  test("is as in a new hub where nothing else is told", () => {
    const { enabled: _, ...standard } = createSecureNatSettings(new Uint8Array(6));
    const { perClient: _ofTheHub, ...nat } = standard.nat;
    const host = { ...standard.host, mac: undefined };
    assert.deepEqual(planOf({ saveLog: true }), { ...standard, host, nat });
  });

  test("follows from the address of the virtual host", () => {
    assert.deepEqual(dhcpOf({ address: "10.1.2.1/24" }), [
      "10.1.2.10",
      "10.1.2.200",
      "10.1.2.1",
      "10.1.2.1",
      "0.0.0.0",
    ]);
    assert.deepEqual(dhcpOf({ address: "10.1.0.1/16" }).slice(0, 2), ["10.1.0.10", "10.1.255.200"]);
    assert.deepEqual(dhcpOf({ address: "10.1.2.1/29" }).slice(0, 2), ["10.1.2.2", "10.1.2.6"]);
    assert.deepEqual(dhcpOf({ address: "10.1.2.6/29" }).slice(0, 2), ["10.1.2.1", "10.1.2.5"]);
    assert.deepEqual(dhcpOf({ address: "10.1.2.2/30" }).slice(0, 2), ["10.1.2.1", "10.1.2.1"]);
  });

  test("gives out addresses of its network and never its own, whatever the network", () => {
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 30 }), fc.integer({ min: 1, max: 0xff_ffff }), (prefix, seed) => {
        const size = 2 ** (32 - prefix);
        const network = 0x0a00_0000 + (prefix === 8 ? 0 : (seed * size) % 0x100_0000);
        const host = network + 1 + (seed % (size - 2));
        const { first, last } = planOf({ address: `${formatIpv4(host)}/${prefix}` }).dhcp;
        assert.ok(network < first && first <= last && last < network + size - 1);
        // The DHCP server keeps it back where the range goes across it.
        if (size < 256) assert.ok(host < first || host > last);
      }),
    );
  });

  test("without NAT leaves clients the way out that they have", () => {
    assert.deepEqual(dhcpOf({ nat: "off" }).slice(2), ["0.0.0.0", "0.0.0.0", "0.0.0.0"]);
    assert.deepEqual(dhcpOf({ nat: "off", gateway: "192.168.30.2", nameServers: ["9.9.9.9"] }).slice(2), [
      "192.168.30.2",
      "9.9.9.9",
      "0.0.0.0",
    ]);
    assert.deepEqual(dhcpOf({ gateway: "none", nameServers: [] }).slice(2), [
      "0.0.0.0",
      "0.0.0.0",
      "0.0.0.0",
    ]);
  });

  test("has routes, and networks that are open, in the forms that the file has", () => {
    const plan = planOf({
      routes: ["10.0.0.0/8", "172.16.1.5/12 via 192.168.30.7"],
      openNetworks: ["169.254.169.254", "127.0.0.0/8", "fd00:ec2::254/32"],
      mac: "5e:00:00:00:53:01",
    });
    assert.equal(
      plan.dhcp.pushRoutes,
      "10.0.0.0/255.0.0.0/192.168.30.1, 172.16.0.0/255.240.0.0/192.168.30.7",
    );
    assert.deepEqual(plan.nat.openNetworks, [
      { network: 0xa9fe_a9fe, mask: 0xffff_ffff },
      { network: 0x7f00_0000, mask: 0xff00_0000 },
      parseIpv6Network("fd00:ec2::/32"),
    ]);
    assert.deepEqual(plan.host.mac, Uint8Array.of(0x5e, 0, 0, 0, 0x53, 1));
  });

  test("has IPv6 unless it says that it has not, where the virtual host is the gateway", () => {
    const speaks = (value: object) => {
      const { nat, host, ...plan } = planOf({ saveLog: true, ...value });
      const standard = createSecureNatSettings(new Uint8Array(6));
      return speaksIpv6({
        ...{ ...plan, enabled: true, host: { ...host, mac: standard.host.mac } },
        nat: { ...nat, perClient: standard.nat.perClient },
      });
    };
    assert.ok(speaks({}));
    assert.ok(speaks({ address: "10.1.2.1/24", nat: "kernel" }));
    for (const value of [
      { ipv6: false },
      { gateway: "none" },
      { gateway: "192.168.30.2" },
      { dhcp: false },
      { nat: "off" },
    ])
      assert.equal(speaks(value), false, JSON.stringify(value));
  });

  for (const [value, problem] of [
    [5, /^secureNat: is neither true nor false nor an object$/],
    [{ on: true }, /^secureNat\.on: is not known here; known are enabled, address/],
    [{ address: "192.168.30.1" }, /^secureNat\.address: is no address of a host with the prefix/],
    [{ address: "192.168.30.0/24" }, /address: is no address of a host/],
    [{ address: "192.168.30.255/24" }, /address: is no address of a host/],
    [{ address: "192.168.30.1/31" }, /address: is no address of a host/],
    [{ address: "224.0.0.1/24" }, /address: is no address of a host/],
    [{ mac: "01-00-5E-00-00-01" }, /mac: is no MAC address of one station/],
    [{ nat: "kernal" }, /nat: is none of "auto", "kernel", "user", "off"/],
    [{ mtu: 1_501 }, /mtu: is no whole number from 64 to 1500/],
    [{ tcpTimeoutSeconds: 5 }, /tcpTimeoutSeconds: is no whole number from 60/],
    [
      { dhcpRange: "192.168.31.1-192.168.31.9" },
      /dhcpRange: .* network 192\.168\.30\.0\/24, such as 192\.168\.30\.10-/,
    ],
    [{ dhcpRange: "192.168.30.9-192.168.30.8" }, /dhcpRange: is no range/],
    [{ dhcpRange: "192.168.30.9" }, /dhcpRange: is no range/],
    [{ gateway: "192.168.31.1" }, /gateway: is neither "none" nor an address of the network/],
    [{ nameServers: ["1.1.1.1", "dns"] }, /nameServers\[1\]: is no IPv4 address/],
    [{ nameServers: ["1.1.1.1", "1.1.1.2", "1.1.1.3"] }, /nameServers: has more than 2 members/],
    [{ domainName: "a b" }, /domainName: is no domain name/],
    [{ routes: ["10.0.0.0"] }, /routes\[0\]: is no route/],
    [{ routes: ["10.0.0.0/8 via 10.0.0.1"] }, /routes\[0\]: is no route/],
    [{ ipv6: "yes" }, /ipv6: is neither true nor false/],
    [{ openNetworks: ["fe80::/129"] }, /openNetworks\[0\]: is no network/],
    [{ openNetworks: ["metadata"] }, /openNetworks\[0\]: is no network/],
  ] as const) {
    test(`refuses ${JSON.stringify(value)}`, () => {
      const { problems } = check(value);
      assert.equal(problems.length, 1, problems.join("\n"));
      assert.match(problems[0] ?? "", problem);
    });
  }
});
