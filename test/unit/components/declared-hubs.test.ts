import "./lean-pulumi.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { describeHubs } from "../../../components/deployment/declared-hubs.ts";

test("hubs are described by the names of what is in them, without secrets", () => {
  const description = describeHubs([
    {
      name: "DEFAULT",
      online: true,
      adminPassword: "secret 1",
      users: [
        { name: "alice", password: "secret 2", group: "staff" },
        { name: "guest", anonymous: true },
      ],
      groups: [{ name: "staff", policy: { MultiLogins: 2 } }],
      accessList: [{ action: "discard", protocol: 47 }],
    },
    { name: "EMPTY" },
    { name: "TOLD", users: [{ name: "guest", anonymous: true }], secureNat: false },
  ]);
  assert.deepEqual(description, {
    DEFAULT: {
      online: true,
      users: { alice: { group: "staff" }, guest: { anonymous: true } },
      groups: { staff: { policy: { MultiLogins: 2 } } },
      accessList: [{ action: "discard", protocol: 47 }],
      secureNat: "on if the hub is new, else as it is",
    },
    EMPTY: {},
    TOLD: { users: { guest: { anonymous: true } }, secureNat: false },
  });
  assert.doesNotMatch(JSON.stringify(description), /secret/);
});
