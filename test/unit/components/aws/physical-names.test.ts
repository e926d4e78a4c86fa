import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bucketNamePrefix,
  loadBalancerNamePrefix,
  namePrefixWhereNeeded,
  roleDescription,
  securityGroupDescription,
} from "../../../../components/aws/physical-names.ts";
import { nameTag } from "../../../../components/aws/tags.ts";

for (const [name, loadBalancer, bucket] of [
  ["exit", "exit-", "exit-"],
  ["Exit.Nodes_eu", "exit-", "exit-nodes-eu-"],
  [
    "a-very-long-name-that-no-bucket-could-have-as-its-own",
    "a-ver-",
    "a-very-long-name-that-no-bucket-coul-",
  ],
  ["__", "vpn-", "vpn-"],
  ["--x--", "x-", "x-"],
] as const) {
  test(`a fleet ${name} has a load balancer ${loadBalancer}… and a bucket ${bucket}…`, () => {
    assert.equal(loadBalancerNamePrefix(name), loadBalancer);
    assert.equal(bucketNamePrefix(name), bucket);
    assert.ok(loadBalancer.length <= 6 && bucket.length <= 37);
  });
}

const long = "edge-of-a-name-that-somebody-has-put-together-from-project-stack-and-region";

for (const [kind, name, prefix] of [
  ["role", "edge-role", undefined],
  ["role", "x".repeat(56), undefined],
  ["role", "x".repeat(57), `${"x".repeat(37)}-`],
  ["role", `${long}-role`, "edge-of-a-name-that-somebody-has-put--"],
  ["role", "bob's vpn-role", "bob-s-vpn-role-"],
  ["rolePolicy", `${long}-boot-policy`, undefined],
  ["instanceProfile", "büro-instance-profile", "b-ro-instance-profile-"],
  ["securityGroup", "bob (home)-security-group", undefined],
  ["securityGroup", "bob's-security-group", "bob-s-security-group-"],
  ["securityGroup", "sg-vpn-security-group", "vpn-sg-vpn-security-group-"],
  ["securityGroup", "SG-vpn-security-group", "vpn-SG-vpn-security-group-"],
  ["securityGroup", "sgvpn-security-group", undefined],
  ["keyPair", "bob's-key-pair", undefined],
  ["keyPair", "büro-key-pair", "b-ro-key-pair-"],
  ["launchTemplate", "my vpn-launch-template", "my-vpn-launch-template-"],
  ["launchTemplate", `${"x".repeat(118)}`, `${"x".repeat(98)}-`],
  ["group", "a:b-group", "a-b-group-"],
  ["group", "😀-group", "--group-"],
  ["secret", "a/b+c=d.e@f-state", undefined],
  ["secret", "a b-state", "a-b-state-"],
] as const) {
  test(`a ${kind} of the resource ${name} is named by ${prefix ?? "it"}`, () => {
    assert.equal(namePrefixWhereNeeded(kind, name).prefix, prefix);
  });
}

test("descriptions and the tag Name have what AWS takes of a component's name", () => {
  assert.equal(securityGroupDescription("VPN server edge: instances"), "VPN server edge: instances");
  assert.equal(securityGroupDescription("VPN server Bob's <büro>"), "VPN server Bob-s -b-ro-");
  assert.equal(securityGroupDescription("x".repeat(300)).length, 255);
  assert.equal(roleDescription("VPN server büro 日本"), "VPN server büro --");
  assert.equal(nameTag("büro 日本-role"), "büro 日本-role");
  assert.equal(nameTag("bob's (home)-role"), "bob-s -home--role");
  assert.equal(nameTag("x".repeat(300)).length, 256);
});
