import assert from "node:assert/strict";
import { test } from "node:test";
import { parseXml, listAt } from "../../lab/aws/api/xml.ts";
import { publicAddressOf } from "../../lab/aws/plugin/public-address.ts";
import { securityRules } from "../../lab/aws/security-rules.ts";

const groups = listAt(
  parseXml(`<r><g>
<item><groupId>sg-1</groupId><ipPermissions>
 <item><ipProtocol>tcp</ipProtocol><fromPort>443</fromPort><toPort>443</toPort><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges><ipv6Ranges><item><cidrIpv6>2001:db8::/32</cidrIpv6></item></ipv6Ranges><groups/></item>
 <item><ipProtocol>udp</ipProtocol><fromPort>500</fromPort><toPort>510</toPort><ipRanges/><ipv6Ranges/><groups><item><groupId>sg-2</groupId></item></groups></item>
</ipPermissions><ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item></ipPermissionsEgress></item>
<item><groupId>sg-2</groupId><ipPermissions/><ipPermissionsEgress/></item>
</g></r>`),
  "r.g",
);

const router = { gateway: "172.31.0.1", metadataHops: 1 };

test("a security group becomes a chain that lets through what it names and drops the rest", () => {
  const rules = securityRules(
    [
      {
        ...{ interface: "i-a", privateAddress: "172.31.0.4", publicAddress: "198.18.0.9", groups: ["sg-1"] },
        ...router,
      },
      { interface: "i-b", privateAddress: "172.31.0.5", groups: ["sg-2"], ...router },
    ],
    groups,
    "eth0",
  );
  const chain = (name: string) => {
    const body = new RegExp(`chain ${name} \\{\n([^}]*)\n {2}\\}`).exec(rules)?.[1] ?? "";
    return body.split("\n").map((line) => line.trim());
  };
  assert.deepEqual(chain("in_i_a"), [
    "meta nfproto ipv4 tcp dport 443 return",
    "ip6 saddr 2001:db8::/32 tcp dport 443 return",
    "ip saddr 172.31.0.5 udp dport 500-510 return",
    "counter drop",
  ]);
  assert.deepEqual(chain("out_i_a"), ["meta nfproto ipv4 return", "counter drop"]);
  assert.deepEqual(chain("in_i_b"), ["counter drop"]);
  assert.match(rules, /ip daddr 198\.18\.0\.9 dnat ip to 172\.31\.0\.4/);
  assert.match(rules, /oifname "eth0" ip saddr 172\.31\.0\.4 snat ip to 198\.18\.0\.9/);
});

test("a load balancer sends on new connections, with its groups in front and the client's address on them", () => {
  const balancer = {
    ...{ dnsName: "fleet.elb", address: "198.19.255.1", groups: ["sg-2"] },
    listeners: [
      { port: 443, isSticky: false, targetPort: 443, targets: ["172.31.0.4", "172.31.0.9"] },
      { port: 992, isSticky: true, targetPort: 1992, targets: ["172.31.0.4", "172.31.0.9"] },
      { port: 5555, isSticky: true, targetPort: 5555, targets: ["172.31.0.4"] },
      { port: 80, isSticky: true, targetPort: 80, targets: [] },
    ],
  };
  const rules = securityRules(
    [{ interface: "i-a", privateAddress: "172.31.0.4", groups: ["sg-1"], ...router, metadataHops: 2 }],
    groups,
    "eth0",
    { balancers: [balancer], deadTargets: ["172.31.0.7"] },
  );
  const map = "map { 0 : 172.31.0.4, 1 : 172.31.0.9 }";
  const lines = rules.split("\n").map((line) => line.trim());
  for (const line of [
    `ip daddr 198.19.255.1 tcp dport 443 dnat ip to jhash ip saddr . tcp sport mod 2 ${map}`,
    "ip daddr 198.19.255.1 tcp dport 5555 dnat ip to 172.31.0.4",
    // The instance's group lets in the balancer's group: what it sends on, and its health checks.
    "ct original ip daddr 198.19.255.1 udp dport 500-510 return",
    "ip saddr 172.31.0.1 udp dport 500-510 return",
    "ct original ip daddr 198.19.255.1 jump balancer_in_198_19_255_1",
    "ct original ip daddr { 198.19.255.1 } ip daddr { 172.31.0.7 } meta l4proto tcp reject with tcp reset",
    "ip saddr 169.254.169.254 ip daddr 172.31.0.4 ip ttl set 2",
  ]) {
    assert.ok(lines.includes(line), `${line}\nin\n${rules}`);
  }
  assert.doesNotMatch(rules, /dport 80 /);
});

test("addresses of the API's server become addresses that a kernel forwards", () => {
  assert.equal(publicAddressOf("127.38.43.222"), "198.18.43.222");
  assert.equal(publicAddressOf("127.39.43.222"), "198.19.43.222");
  assert.equal(publicAddressOf("54.214.1.2"), "198.18.1.2");
  assert.equal(publicAddressOf(""), "");
});
