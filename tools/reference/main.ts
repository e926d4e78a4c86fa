import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { rpcPage } from "./rpc-page.ts";
import { supportedMethods } from "./supported-methods.ts";

writeFileSync(
  join(import.meta.dirname, "..", "..", "docs", "reference", "rpc.md"),
  rpcPage(supportedMethods()),
);
