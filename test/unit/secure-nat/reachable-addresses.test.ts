import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseIpv4, parseIpv4Network } from "../../../server/ethernet/ipv4-network.ts";
import { isReachable } from "../../../server/secure-nat/reachable-addresses.ts";

const addressOf = (text: string) => parseIpv4(text) ?? assert.fail(text);
const networkOf = (text: string) => parseIpv4Network(text) ?? assert.fail(text);

describe("the addresses that clients of a NAT do not reach", () => {
  for (const [what, address, open] of [
    ["the host itself", "127.0.0.1", "127.0.0.0/8"],
    ["all of loopback", "127.255.255.254", "127.0.0.0/8"],
    ["this network, which is the host too", "0.0.0.0", "0.0.0.0/8"],
    ["metadata of most clouds", "169.254.169.254", "169.254.169.254/32"],
    ["all of link-local, such as the credentials of containers on AWS", "169.254.170.2", "169.254.0.0/16"],
    ["metadata of Alibaba Cloud", "100.100.100.200", "100.100.100.200/32"],
    ["what Azure tells its machines", "168.63.129.16", "168.63.129.16/32"],
    ["metadata of Oracle Cloud Classic", "192.0.0.192", "192.0.0.192/32"],
    ["multicast", "224.0.0.251", "224.0.0.0/4"],
    ["everybody", "255.255.255.255", "255.255.255.255/32"],
  ] as const) {
    test(`are those of ${what}, until they are opened`, () => {
      assert.equal(isReachable(addressOf(address), []), false);
      assert.equal(isReachable(addressOf(address), [networkOf("10.0.0.0/8")]), false);
      assert.equal(isReachable(addressOf(address), [networkOf(open)]), true);
    });
  }

  test("are no others, not even their neighbours", () => {
    for (const address of ["100.100.100.199", "168.63.129.17", "192.0.0.193", "10.0.0.1", "1.1.1.1"]) {
      assert.equal(isReachable(addressOf(address), []), true, address);
    }
  });
});
