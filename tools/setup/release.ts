import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import * as http from "node:http";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { runTool } from "../build/run-tool.ts";
import { commandPluginVersion, engineVersion } from "./versions.ts";

/** An archive of an official release, and the list of SHA-256 sums that is published with it. */
export interface Release {
  readonly title: string;
  /** Folder of the files, ends in `/`. */
  readonly address: string;
  readonly archive: string;
  readonly checksums: string;
}

const releases = "https://github.com/pulumi";

/** Engine, language hosts and the launcher of dynamic providers, in the folder `pulumi` of the archive. */
export const engineRelease: Release = {
  title: `Pulumi ${engineVersion}`,
  address: `${releases}/pulumi/releases/download/v${engineVersion}/`,
  archive: `pulumi-v${engineVersion}-linux-x64.tar.gz`,
  checksums: `pulumi-${engineVersion}-checksums.txt`,
};

export const commandPluginRelease: Release = {
  title: `command plugin ${commandPluginVersion}`,
  address: `${releases}/pulumi-command/releases/download/v${commandPluginVersion}/`,
  archive: `pulumi-resource-command-v${commandPluginVersion}-linux-amd64.tar.gz`,
  checksums: `pulumi-command_${commandPluginVersion}_checksums.txt`,
};

const answerTimeoutMs = 8_000;
const downloadTimeoutMs = 10 * 60_000;
const checksumsLimitBytes = 1024 * 1024;
const archiveLimitBytes = 512 * 1024 * 1024;

/**
 * Downloads an archive, checks it against the published sum and unpacks it into `directory`, which must exist.
 *
 * The sums come from the same place as the archive: they tell a broken transfer, not a forged release.
 *
 * @throws Error with the address and the reason; a server that cannot be reached is given up after 8 s
 */
export async function downloadRelease(release: Release, directory: string): Promise<void> {
  // Asked first, so that a machine without access is told apart before anything large begins.
  const list = await fetchText(new URL(release.checksums, release.address));
  const expected = findChecksum(list, release.archive);
  if (expected === undefined) {
    throw new Error(`${release.address}${release.checksums} names no SHA-256 of ${release.archive}`);
  }
  const file = join(directory, release.archive);
  const url = new URL(release.archive, release.address);
  const response = await get(url);
  await pipeline(
    Readable.fromWeb(response.body as ReadableStream),
    atMost(archiveLimitBytes, url),
    createWriteStream(file, { flags: "wx" }),
    { signal: AbortSignal.timeout(downloadTimeoutMs) },
  );
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  const actual = hash.digest("hex");
  if (actual !== expected) throw new Error(`${url.href} has the SHA-256 ${actual} instead of ${expected}`);
  await runTool("tar", ["-xzf", release.archive, "--no-same-owner"], { cwd: directory, timeoutMs: 120_000 });
}

/** The sum of a file in the output format of sha256sum(1), lower case. */
export function findChecksum(list: string, file: string): string | undefined {
  for (const line of list.split("\n")) {
    const [, sum, name] = /^([0-9a-fA-F]{64})\s+\*?(\S+)\s*$/.exec(line) ?? [];
    if (name === file) return sum?.toLowerCase();
  }
  return undefined;
}

async function fetchText(url: URL): Promise<string> {
  const response = await get(url);
  const chunks: Buffer[] = [];
  await pipeline(
    Readable.fromWeb(response.body as ReadableStream),
    atMost(checksumsLimitBytes, url),
    async (source: AsyncIterable<Buffer>) => {
      for await (const chunk of source) chunks.push(chunk);
    },
    { signal: AbortSignal.timeout(answerTimeoutMs) },
  );
  return Buffer.concat(chunks).toString("utf8");
}

async function get(url: URL): Promise<Response> {
  useProxyOfEnvironment();
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), answerTimeoutMs);
  try {
    const response = await fetch(url, { signal: abort.signal });
    if (!response.ok || response.body === null) {
      throw new Error(`the server answered ${response.status} ${response.statusText}`);
    }
    return response;
  } catch (error) {
    const { message, cause } = error as Error & { cause?: Error };
    const reason = abort.signal.aborted ? `no answer within ${answerTimeoutMs / 1000} s` : message;
    throw new Error(`${url.href}: ${cause?.message ?? reason}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

let proxySet = false;

/** Honours HTTPS_PROXY and NO_PROXY. */
function useProxyOfEnvironment(): void {
  if (!proxySet) (http as { setGlobalProxyFromEnv?: () => void }).setGlobalProxyFromEnv?.();
  proxySet = true;
}

function atMost(limitBytes: number, url: URL): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > limitBytes) done(new Error(`${url.href} is larger than ${limitBytes} bytes`));
      else done(null, chunk);
    },
  });
}
