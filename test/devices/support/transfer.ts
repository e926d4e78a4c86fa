import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Namespace } from "../../lab/namespace.ts";
import { someBytes } from "./some-bytes.ts";

/**
 * Fetches so many bytes from `byte-server.ts` at `web`, and sends it as many; all of them have to be right.
 *
 * @param directory for the file that is sent
 */
export async function transferBothWays(
  station: Namespace,
  web: Namespace,
  bytes: number,
  directory: string,
): Promise<void> {
  const all = Buffer.concat([...someBytes(bytes)]);
  const expected = createHash("sha256").update(all).digest("hex");
  const url = `http://${web.address}:8080/${bytes}`;
  const down = await station.run("sh", ["-c", 'curl -sS --max-time 60 "$0" | sha256sum', url]);
  assert.equal(down.stdout.split(" ")[0], expected);
  const file = join(directory, "upload");
  await writeFile(file, all);
  const up = await station.run("curl", ["-sS", "--max-time", "60", "-H", "Expect:", "-T", file, url]);
  assert.equal(up.stdout, expected);
}
