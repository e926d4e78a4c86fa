import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { LoginRequest } from "../../../../server/protocols/softether/messages/login.ts";
import { negotiate } from "../../../../server/protocols/softether/negotiate.ts";
import type { Policy } from "../../../../server/settings/policy.ts";
import { policyWith, requestOf } from "../../access/login-fixture.ts";

function loginOf(changed: Partial<LoginRequest>): LoginRequest {
  return {
    ...requestOf(),
    authentication: { type: "anonymous" },
    maxConnections: 1,
    halfDuplex: false,
    encrypt: true,
    compress: false,
    qos: false,
    uniqueId: new Uint8Array(20),
    ...changed,
  };
}

describe("what carries a session", () => {
  const link = (policy: Partial<Policy>, request: Partial<LoginRequest>, canLeaveTls = true) =>
    negotiate(loginOf(request), policyWith(policy), canLeaveTls);

  test("have the time-out of the policy, between 5 and 60 seconds", () => {
    const timeout = (TimeOut: number) => link({ TimeOut }, {}).timeoutMs;
    assert.deepEqual([1, 5, 20, 60, 3600].map(timeout), [5_000, 5_000, 20_000, 60_000, 60_000]);
  });

  test("have as many connections as the client wants and the policy allows", () => {
    const count = (maxConnections: number, MaxConnection = 32) =>
      link({ MaxConnection }, { maxConnections }).maxConnections;
    assert.deepEqual([count(0), count(1), count(8), count(32), count(0xffff_ffff)], [1, 1, 8, 32, 32]);
    assert.deepEqual([count(8, 4), count(2, 4), count(100, 100)], [4, 2, 32]);
  });

  test("have connections enough for half duplex and QoS, whatever was asked for", () => {
    const count = (halfDuplex: boolean, qos: boolean) =>
      link({ MaxConnection: 1 }, { halfDuplex, qos }).maxConnections;
    assert.deepEqual(
      [count(false, false), count(true, false), count(false, true), count(true, true)],
      [1, 2, 2, 4],
    );
  });

  test("have no QoS where the policy forbids it, nor when monitoring", () => {
    assert.equal(link({}, { qos: true }).qos, true);
    assert.equal(link({}, { qos: false }).qos, false);
    assert.equal(link({ NoQoS: true }, { qos: true }).qos, false);
    assert.equal(link({ MonitorPort: true }, { qos: true, monitorMode: true }).qos, false);
  });

  test("have encryption and compression as the client wants them", () => {
    for (const encrypt of [true, false]) {
      for (const compress of [true, false]) {
        const agreed = link({}, { encrypt, compress });
        assert.deepEqual([agreed.encrypt, agreed.compress], [encrypt, compress]);
      }
    }
  });

  test("has encryption where the connection cannot go on without", () => {
    assert.equal(link({}, { encrypt: false }, false).encrypt, true);
  });

  test("are in range whatever the client asks for and the policy says", () => {
    const number = fc.oneof(fc.nat(100), fc.nat(0xffff_ffff));
    const asked = fc.record({
      maxConnections: number,
      halfDuplex: fc.boolean(),
      qos: fc.boolean(),
      bridgeMode: fc.boolean(),
    });
    fc.assert(
      fc.property(asked, number, number, (request, MaxConnection, TimeOut) => {
        const agreed = link({ MaxConnection, TimeOut }, request);
        assert.ok(agreed.timeoutMs >= 5_000 && agreed.timeoutMs <= 60_000);
        assert.ok(agreed.maxConnections >= 1 && agreed.maxConnections <= 32);
        if (request.halfDuplex) assert.ok(agreed.maxConnections >= (agreed.qos ? 4 : 2));
      }),
    );
  });
});
