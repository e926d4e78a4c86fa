import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join, relative } from "node:path";
import { describe, test } from "node:test";
import type { Session } from "ssh2";
import { onEachProgram, type Outcome, type Scene } from "./support/suite.ts";
import { startOddSshServer } from "./support/odd-server.ts";
import { fileArchive, fileAsset, secret, textAsset, type Json, type Properties } from "./support/values.ts";

/** A folder to copy from and, on the same machine, one to copy to. */
interface Folders {
  readonly local: string;
  readonly remote: string;
}

async function makeFolders(scene: Scene): Promise<Folders> {
  const directory = await mkdtemp(join(scene.directory, "copy-"));
  const folders = { local: join(directory, "local"), remote: join(directory, "remote") };
  await mkdir(folders.remote);
  await mkdir(join(folders.local, "folder/below/empty"), { recursive: true });
  await writeFile(join(folders.local, "file.txt"), "contents", { mode: 0o755 });
  await writeFile(join(folders.local, "folder/a"), "A");
  await writeFile(join(folders.local, "folder/below/b"), "B");
  return folders;
}

/** Everything below a folder: a slash behind folders, the contents behind files. */
async function tree(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const lines = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path);
    return entry.isDirectory() ? `${name}/` : `${name}=${await readFile(path, "utf8")}`;
  });
  return (await Promise.all(lines)).sort();
}

const contents = (parent: string) => [
  `${parent}a=A`,
  `${parent}below/`,
  `${parent}below/b=B`,
  `${parent}below/empty/`,
];

