import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { freeNetwork, networksOfRoutes } from "../../../server/host-nat/free-network.ts";
import { formatIpv4Network, parseIpv4Network } from "../../../server/ethernet/ipv4-network.ts";

const networks = (...texts: readonly string[]) =>
  texts.map((text) => parseIpv4Network(text) ?? assert.fail(text));

/** As the kernel prints it. */
const routes = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth1\t000012C6\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
eth1\t
`;

describe("the network behind an interface", () => {
  test("is one that the host has no way to, but for those to everywhere", () => {
    const taken = networksOfRoutes(routes);
    assert.deepEqual(taken.map(formatIpv4Network), ["192.0.2.0/24", "198.18.0.0/16"]);
    assert.deepEqual(freeNetwork(taken), networks("198.19.0.0/20")[0]);
  });

  test("is next to that of another interface, and in the other range when one is full", () => {
    const free = (...taken: readonly string[]) => {
      const network = freeNetwork(networks(...taken));
      return network && formatIpv4Network(network);
    };
    assert.equal(free(), "198.18.0.0/20");
    assert.equal(free("198.18.0.0/20"), "198.18.16.0/20");
    assert.equal(free("198.18.5.7/32"), "198.18.16.0/20");
    assert.equal(free("198.18.0.0/15"), "100.64.0.0/20");
    assert.equal(free("198.0.0.0/8", "100.64.0.0/11"), "100.96.0.0/20");
    assert.equal(free("198.18.0.0/15", "100.64.0.0/10"), undefined);
  });
});
