import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { firstBootScript } from "../../components/aws/first-boot-script.ts";

const stateDirectory = "/run/vpnserver-state";
const gibibyte = 1024 ** 3;

/** What a host of EC2 has and this one has not; all of it in a mount namespace that goes with its shell. */
const hostWith = (device: string) => `set -eu
numbers=$(stat -c '%Hr %Lr' ${device})
mount -t tmpfs state /run
mkdir -p /run/etc /run/sbin
mount --bind /run/etc /etc/systemd/system
mount --bind /run/sbin /usr/local/sbin
mount -t tmpfs devices /dev
mknod -m 666 /dev/null c 1 3
mknod -m 666 /dev/zero c 1 5
mknod /dev/sdf b $numbers
`;

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(command: string, args: readonly string[], input = "", path = ""): Promise<Outcome> {
  const PATH = `${path}:${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;
  const child = spawn(command, args, { env: { ...process.env, PATH }, stdio: "pipe" });
  const [stdout, stderr] = ["", ""].map((text) => ({ text }));
  child.stdout.on("data", (chunk: Buffer) => stdout && (stdout.text += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => stderr && (stderr.text += chunk.toString()));
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout: stdout?.text ?? "", stderr: stderr?.text ?? "" };
}

describe("the first boot of an instance", () => {
  let folder: string;
  let image: string;
  let device: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "state-volume-"));
    const systemctl = '#!/bin/sh\necho "systemctl $*"\n';
    await writeFile(join(folder, "systemctl"), systemctl, { mode: 0o755 });
    await cloudInit("echo done");
  });
  after(() => rm(folder, { recursive: true, force: true }));

  beforeEach(async () => {
    image = join(folder, "volume");
    await writeFile(image, "");
    await truncate(image, gibibyte);
    const { code, stdout, stderr } = await run("losetup", ["--find", "--show", image]);
    assert.equal(code, 0, stderr);
    device = stdout.trim();
  });
  afterEach(async () => {
    await run("losetup", ["--detach", device]);
    await rm(image);
  });

  const cloudInit = (body: string) =>
    writeFile(join(folder, "cloud-init"), `#!/bin/sh\n${body}\n`, { mode: 0o755 });

  /** Runs the script on a new host to which the volume is attached, and then `more`. */
  const boot = (more = "", volumeGiB = 1): Promise<Outcome> => {
    const script = firstBootScript({ volumeId: "vol-1", volumeGiB, stateDirectory });
    return run(
      "unshare",
      [
        "--mount",
        "sh",
        "-c",
        `${hostWith(device)}\nsh -s <<'END_OF_SCRIPT'\n${script}END_OF_SCRIPT\n${more}`,
      ],
      "",
      folder,
    );
  };

  test("makes a file system on a blank volume, and the next instance finds what the former one left", async () => {
    const first = await boot(
      `stat -c %a ${stateDirectory}; mountpoint ${stateDirectory}; echo secret >${stateDirectory}/server.key; umount ${stateDirectory}`,
    );
    assert.equal(first.code, 0, first.stderr);
    assert.match(
      first.stdout,
      /systemctl -q enable vpnserver-volume\.service\nsystemctl start vpnserver-volume/,
    );
    assert.match(first.stdout, /^700\n.* is a mountpoint$/m);
    const second = await boot(`cat ${stateDirectory}/server.key`);
    assert.equal(second.code, 0, second.stderr);
    assert.match(second.stdout, /^secret$/m);
  });

  test("changes nothing when it runs again, and has the file system grow with the volume", async () => {
    assert.equal((await boot()).code, 0);
    await truncate(image, 2 * gibibyte);
    // The script waits until the device shows that the volume has grown.
    const [again, grown] = await Promise.all([
      boot(`echo again; /usr/local/sbin/vpnserver-volume; mountpoint ${stateDirectory}`, 2),
      delay(1500).then(() => run("losetup", ["--set-capacity", device])),
    ]);
    assert.equal(grown.code, 0);
    assert.equal(again.code, 0, again.stderr);
    // That the kernel does so takes CAP_SYS_RESOURCE, which not every container has: the last test has a kernel of its own.
    assert.match(again.stdout, /Filesystem at \/dev\/sdf is mounted on .*; on-line resizing required/);
    assert.match(again.stdout, /^again\n(?:.*\n)*.* is a mountpoint$/m);
  });

  for (const [what, prepare, said] of [
    ["another file system", ["mkfs.ext2", "-q"], /the volume vol-1 holds ext2, and is left as it is/],
    [
      "something that nobody knows",
      ["sh", "-c", 'echo precious >"$0"'],
      /is neither blank nor ext4, and is left/,
    ],
  ] as const) {
    test(`leaves a volume alone that holds ${what}`, async () => {
      const [program, ...args] = prepare;
      assert.equal((await run(program, [...args, device])).code, 0);
      const { code, stderr, stdout } = await boot();
      assert.equal(code, 1);
      assert.match(stderr, said);
      assert.doesNotMatch(stdout, /systemctl/);
    });
  }

  for (const [how, body, code, said] of [
    [
      "failed",
      "echo 'status: error'; exit 1",
      1,
      /the first boot of the instance failed \(exit code 1\): status: error/,
    ],
    ["did not end", "exit 124", 1, /the first boot of the instance did not end within 600 s/],
    [
      "got over its errors",
      "echo degraded; exit 2",
      0,
      /cloud-init is done, with errors that it could get over: degraded/,
    ],
  ] as const) {
    test(`tells that cloud-init ${how}`, async () => {
      await cloudInit(body);
      const outcome = await boot();
      await cloudInit("echo done");
      assert.match(outcome.stderr, said);
      assert.equal(outcome.code, code);
      if (code !== 0) assert.match(outcome.stderr, /Last lines of \/var\/log\/cloud-init-output\.log:/);
    });
  }

  test("has a mounted file system grow with its volume, under who writes to it", async () => {
    const [loop] = globSync("/usr/lib/uml/modules/*/kernel/drivers/block/loop.ko");
    assert.ok(loop, "the package user-mode-linux has no module for loop devices");
    const own = join(folder, "online");
    await mkdir(join(own, "bin"), { recursive: true });
    for (const name of ["cloud-init", "systemctl"])
      await copyFile(join(folder, name), join(own, "bin", name));
    for (const [name, volumeGiB] of [
      ["former", 1],
      ["larger", 2],
    ] as const) {
      const script = firstBootScript({ volumeId: "vol-1", volumeGiB, stateDirectory });
      await writeFile(join(own, `${name}.sh`), script);
    }
    const init = join(import.meta.dirname, "support/online-growth.sh");
    const root = ["rootfstype=hostfs", "rootflags=/", "ro", `init=${init}`, `folder=${own}`, `loop=${loop}`];
    const console = ["con=null", "con0=null,fd:1", "quiet"];
    const { code, stdout } = await run("timeout", ["60", "linux.uml", "mem=256M", ...root, ...console]);
    assert.equal(code, 0, stdout);
    const lines = stdout.split("\n").map((line) => line.trim());
    const sizes = lines.filter((line) => /^\d+$/.test(line)).map(Number);
    assert.deepEqual(
      sizes.map((mebibytes) => Math.round(mebibytes / 1000)),
      [1, 2],
      stdout,
    );
    assert.ok(lines.includes("secret"), stdout);
    assert.ok(lines.includes("written by who had it open"), stdout);
    assert.ok(lines.includes("done"), stdout);
  });
});
