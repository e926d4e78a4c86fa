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
  hostScript,
  logCommand,
  parseAnswers,
  receiveCommand,
  releaseMissing,
  scriptCommand,
  serverCommand,
  type HostScriptOptions,
  type ScriptWord,
} from "../../components/host/host-script.ts";
import type { InstallSettings } from "../../components/arguments/deployment-settings.ts";
import { installResultIn } from "../../components/host/server-output.ts";
import { recordedJson } from "../unit/contract/recorded-json.ts";

// Stands in for the server's executable: writes down how it was called, and reports.
const executable = `#!/bin/sh
case "$*" in *apply*) cat >>"$HOME/applied" ;; esac
if [ "$1" = version ]; then echo 1.2.3; exit "\${VERSION_STATUS:-0}"; fi
echo "$@" >>"$HOME/calls"
if [ "$1" = install ]; then
  echo '${JSON.stringify(recordedJson.install)}'
  exit "\${INSTALL_STATUS:-0}"
fi
`;
const sha256 = createHash("sha256").update(executable).digest("hex");
const { stdout: uname } = spawnSync("uname", ["-sm"], { encoding: "utf8" });
const release = { uname: uname.trim(), sha256, bytes: Buffer.byteLength(executable) };
const id = "0123456789abcdef";
const upload = `.vpnserver-upload-${id}`;

let home: string;
beforeEach(() => (home = mkdtempSync(join(tmpdir(), "host-script-"))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

function options(
  install: Partial<InstallSettings> = {},
  more: Partial<HostScriptOptions> = {},
): HostScriptOptions {
  return {
    install: { mode: "user", openFirewall: true, healthTimeoutSeconds: 30, adopt: false, ...install },
    owner: { id, stack: "organization/it's/prod", name: "office" },
    releases: [release],
    purgeState: false,
    ...more,
  };
}

function run(word: ScriptWord, scriptOptions = options(), environment: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", scriptCommand(word)], {
    input: hostScript(scriptOptions),
    cwd: home,
    env: { ...process.env, HOME: home, ...environment },
    encoding: "utf8",
  });
  return { status, stdout, stderr, answers: parseAnswers(stdout) };
}

function receive(staging: string, input: Buffer, unpack: boolean) {
  return spawnSync("/bin/sh", ["-c", receiveCommand(staging, release, unpack)], { input, encoding: "utf8" });
}

/** Stands in for `getconf` on a host of 64 bits with that C library. */
function libcOf(version: string): string {
  return `case $1 in LONG_BIT) echo 64 ;; GNU_LIBC_VERSION) echo "${version}" ;; esac`;
}

