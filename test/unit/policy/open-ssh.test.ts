import "../components/lean-pulumi.ts";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openSsh } from "../../../policy/open-ssh.ts";
import { unknownText, violationsOf } from "./judge.ts";

const groupType = "aws:ec2/securityGroup:SecurityGroup";
const ruleType = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const ssh = { ipProtocol: "tcp", fromPort: 22, toPort: 22 };

const ofRule = (props: Record<string, unknown>, config?: object) =>
  violationsOf(openSsh, { type: ruleType, props: { ...ssh, ...props }, ...(config && { config }) });

describe("ssh-open-to-the-world", () => {
  for (const [name, props] of [
    ["IPv4", { cidrIpv4: "0.0.0.0/0" }],
    ["IPv6", { cidrIpv6: "::/0" }],
    ["half of IPv4", { cidrIpv4: "128.0.0.0/1" }],
    ["all of IPv6 that is given out", { cidrIpv6: "2000::/3" }],
    ["a range of ports", { cidrIpv4: "0.0.0.0/0", fromPort: 0, toPort: 65_535 }],
    ["every protocol", { cidrIpv4: "0.0.0.0/0", ipProtocol: "-1", fromPort: undefined, toPort: undefined }],
    ["the protocol by its number", { cidrIpv4: "0.0.0.0/0", ipProtocol: "6" }],
  ] as const) {
    test(`refuses a rule for ${name}`, () => {
      const [violation, ...others] = ofRule(props);
      assert.match(violation ?? "", /^TCP port 22 is open to .+: give the networks that need it$/);
      assert.deepEqual(others, []);
    });
  }

  for (const [name, props] of [
    ["one address", { cidrIpv4: "203.0.113.7/32" }],
    ["a network of somebody's", { cidrIpv6: "2001:db8::/32" }],
    ["all private addresses", { cidrIpv4: "10.0.0.0/8" }],
    ["all private addresses of IPv6", { cidrIpv6: "fc00::/7" }],
    ["another port", { cidrIpv4: "0.0.0.0/0", fromPort: 443, toPort: 443 }],
    ["UDP", { cidrIpv4: "0.0.0.0/0", ipProtocol: "udp" }],
    ["a network that a preview does not know", { cidrIpv4: unknownText }],
    ["a security group", { referencedSecurityGroupId: "sg-1" }],
    ["what is no network", { cidrIpv4: "everybody" }],
  ] as const) {
    test(`lets a rule for ${name} pass`, () => assert.deepEqual(ofRule(props), []));
  }

  for (const type of [groupType, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"]) {
    test(`looks into the rules that a ${type} holds, and tells which it is`, () => {
      const rule = { protocol: "tcp", fromPort: 22, toPort: 22 };
      const ingress = [
        { ...rule, cidrBlocks: ["203.0.113.7/32"] },
        { ...rule, cidrBlocks: [unknownText, "0.0.0.0/0"], ipv6CidrBlocks: ["::/0"] },
        { ...rule, cidrBlocks: unknownText },
      ];
      assert.deepEqual(violationsOf(openSsh, { type, props: { ingress } }), [
        "ingress[1]: TCP port 22 is open to 0.0.0.0/0 and ::/0: give the networks that need it",
      ]);
      const egress = [{ ...rule, cidrBlocks: ["0.0.0.0/0"] }];
      assert.deepEqual(violationsOf(openSsh, { type, props: { egress, ingress: unknownText } }), []);
    });
  }

  test("tells rules that let in from those that let out", () => {
    const type = "aws:ec2/securityGroupRule:SecurityGroupRule";
    const rule = { protocol: "tcp", fromPort: 22, toPort: 22, cidrBlocks: ["0.0.0.0/0"] };
    assert.equal(violationsOf(openSsh, { type, props: { ...rule, type: "ingress" } }).length, 1);
    assert.deepEqual(violationsOf(openSsh, { type, props: { ...rule, type: "egress" } }), []);
  });

  test("looks at other ports where SSH is elsewhere", () => {
    const open = { cidrIpv4: "0.0.0.0/0", fromPort: 2222, toPort: 2222 };
    assert.deepEqual(ofRule(open), []);
    assert.match(ofRule(open, { ports: [22, 2222] }).join(), /^TCP port 2222 is open/);
  });

  test("has nothing against other resources", () => {
    const props = { ingress: [{ protocol: "-1", cidrBlocks: ["0.0.0.0/0"] }] };
    assert.deepEqual(violationsOf(openSsh, { type: "aws:ec2/networkAcl:NetworkAcl", props }), []);
  });
});
