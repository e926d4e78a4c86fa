import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { hostScript, parseAnswers, scriptCommand } from "../../components/host/host-script.ts";
import { defaultCacheDirectory } from "../../tools/cache-directory.ts";
import { builtRelease } from "../install/release-variants.ts";
import { extractedRoot } from "./extracted-root.ts";

const script = hostScript({
  install: { mode: "user", openFirewall: true, healthTimeoutSeconds: 30, adopt: false },
  owner: { id: "0123456789abcdef", stack: "stack", name: "office" },
  releases: [{ uname: "Linux x86_64", sha256: "0".repeat(64), bytes: 1 }],
  purgeState: false,
});

let scratch: string;
before(() => (scratch = mkdtempSync(join(tmpdir(), "vpnserver-roots-"))));
after(() => rmSync(scratch, { recursive: true, force: true }));

for (const [name, packages, obstacle] of [
  [
    "musl",
    ["busybox-static", "musl"],
    /^it has musl for its C library, as Alpine does, and the server needs glibc 2\.28/,
  ],
  ["no-libc", ["busybox-static"], /^there is no \/lib64\/ld-linux-x86-64\.so\.2, the loader of glibc/],
] as const) {
  test(`a root with ${name}, where the executable does not run, is told of before anything is put there`, async () => {
    const cached = await extractedRoot(defaultCacheDirectory(), `debian-12-${name}`, {
      architecture: "amd64",
      packages,
    });
    const root = join(scratch, name);
    cpSync(cached, root, { recursive: true, verbatimSymlinks: true });
    const run = (words: readonly string[], input = "") =>
      spawnSync("chroot", [root, ...words], {
        input,
        encoding: "utf8",
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      });
    assert.equal(run(["/bin/busybox", "--install", "-s", "/bin"]).status, 0);

    const { status, stdout, stderr } = run(scriptCommand("look").split(" "), script);
    assert.equal(status, 0, stderr);
    assert.match(parseAnswers(stdout).get("obstacle") ?? "", obstacle);

    // And that is so.
    cpSync(builtRelease, join(root, "vpnserver"));
    assert.notEqual(run(["/vpnserver", "version"]).status, 0);
  });
}
