import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  includesOwnRules,
  isMadeBy,
  ownRulesText,
  withInclude,
  withoutInclude,
} from "../../../server/firewall/nftables-file.ts";
import type { OpeningRule } from "../../../server/firewall/nftables-plan.ts";

const rule: OpeningRule = { family: "inet", table: "filter", chain: "input", port: 443, place: "end" };
const debian = readFileSync(new URL("fixtures/debian-default.nft", import.meta.url), "utf8");

describe("the include line", () => {
  test("is added once, and taking it away gives the same bytes, whatever the configuration", () => {
    const line = fc.string({ maxLength: 30 });
    fc.assert(
      fc.property(
        fc.array(line).map((lines) => lines.join("\n")),
        (configuration) => {
          const changed = withInclude(configuration);
          assert.ok(includesOwnRules(changed));
          assert.ok(changed.startsWith(configuration));
          assert.equal(withInclude(changed), changed);
          assert.equal(withoutInclude(changed), configuration);
        },
      ),
    );
  });

  test("is a pattern, so that the host's configuration loads without our file", () => {
    assert.equal(withInclude(debian).slice(debian.length), 'include "/etc/vpnserver.nf[t]" # vpnserver\n');
  });
});

describe("ownRulesText", () => {
  test("names tables and chains again before its rules", () => {
    const rules = [
      rule,
      { ...rule, port: 992 },
      { ...rule, family: "ip6", chain: "in", place: "top" as const },
    ];
    assert.equal(
      ownRulesText(rules),
      `# TCP ports of the VPN server. Made by vpnserver, which takes it away when it is uninstalled.
add table inet filter
add table ip6 filter
add chain inet filter input
add chain ip6 filter in
add rule inet filter input tcp dport 443 accept comment "vpnserver"
add rule inet filter input tcp dport 992 accept comment "vpnserver"
insert rule ip6 filter in tcp dport 443 accept comment "vpnserver"
`,
    );
  });
});

describe("isMadeBy", () => {
  test("finds the chain in Debian's configuration", () => {
    assert.ok(isMadeBy(debian, rule));
  });

  test("takes ip as the family of a table that names none", () => {
    const configuration = "table filter {\n chain input { type filter hook input priority 0; }\n}";
    assert.ok(isMadeBy(configuration, { ...rule, family: "ip" }));
    assert.ok(!isMadeBy(configuration, rule));
  });

  for (const [what, changes] of [
    ["another table", { table: "filter2" }],
    ["another chain", { chain: "in" }],
    ["another family", { family: "ip6" }],
    ["a name that the configuration cannot spell", { chain: "in put; flush ruleset" }],
  ] as const) {
    test(`does not mistake ${what} for it`, () => {
      assert.ok(!isMadeBy(debian, { ...rule, ...changes }));
    });
  }

  test("does not count what stands in a comment", () => {
    assert.ok(!isMadeBy(debian.replaceAll(/^/gm, "# "), rule));
  });
});