onEachProgram("copies", (scene) => {
  /** Copies, with `LOCAL` and `REMOTE` standing for the folders in what is given and in what comes back. */
  const copy = async (
    source: (local: string) => Json,
    remotePath: string,
    options: { prepare?: (folders: Folders) => Promise<unknown>; connection?: Properties } = {},
  ): Promise<Outcome & { folders: Folders; found: string[] }> => {
    const folders = await makeFolders(scene);
    await options.prepare?.(folders);
    const outcome = await scene.create("CopyToRemote", {
      connection: scene.connection(options.connection),
      source: source(folders.local),
      remotePath: remotePath.replace("REMOTE", folders.remote),
    });
    const error = outcome.error?.replaceAll(folders.remote, "REMOTE").replaceAll(folders.local, "LOCAL");
    return { ...outcome, error, folders, found: await tree(folders.remote) };
  };
  const file = (local: string) => fileAsset(join(local, "file.txt"), "hash");
  const folder = (local: string) => fileArchive(join(local, "folder"), "hash");
  const folderContents = (local: string) => fileArchive(join(local, "folder/"), "hash");
  const text = () => textAsset("text é\n", "hash");
  const oldFile = (name: string) => ({
    prepare: ({ remote }: Folders) => writeFile(join(remote, name), "something longer than that"),
  });
  const oldFolder = (name: string) => ({
    prepare: ({ remote }: Folders) => mkdir(join(remote, name), { recursive: true }),
  });

  describe("put", () => {
    const cases: [string, (local: string) => Json, string, string[], Parameters<typeof copy>[2]?][] = [
      ["a file at a new path", file, "REMOTE/new", ["new=contents"]],
      ["a file into a folder that is there", file, "REMOTE", ["file.txt=contents"]],
      ["a file into a folder with a slash behind it", file, "REMOTE/", ["file.txt=contents"]],
      [
        "a file below folders that are not there yet",
        file,
        "REMOTE/x/y/new",
        ["x/", "x/y/", "x/y/new=contents"],
      ],
      ["a file over another one", file, "REMOTE/old", ["old=contents"], oldFile("old")],
      ["a text at a new path", text, "REMOTE/new", ["new=text é\n"]],
      [
        "a text below folders that are not there yet",
        text,
        "REMOTE/x//y/new",
        ["x/", "x/y/", "x/y/new=text é\n"],
      ],
      ["a text over a file", text, "REMOTE/old", ["old=text é\n"], oldFile("old")],
      ["a folder into a folder that is there", folder, "REMOTE", ["folder/", ...contents("folder/")]],
      [
        "a folder into a folder that is not there yet",
        folder,
        "REMOTE/new",
        ["new/", "new/folder/", ...contents("new/folder/")],
      ],
      ["a folder's contents into a folder that is there", folderContents, "REMOTE", contents("")],
      [
        "a folder's contents into a folder that is not there yet",
        folderContents,
        "REMOTE/x/new",
        ["x/", "x/new/", ...contents("x/new/")],
      ],
      [
        "a folder over itself, and leave what else is there",
        folder,
        "REMOTE",
        ["folder/", ...contents("folder/"), "folder/other=stays"],
        {
          prepare: async ({ remote }) => {
            await mkdir(join(remote, "folder/below"), { recursive: true });
            await writeFile(join(remote, "folder/a"), "old");
            await writeFile(join(remote, "folder/other"), "stays");
          },
        },
      ],
      [
        "a folder that is given as a file asset",
        (local) => fileAsset(join(local, "folder"), "h"),
        "REMOTE",
        ["folder/", ...contents("folder/")],
      ],
      [
        "a file that is given as an archive, as it is",
        (local) => fileArchive(join(local, "file.txt"), "h"),
        "REMOTE/new",
        ["new=contents"],
      ],
      [
        "an empty file over another one",
        () => fileAsset("/dev/null", "h"),
        "REMOTE/old",
        ["old="],
        oldFile("old"),
      ],
      [
        "what links in a folder lead to",
        folder,
        "REMOTE",
        [...contents("folder/"), "folder/", "folder/link=A"].sort(),
        { prepare: ({ local }) => symlink("a", join(local, "folder/link")) },
      ],
    ];
    for (const [what, source, path, expected, options] of cases) {
      test(what, async () => {
        const { error, found, dials, state } = await copy(source, path, options);
        assert.equal(error, undefined);
        assert.deepEqual(found, expected.sort());
        assert.equal(dials, 1);
        assert.match(state?.id ?? "", /^[0-9a-f]{8}$/);
      });
    }

    test("a large binary file, byte for byte", async () => {
      const bytes = randomBytes(5_000_001);
      const { folders } = await copy((local) => fileAsset(join(local, "big"), "h"), "REMOTE/big", {
        prepare: ({ local }) => writeFile(join(local, "big"), bytes),
      });
      const copied = await readFile(join(folders.remote, "big"));
      const digest = (data: Buffer) => createHash("sha256").update(data).digest("hex");
      assert.equal(digest(copied), digest(bytes));
    });

    test("a file at a path in the user's home directory", async () => {
      const name = `.command-conformance-${process.pid}-${scene.program.name.length}`;
      try {
        const { error } = await copy(text, name);
        assert.equal(error, undefined);
        assert.equal(await readFile(join(userInfo().homedir, name), "utf8"), "text é\n");
      } finally {
        await rm(join(userInfo().homedir, name), { force: true });
      }
    });

    test("gives new files the host's default mode, and leaves that of others", async () => {
      const { folders } = await copy(file, "REMOTE/new");
      assert.equal((await stat(join(folders.remote, "new"))).mode & 0o111, 0);
      const again = await copy(file, "REMOTE/old", {
        prepare: async ({ remote }) => {
          await writeFile(join(remote, "old"), "");
          await chmod(join(remote, "old"), 0o700);
        },
      });
      assert.equal((await stat(join(again.folders.remote, "old"))).mode & 0o777, 0o700);
    });

    test("gives the inputs back, secrets as secrets", async () => {
      const { state, folders } = await copy(() => secret(textAsset("s", "h")), "REMOTE/new");
      const { connection, ...values } = state?.values ?? {};
      assert.deepEqual(values, {
        source: { $secret: { $asset: { text: "s", hash: "h" } } },
        remotePath: `${folders.remote}/new`,
      });
      assert.deepEqual(Object.keys(connection as Properties), ["$secret"]);
    });

    test("says in the debug log what goes where", async () => {
      const { log, folders } = await copy(file, "REMOTE/new");
      assert.deepEqual(
        log.map(({ severity, message, ephemeral }) => [severity, message, ephemeral]),
        [
          [
            "debug",
            `Creating file: 127.0.0.1:${folders.remote}/new from local file ${folders.local}/file.txt`,
            false,
          ],
        ],
      );
      const fromText = await copy(text, "REMOTE/new");
      assert.equal(
        fromText.log[0]?.message,
        `Creating file: 127.0.0.1:${fromText.folders.remote}/new from text asset`,
      );
    });
  });

  describe("refuse", () => {
    const cases: [string, (local: string) => Json, string, string, Parameters<typeof copy>[2]?][] = [
      [
        "a file that is not there",
        (local) => fileAsset(join(local, "none"), "h"),
        "REMOTE/x/new",
        "open LOCAL/none: no such file or directory",
      ],
      [
        "a file that cannot be read",
        () => fileAsset("/proc/self/mem", "h"),
        "REMOTE/new",
        "failed to copy file /proc/self/mem to remote path REMOTE/new: read /proc/self/mem: input/output error",
      ],
      [
        "a text in place of a folder",
        text,
        "REMOTE",
        "remote path REMOTE is a directory; when using a text asset, remotePath must be a file path",
      ],
      [
        "a text below a file",
        text,
        "REMOTE/old/new",
        "failed to create parent directories for REMOTE/old/new: mkdir REMOTE/old: not a directory",
        oldFile("old"),
      ],
      [
        "a file below a file",
        file,
        "REMOTE/old/x/new",
        "failed to create parent directories for REMOTE/old/x/new: mkdir REMOTE/old: not a directory",
        oldFile("old"),
      ],
      [
        "a file in place of a folder of its name",
        file,
        "REMOTE/old",
        'failed to create remote file REMOTE/old/file.txt: sftp: "Failure" (SSH_FX_FAILURE)',
        oldFolder("old/file.txt"),
      ],
      [
        "a file at a path that ends in a slash",
        file,
        "REMOTE/new/",
        'failed to create remote file REMOTE/new/: sftp: "Failure" (SSH_FX_FAILURE)',
      ],
      ["a file at no path", file, "", "failed to create remote file : file does not exist"],
      [
        "a folder in place of a file",
        folder,
        "REMOTE/old",
        "failed to create remote directory REMOTE/old/folder: file does not exist",
        oldFile("old"),
      ],
      [
        "a folder's contents in place of a file",
        folderContents,
        "REMOTE/old",
        "remote path REMOTE/old exists but is not a directory",
        oldFile("old"),
      ],
      [
        "a folder in a folder where a file has its name",
        folder,
        "REMOTE",
        "remote path REMOTE/folder exists but is not a directory",
        oldFile("folder"),
      ],
      [
        "a folder below which a file has a folder's name",
        folderContents,
        "REMOTE",
        "remote path REMOTE/below exists but is not a directory",
        oldFile("below"),
      ],
      [
        "a link to a folder inside of a folder",
        folder,
        "REMOTE",
        "failed to copy file LOCAL/folder/link to remote path REMOTE/folder/link: read LOCAL/folder/link: is a directory",
        { prepare: ({ local }) => symlink("below", join(local, "folder/link")) },
      ],
      [
        "a link to nothing inside of a folder",
        folder,
        "REMOTE",
        "open LOCAL/folder/link: no such file or directory",
        { prepare: ({ local }) => symlink("none", join(local, "folder/link")) },
      ],
      [
        "a text where nobody may write",
        text,
        "/proc/none/new",
        "failed to create parent directories for /proc/none/new: file does not exist",
      ],
      [
        "a text for a full disk",
        text,
        "/dev/full",
        'failed to write text content to remote path /dev/full: sftp: "Failure" (SSH_FX_FAILURE)',
      ],
      [
        "a file for a full disk",
        file,
        "/dev/full",
        'failed to copy file LOCAL/file.txt to remote path /dev/full: sftp: "Failure" (SSH_FX_FAILURE)',
      ],
      [
        "a host that does not answer",
        file,
        "REMOTE/new",
        "after 0 failed attempts: dial tcp 127.0.0.1:1: connect: connection refused",
        { connection: { port: 1, dialErrorLimit: 0 } },
      ],
    ];
    for (const [what, source, path, message, options] of cases) {
      test(what, async () => {
        assert.equal((await copy(source, path, options)).error, message);
      });
    }

    test("a large file for a full disk", async () => {
      const { error } = await copy((local) => fileAsset(join(local, "big"), "h"), "/dev/full", {
        prepare: ({ local }) => writeFile(join(local, "big"), Buffer.alloc(3_000_000)),
      });
      assert.equal(
        error,
        'failed to copy file LOCAL/big to remote path /dev/full: sftp: "Failure" (SSH_FX_FAILURE)',
      );
    });
  });

  describe("update", () => {
    const setUp = async () => {
      const folders = await makeFolders(scene);
      const given = { source: file(folders.local), remotePath: join(folders.remote, "new") };
      const { urn, state } = await scene.created("CopyToRemote", given);
      await rm(given.remotePath);
      return async (changes: Properties) => {
        const inputs = await scene.checked(urn, { ...given, ...changes });
        const dials = await scene.host.connections();
        const after = await scene.plugin.update(urn, state, inputs);
        assert.equal(after.values.remotePath, changes.remotePath ?? given.remotePath);
        return {
          dials: (await scene.host.connections()) - dials,
          found: await tree(folders.remote),
          folders,
        };
      };
    };

    test("copies again when the hash is another one", async () => {
      const update = await setUp();
      const { dials, found } = await update({ source: textAsset("new text", "another hash") });
      assert.deepEqual({ dials, found }, { dials: 1, found: ["new=new text"] });
    });

    test("copies again when the path is another one, and leaves the old file", async () => {
      const update = await setUp();
      const { folders } = await update({});
      const { dials, found } = await update({ remotePath: join(folders.remote, "other") });
      assert.deepEqual({ dials, found }, { dials: 1, found: ["other=contents"] });
    });

    test("dials nobody when only connection or triggers changed", async () => {
      const update = await setUp();
      const { dials, found } = await update({
        connection: scene.connection({ perDialTimeout: 3 }),
        triggers: [1],
      });
      assert.deepEqual({ dials, found }, { dials: 0, found: [] });
    });
  });

  test("delete leaves the file, and dials nobody", async () => {
    const folders = await makeFolders(scene);
    const { urn, state } = await scene.created("CopyToRemote", {
      source: file(folders.local),
      remotePath: join(folders.remote, "new"),
    });
    const dials = await scene.host.connections();
    await scene.plugin.delete(urn, state);
    assert.equal(await scene.host.connections(), dials);
    assert.deepEqual(await tree(folders.remote), ["new=contents"]);
  });

  describe("to a server that", () => {
    const put = async (onSftp: (session: Session, drop: () => void) => void) => {
      await using server = await startOddSshServer((client, drop) => {
        client.on("authentication", (attempt) => attempt.accept());
        client.on("session", (accept) => onSftp(accept(), drop));
      });
      const { error } = await scene.create("CopyToRemote", {
        connection: scene.connection({ port: server.port }),
        source: textAsset("x", "h"),
        remotePath: "/a/b",
      });
      return error;
    };

    test("has no SFTP", async () => {
      const error = await put((session) => {
        session.on("subsystem", (_accept, reject) => reject());
        session.on("sftp", (_accept, reject) => reject());
      });
      assert.equal(error, "ssh: subsystem request failed");
    });

    test("drops the connection during the copy", async () => {
      const error = await put((session, drop) => {
        session.on("sftp", (accept) => {
          const sftp = accept();
          sftp.on("STAT", (id) => sftp.status(id, 2));
          sftp.on("LSTAT", (id) => sftp.status(id, 2));
          sftp.on("MKDIR", (id) => sftp.status(id, 0));
          sftp.on("OPEN", () => drop());
        });
      });
      assert.equal(error, "failed to create remote file /a/b: connection lost");
    });
  });
});

