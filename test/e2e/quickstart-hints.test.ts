import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { SoftEtherProgram } from "../interop/support/softether-program.ts";
import { Lab } from "../lab/lab.ts";
import type { Namespace } from "../lab/namespace.ts";
import { userEnvironment } from "../quickstart/user-environment.ts";

const repository = join(import.meta.dirname, "../..");
const commandTimeoutMs = 5 * 60_000;
const connectTimeoutMs = 30_000;
/** On which `vpncmd` finds the VPN Client. */
const clientPort = 9931;

/** What each command that quickstart prints shows when it does what its name says, in the order in which they are run. */
const expected: Readonly<Record<string, RegExp>> = {
  card: /The command completed successfully/,
  import: /has been imported/,
  connect: /The command completed successfully/,
  look: /Session Established/,
  address: /^$/,
  page: /^a page from outside$/,
  vpncmd: /Server Type +\|Standalone/,
  "JSON-RPC": /"HubName_str":"DEFAULT"/,
  status: /hub DEFAULT: online, 1 session; SecureNAT 192\.168\.30\.1\/24, 1 lease/,
  handshake: /TCP 5555.*: answers/,
  log: /\S/,
  "log in": /^in .*\/home$/m,
  again: /\d+ unchanged/,
  pulumi: /^v3\./m,
  leave: /The command completed successfully/,
  "remove all": /everything is removed/,
};

/** What is typed at a prompt that a command opens. */
const typedAfter: Readonly<Record<string, string>> = { "log in": 'echo "in $HOME"\n' };

/** The commands of quickstart's report by their names: what stands below a line that ends with a colon. */
function commandsIn(output: string): Map<string, string> {
  const commands = new Map<string, string>();
  let below = false;
  for (const line of output.split("\n")) {
    if (!line.startsWith("  ")) below = line.endsWith(":");
    const [, name, command] = /^ {2}(\S+(?: \S+)*) {2,}(\S.*)$/.exec(line) ?? [];
    if (below && name !== undefined && command !== undefined) commands.set(name, command);
  }
  return commands;
}

/** Serves one page on port 80. */
async function servePage(station: Namespace): Promise<AsyncDisposable> {
  const program = `require("http").createServer((_, response) => response.end("a page from outside"))
    .listen(80, () => console.log("ready"));
    process.stdin.resume().once("end", () => process.exit());`;
  const child = station.spawn(process.execPath, ["-e", program], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  assert.ok(child.stdout);
  assert.match(String(await once(child.stdout, "data")), /ready/);
  return {
    [Symbol.asyncDispose]: async () => {
      child.stdin?.end();
      await ended;
    },
  };
}

test("every command that quickstart prints does as printed what it is printed for", async () => {
  await using lab = await Lab.create();
  const [station, web] = await Promise.all([lab.station("tryout"), lab.station("web")]);
  await using page = await servePage(web);
  assert.ok(page);
  const client = await SoftEtherProgram.start("vpnclient", station, clientPort);
  /** In the checkout, as a person at a shell would. */
  const type = async (command: string, input = "") => {
    const script = 'cd "$1" && eval "$2"';
    const words = ["-t", String(client.pid), "-m", "bash", "--norc", "-c", script, "-", repository, command];
    const child = station.spawn("nsenter", words, {
      env: userEnvironment(),
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    // The whole group: what it started holds the ends of the pipes too.
    const end = (signal: NodeJS.Signals) => child.pid !== undefined && process.kill(-child.pid, signal);
    const timer = setTimeout(() => end("SIGKILL"), commandTimeoutMs);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        // It goes on until it is interrupted.
        if (command.startsWith("tail -f")) end("SIGINT");
      });
    }
    // A command that has ended already tells by how it ended.
    child.stdin?.on("error", () => {}).end(input);
    const [code, signal] = (await once(child, "close")) as [number | null, string | null];
    clearTimeout(timer);
    assert.ok(code === 0 || signal === "SIGINT", `${command}\nended with ${code ?? signal}:\n${output}`);
    return output.trim();
  };

  const hosts = join(lab.directory, "hosts");
  await writeFile(hosts, `${await readFile("/etc/hosts", "utf8")}\n${web.address} example.com\n`);
  await type(`mount --bind ${hosts} /etc/hosts`);
  const directory = join(lab.directory, "quickstart");
  const commands = commandsIn(await type(`npm run quickstart -- --directory ${directory}`));
  assert.deepEqual([...commands.keys()].sort(), Object.keys(expected).sort());
  try {
    for (const [name, pattern] of Object.entries(expected)) {
      const command = commands.get(name) ?? "";
      const run = () =>
        name === "pulumi" ? type(`${command}\npulumi version`) : type(command, typedAfter[name]);
      let output = await run();
      // It takes the client a moment.
      const deadline = performance.now() + connectTimeoutMs;
      while (name === "look" && !pattern.test(output) && performance.now() < deadline) output = await run();
      assert.match(output, pattern, `${name}: ${command}`);
    }
  } finally {
    await type(`npm run quickstart -- down --directory ${directory}`);
  }
});
