import { globSync } from "node:fs";
import { join } from "node:path";

/** Tests that are run together, in one run of node's test runner. */
export interface TestGroup {
  /** Of the files, below the repository's root. */
  readonly glob: string;
  /** What a person is told that it checks. */
  readonly about: string;
  /** Files run side by side. Those that measure time, or share the test hosts, run one after the other. */
  readonly concurrency: number;
  /** Longest time of a single test. */
  readonly timeoutMs: number;
  /** Longest time of the group: a test file that leaves something open would never end. */
  readonly deadlineMs: number;
  /** Why it cannot run as an ordinary user. */
  readonly needsRoot?: string;
  /** Whether it runs Pulumi. */
  readonly needsToolchain: boolean;
  /** Whether it runs what `npm run build` makes. */
  readonly needsBuild: boolean;
  /** Debian packages with the programs that it runs. */
  readonly packages: readonly string[];
  /**
   * Node.js keeps what it has compiled of the sources from file to file: most of the time of many short ones. Not where
   * programs under test would come upon it.
   */
  readonly keepsCompiled?: true;
  /**
   * Processes that the files share, those of a folder in the same one; without it each file has its own. To start one, and to
   * import the same sources in each, would be most of the time of many short files.
   */
  readonly sharedProcesses?: number;
}

const minuteMs = 60_000;

const labPackages = [
  "iproute2",
  "mmdebstrap",
  "nftables",
  "openssh-client",
  "procps",
  "systemd-container",
  "util-linux",
];
/** What moto is installed with: the server behind the lab's AWS. */
const awsPackages = ["python3-venv"];
/** The unmodified clients, and what tests send through their sessions. */
const clientPackages = [
  "curl",
  "iperf3",
  "iputils-ping",
  "isc-dhcp-client",
  "openssl",
  "softether-vpnclient",
  "softether-vpncmd",
  "softether-vpnserver",
];
const labNeedsRoot = "test hosts are made of network namespaces, overlay mounts and systemd-nspawn";