const text = { source: textAsset("x", "h"), remotePath: "/tmp/command-conformance-never" };

onEachProgram(
  "copies to a host whose SFTP program is missing",
  (scene) => {
    test("fail", async () => {
      const { error } = await scene.create("CopyToRemote", text);
      assert.equal(
        error,
        "error receiving version packet from server: server unexpectedly closed connection: unexpected EOF",
      );
    });
  },
  { sshdConfiguration: ["Subsystem sftp /nonexistent/sftp-server"] },
);

onEachProgram(
  "copies to a host that answers with something else than SFTP",
  (scene) => {
    test("fail", async () => {
      const { error } = await scene.create("CopyToRemote", text);
      assert.equal(error, "error receiving version packet from server: packet too long");
    });
  },
  { sshdConfiguration: ["ForceCommand echo hello, this is no SFTP"] },
);

onEachProgram(
  "copies to a host that lets nobody write",
  (scene) => {
    test("fail with a text", async () => {
      const { error } = await scene.create("CopyToRemote", text);
      assert.equal(error, `failed to create remote file ${text.remotePath}: permission denied`);
    });

    test("fail with a folder", async () => {
      const { local } = await makeFolders(scene);
      const { error } = await scene.create("CopyToRemote", {
        source: fileArchive(join(local, "folder"), "h"),
        remotePath: text.remotePath,
      });
      assert.equal(error, `failed to create remote directory ${text.remotePath}: permission denied`);
    });
  },
  { sshdConfiguration: ["Subsystem sftp internal-sftp -R"] },
);