function calls(): string {
  const file = join(home, "calls");
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

function put(path: string, text = executable): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

function putUpload(): void {
  put(join(home, upload, sha256));
}

function putInstallation(prefix: string, ownerId: string): void {
  put(join(prefix, "current/vpnserver"));
  writeFileSync(join(prefix, "install.json"), JSON.stringify({ owner: { id: ownerId } }, undefined, 2));
}

describe("an upload", () => {
  for (const unpack of [true, false]) {
    test(`${unpack ? "compressed" : "as it is"} is received where prepare says, and installed from there`, () => {
      const staging = run("prepare").answers.get("staging") ?? "";
      assert.equal(staging, join(home, upload));
      const bytes = Buffer.from(executable);
      assert.equal(receive(staging, unpack ? gzipSync(bytes) : bytes, unpack).status, 0);
      assert.equal(run("prepare").answers.get("release"), join(staging, sha256));

      assert.equal(run("install").status, 0);

      assert.match(calls(), new RegExp(`^install --sha256 ${sha256} --json --mode user `));
      assert.deepEqual(readdirSync(home), ["calls"], "nothing of the upload stays");
    });
  }

  test("that was cut off is no upload", () => {
    const staging = run("prepare").answers.get("staging") ?? "";
    assert.equal(receive(staging, Buffer.from(executable.slice(0, -1)), false).status, 1);
    assert.deepEqual(readdirSync(home), []);
  });

  test("is not needed where the release is installed", () => {
    put(join(home, "vpnserver/releases", sha256, "vpnserver"));
    assert.equal(
      run("prepare").answers.get("release"),
      join(home, "vpnserver/releases", sha256, "vpnserver"),
    );
    assert.equal(run("install", options({ openFirewall: false })).status, 0);
    assert.match(calls(), /--no-open-firewall/);
  });

  test("goes to the folder of the installation where the home takes none", () => {
    const directory = join(home, "srv", "vpn");
    mkdirSync(join(home, "srv"));
    const missing = join(home, "nowhere");
    const answers = run("prepare", options({ directory }), { HOME: missing }).answers;
    // The nearest folder above that is there.
    assert.equal(answers.get("staging"), join(home, upload));
  });

  test("that somebody else could have put there is not run", () => {
    mkdirSync(join(home, "real"));
    put(join(home, "real", sha256));
    spawnSync("ln", ["-s", join(home, "real"), join(home, upload)]);
    assert.equal(run("install").status, releaseMissing);
    assert.equal(calls(), "");
  });
});

describe("install", () => {
  test("says so when the release is neither installed nor uploaded", () => {
    const { status, stderr } = run("install");
    assert.equal(status, releaseMissing);
    assert.match(stderr, /neither installed nor uploaded/);
  });

  test("marks its result, so that what shells print does not matter", () => {
    putUpload();
    const { stdout } = run("install");
    assert.deepEqual(installResultIn(`Welcome\n{"mode":"x"}\n${stdout}{"bye":1}\n`), recordedJson.install);
  });

  test("fails as the server's own install fails, and takes the upload away all the same", () => {
    putUpload();
    assert.equal(run("install", options(), { INSTALL_STATUS: "9" }).status, 9);
    assert.deepEqual(readdirSync(home), ["calls"]);
  });

  test("says what the host lacks when the executable cannot run there", () => {
    putUpload();
    const { status, stderr } = run("install", options(), { VERSION_STATUS: "127" });
    assert.equal(status, 1);
    assert.match(stderr, /cannot run on this host; it needs glibc 2\.28 or later/);
  });

  test("says which library the host lacks", () => {
    putUpload();
    put(
      join(home, upload, sha256),
      "#!/bin/sh\necho 'vpnserver: error while loading shared libraries: libstdc++.so.6: cannot open' >&2; exit 127\n",
    );
    const { status, stderr } = run("install");
    assert.equal(status, 1);
    assert.match(
      stderr,
      /lacks a library: .*libstdc\+\+\.so\.6.* Install it: Debian and Ubuntu have it in libstdc\+\+6/,
    );
  });

  test("refuses a platform that there is no executable for", () => {
    const { status, stderr } = run(
      "install",
      options({}, { releases: [{ ...release, uname: "Plan9 mips" }] }),
    );
    assert.equal(status, 1);
    assert.match(stderr, /this host is "\w+ \w+", and the server is built for Plan9 mips only/);
  });

  test("tells whose the server is", () => {
    putUpload();
    run("install", options({ adopt: true }));
    assert.match(
      calls(),
      new RegExp(`--owner-id ${id} --owner-stack organization/it's/prod --owner-name office --adopt`),
    );
  });

  test("names the server that is to be taken over", () => {
    putUpload();
    run("install", options({ importFrom: "/usr/local/a server" }));
    assert.match(calls(), /--import \/usr\/local\/a server\n$/);
  });

  test("takes folders with blanks and quotes literally, and ~ as the home of the user", () => {
    putUpload();
    run("install", options({ directory: "~/it's a $(touch injected) `place`" }));
    assert.match(calls(), /--prefix .*it's a \$\(touch injected\) `place`/);
    assert.equal(existsSync(join(home, "injected")), false);
  });
});

test("repair installs, then applies what is desired, whatever is in it", () => {
  putUpload();
  putInstallation(join(home, "vpnserver"), id);
  const desired = JSON.stringify({ password: "it's $HOME `x` \\ END_OF_DESIRED\n" });
  assert.equal(run("repair", options({}, { desired })).status, 0);
  assert.match(calls(), /^install [^\n]*\napply --json\n$/);
  assert.equal(readFileSync(join(home, "applied"), "utf8"), `${desired}\n`);
});

describe("uninstall", () => {
  test("names the owner, and takes uploads away", () => {
    putUpload();
    putInstallation(join(home, "vpnserver"), id);
    assert.equal(run("uninstall").status, 0);
    assert.equal(calls(), `uninstall --prefix ${home}/vpnserver --owner-id ${id}\n`);
    assert.equal(existsSync(join(home, upload)), false);
  });

  test("takes the state away only when it is asked to", () => {
    putInstallation(join(home, "vpnserver"), id);
    run("uninstall", options({}, { purgeState: true }));
    assert.match(calls(), / --purge$/m);
  });

  test("is content where nothing is installed", () => {
    assert.equal(run("uninstall").status, 0);
  });
});

describe("look", () => {
  test("answers with the platform and whose the installation is", () => {
    putInstallation(join(home, "vpnserver"), "another");
    const { answers } = run("look");
    assert.equal(answers.get("platform"), uname.trim());
    const { owner } = JSON.parse(answers.get("manifest") ?? "") as { owner: unknown };
    assert.deepEqual(owner, { id: "another" });
    assert.equal(calls(), "");
  });

  for (const [what, programs, obstacle] of [
    ["of 32 bits below a kernel of 64", { getconf: 'echo "${BITS:-32}"' }, /^its programs are of 32 bits/],
    [
      "with a glibc that is too old",
      { getconf: libcOf("glibc 2.27") },
      /^it has glibc 2\.27, and the server needs/,
    ],
    ["with the oldest glibc that will do", { getconf: libcOf("glibc 2.28") }, undefined],
    ["with a glibc that nobody knows yet", { getconf: libcOf("glibc 3.1") }, undefined],
    ["that says nothing of its C library", { getconf: "exit 1" }, undefined],
    [
      "that the server is not built for",
      { uname: "echo Linux mips", getconf: libcOf("glibc 2.4") },
      undefined,
    ],
  ] as const) {
    test(`on a host ${what} ${obstacle ? "tells that the server cannot run there" : "finds nothing in the way"}`, () => {
      for (const [name, text] of Object.entries(programs))
        put(join(home, "bin", name), `#!/bin/sh\n${text}\n`);
      const { status, answers } = run("look", options(), { PATH: `${home}/bin:${process.env["PATH"]}` });
      assert.equal(status, 0);
      if (obstacle === undefined) assert.equal(answers.get("obstacle"), undefined);
      else assert.match(answers.get("obstacle") ?? "", obstacle);
    });
  }

  test("leaves lines of others out", () => {
    const answers = parseAnswers("Welcome\nvpnserver-host: platform=Linux x86_64\nplatform=Plan9\n");
    assert.deepEqual([...answers], [["platform", "Linux x86_64"]]);
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

test("logCommand reads the log of whoever keeps it", () => {
  const installed = { mode: "service", prefix: "/opt/vpnserver", stateDirectory: "/srv/it's" };
  assert.equal(logCommand(installed, "admin", 15), "sudo -n tail -n 15 '/srv/it'\\''s/log/server.log'");
  assert.equal(
    logCommand({ ...installed, stateDirectory: "/s" }, "root", 15),
    "tail -n 15 /s/log/server.log",
  );
});
