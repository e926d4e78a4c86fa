import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { CommandResult, SshSession } from "../ssh/ssh-session.ts";
import type { Artifact } from "./artifact.ts";
import { parseAnswers, receiveCommand, scriptCommand } from "./host-script.ts";

export interface DeliveryOptions {
  /** That of the host, see `hostScript`. */
  readonly script: string;
  readonly artifacts: readonly Artifact[];
  /** Told how far an upload is, every other second. */
  readonly progress: (message: string) => void;
}

const commandTimeoutMs = 30_000;
/** A link that is alive takes some bytes in this time, however slow it is. */
const idleTimeoutMs = 60_000;
const progressMs = 2_000;

/**
 * Puts the executable on the host, where `install` of the host's script finds it, unless the host has it. It needs no SFTP, and
 * no gzip on the host.
 *
 * @returns whether it is installed already
 * @throws Error with what is in the way, and the way out
 */
export async function deliverRelease(session: SshSession, options: DeliveryOptions): Promise<boolean> {
  const prepared = await session.run(scriptCommand("prepare"), {
    stdin: options.script,
    timeoutMs: commandTimeoutMs,
  });
  const answers = parseAnswers(prepared.stdout);
  if (prepared.code !== 0) throw new Error(failureOf(prepared));
  const release = answers.get("release");
  if (release !== undefined) return /\/releases\/[0-9a-f]{64}\/vpnserver$/.test(release);
  const staging = answers.get("staging");
  const artifact = options.artifacts.find(({ uname }) => uname === answers.get("platform"));
  if (staging === undefined || artifact === undefined) throw new Error(notRun(prepared));
  await upload(session, { ...options, staging, artifact, unpack: answers.has("gzip") });
  return false;
}

/**
 * Installs the server where the host has lost it: what works with it would find nothing.
 *
 * @throws Error with what is in the way, and the way out
 */
export async function restoreLostServer(
  session: SshSession,
  options: DeliveryOptions & { readonly installTimeoutMs: number },
): Promise<void> {
  if (await deliverRelease(session, options)) return;
  options.progress("the host has lost the server; installing it again");
  const result = await session.run(scriptCommand("install"), {
    stdin: options.script,
    timeoutMs: commandTimeoutMs + options.installTimeoutMs,
  });
  if (result.code !== 0) {
    throw new Error(
      `the host has lost the server, and it could not be installed again: ${failureOf(result)}`,
    );
  }
}

async function upload(
  session: SshSession,
  options: DeliveryOptions & {
    readonly staging: string;
    readonly artifact: Artifact;
    readonly unpack: boolean;
  },
): Promise<void> {
  const { staging, artifact, unpack } = options;
  const total = unpack ? artifact.uploadBytes : artifact.bytes;
  const report = new UploadProgress(total, options.progress);
  const command = receiveCommand(staging, artifact, unpack);
  const result = await session.feed(command, executableOf(artifact, unpack), {
    idleTimeoutMs,
    onProgress: (bytes) => report.at(bytes),
  });
  if (result.code !== 0) {
    throw new Error(
      `the host did not take the upload of ${megabytes(total)} into ${staging}: ${failureOf(result)}`,
    );
  }
}

function executableOf({ uploadPath }: Artifact, compressed: boolean): Readable {
  const file = createReadStream(uploadPath, { highWaterMark: 256 * 1024 });
  if (compressed) return file;
  const unpacked = createGunzip();
  file.on("error", (error) => unpacked.destroy(error));
  return file.pipe(unpacked);
}

/** How far an upload is: a percentage and a rate. */
export class UploadProgress {
  readonly #total: number;
  readonly #tell: (message: string) => void;
  readonly #now: () => number;
  readonly #start: number;
  #told: number;

  /** @param now milliseconds of a clock that does not jump */
  constructor(total: number, tell: (message: string) => void, now: () => number = () => performance.now()) {
    this.#total = total;
    this.#tell = tell;
    this.#now = now;
    this.#start = this.#told = now();
  }

  at(bytes: number): void {
    const now = this.#now();
    if (bytes < this.#total && now - this.#told < progressMs) return;
    this.#told = now;
    const seconds = Math.max(now - this.#start, 1) / 1000;
    const percent = Math.min(100, Math.floor((bytes * 100) / this.#total));
    this.#tell(
      `uploading the server: ${percent} % of ${megabytes(this.#total)}, ${megabytes(bytes / seconds)}/s`,
    );
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Why a command of the host's script failed. */
export function failureOf(result: CommandResult): string {
  const said = result.stderr.trim() || result.stdout.trim();
  const how = result.code === undefined ? "the connection broke" : `it ended with exit code ${result.code}`;
  return said === "" ? how : said.replace(/^vpnserver: /, "");
}

/** The script was not run, or by something that is no POSIX shell. */
export function notRun({ stdout, stderr, code }: CommandResult): string {
  const printed = (stdout + stderr).trim();
  return (
    `the host did not run the deployment's script with "sh"` +
    (printed === "" ? ` (exit code ${code ?? "none"})` : `; it printed: ${printed.slice(0, 300)}`) +
    ". The user needs a login shell that runs commands: see the user's entry in /etc/passwd, and what its start-up files do"
  );
}
