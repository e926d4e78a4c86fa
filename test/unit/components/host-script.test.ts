import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import {
  applyCommand,
  installScript,
  releaseMissing,
  serverCommand,
  uninstallScript,
  uploadPath,
  type InstallOptions,
} from "../../../components/host-script.ts";

// Stands in for the server's executable: writes down how it was called.
const executable = '#!/bin/sh\necho "$@" >>"$HOME/calls"\n';
const sha256 = createHash("sha256").update(executable).digest("hex");
const options: InstallOptions = { sha256, mode: "user", openFirewall: true, healthTimeoutSeconds: 30 };

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), "host-script-"))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

function runOnHost(script: string) {
  const { status, stderr } = spawnSync("/bin/sh", ["-s"], {
    input: script,
    cwd: home,
    env: { ...process.env, HOME: home },
  });
  return { status, stderr: stderr.toString() };
}

function calls(): string {
  const file = join(home, "calls");
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

function upload(content: string = executable): void {
  writeFileSync(join(home, uploadPath(sha256)), gzipSync(content));
}

function putExecutable(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, executable);
  chmodSync(path, 0o755);
}

describe("installScript", () => {
  test("unpacks the upload, installs from it and leaves nothing of it behind", () => {
    upload();
    assert.equal(runOnHost(installScript({ ...options, listeners: [443, 5555] })).status, 0);
    assert.equal(
      calls(),
      "install --json --mode user --health-timeout 30 --open-firewall --listeners 443,5555\n",
    );
    assert.deepEqual(readdirSync(home), ["calls"]);
  });

  test("needs no upload where the release is installed already", () => {
    putExecutable(join(home, "vpnserver/releases", sha256, "vpnserver"));
    assert.equal(runOnHost(installScript({ ...options, openFirewall: false })).status, 0);
    assert.match(calls(), /--no-open-firewall/);
  });

  test("says what to do when the release is neither installed nor uploaded", () => {
    const { status, stderr } = runOnHost(installScript(options));
    assert.equal(status, releaseMissing);
    assert.match(stderr, /neither installed nor uploaded/);
    assert.match(stderr, /pulumi up --replace URN/);
  });

  test("refuses a damaged upload without running it", () => {
    upload("#!/bin/sh\necho evil >>$HOME/calls\n");
    const { status, stderr } = runOnHost(installScript(options));
    assert.equal(status, 1);
    assert.match(stderr, /its SHA-256 is not/);
    assert.equal(calls(), "");
  });

  test("keeps the upload for another try when the installation fails", () => {
    writeFileSync(join(home, uploadPath(sha256)), "not gzip");
    assert.equal(runOnHost(installScript(options)).status, 1);
    assert.deepEqual(readdirSync(home), [uploadPath(sha256)]);
  });

  test("names the server that is to be taken over", () => {
    upload();
    const importFrom = "/usr/local/a server";
    assert.equal(runOnHost(installScript({ ...options, importFrom })).status, 0);
    assert.match(calls(), /--import \/usr\/local\/a server\n$/);
  });

  test("takes folders with blanks and quotes literally, and ~ as the home of the user", () => {
    upload();
    const directory = "~/it's a $(touch injected) `place`";
    assert.equal(runOnHost(installScript({ ...options, directory })).status, 0);
    assert.match(calls(), /--prefix .*it's a \$\(touch injected\) `place`/);
    assert.equal(existsSync(join(home, "injected")), false);
  });
});

describe("uninstallScript", () => {
  test("takes away an installed server with its state, and the upload", () => {
    upload();
    putExecutable(join(home, "vpnserver/current/vpnserver"));
    assert.equal(runOnHost(uninstallScript({ ...options, keepState: false })).status, 0);
    assert.equal(calls(), `uninstall --prefix ${home}/vpnserver --purge\n`);
    assert.equal(existsSync(join(home, uploadPath(sha256))), false);
  });

  test("keeps the state when told to", () => {
    putExecutable(join(home, "vpnserver/current/vpnserver"));
    runOnHost(uninstallScript({ ...options, keepState: true }));
    assert.doesNotMatch(calls(), /--purge/);
  });

  test("is content where nothing is installed", () => {
    assert.equal(runOnHost(uninstallScript({ ...options, keepState: false })).status, 0);
  });
});

test("serverCommand uses sudo only for a service that is not reached as root", () => {
  const installed = { mode: "service", prefix: "/opt/vpnserver", stateDirectory: "/var/lib/vpnserver" };
  assert.match(serverCommand(installed, "admin", "status"), /^sudo -n \/opt\/vpnserver\/current\/vpnserver /);
  assert.doesNotMatch(serverCommand(installed, "root", "status"), /sudo/);
  assert.doesNotMatch(serverCommand({ ...installed, mode: "user" }, "admin", "status"), /sudo/);
});

test("applyCommand names the release, so that Pulumi runs it again for another one", () => {
  const installed = { mode: "user", prefix: "/home/al ice/vpnserver", stateDirectory: "/s", sha256: "abc" };
  assert.equal(
    applyCommand(installed, "alice"),
    "'/home/al ice/vpnserver/releases/abc/vpnserver' --state-dir /s apply --json",
  );
});
