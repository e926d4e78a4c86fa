import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { readServerConfig, writeServerConfig } from "../../../server/config/disk/config-file.ts";
import { makeStateDirectories, statePathsOf, type StatePaths } from "../../../server/state-paths.ts";
import type { RunProgram } from "../../../server/platform/run-program.ts";
import { findFormerServer, isStoppable } from "../../../server/install/takeover/former-server.ts";
import { readImportRecord } from "../../../server/install/takeover/record.ts";
import { parsePeers, whileClientsHearNothing } from "../../../server/install/takeover/silence.ts";
import { Takeover } from "../../../server/install/takeover/takeover.ts";

const fixture = new URL("../config/fixtures/softether.config", import.meta.url);

let directory: string;
let folder: string;
let file: string;
let paths: StatePaths;
let notes: string[];
let calls: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vpnserver-takeover-"));
  folder = join(directory, "softether");
  file = join(folder, "vpn_server.config");
  await mkdir(folder);
  await writeFile(file, await readFile(fixture));
  paths = statePathsOf(join(directory, "state"));
  [notes, calls] = [[], []];
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Programs of a host that has one unit, if any. */
function host(unit?: { name: string; text: string; active?: boolean; enabled?: boolean; file?: string }) {
  const state = { active: unit?.active ?? true, enabled: unit?.enabled ?? true };
  const answer = (code: number, stdout = "") => ({ code, stdout, stderr: "" });
  const run: RunProgram = async (program, [verb = "", ...words]) => {
    if (program !== "systemctl") return undefined;
    if (!words.includes(unit?.name ?? "")) return answer(verb === "daemon-reload" ? 0 : 1);
    switch (verb) {
      case "cat":
        return answer(0, unit?.text);
      case "is-active":
        return answer(state.active ? 0 : 3, state.active ? "active\n" : "inactive\n");
      case "is-enabled":
        return answer(state.enabled ? 0 : 1, state.enabled ? "enabled\n" : "disabled\n");
      case "show":
        return answer(0, unit?.file ?? "/lib/systemd/system/x.service");
      default:
        calls.push(`${verb} ${words.join(" ")}`);
        if (verb === "stop" || verb === "start") state.active = verb === "start";
        if (verb === "enable" || verb === "disable") state.enabled = verb === "enable";
        return answer(0);
    }
  };
  return run;
}

function plan(path = folder, run = host(), prefix = join(directory, "prefix")) {
  return Takeover.plan({ path, prefix, paths, run, note: (message) => notes.push(message) });
}

async function planned(...args: Parameters<typeof plan>): Promise<Takeover> {
  const takeover = await plan(...args);
  assert.ok(takeover instanceof Takeover);
  return takeover;
}

describe("what is imported", () => {
  test("the configuration becomes the server's own, and the file that was imported stays as it is", async () => {
    const takeover = await planned();
    await makeStateDirectories(paths);
    await takeover.carryOut();
    await takeover.complete();
    assert.deepEqual(
      (await readServerConfig(paths)).listeners.map(({ port }) => port),
      [443, 992, 1194, 5555],
    );
    assert.deepEqual(await readFile(file), await readFile(fixture));
    assert.equal(takeover.report.from, file);
    assert.ok((takeover.report.users ?? 0) > 0);
    assert.ok(notes.some((note) => note.startsWith("imported ")));
  });

  test("the same import again does nothing, also when the file is gone", async () => {
    const takeover = await planned();
    await makeStateDirectories(paths);
    await takeover.carryOut();
    await takeover.complete();
    await rm(folder, { recursive: true });
    for (const path of [folder, file]) {
      const again = await plan(path);
      assert.ok(!(again instanceof Takeover));
      assert.equal(again.status, "before");
    }
    await assert.rejects(plan(join(directory, "other")), /imported from .*softether.*not overwritten/);
  });

  test("a server that has a configuration of its own is not overwritten", async () => {
    await makeStateDirectories(paths);
    await writeServerConfig(paths, { listeners: [{ port: 5555, enabled: true }] });
    await assert.rejects(plan(), /configuration of its own already.*leave --import out/);
  });

  test("an import that broke off is made again, and knows what it had stopped", async () => {
    const unit = { name: "softether-vpnserver.service", text: `ExecStart=${folder}/vpnserver start` };
    const first = await planned(folder, host(unit));
    await makeStateDirectories(paths);
    await first.carryOut();
    const second = await planned(folder, host({ ...unit, active: false, enabled: false }));
    await second.carryOut();
    calls = [];
    assert.match(await second.undo(), /as it was before \(softether-vpnserver\.service\)/);
    assert.deepEqual(calls, ["enable softether-vpnserver.service", "start softether-vpnserver.service"]);
    assert.equal(await readImportRecord(paths), undefined);
    assert.deepEqual((await readServerConfig(paths)).listeners.length, 3);
  });
});