/** In the order in which they are run: the quick ones tell first. */
export const testGroups = {
  unit: {
    glob: "test/unit/**/*.test.ts",
    about: "each part by itself",
    // More than a small machine has cores: files that write wait for the disk.
    concurrency: 3,
    timeoutMs: minuteMs,
    deadlineMs: 8 * minuteMs,
    needsToolchain: false,
    needsBuild: false,
    packages: [],
    keepsCompiled: true,
    // More than run side by side, so that none waits long for the last.
    sharedProcesses: 6,
  },
  processes: {
    glob: "test/processes/**/*.test.ts",
    about: "processes of the server, of the tools and of the host's own programs",
    concurrency: 2,
    timeoutMs: minuteMs,
    deadlineMs: 8 * minuteMs,
    needsToolchain: false,
    needsBuild: false,
    packages: [],
  },
  fuzz: {
    glob: "test/fuzz/**/*.test.ts",
    about: "what decodes bytes of the network and of files, by inputs that reach new places",
    concurrency: 2,
    timeoutMs: minuteMs,
    deadlineMs: 3 * minuteMs,
    needsToolchain: false,
    needsBuild: false,
    packages: [],
  },
  crash: {
    glob: "test/crash/**/*.test.ts",
    about: "the configuration of a worker that is killed at random moments",
    concurrency: 1,
    timeoutMs: 40 * minuteMs,
    deadlineMs: 45 * minuteMs,
    needsToolchain: false,
    needsBuild: false,
    packages: [],
  },
  build: {
    glob: "test/build/**/*.test.ts",
    about: "the executables, arm64 under emulation",
    concurrency: 1,
    timeoutMs: 10 * minuteMs,
    deadlineMs: 15 * minuteMs,
    needsRoot: "the roots that executables are tried in are made by mmdebstrap",
    needsToolchain: false,
    needsBuild: true,
    packages: ["mmdebstrap", "qemu-user-static"],
  },
  install: {
    glob: "test/install/**/*.test.ts",
    about: "install, update, roll back and uninstall the executable in user mode",
    concurrency: 1,
    timeoutMs: 5 * minuteMs,
    deadlineMs: 15 * minuteMs,
    needsToolchain: false,
    needsBuild: true,
    packages: ["procps"],
  },
  conformance: {
    glob: "test/conformance/**/*.test.ts",
    about: "the stand-ins of language host and command plugin against the official ones",
    concurrency: 1,
    timeoutMs: 5 * minuteMs,
    deadlineMs: 15 * minuteMs,
    needsToolchain: true,
    needsBuild: false,
    packages: ["openssh-server", "procps", "xz-utils"],
  },
  package: {
    glob: "test/package/**/*.test.ts",
    about: "the packed npm package in projects elsewhere",
    concurrency: 1,
    timeoutMs: 10 * minuteMs,
    deadlineMs: 15 * minuteMs,
    needsToolchain: true,
    needsBuild: true,
    packages: ["openssh-server"],
  },
  interop: {
    glob: "test/interop/**/*.test.ts",
    about: "SoftEther's own programs against the server",
    concurrency: 1,
    timeoutMs: 5 * minuteMs,
    deadlineMs: 20 * minuteMs,
    needsRoot: "clients run in network namespaces, with network cards of their own",
    needsToolchain: false,
    needsBuild: false,
    packages: [...labPackages, ...clientPackages, "fail2ban"],
  },
  attack: {
    glob: "test/attack/**/*.test.ts",
    about: "what attacks on the server do to others",
    concurrency: 1,
    timeoutMs: 3 * minuteMs,
    deadlineMs: 8 * minuteMs,
    needsRoot: labNeedsRoot,
    needsToolchain: false,
    needsBuild: false,
    packages: labPackages,
  },
  devices: {
    glob: "test/devices/**/*.test.ts",
    about: "network interfaces of the server's own, with the packets of real kernels",
    concurrency: 1,
    timeoutMs: 2 * minuteMs,
    deadlineMs: 5 * minuteMs,
    needsRoot: "network interfaces are made in network namespaces",
    needsToolchain: false,
    needsBuild: false,
    packages: [
      ...labPackages,
      "curl",
      "iperf3",
      "iputils-ping",
      "isc-dhcp-client",
      // A kernel with all rights, for what the machine's own does not let a container do.
      "kmod",
      "user-mode-linux",
    ],
  },
  transfers: {
    glob: "test/transfers/**/*.test.ts",
    about: "random transfers between the server's TCP and a kernel's over bad links",
    concurrency: 1,
    timeoutMs: 40 * minuteMs,
    deadlineMs: 45 * minuteMs,
    needsRoot: "network interfaces are made in network namespaces",
    needsToolchain: false,
    needsBuild: false,
    packages: labPackages,
  },
  lab: {
    glob: "test/lab/**/*.test.ts",
    about: "the test hosts themselves, and the lab's AWS",
    concurrency: 1,
    timeoutMs: 10 * minuteMs,
    deadlineMs: 20 * minuteMs,
    needsRoot: labNeedsRoot,
    needsToolchain: false,
    needsBuild: false,
    packages: [...labPackages, ...awsPackages],
  },
  claims: {
    glob: "test/lab-claims/**/*.test.ts",
    about: "the executable on test hosts: service mode, firewalls, user mode, owners, adverse hosts",
    concurrency: 1,
    timeoutMs: 5 * minuteMs,
    deadlineMs: 30 * minuteMs,
    needsRoot: labNeedsRoot,
    needsToolchain: false,
    needsBuild: true,
    packages: labPackages,
  },
  windows: {
    glob: "test/windows/**/*.test.ts",
    about: "the executable for Windows, run by Wine",
    // Each file has a host of its own, and waits for Wine half of the time.
    concurrency: 2,
    timeoutMs: 4 * minuteMs,
    deadlineMs: 8 * minuteMs,
    needsRoot: "the root with Wine is made by mmdebstrap, and entered in namespaces",
    needsToolchain: false,
    needsBuild: true,
    packages: [...labPackages, "curl", "isc-dhcp-client", "softether-vpnclient", "softether-vpncmd"],
  },
  e2e: {
    glob: "test/e2e/**/*.test.ts",
    about: "deployments to test hosts by the real engine",
    // They wait for hosts to boot and for Pulumi a third of the time; each has hosts of its own.
    concurrency: 2,
    timeoutMs: 15 * minuteMs,
    deadlineMs: 45 * minuteMs,
    needsRoot: labNeedsRoot,
    needsToolchain: true,
    needsBuild: true,
    packages: [...labPackages, ...clientPackages, ...awsPackages],
  },
  quickstart: {
    glob: "test/quickstart/**/*.test.ts",
    about: "npm run quickstart, twice, and down; its pulumi in a shell",
    concurrency: 1,
    timeoutMs: 15 * minuteMs,
    deadlineMs: 20 * minuteMs,
    needsToolchain: true,
    needsBuild: true,
    packages: ["fish", "iproute2", "openssh-server", "procps"],
  },
} as const satisfies Record<string, TestGroup>;

export type TestGroupName = keyof typeof testGroups;

/** One of the groups by its name. */
export function groupNamed(name: TestGroupName): TestGroup {
  return testGroups[name];
}

/**
 * The files of a group.
 *
 * @throws Error when there is none: a suite that has moved must not pass for one that succeeded
 */
export function filesOf(name: TestGroupName, root: string): string[] {
  const { glob } = groupNamed(name);
  const files = globSync(glob, { cwd: root }).sort();
  if (files.length === 0) throw new Error(`no file matches ${glob}: the group "${name}" would check nothing`);
  return files.map((file) => join(root, file));
}

/** Test files that no group would run. */
export function filesWithoutGroup(root: string): string[] {
  const covered = new Set(Object.values(testGroups).flatMap(({ glob }) => globSync(glob, { cwd: root })));
  return globSync("test/**/*.test.*", { cwd: root }).filter((file) => !covered.has(file));
}
