import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { OpenSession } from "../../../server/access/admission.ts";
import { sessionLimits } from "../../../server/limits.ts";
import { answer, decide, sessionOf, withPolicy, type Case } from "./admission-fixture.ts";
import { hubOf, nodeId, requestOf, userOf } from "./login-fixture.ts";

describe("limit of a user's sessions", () => {
  const user = withPolicy({ MultiLogins: 2 });
  /** Names of the sessions that the new one replaces, or the error that the client is told. */
  const replaced = (hubSessions: OpenSession[], of: Case = {}) => {
    const result = decide({ user, ...of, context: { hubSessions } });
    return result.type === "refused" ? result.error : result.replaces;
  };
  const lost = { connections: 0 };
  /** The machine that logs in. */
  const own = { nodeUniqueId: nodeId(1) };

  test("counts the sessions of that user in the hub, in whatever case", () => {
    assert.deepEqual(replaced([sessionOf("ALICE"), sessionOf("bob"), sessionOf("bob")]), []);
    const full = [sessionOf("ALICE"), sessionOf("bob"), sessionOf("alice")];
    assert.equal(replaced(full), "tooManyUserSessions");
  });

  test("replaces nothing where there is room, so that a machine may have several sessions", () => {
    assert.deepEqual(replaced([sessionOf("alice", own)]), []);
  });

  test("gives a machine that comes again the place of its own session", () => {
    const former = sessionOf("alice", own);
    assert.deepEqual(replaced([sessionOf("alice"), former]), [former.name]);
    const both = [sessionOf("alice", own), sessionOf("alice", own)];
    assert.deepEqual(replaced(both), [both[0]?.name]);
  });

  test("takes a session that has lost its connections before one that has some", () => {
    const silent = sessionOf("alice", { ...own, ...lost });
    assert.deepEqual(replaced([sessionOf("alice", own), silent]), [silent.name]);
  });

  test("gives any machine the place of a session that has lost its connections", () => {
    const silent = sessionOf("alice", lost);
    assert.deepEqual(replaced([sessionOf("alice"), silent]), [silent.name]);
    // Its own comes first: nobody else has to go for it.
    const former = sessionOf("alice", own);
    assert.deepEqual(replaced([silent, former]), [former.name]);
  });

  test("never touches the sessions of other users, whatever machine a client says that it is", () => {
    const others = [sessionOf("bob", own), sessionOf("carol", { ...own, ...lost })];
    const full = [...others, sessionOf("alice"), sessionOf("alice")];
    assert.equal(replaced(full), "tooManyUserSessions");
  });

  test("takes no client that does not say which machine it is for another", () => {
    const unnamed = { nodeUniqueId: nodeId(0) };
    const request = { node: { ...requestOf().node, uniqueId: nodeId(0) } };
    const full = [sessionOf("alice", unnamed), sessionOf("alice", unnamed)];
    assert.equal(replaced(full, { request }), "tooManyUserSessions");
  });

  test("comes down to what it is when there are more", () => {
    const full = [sessionOf("alice", own), sessionOf("alice", own), sessionOf("alice", lost)];
    assert.deepEqual(replaced(full), [full[0]?.name, full[1]?.name]);
    assert.equal(
      replaced([sessionOf("alice", own), sessionOf("alice"), sessionOf("alice")]),
      "tooManyUserSessions",
    );
  });

  test("is never exceeded, whatever the clients say", () => {
    const session = fc.record({
      node: fc.nat(2),
      connections: fc.nat(1),
      name: fc.constantFrom("alice", "bob"),
    });
    fc.assert(
      fc.property(
        fc.array(session, { maxLength: 6 }),
        fc.nat(2),
        fc.integer({ min: 1, max: 4 }),
        (all, node, most) => {
          const hubSessions = all.map((each) =>
            sessionOf(each.name, { nodeUniqueId: nodeId(each.node), connections: each.connections }),
          );
          const request = { node: { ...requestOf().node, uniqueId: nodeId(node) } };
          const result = replaced(hubSessions, { request, user: withPolicy({ MultiLogins: most }) });
          if (!Array.isArray(result)) return;
          const left = hubSessions.filter(({ name }) => !result.includes(name));
          assert.ok(left.filter(({ userName }) => userName === "alice").length < most);
          assert.equal(
            left.filter(({ userName }) => userName === "bob").length,
            all.filter(({ name }) => name === "bob").length,
          );
        },
      ),
    );
  });

  test("makes room in a hub that is full, too", () => {
    const former = sessionOf("alice", own);
    const hub = hubOf({ maxSessions: 2 });
    const full = [sessionOf("bob"), former];
    assert.deepEqual(replaced(full, { hub, user: withPolicy({ MultiLogins: 1 }) }), [former.name]);
    assert.equal(replaced(full, { hub }), "hubBusy");
  });

  test("is none when it is 0", () => {
    const hubSessions = Array.from({ length: 50 }, () => sessionOf("alice", own));
    assert.deepEqual(replaced(hubSessions, { user: userOf("alice") }), []);
  });
});

