/** Measures one thing beside the real SoftEther server, in one run on one machine, and prints figures and ratios. */
const benchmarks: Readonly<Record<string, { readonly about: string; readonly run: () => Promise<void> }>> = {
  admin: {
    about: "users made in a second over JSON-RPC, beside SoftEther's server",
    run: async () => (await import("./admin.ts")).measureAdmin(),
  },
  bridge: {
    about: "a client, a TAP and a host behind an interface through a bridged hub, beside SoftEther's server",
    run: async () => (await import("./bridge.ts")).measureBridge(),
  },
  calls: {
    about: "how long each call of the administration takes, and how long it holds up all others",
    run: async () => (await import("./calls.ts")).measureCalls(),
  },
  hub: {
    about: "what it costs a Virtual Hub to find out where a frame goes",
    run: async () => (await import("./hub.ts")).measureHub(),
  },
  load: {
    about:
      "delay of others while many log in at once, and memory after many sessions, beside SoftEther's server",
    run: async () => (await import("./load.ts")).measureLoad(),
  },
  login: {
    about: "logins in a second, and how long one takes, beside SoftEther's server",
    run: async () => (await import("./login.ts")).measureLogin(),
  },
  nat: {
    about: "a client through SecureNAT to a host outside, beside SoftEther's server",
    run: async () => (await import("./nat.ts")).measureNat(),
  },
  relay: {
    about: "throughput, processor time and delay between two clients, beside SoftEther's server",
    run: async () => (await import("./relay.ts")).measureRelay(),
  },
  start: {
    about: "from `vpnserver start` to the first handshake, from `stop` to the end, and memory",
    run: async () => (await import("./start.ts")).measureStart(),
  },
};

const [name = "", ...rest] = process.argv.slice(2);
const benchmark = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined;
if (benchmark === undefined || rest.length > 0) {
  console.log("usage: npm run bench -- NAME\n");
  for (const [known, { about }] of Object.entries(benchmarks)) console.log(`  ${known.padEnd(10)} ${about}`);
  process.exitCode = ["", "--help", "-h"].includes(name) ? 0 : 2;
} else {
  await benchmark.run();
}
