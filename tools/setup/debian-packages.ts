import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { runTool } from "../build/run-tool.ts";
import { step, type Log } from "../build/step.ts";

const installTimeoutMs = 15 * 60_000;
const policyFile = "/usr/sbin/policy-rc.d";
const policyMark = "# pulumi-vpnserver: installed packages start no services";

export interface DebianPackagesOptions {
  /** What needs them, for the message: "the test hosts". */
  readonly purpose: string;
  /** Takes the lines about progress. */
  readonly log: Log;
}

/**
 * Installs those of the packages that are missing, without starting the services that they bring.
 *
 * @throws Error that lists what is missing when this is not root, or no Debian, or apt cannot install it
 */
export async function ensureDebianPackages(
  names: readonly string[],
  options: DebianPackagesOptions,
): Promise<void> {
  const missing = await findMissingPackages(names);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) {
    throw new Error(
      `packages are missing that are needed for ${options.purpose}, and installing them needs root. ` +
        `Way out: sudo apt-get install ${missing.join(" ")}`,
    );
  }
  await step(`install ${missing.join(" ")}`, options.log, () => withoutServices(() => install(missing)));
  const still = await findMissingPackages(missing);
  if (still.length > 0)
    throw new Error(`apt-get ended well, but these are not installed: ${still.join(" ")}`);
}

/** Those of the packages that dpkg does not list as installed. */
export async function findMissingPackages(names: readonly string[]): Promise<string[]> {
  if (!existsSync("/usr/bin/dpkg-query")) {
    throw new Error(
      `the packages ${names.join(", ")} are needed, and this is no Debian or Ubuntu where apt could install them. ` +
        "Way out: use Debian 12 or later, for example in a container or a virtual machine",
    );
  }
  // Fails as soon as one name is unknown, and prints the others all the same.
  const list = await runTool("dpkg-query", ["--show", "--showformat=${db:Status-Abbrev} ${Package}\n", "*"], {
    cwd: "/",
    timeoutMs: 30_000,
  });
  return missingFrom(list, names);
}

/** @param list lines such as `ii  openssh-server` */
export function missingFrom(list: string, names: readonly string[]): string[] {
  const installed = new Set<string>();
  for (const line of list.split("\n")) {
    const [, name] = /^[ih]i\s+(\S+)$/.exec(line) ?? [];
    if (name !== undefined) installed.add(name);
  }
  return names.filter((name) => !installed.has(name));
}

async function install(names: readonly string[]): Promise<void> {
  const aptGet = (...args: string[]) =>
    runTool("apt-get", ["-q", "-y", "-o", "DPkg::Lock::Timeout=300", ...args], {
      cwd: "/",
      timeoutMs: installTimeoutMs,
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
  try {
    await aptGet("install", "--no-install-recommends", ...names);
  } catch {
    // The package lists are missing, or older than the mirror.
    await aptGet("update");
    await aptGet("install", "--no-install-recommends", ...names);
  }
}

/** Keeps maintainer scripts from starting services: the tests start their own, in namespaces of their own. */
async function withoutServices(work: () => Promise<void>): Promise<void> {
  const existing = await readFile(policyFile, "utf8").catch(() => undefined);
  if (existing !== undefined && !existing.includes(policyMark)) return work();
  await writeFile(policyFile, `#!/bin/sh\n${policyMark}\nexit 101\n`, { mode: 0o755 });
  try {
    await work();
  } finally {
    await rm(policyFile, { force: true });
  }
}
