import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isActive, planUfwClosing, planUfwOpening, portInRules } from "../../../server/firewall/ufw-plan.ts";

/** As ufw 0.36.2 printed it. */
const added = `Added user rules (see 'ufw status' for running firewall):
ufw allow 22/tcp
ufw allow 443/tcp comment 'vpnserver'
ufw allow 992
ufw allow OpenSSH
ufw deny 8443/tcp
ufw limit 2222/tcp
ufw allow 8888/tcp comment 'the web'
ufw allow from 10.0.0.0/8 to any port 5555 proto tcp comment 'vpnserver'
ufw allow 80,81/tcp
`;
const none = "Added user rules (see 'ufw status' for running firewall):\n(None)\n";

test("a firewall that is switched off is not at work", () => {
  assert.ok(isActive("Status: active\n\nTo    Action  From\n"));
  assert.ok(!isActive("Status: inactive\n"));
});

describe("portInRules", () => {
  for (const [port, state] of [
    [443, "open by us"],
    [992, "open"],
    [2222, "open"],
    [8888, "open"],
    [8443, "shut"],
    [5555, "not named"],
    [44, "not named"],
  ] as const) {
    test(`says of ${port}: ${state}`, () => assert.equal(portInRules(added, port), state));
  }
});

describe("planUfwOpening", () => {
  test("adds a rule with our comment for each port", () => {
    assert.deepEqual(planUfwOpening(none, [443, 5555]), [
      ["allow", "443/tcp", "comment", "vpnserver"],
      ["allow", "5555/tcp", "comment", "vpnserver"],
    ]);
  });

  test("leaves what the administrator opened or shut, which ufw would turn into a rule of ours", () => {
    assert.deepEqual(planUfwOpening(added, [443, 992, 8443, 8888]), []);
  });
});

describe("planUfwClosing", () => {
  test("takes away exactly the rules of ours", () => {
    assert.deepEqual(planUfwClosing(added), [["delete", "allow", "443/tcp"]]);
    assert.deepEqual(planUfwClosing(none), []);
  });

  test("takes away those of the named ports alone", () => {
    assert.deepEqual(planUfwClosing(added, [992]), []);
    assert.deepEqual(planUfwClosing(added, [443, 992]), [["delete", "allow", "443/tcp"]]);
  });
});
