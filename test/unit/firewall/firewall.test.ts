import assert from "node:assert/strict";
import { test } from "node:test";
import { showFirewall } from "../../../server/firewall/firewall.ts";
import type { RunProgram } from "../../../server/platform/run-program.ts";

const ufwAlone: RunProgram = async (program, [word]) => {
  if (program !== "ufw") return undefined;
  return { code: 0, stdout: word === "status" ? "Status: active\n" : "ufw allow 443/tcp\n", stderr: "" };
};
const nothing: RunProgram = async () => undefined;

for (const [host, run] of [
  ["with ufw", ufwAlone],
  ["without any firewall", nothing],
] as const) {
  for (const ports of [[], [443], [992], [443, 992]]) {
    test(`the report of a host ${host} about ${ports.join() || "no port"} is a sentence`, async () => {
      const { message } = await showFirewall(ports, run);
      assert.match(message, /^\w.*\w$/);
      assert.doesNotMatch(message, /undefined|: ?;|; ?$/);
    });
  }
}