describe("limit of sessions", () => {
  test("of a hub counts all of them, but does not keep the administrator out", () => {
    const hub = hubOf({ maxSessions: 2 });
    const hubSessions = [sessionOf("bob"), sessionOf("carol", { connections: 0 })];
    assert.equal(answer({ hub, context: { hubSessions: hubSessions.slice(1) } }), "admitted");
    assert.equal(answer({ hub, context: { hubSessions } }), "hubBusy");
    assert.equal(answer({ hub, user: "administrator", context: { hubSessions } }), "admitted");
  });

  test("of the server keeps out everybody", () => {
    const context = { serverSessionCount: sessionLimits.sessions };
    assert.equal(answer({ context }), "hubBusy");
    assert.equal(answer({ user: "administrator", context }), "hubBusy");
    assert.equal(answer({ context: { serverSessionCount: sessionLimits.sessions - 1 } }), "admitted");
  });

  test("of a user is 1,024 where no policy says how many", () => {
    const hubSessions = Array.from({ length: sessionLimits.perUser }, () => sessionOf("ALICE"));
    assert.equal(answer({ context: { hubSessions: hubSessions.slice(1) } }), "admitted");
    assert.equal(answer({ context: { hubSessions } }), "tooManyUserSessions");
    assert.equal(answer({ user: withPolicy({ MultiLogins: 2000 }), context: { hubSessions } }), "admitted");
    assert.equal(answer({ user: userOf("bob"), context: { hubSessions } }), "admitted");
  });

  test("of an address is beyond what a company behind one has, and none on this host", () => {
    const siteSessionCount = sessionLimits.perAddress;
    assert.equal(answer({ context: { siteSessionCount: siteSessionCount - 1 } }), "admitted");
    assert.equal(answer({ context: { siteSessionCount } }), "hubBusy");
    assert.equal(answer({ context: { siteSessionCount, address: "127.0.0.1" } }), "admitted");
  });

  test("of the server keeps the last places for users that have few", () => {
    const serverSessionCount = sessionLimits.sessions - sessionLimits.kept;
    const hubSessions = Array.from({ length: sessionLimits.few }, () => sessionOf("Alice"));
    const context = { serverSessionCount, hubSessions };
    assert.equal(answer({ context: { ...context, serverSessionCount: serverSessionCount - 1 } }), "admitted");
    assert.equal(answer({ context }), "hubBusy");
    assert.equal(answer({ context: { ...context, hubSessions: hubSessions.slice(1) } }), "admitted");
    assert.equal(answer({ user: userOf("bob"), context }), "admitted");
  });

  test("of the server keeps the last places for hubs that have no more than their share", () => {
    const hubSessions = Array.from({ length: sessionLimits.sessions / 2 }, (_, index) =>
      sessionOf(`user ${index}`),
    );
    const serverSessionCount = sessionLimits.sessions - sessionLimits.kept;
    const context = { serverSessionCount, hubSessions, hubCount: 2 };
    assert.equal(answer({ context }), "hubBusy");
    assert.equal(answer({ context: { ...context, hubSessions: hubSessions.slice(1) } }), "admitted");
    assert.equal(answer({ context: { ...context, hubCount: 1 } }), "admitted");
    assert.equal(answer({ context: { ...context, serverSessionCount: serverSessionCount - 1 } }), "admitted");
  });
});
