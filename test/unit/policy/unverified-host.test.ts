import "../components/lean-pulumi.ts";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { unverifiedHost } from "../../../policy/unverified-host.ts";
import { unknownText, violationsOf } from "./judge.ts";

const hostKey = "ssh-ed25519 AAAA";
const of = (connection: unknown, type = "command:remote:Command") =>
  violationsOf(unverifiedHost, { type, props: { connection } });

describe("host-not-verified", () => {
  for (const type of ["Command", "CopyFile", "CopyToRemote"]) {
    test(`refuses a ${type} without a host key`, () => {
      const problem = "connection.hostKey is missing: anybody could answer in the place of 203.0.113.5";
      for (const given of [undefined, "", " "]) {
        assert.deepEqual(of({ host: "203.0.113.5", hostKey: given }, `command:remote:${type}`), [problem]);
      }
    });
  }

  test("refuses a bastion without one, whatever the host has", () => {
    assert.deepEqual(of({ host: "203.0.113.5", hostKey, proxy: { host: "bastion.example.org" } }), [
      "connection.proxy.hostKey is missing: anybody could answer in the place of bastion.example.org",
    ]);
    assert.equal(of({ host: unknownText, proxy: { host: "b", hostKey } }).length, 1);
  });

  test("lets pass what has one, and what a preview does not know", () => {
    assert.deepEqual(of({ host: "203.0.113.5", hostKey, proxy: { host: "b", hostKey } }), []);
    assert.deepEqual(of({ host: "203.0.113.5", hostKey: unknownText, proxy: unknownText }), []);
    assert.deepEqual(of(unknownText), []);
    assert.deepEqual(of({ host: "203.0.113.5" }, "command:local:Command"), []);
  });
});
