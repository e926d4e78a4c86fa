// Logs in over and over, and prints what it took as JSON. Arguments: address, user, password, seconds, logins at the same time,
// and how many there may be at most. With 0 seconds it logs in once so many times at once.
import { login } from "./vpn-client.ts";

const [address = "", user = "", password = "", seconds = "", concurrency = "", most = "Infinity"] =
  process.argv.slice(2);
const beganAt = Date.now();
const end = performance.now() + Number(seconds) * 1000;
let left = Number(most);
const latenciesMs: number[] = [];
/** What went wrong, and how often. */
const failures: Record<string, number> = {};

await Promise.all(
  Array.from({ length: Number(concurrency) }, async () => {
    do {
      left--;
      const begin = performance.now();
      try {
        const socket = await login({ address, hub: "DEFAULT", user, password });
        latenciesMs.push(performance.now() - begin);
        // In words: the session goes its own way.
        socket.resume().end();
      } catch (error) {
        const { message } = error as Error;
        failures[message] = (failures[message] ?? 0) + 1;
      }
    } while (performance.now() < end && left > 0);
  }),
);
console.log(JSON.stringify({ latenciesMs, failures, beganAt, endedAt: Date.now() }));
