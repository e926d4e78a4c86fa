import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { networkLabel, networkProblems, ruleSource } from "../../../../components/aws/networks.ts";

describe("networks of a security group", () => {
  test("are those that AWS takes as they are", () => {
    const networks = [
      "0.0.0.0/0",
      "203.0.113.7/32",
      "10.128.0.0/9",
      "::/0",
      "2001:db8::/32",
      "2001:db8::1/128",
    ];
    assert.deepEqual(networkProblems("sshFrom", networks), []);
    assert.deepEqual(networkProblems("sshFrom", undefined), []);
  });

  for (const [network, problem] of [
    ["203.0.113.7", 'is "203.0.113.7", an address: for it alone give "203.0.113.7/32"'],
    ["2001:db8::1", 'is "2001:db8::1", an address: for it alone give "2001:db8::1/128"'],
    ["203.0.113.7/24", 'is "203.0.113.7/24": AWS writes this network as "203.0.113.0/24"'],
    ["2001:DB8:0::/32", 'is "2001:DB8:0::/32": AWS writes this network as "2001:db8::/32"'],
    ["10.0.0.0/08", 'is "10.0.0.0/08": AWS writes this network as "10.0.0.0/8"'],
    ["10.0.0.0/33", 'is "10.0.0.0/33": behind "/" the number of bits is needed, 0 to 32'],
    ["10.0.0.0/", 'is "10.0.0.0/": behind "/" the number of bits is needed, 0 to 32'],
    ["home/32", 'is "home/32": a network is needed, such as "203.0.113.0/24" or "2001:db8::/32"'],
    ["10.0.0.0/8/8", /a network is needed/],
    [7, "is 7: a network is needed"],
    [null, "is missing: a network is needed"],
  ] as const) {
    test(`refuse ${String(network)}, and say what is needed`, () => {
      const [found, ...more] = networkProblems("sshFrom", ["10.0.0.0/8", network]);
      assert.deepEqual(more, []);
      if (problem instanceof RegExp) assert.match(found ?? "", problem);
      else assert.ok(found?.startsWith(`sshFrom[1] ${problem}`), found);
    });
  }

  test("are a list, each of them once", () => {
    assert.match(
      networkProblems("vpnFrom", "10.0.0.0/8").join(),
      /^vpnFrom is "10\.0\.0\.0\/8": a list of networks/,
    );
    assert.deepEqual(networkProblems("vpnFrom", ["::/0", "::/0"]), [
      'vpnFrom[1] is "::/0", as one before it',
    ]);
  });

  test("have names of their own, and go where their family belongs", () => {
    const networks = ["0.0.0.0/0", "::/0", "10.0.0.0/8", "2001:db8::/32", "2001:db8::1/128"];
    const labels = networks.map(networkLabel);
    assert.deepEqual(labels, ["any-ipv4", "any-ipv6", "10.0.0.0-8", "2001.db8..-32", "2001.db8..1-128"]);
    assert.deepEqual(ruleSource("10.0.0.0/8"), { cidrIpv4: "10.0.0.0/8" });
    assert.deepEqual(ruleSource("::/0"), { cidrIpv6: "::/0" });
  });
});
