import assert from "node:assert/strict";
import { test } from "node:test";
import { findInitSystem } from "../../../server/init/init-systems.ts";

test("a host is run by an init system that is known, or it is told what is missing and what to do", () => {
  const found = findInitSystem();
  if ("title" in found) {
    assert.match(found.title, /^(systemd|OpenRC|SysV init)$/);
    return;
  }
  assert.match(
    found.reason,
    /^none of systemd, OpenRC and SysV init runs this host \(there is no \/run\/systemd\/system \(systemd\), no \/run\/openrc\/softlevel \(OpenRC\), no \/run\/initctl .*update-rc\.d.*\(SysV init\); its first process is "[^"]+"\)$/,
  );
  assert.match(found.wayOut, /^boot the host with systemd, OpenRC or SysV init; in a container, run /);
});
