import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  openPorts,
  ownPorts,
  planClosing,
  planOpening,
  type NftCommand,
} from "../../../server/firewall/nftables-plan.ts";
import { isRecord, parseRuleset, type Rule, type Ruleset } from "../../../server/firewall/ruleset.ts";
import { capturedRuleset, capturedRulesets } from "./fixture.ts";
import { afterCommands } from "./ruleset-model.ts";

const ports = [443, 992, 5555];

function placesOf(name: string): string[] {
  return planOpening(capturedRuleset(name), ports).rules.map(
    ({ family, table, chain, port, place }) => `${family} ${table} ${chain}: ${port} at the ${place}`,
  );
}

describe("planOpening", () => {
  for (const name of ["debian-default", "docker"]) {
    test(`adds nothing to ${name}, which stops no connection`, () => {
      assert.deepEqual(planOpening(capturedRuleset(name), ports), { rules: [], commands: [] });
    });
  }

  test("adds rules at the end where only the policy drops, so that bans still come first", () => {
    assert.deepEqual(placesOf("policy-drop"), [
      "inet filter input: 443 at the end",
      "inet filter input: 992 at the end",
      "inet filter input: 5555 at the end",
    ]);
  });

  test("adds rules at the top where a rule rejects what was not accepted before", () => {
    assert.deepEqual(placesOf("last-rule-rejects"), [
      "inet filter input: 443 at the top",
      "inet filter input: 992 at the top",
      "inet filter input: 5555 at the top",
    ]);
  });

  test("opens each chain that stops a port, and no chain that lets it pass or only bans peers", () => {
    assert.deepEqual(placesOf("many-chains"), [
      // 443 is open to the world, but it is not known which interface is the one that counts.
      "inet zones input: 992 at the top",
      "inet zones input: 5555 at the top",
      "ip six-o-clock in: 443 at the end",
      "ip six-o-clock in: 992 at the end",
      "ip six-o-clock in: 5555 at the top",
    ]);
  });

  test("writes a rule as libnftables takes it", () => {
    const [command] = planOpening(capturedRuleset("policy-drop"), [443]).commands;
    assert.deepEqual(command, {
      add: {
        rule: {
          family: "inet",
          table: "filter",
          chain: "input",
          comment: "vpnserver",
          expr: [
            { match: { op: "==", left: { payload: { protocol: "tcp", field: "dport" } }, right: 443 } },
            { accept: null },
          ],
        },
      },
    });
  });

  test("leaves a port alone that the administrator opened", () => {
    assert.deepEqual(planOpening(capturedRuleset("last-rule-rejects"), [22, 8005]).commands, []);
  });

  test("puts a rule of ours that came to stand behind a rejecting one in front of it", () => {
    const ruleset = withRule(capturedRuleset("last-rule-rejects"), ownRule(443, 99));
    const { commands } = planOpening(ruleset, [443]);
    assert.deepEqual(
      commands.map((command) => Object.keys(command)[0]),
      ["delete", "insert"],
    );
    assert.deepEqual(deletedHandles(commands), [99]);
  });

  for (const name of capturedRulesets) {
    test(`opens the ports in ${name}, and is content with that the next time`, () => {
      const ruleset = capturedRuleset(name);
      const after = afterCommands(ruleset, planOpening(ruleset, ports).commands);
      assert.deepEqual(openPorts(after, ports), ports);
      assert.deepEqual(planOpening(after, ports).commands, []);
    });

    test(`closing gives back ${name} as it was`, () => {
      const ruleset = capturedRuleset(name);
      const opened = afterCommands(ruleset, planOpening(ruleset, ports).commands);
      assert.deepEqual(afterCommands(opened, planClosing(opened)), ruleset);
    });
  }
});

describe("planClosing", () => {
  const opened = (() => {
    const ruleset = capturedRuleset("policy-drop");
    return afterCommands(ruleset, planOpening(ruleset, ports).commands);
  })();

  test("takes away the rules of the named ports alone", () => {
    const after = afterCommands(opened, planClosing(opened, [992]));
    assert.deepEqual(ownPorts(after), [443, 5555]);
  });

  test("leaves a rule that bears our comment and is none of ours", () => {
    const foreign: Rule = { ...ownRule(53, 7), statements: [{ drop: null }] };
    assert.deepEqual(planClosing(withRule(capturedRuleset("policy-drop"), foreign)), []);
  });
});

test("no plan ever touches a rule without our comment, or flushes anything", () => {
  fc.assert(
    fc.property(arbitraryRuleset(), fc.uniqueArray(arbitraryPort(), { maxLength: 4 }), (ruleset, wanted) => {
      const foreign = new Set(
        ruleset.chains
          .flatMap(({ rules }) => rules.filter(({ comment }) => comment !== "vpnserver"))
          .map(handleOf),
      );
      for (const commands of [
        planOpening(ruleset, wanted).commands,
        planClosing(ruleset, wanted),
        planClosing(ruleset),
      ]) {
        for (const handle of deletedHandles(commands)) assert.ok(!foreign.has(handle));
        for (const command of commands) {
          const [[verb, object]] = Object.entries(command) as [[string, Record<string, unknown>]];
          assert.ok(["add", "insert", "delete"].includes(verb));
          assert.deepEqual(Object.keys(object), ["rule"]);
        }
      }
      const after = afterCommands(ruleset, planOpening(ruleset, wanted).commands);
      assert.deepEqual(openPorts(after, wanted), wanted);
      assert.deepEqual(withoutOurs(after), withoutOurs(ruleset));
    }),
    { numRuns: 500 },
  );
});

