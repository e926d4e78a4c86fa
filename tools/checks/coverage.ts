import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { modulesOf } from "./shared-process.ts";
import { groupNamed } from "./test-groups.ts";

// Which lines the unit tests run, room by room, the weakest first. What other groups run in processes of their own is not counted, so
// that a low figure says where unit tests are few, not that nothing proves the room.

const root = join(import.meta.dirname, "../..");
const sources = ["components/**", "program/**", "server/**", "tools/**"];

/** Lines of one room. */
interface Lines {
  found: number;
  hit: number;
}

/** The folder that a source counts for, such as `server/access` or `server/protocols/softether`. */
function roomOf(path: string): string {
  const [top = "", ...below] = path.split("/").slice(0, -1);
  const depth = below[0] === "protocols" ? 2 : 1;
  return [top, ...below.slice(0, depth)].join("/");
}

/** Sums the line counts of an lcov report by room. */
export function linesByRoom(report: string): Map<string, Lines> {
  const rooms = new Map<string, Lines>();
  for (const record of report.split("end_of_record")) {
    const field = (name: string) => new RegExp(`^${name}:(.*)$`, "m").exec(record)?.[1];
    const path = field("SF");
    if (path === undefined) continue;
    const lines = rooms.get(roomOf(path)) ?? { found: 0, hit: 0 };
    lines.found += Number(field("LF") ?? 0);
    lines.hit += Number(field("LH") ?? 0);
    rooms.set(roomOf(path), lines);
  }
  return rooms;
}

function printCoverage(rooms: ReadonlyMap<string, Lines>): void {
  const rows = [...rooms]
    .map(([room, { found, hit }]) => ({ room, found, percent: (100 * hit) / found }))
    .sort((one, other) => one.percent - other.percent);
  for (const { room, found, percent } of rows) {
    console.log(`${room.padEnd(34)}${percent.toFixed(1).padStart(6)} %  of ${found} lines`);
  }
  const all = [...rooms.values()].reduce((sum, { hit }) => sum + hit, 0);
  const found = [...rooms.values()].reduce((sum, lines) => sum + lines.found, 0);
  console.log(`${"all".padEnd(34)}${((100 * all) / found).toFixed(1).padStart(6)} %  of ${found} lines`);
}

if (import.meta.main) {
  const folder = await mkdtemp(join(tmpdir(), "coverage-"));
  try {
    const report = join(folder, "lcov.info");
    const { concurrency, timeoutMs } = groupNamed("unit");
    const { status } = spawnSync(
      process.execPath,
      [
        "--test",
        "--experimental-test-coverage",
        ...sources.map((pattern) => `--test-coverage-include=${pattern}`),
        "--test-reporter=dot",
        "--test-reporter-destination=stdout",
        "--test-reporter=lcov",
        `--test-reporter-destination=${report}`,
        `--test-concurrency=${concurrency}`,
        `--test-timeout=${timeoutMs}`,
        ...modulesOf("unit", root, folder),
      ],
      { cwd: root, stdio: "inherit" },
    );
    console.log();
    printCoverage(linesByRoom(await readFile(report, "utf8")));
    process.exitCode = status ?? 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
