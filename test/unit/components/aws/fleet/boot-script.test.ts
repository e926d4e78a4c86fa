import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { bootScript, type BootSettings } from "../../../../../components/aws/fleet/boot-script.ts";
import { FakeAws, type Answer } from "./fake-aws.ts";
import { BootRun } from "./boot-run.ts";

/** In the place of the executable: writes down how it was called, and what it was told. */
const executable = `#!/bin/sh
{ echo "$*"; cat; echo; } >>"$CALLS"
case "$1" in "$FAILS") echo "no $1 today" >&2; exit 7 ;; esac
`;

const arns = [
  "arn:aws:secretsmanager:eu-north-1:1:secret:identity-AbCdEf",
  "arn:aws:secretsmanager:eu-north-1:1:secret:state-GhIjKl",
];

const settings: BootSettings = {
  fleet: "exit",
  bucket: "exit-releases",
  key: "vpnserver/release.gz",
  sha256: createHash("sha256").update(executable).digest("hex"),
  bytes: executable.length,
  secrets: arns.map((arn, index) => ({ arn, version: `version-${index}` })),
  listeners: [443, 5555],
};

const release = gzipSync(executable);
const secrets: Readonly<Record<string, string>> = {
  "version-0": JSON.stringify({ certificate: "PEM", privateKey: "KEY" }),
  "version-1": JSON.stringify({ adminPassword: "pässword", hubs: [{ name: "DEFAULT" }] }),
};

/** Answers as S3 and Secrets Manager give them. */
function answerOf(request: { readonly path: string; readonly body: string }): Answer {
  if (request.path === "/exit-releases/vpnserver/release.gz") return { code: 200, body: release };
  const { SecretId, VersionId } = JSON.parse(request.body) as Record<string, string>;
  assert.equal(request.path, "/");
  assert.ok(SecretId !== undefined && VersionId !== undefined && arns.includes(SecretId));
  return { code: 200, body: JSON.stringify({ SecretString: secrets[VersionId] }) };
}