describe("parseRuleset", () => {
  test("says what it cannot understand", () => {
    assert.throws(() => parseRuleset("nope"), /nft -j list ruleset.*not JSON/);
    assert.throws(() => parseRuleset("{}"), /no list `nftables`/);
    assert.throws(() => parseRuleset('{"nftables":[{"chain":{"family":"ip"}}]}'), /table is missing/);
  });
});

function handleOf({ handle }: Rule): number {
  return handle;
}

function ownRule(port: number, handle: number): Rule {
  return {
    family: "inet",
    table: "filter",
    chain: "input",
    handle,
    comment: "vpnserver",
    statements: [
      { match: { op: "==", left: { payload: { protocol: "tcp", field: "dport" } }, right: port } },
      { accept: null },
    ],
  };
}

function withRule(ruleset: Ruleset, rule: Rule): Ruleset {
  return {
    chains: ruleset.chains.map((chain) =>
      chain.chain === rule.chain ? { ...chain, rules: [...chain.rules, rule] } : chain,
    ),
  };
}

function withoutOurs(ruleset: Ruleset): Ruleset {
  return afterCommands(ruleset, planClosing(ruleset));
}

function deletedHandles(commands: readonly NftCommand[]): number[] {
  return commands.flatMap((command) => {
    const deleted = command["delete"];
    return isRecord(deleted) ? [(deleted["rule"] as Rule).handle] : [];
  });
}

function arbitraryPort(): fc.Arbitrary<number> {
  return fc.constantFrom(22, 80, 443, 992, 5555);
}

/** Rulesets of two tables with base chains and others that are jumped to. */
function arbitraryRuleset(): fc.Arbitrary<Ruleset> {
  const names = ["in", "early", "a", "b"];
  const dport = { payload: { protocol: "tcp", field: "dport" } };
  const condition = fc.oneof(
    arbitraryPort().map((right) => ({ match: { op: "==", left: dport, right } })),
    arbitraryPort().map((right) => ({ match: { op: "!=", left: dport, right } })),
    fc.constant({ match: { op: "==", left: dport, right: { set: [22, { range: [400, 999] }] } } }),
    fc.constant({ match: { op: "==", left: dport, right: "@ports" } }),
    fc.constant({
      match: { op: "==", left: { payload: { protocol: "ip", field: "saddr" } }, right: "@banned" },
    }),
    fc.constant({ match: { op: "in", left: { ct: { key: "state" } }, right: "established" } }),
    fc.constant({ match: { op: "==", left: { meta: { key: "iifname" } }, right: "eth0" } }),
    fc.constant({ limit: { rate: 5, per: "second", inv: true } }),
    fc.constant({ xt: { type: "match", name: "conntrack" } }),
  );
  const verdict = fc.oneof(
    fc.constantFrom({ accept: null }, { drop: null }, { reject: null }, { return: null }),
    fc.constantFrom(...names).map((target) => ({ jump: { target } })),
    fc.constantFrom(...names).map((target) => ({ goto: { target } })),
    fc.constant({
      vmap: {
        key: dport,
        data: {
          set: [
            [443, { drop: null }],
            [22, { jump: { target: "a" } }],
          ],
        },
      },
    }),
  );
  const comment = fc.constantFrom(undefined, "vpnserver", "vpnserver2", "ssh");
  const place = fc.tuple(fc.constantFrom("inet", "ip"), fc.constantFrom(...names));
  const rule = fc.oneof(
    { weight: 3, arbitrary: fc.tuple(place, fc.array(condition, { maxLength: 2 }), verdict, comment) },
    {
      weight: 1,
      arbitrary: fc.tuple(
        place,
        arbitraryPort().map((right) => [{ match: { op: "==", left: dport, right } }]),
        fc.constant({ accept: null }),
        fc.constant("vpnserver"),
      ),
    },
  );
  return fc
    .tuple(fc.array(rule, { maxLength: 12 }), fc.constantFrom("accept", "drop"))
    .map(([rules, policy]) => {
      const objects = ["inet", "ip"].flatMap((family) =>
        names.map((name) => ({
          chain: {
            family,
            table: "filter",
            name,
            ...(["in", "early"].includes(name) && { type: "filter", hook: "input", prio: 0, policy }),
          },
        })),
      );
      // The kernel takes no rules that go round in circles, or to a base chain.
      const loadable = rules.filter(([[, chain], , last]) => {
        const targets = [...JSON.stringify(last).matchAll(/"target":"(\w+)"/g)].map(([, target]) => target);
        return targets.every(
          (target = "") => ["a", "b"].includes(target) && names.indexOf(target) > names.indexOf(chain),
        );
      });
      const listed = loadable.map(([[family, chain], conditions, last, said], index) => ({
        rule: {
          family,
          table: "filter",
          chain,
          handle: index + 1,
          comment: said,
          expr: [...conditions, last],
        },
      }));
      return parseRuleset(JSON.stringify({ nftables: [...objects, ...listed] }));
    });
}
