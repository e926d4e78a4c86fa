/** Rewrites docs/reference/vpncmd.md. */
import { writeFile } from "node:fs/promises";
import { Lab } from "../../lab/lab.ts";
import { compareServers } from "./compare.ts";
import { pageFile, vpncmdPage } from "./page.ts";

await using lab = await Lab.create();
await writeFile(pageFile, vpncmdPage(await compareServers(lab)));
