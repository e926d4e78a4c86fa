import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Lab } from "../test/lab/lab.ts";
import { hubOf, OurServer } from "../test/interop/support/our-server.ts";
import { SoftEtherProgram } from "../test/interop/support/softether-program.ts";
import { ensureDebianPackages } from "../tools/setup/debian-packages.ts";
import { printTable } from "./support/servers.ts";

const rounds = 3;
const users = 1000;
const atOnce = 16;
const port = 5555;
const diskDirectory = "/var/tmp";
const load = join(import.meta.dirname, "support/admin-load.ts");

interface Round {
  /** Users made in a second, one after the other. */
  readonly inARow: number;
  /** The same, several at a time. */
  readonly together: number;
  /** To list all of them. */
  readonly listMs: number;
  /** Users made in a second, one after the other, each on the disk before the next. */
  readonly onDisk: number;
}

/**
 * Users made over JSON-RPC on connections that stay open. Ours answers when the user is on the disk; SoftEther's writes its
 * configuration every 300 seconds, or when it is told to.
 */
export async function measureAdmin(): Promise<void> {
  await ensureDebianPackages(["softether-vpnserver", "softether-vpncmd", "iproute2"], {
    purpose: "the benchmark",
    log: (line) => console.log(line),
  });
  const [ourRounds, theirRounds]: [Round[], Round[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    await using lab = await Lab.create();
    const [ourStation, theirStation] = await Promise.all([lab.station("ours"), lab.station("softether")]);
    const args = [load, String(port), String(users), String(atOnce)];
    // The lab's own directory is in memory, where to write costs nothing.
    const onDisk = await mkdtemp(join(diskDirectory, "vpnserver-bench-"));
    try {
      const ours = await OurServer.start(ourStation, onDisk, [hubOf("DEFAULT", [])]);
      ourRounds.push(JSON.parse((await ours.station.run(process.execPath, args)).stdout) as Round);
      await ours.stop();
      const theirs = await SoftEtherProgram.start("vpnserver", theirStation, port, join(onDisk, "softether"));
      const { stdout } = await theirs.run(process.execPath, [...args, "flush"]);
      theirRounds.push(JSON.parse(stdout) as Round);
    } finally {
      await lab.dispose();
      await rm(onDisk, { recursive: true });
    }
    console.error(`round ${round + 1} of ${rounds} done`);
  }
  console.log(`\nMedian of ${rounds}, ${users} users each\n`);
  printTable(
    [
      ["users a second, in a row", "inARow"],
      [`the same, ${atOnce} at a time`, "together"],
      ["in a row, each on the disk", "onDisk"],
      [`list of ${2 * users}, ms`, "listMs"],
    ],
    new Map([
      ["ours", ourRounds],
      ["SoftEther", theirRounds],
    ]),
  );
}
