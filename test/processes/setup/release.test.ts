import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { downloadRelease, findChecksum, type Release } from "../../../tools/setup/release.ts";

describe("findChecksum", () => {
  const sum = "ab".repeat(32);

  test("finds a file's sum in the output of sha256sum, in text and in binary mode", () => {
    assert.equal(findChecksum(`${"0".repeat(64)}  other.tar.gz\n${sum}  file.tar.gz\n`, "file.tar.gz"), sum);
    assert.equal(findChecksum(`${sum.toUpperCase()} *file.tar.gz\r\n`, "file.tar.gz"), sum);
  });

  test("finds nothing for another file, a part of a name or a line that is no sum", () => {
    for (const list of [`${sum}  file.tar.gz.sig`, `${sum}  my-file.tar.gz`, `${sum}00  file.tar.gz`, ""]) {
      assert.equal(findChecksum(list, "file.tar.gz"), undefined);
    }
  });
});

describe("downloadRelease", () => {
  let directory: string;
  let target: string;
  let server: Server;
  let release: Release;
  const files = new Map<string, Buffer | string>();

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "release-"));
    await mkdir(join(directory, "source"));
    await writeFile(join(directory, "source/program"), "the program");
    execFileSync("tar", [
      "-czf",
      join(directory, "archive.tar.gz"),
      "-C",
      join(directory, "source"),
      "program",
    ]);
    server = createServer((request, response) => {
      const body = files.get(request.url ?? "");
      if (body === undefined) response.writeHead(404);
      response.end(body);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    release = {
      title: "sample",
      address: `http://127.0.0.1:${port}/v1/`,
      archive: "sample.tar.gz",
      checksums: "sample-checksums.txt",
    };
  });

  after(async () => {
    server.close();
    await rm(directory, { recursive: true, force: true });
  });

  beforeEach(async () => {
    target = await mkdtemp(join(directory, "target-"));
    const archive = await readFile(join(directory, "archive.tar.gz"));
    const sum = createHash("sha256").update(archive).digest("hex");
    files.set("/v1/sample.tar.gz", archive);
    files.set("/v1/sample-checksums.txt", `${sum}  sample.tar.gz\n`);
  });

  test("unpacks an archive that has the published sum", async () => {
    await downloadRelease(release, target);
    assert.equal(await readFile(join(target, "program"), "utf8"), "the program");
  });

  test("refuses an archive with another sum, and unpacks nothing", async () => {
    files.set("/v1/sample-checksums.txt", `${"0".repeat(64)}  sample.tar.gz\n`);
    await assert.rejects(downloadRelease(release, target), /has the SHA-256 [0-9a-f]{64} instead of 0{64}/);
    await assert.rejects(readFile(join(target, "program")));
  });

  test("refuses a list without the archive before it downloads it", async () => {
    files.set("/v1/sample-checksums.txt", "nothing of use\n");
    files.delete("/v1/sample.tar.gz");
    await assert.rejects(downloadRelease(release, target), /names no SHA-256 of sample\.tar\.gz/);
  });

  test("refuses a list without end", async () => {
    files.set("/v1/sample-checksums.txt", Buffer.alloc(2 * 1024 * 1024, "x"));
    await assert.rejects(downloadRelease(release, target), /is larger than/);
  });

  test("names the address and the answer when the file is missing", async () => {
    files.delete("/v1/sample-checksums.txt");
    await assert.rejects(downloadRelease(release, target), /sample-checksums\.txt: the server answered 404/);
  });

  test("names the address and the cause when nobody answers", async () => {
    const closed = createServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, "close");
    const address = `http://127.0.0.1:${port}/`;
    await assert.rejects(
      downloadRelease({ ...release, address }, target),
      /127\.0\.0\.1:\d+\/.*ECONNREFUSED/,
    );
  });
});
