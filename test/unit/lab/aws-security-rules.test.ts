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

test("addresses of the API's server become addresses that a kernel forwards", () => {
  assert.equal(publicAddressOf("127.38.43.222"), "198.18.43.222");
  assert.equal(publicAddressOf("127.39.43.222"), "198.19.43.222");
  assert.equal(publicAddressOf("54.214.1.2"), "198.18.1.2");
  assert.equal(publicAddressOf(""), "");
});