describe("adminip.txt beside the configuration", () => {
  const addresses = "192.0.2.0/24 # the office\r\n";

  test("comes along as it is, is told, and goes with what was imported", async () => {
    await writeFile(join(folder, "adminip.txt"), addresses);
    const takeover = await planned();
    await makeStateDirectories(paths);
    await takeover.carryOut();
    assert.equal(await readFile(paths.adminAddressFile, "utf8"), addresses);
    assert.ok(
      notes.some((note) => /^restricted as before: administrators come only .*\(1 line\)$/.test(note)),
    );
    await takeover.undo();
    await assert.rejects(readFile(paths.adminAddressFile), { code: "ENOENT" });
    assert.equal(await readFile(join(folder, "adminip.txt"), "utf8"), addresses);
  });

  test("comes along with a backup of the configuration too", async () => {
    await writeFile(join(folder, "adminip.txt"), addresses);
    const backups = join(folder, "backup.vpn_server.config");
    await mkdir(backups);
    await writeFile(join(backups, "2026010100_vpn_server.config"), await readFile(fixture));
    const takeover = await planned(join(backups, "2026010100_vpn_server.config"));
    await makeStateDirectories(paths);
    await takeover.carryOut();
    assert.equal(await readFile(paths.adminAddressFile, "utf8"), addresses);
  });

  test("of this server stays where there is none to import, and stands against another", async () => {
    await makeStateDirectories(paths);
    await writeFile(paths.adminAddressFile, "127.0.0.1\n");
    const takeover = await planned();
    await takeover.carryOut();
    await takeover.undo();
    assert.equal(await readFile(paths.adminAddressFile, "utf8"), "127.0.0.1\n");
    await writeFile(join(folder, "adminip.txt"), addresses);
    await assert.rejects(plan(), /from where administrators may come .*remove the one that is not to hold/);
  });

  test("that cannot be read is not left out", async () => {
    await mkdir(join(folder, "adminip.txt"));
    await assert.rejects(
      plan(),
      /cannot import .*adminip\.txt.*is a folder where a file should be.*; nothing was changed/,
    );
  });
});

describe("what restricts more than this server can is not imported, and named", () => {
  const put = async (folderName: string, item: string) => {
    const text = (await readFile(file, "utf8")).replace(
      "\tdeclare ListenerList",
      "\tdeclare ServerConfiguration\r\n\t{\r\n\t}\r\n\tdeclare ListenerList",
    );
    const begin = new RegExp(`declare ${folderName}\\r?\\n\\t*\\{\\r?\\n`);
    assert.match(text, begin);
    await writeFile(
      file,
      text.replace(begin, (found) => `${found}${item}\r\n`),
    );
  };
  for (const [where, item, problem] of [
    ["ServerConfiguration", "string ListenIP here", /ServerConfiguration\/ListenIP is "here".*left as it is/],
    [
      "AccessList",
      "declare 9\n{\nbool Active true\nbool Discard true\nstring SrcUsername exclude:staff.txt\n}",
      /VirtualHUB\/\w+\/AccessList\/9 names users by a file .*name a user or a group/,
    ],
  ] as const) {
    test(item.split("\n").at(-1) === "}" ? "a list of users in a file" : item, async () => {
      await put(where, item);
      await assert.rejects(plan(), problem);
    });
  }
});