describe("the user data of a fleet's instance", () => {
  test("is Python that the oldest image takes, and far from the 16 KiB that EC2 takes", () => {
    const script = bootScript({
      ...settings,
      listeners: Array.from({ length: 50 }, (_, index) => 10_000 + index),
    });
    assert.match(script, /^#!\/usr\/bin\/python3\n/);
    assert.ok(script.length < 12 * 1024, `${script.length} bytes`);
    const check = "import ast, sys; ast.parse(sys.stdin.read(), feature_version=(3, 9))";
    const { status, stderr } = spawnSync("python3", ["-c", check], { input: script, encoding: "utf8" });
    assert.equal(status, 0, stderr);
  });

  test("holds its settings as they are, whatever the fleet is called", async () => {
    const fleet = `it's "a" \\ fleet\u2028 ü {`;
    await using run = await BootRun.create(bootScript({ ...settings, fleet }));
    const { stdout } = await run.python("import json; print(json.dumps(boot.SETTINGS))");
    assert.deepEqual(JSON.parse(stdout), { ...settings, fleet });
  });

  test("signs as AWS's own example of Signature Version 4 for S3", async () => {
    await using run = await BootRun.create(bootScript(settings));
    const { stdout, stderr } = await run.python(`
import datetime
role = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
now = datetime.datetime(2013, 5, 24, tzinfo=datetime.timezone.utc)
print(boot.signed("GET", "examplebucket.s3.amazonaws.com", "/test.txt", {"range": "bytes=0-9"}, b"", "us-east-1", "s3", role, now)["authorization"])`);
    assert.equal(
      stdout.trim(),
      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, " +
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, " +
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
      stderr,
    );
  });

  test("calls the services of its region and partition", async () => {
    await using run = await BootRun.create(bootScript(settings));
    const { stdout, stderr } = await run.python(`
boot.metadata = lambda path: {"placement/region": "cn-north-1", "services/domain": "amazonaws.com.cn"}[path]
boot.credentials = lambda: {"AccessKeyId": "A", "SecretAccessKey": "S"}
boot.send = lambda url, headers, body, method: print(method, url, headers["host"])
boot.call("s3", "exit-releases", "/key")
boot.call("secretsmanager", "", "/", {}, b"{}")`);
    assert.deepEqual(
      stdout.trim().split("\n"),
      [
        "GET https://exit-releases.s3.cn-north-1.amazonaws.com.cn/key exit-releases.s3.cn-north-1.amazonaws.com.cn",
        "POST https://secretsmanager.cn-north-1.amazonaws.com.cn/ secretsmanager.cn-north-1.amazonaws.com.cn",
      ],
      stderr,
    );
  });
});

describe("an instance of a fleet, at its first boot,", () => {
  test("gives the server all that it is to be before it installs it", async () => {
    await using aws = await FakeAws.start(answerOf);
    await using run = await BootRun.create(bootScript(settings));
    const { code, stderr } = await run.boot(aws);
    assert.equal(code, 0, stderr);
    const [apply = "", desired = "", install] = run.calls();
    assert.equal(apply, "apply");
    assert.deepEqual(JSON.parse(desired), {
      certificate: "PEM",
      privateKey: "KEY",
      adminPassword: "pässword",
      hubs: [{ name: "DEFAULT" }],
    });
    assert.equal(
      install,
      `install --mode service --sha256 ${settings.sha256} --health-timeout 60 --listeners 443,5555`,
    );
    assert.doesNotMatch(stderr, /KEY|pässword|PEM/);
  });

  test("waits for a role, a release and secrets that are not there for everybody yet", async () => {
    const refusals: Answer[] = [
      { code: 503, body: "<Code>SlowDown</Code>" },
      { code: 403, body: "<Code>AccessDenied</Code>" },
      { code: 200, body: release.subarray(0, 20) },
      { code: 301, body: "", location: "http://127.0.0.1:9/elsewhere" },
    ];
    let isDenied = false;
    await using aws = await FakeAws.start((request) => {
      if (request.path !== "/") return refusals.shift() ?? answerOf(request);
      if (isDenied) return answerOf(request);
      isDenied = true;
      return { code: 400, body: '{"__type":"AccessDeniedException"}' };
    });
    aws.rolesMissing = 2;
    await using run = await BootRun.create(bootScript(settings));
    const { code, stderr } = await run.boot(aws, "boot.time.sleep = lambda seconds: None");
    assert.equal(code, 0, stderr);
    for (const told of [
      /HTTP 404/,
      /HTTP 503 <Code>SlowDown/,
      /HTTP 403/,
      /EOFError/,
      /HTTP 301/,
      /AccessDeniedException/,
    ]) {
      assert.match(stderr, told);
    }
    assert.equal(run.calls()[0], "apply");
  });

  for (const [name, wrong, told] of [
    [
      "another release",
      gzipSync(executable.replace("exit 7", "exit 8")),
      /has the SHA-256 \w{64}, and not \w{64}: nothing of it is run/,
    ],
    ["a larger release", gzipSync(`${executable}#`), /is larger than the \d+ bytes that it should have/],
    ["a bomb", gzipSync(Buffer.alloc(50_000_000)), /is larger than the \d+ bytes that it should have/],
  ] as const) {
    test(`runs nothing of ${name}`, async () => {
      await using aws = await FakeAws.start((request) =>
        request.path === "/" ? answerOf(request) : { code: 200, body: wrong },
      );
      await using run = await BootRun.create(bootScript(settings));
      const { code, stderr } = await run.boot(aws);
      assert.equal(code, 1);
      assert.match(stderr, told);
      assert.deepEqual(run.calls(), []);
    });
  }

  test("gives up what it is denied for good, and says why", async () => {
    await using aws = await FakeAws.start(() => ({ code: 403, body: "<Code>AccessDenied</Code>" }));
    await using run = await BootRun.create(bootScript(settings));
    const { code, stderr } = await run.boot(aws, "boot.DEADLINE = boot.time.monotonic() + 2");
    assert.equal(code, 1);
    assert.match(
      stderr,
      /FAILED.*the release s3:\/\/exit-releases\/vpnserver\/release\.gz: HTTP 403 <Code>AccessDenied<\/Code>; tried for 300 s/,
    );
    assert.deepEqual(run.calls(), []);
  });

  test("takes no release that does not come to an end", async () => {
    await using aws = await FakeAws.start(answerOf);
    await using run = await BootRun.create(bootScript(settings));
    const { code, stderr } = await run.boot(aws, "boot.DEADLINE = boot.time.monotonic() - 1");
    assert.equal(code, 1);
    assert.match(stderr, /FAILED.*the release was not whole within 300 s/);
    assert.deepEqual(run.calls(), []);
  });

  test("takes no answer that has no end", async () => {
    await using aws = await FakeAws.start((request) =>
      request.path === "/" ? { code: 200, body: Buffer.alloc(400_000, " ") } : answerOf(request),
    );
    await using run = await BootRun.create(bootScript(settings));
    const { code, stderr } = await run.boot(aws, "boot.DEADLINE = boot.time.monotonic() + 1");
    assert.equal(code, 1);
    assert.match(stderr, /an answer of more than 300000 bytes/);
  });

  for (const word of ["apply", "install"]) {
    test(`fails when the server's ${word} fails, with its words and its exit code`, async () => {
      await using aws = await FakeAws.start(answerOf);
      await using run = await BootRun.create(bootScript(settings));
      const { code, stderr } = await run.boot(aws, "", { FAILS: word });
      assert.equal(code, 1);
      assert.match(stderr, new RegExp(`no ${word} today`));
      assert.match(stderr, new RegExp(`FAILED.*vpnserver ${word} ended with exit code 7`));
      const isInstalled = run.calls().some((line) => line.startsWith("install"));
      assert.equal(isInstalled, word === "install");
    });
  }
});
