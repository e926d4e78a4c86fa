import assert from "node:assert/strict";
import { homedir } from "node:os";
import { describe, test } from "node:test";
import { checkFolder, defaultPrefix, defaultStateDirectory } from "../../../server/install/layout.ts";

test("each mode has folders of its own", () => {
  assert.equal(defaultPrefix("service"), "/opt/vpnserver");
  assert.equal(defaultPrefix("user"), `${homedir()}/vpnserver`);
  assert.equal(defaultStateDirectory("service", "/srv/x"), "/var/lib/vpnserver");
  assert.equal(defaultStateDirectory("user", "/srv/x"), "/srv/x/state");
});

describe("checkFolder", () => {
  test("takes a folder as an absolute path", () => {
    assert.equal(checkFolder("--prefix", "/srv//vpn/../vpnserver/", "service"), "/srv/vpnserver");
    assert.equal(checkFolder("--prefix", "/home/alice/vpnserver", "user"), "/home/alice/vpnserver");
    assert.equal(checkFolder("--prefix", "/homes/vpnserver", "service"), "/homes/vpnserver");
  });

  for (const path of ["/home/alice/vpnserver", "/root/vpnserver", "/tmp/x", "/var/tmp/x", "/run/x"]) {
    test(`refuses ${path} for a service, which would not see it`, () => {
      assert.throws(
        () => checkFolder("--prefix", path, "service"),
        /--prefix is .*; name a folder elsewhere/,
      );
    });
  }

  test("refuses what cannot be a folder of its own", () => {
    assert.throws(() => checkFolder("--state-dir", "/", "user"), /--state-dir is "\/"/);
    assert.throws(() => checkFolder("--state-dir", "/srv/a\nb", "user"), /control character/);
  });
});