describe("what cannot be imported", () => {
  for (const [what, prepare, problem] of [
    ["nothing", () => rm(file), /there is no vpn_server\.config there.*\/var\/lib\/softether/],
    [
      "a damaged file",
      () => writeFile(file, "declare root\n{\n\tbool x"),
      /cannot import .*line \d.*left as it is/,
    ],
    [
      "a backup in its place",
      async () => {
        await mkdir(`${folder}/backup.vpn_server.config`);
        await writeFile(
          `${folder}/backup.vpn_server.config/2026010100_vpn_server.config`,
          await readFile(fixture),
        );
        await writeFile(file, "x");
      },
      /cannot import .*name another with --import/,
    ],
    [
      "a folder in its place",
      async () => {
        await rm(file);
        await mkdir(file);
      },
      /it is no file/,
    ],
  ] as const) {
    test(`${what}: the error names the file, and nothing is changed`, async () => {
      await prepare();
      await assert.rejects(plan(), problem);
      await assert.rejects(readFile(paths.configFile));
    });
  }

  test("a file that the user may not read", async () => {
    await chmod(directory, 0o711);
    await chmod(file, 0);
    // Root reads all: there, somebody else asks.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    try {
      await assert.rejects(plan(), /may not read it.*run this as root/);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  test("the folder of the former server as our own", async () => {
    await assert.rejects(plan(folder, host(), folder), /folder of the SoftEther VPN Server itself.*--prefix/);
  });
});

describe("the former server", () => {
  test("a unit that names its program is stopped and disabled, one of another folder is not", async () => {
    const run = host({ name: "softether-vpnserver.service", text: `ExecStart=${folder}/vpnserver start\n` });
    const { units } = await findFormerServer(folder, run);
    assert.deepEqual(units, [
      { name: "softether-vpnserver.service", active: true, enabled: true, moved: false },
    ]);
    const takeover = await planned(folder, run);
    await makeStateDirectories(paths);
    await takeover.carryOut();
    assert.deepEqual(calls, ["stop softether-vpnserver.service", "disable softether-vpnserver.service"]);
    assert.deepEqual((await findFormerServer(folder, run)).units, []);

    const other = host({
      name: "softether-vpnserver.service",
      text: `ExecStart=${folder}-2/vpnserver start\n`,
    });
    assert.deepEqual((await findFormerServer(folder, other)).units, []);
  });

  test("a unit of ours is none, and one whose file has our name is moved", async () => {
    const ours = host({
      name: "vpnserver.service",
      text: `# Made by \`vpnserver install\`, which replaces it.\nExecStart=${folder}/vpnserver start\n`,
    });
    assert.deepEqual((await findFormerServer(folder, ours)).units, []);
    const same = host({
      name: "vpnserver.service",
      text: `ExecStart=${folder}/vpnserver start\n`,
      file: "/etc/systemd/system/vpnserver.service",
    });
    assert.equal((await findFormerServer(folder, same)).units[0]?.moved, true);
  });

  test("processes are found by program or working folder; others are left alone", async () => {
    const proc = join(directory, "proc");
    const add = async (pid: number, comm: string, executable: string, cwd = "/") => {
      await mkdir(join(proc, String(pid)), { recursive: true });
      const put = (name: string, text: string) => writeFile(join(proc, String(pid), name), text);
      await Promise.all([
        put("comm", `${comm}\n`),
        put("cmdline", `${executable}\0execsvc\0`),
        put("cgroup", "0::/\n"),
      ]);
      await symlink(executable, join(proc, String(pid), "exe"));
      await symlink(cwd, join(proc, String(pid), "cwd"));
    };
    // Processes that are really there, since they are told apart by when they began.
    await add(process.pid, "vpnserver", `${folder}/vpnserver`);
    await add(process.ppid, "vpnserver", "/srv/elsewhere/vpnserver");
    await add(1, "nginx", `${folder}/vpnserver`);
    const { processes, others } = await findFormerServer(folder, host(), proc);
    assert.deepEqual(
      processes.map(({ identity, executable }) => [identity.pid, executable]),
      [[process.pid, `${folder}/vpnserver`]],
    );
    assert.deepEqual(
      others.map(({ executable }) => executable),
      ["/srv/elsewhere/vpnserver"],
    );
  });

  test("only root, or the user whose processes they are, can stop it", () => {
    const process = { identity: { pid: 5, started: "x" }, uid: 1000, executable: "/x/vpnserver" };
    const unit = { name: "x.service", active: true, enabled: true, moved: false };
    const server = { units: [], processes: [process], others: [] };
    assert.equal(isStoppable(server, 1000), true);
    assert.equal(isStoppable(server, 1001), false);
    assert.equal(isStoppable({ ...server, units: [unit] }, 1000), false);
    assert.equal(isStoppable({ ...server, units: [unit] }, 0), true);
  });
});

describe("the silence in which it ends", () => {
  test("takes the connections of clients, and those of the host itself not", () => {
    assert.deepEqual(
      parsePeers(
        [
          "0 0 198.51.100.11:5555 198.51.100.13:41076",
          "0      36     [::ffff:198.51.100.11]:5555   [::ffff:198.51.100.14]:4107",
          "0 0 [2001:db8::1]:5555 [2001:db8::2]:99",
          "0 0 127.0.0.1:5555 127.0.0.1:50000",
          "",
          "nonsense",
        ].join("\n"),
      ),
      [
        { address: "198.51.100.13", port: 41076 },
        { address: "198.51.100.14", port: 4107 },
        { address: "2001:db8::2", port: 99 },
      ],
    );
  });

  test("ends by itself, is asked for before there are rules, and is left out where it cannot be", async () => {
    const words: string[] = [];
    const run: RunProgram = async (program, args) => {
      words.push(
        `${program} ${args
          .join(" ")
          .split(/[\s{]+/)
          .slice(0, 2)
          .join(" ")}`,
      );
      return { code: 0, stdout: "0 0 192.0.2.1:5555 192.0.2.2:1\n", stderr: "" };
    };
    assert.equal(await whileClientsHearNothing([5555], run, async () => words.push("work")), 6);
    assert.deepEqual(words, [
      "nft delete table",
      "systemd-run --quiet --collect",
      "nft table inet",
      "ss --tcp --numeric",
      "nft add element",
      "work",
      "nft flush set",
    ]);
    let works = 0;
    await whileClientsHearNothing(
      [5555],
      async () => undefined,
      async () => works++,
    );
    await whileClientsHearNothing([], run, async () => works++);
    assert.equal(works, 2);
  });
});
