// Ends when the server on this host shakes hands.
import { setTimeout as delay } from "node:timers/promises";
import { openTcp, probeListener } from "../../server/client/probe.ts";

const deadline = performance.now() + 60_000;
for (;;) {
  try {
    await probeListener(() => openTcp("127.0.0.1", 5555, 1_000), { timeoutMs: 5_000 });
    break;
  } catch (error) {
    if (performance.now() > deadline) throw error;
    await delay(100);
  }
}
