import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Host } from "../lab/host.ts";
import { pemIdentity } from "../unit/components/pem-identity.ts";
import { assertSucceeded, Deployment, entryOf } from "./support/deployment.ts";

test("passwords are in no process list, output, log, file or plain state, on either side", async () => {
  await using deployment = await Deployment.create();
  const { lab, stack } = deployment;
  const [alpha, bravo] = await Promise.all([
    lab.host("alpha"),
    lab.host("bravo", { users: [{ name: "admin", sudo: "none" }] }),
  ]);
  const [userPassword, adminPassword] = [secret(), secret()];
  const { certificate, privateKey } = await pemIdentity("CN=bob");
  // The beginning is the same in every RSA key, and what follows is in the certificate too; the last lines are secret.
  const partOfKey = privateKey.split("\n").at(-8) ?? "";
  assert.equal(partOfKey.length, 64);
  const secrets = [userPassword, adminPassword, partOfKey];
  await deployment.configure(entryOf(alpha), entryOf(bravo, { user: "admin" }));
  await deployment.configureHubs({
    name: "DEFAULT",
    adminPassword,
    users: [
      { name: "alice", password: userPassword },
      { name: "bob", certificate, privateKey },
    ],
  });

  const processes = new ProcessWatch(secrets);
  const up = await stack.up();
  const seen = await processes.end();

  assertSucceeded(up);
  assert.ok(seen.looks > 10, `only ${seen.looks} looks at the processes`);
  assert.deepEqual(seen.found, []);
  assertHoldsNone("the output of up", up.stdout + up.stderr + JSON.stringify(up.events), secrets);
  const state = await stack.exportState();
  assert.match(state, /fleet-alpha-hubs/);
  const hash = /HashedPassword (\S+)/.exec(await deployment.vpnFile("alpha", "DEFAULT", "alice"))?.[1] ?? "";
  assert.ok(hash.length > 20);
  assertHoldsNone("the state", state, [...secrets, hash]);
  assertHoldsNone(
    "the outputs as they are shown",
    JSON.stringify(await stack.outputs({ showSecrets: false })),
    [...secrets, hash],
  );
  for (const host of [alpha, bravo]) {
    assert.deepEqual(await filesWith(host, secrets), []);
    const { stdout } = await host.run("journalctl --no-pager -o cat");
    assertHoldsNone(`the journal of ${host.name}`, stdout, [...secrets, hash]);
  }
  // The folder of the lab holds the stack's, and the files of the hosts. In the engine's log of events the Node SDK's debug
  // messages repeat every answer with its secrets, as `pulumi up --debug` does.
  const { stdout } = await lab.operator.run(
    "grep",
    ["-rlaF", "-f", "-", "--exclude=events-*.json", lab.directory],
    { check: false, input: secrets.join("\n") },
  );
  assert.equal(stdout, "");
});

function secret(): string {
  return `s3cret-${randomBytes(12).toString("hex")}`;
}

function assertHoldsNone(what: string, text: string, secrets: readonly string[]): void {
  for (const secret of secrets) assert.ok(!text.includes(secret), `${what} holds a secret`);
}

/** Looks at command line and environment of every process, those on the hosts among them, until told to end. */
class ProcessWatch {
  readonly #secrets: readonly string[];
  readonly #found = new Set<string>();
  readonly #running: Promise<void>;
  #looks = 0;
  #ended = false;

  constructor(secrets: readonly string[]) {
    this.#secrets = secrets;
    this.#running = this.#watch();
  }

  async end(): Promise<{ looks: number; found: string[] }> {
    this.#ended = true;
    await this.#running;
    return { looks: this.#looks, found: [...this.#found] };
  }

  async #watch(): Promise<void> {
    while (!this.#ended) {
      const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
      await Promise.all(pids.map((pid) => this.#look(pid)));
      this.#looks++;
      await delay(20);
    }
  }

  async #look(pid: string): Promise<void> {
    const words = (file: string) =>
      readFile(`/proc/${pid}/${file}`, "utf8").then(
        (text) => text.split("\0"),
        () => [],
      );
    const [command, environment] = await Promise.all([words("cmdline"), words("environ")]);
    // How the engine hands the configuration to the program; its own user alone can read it.
    const variables = environment.filter((variable) => !variable.startsWith("PULUMI_CONFIG="));
    for (const [place, texts] of Object.entries({ command, variables })) {
      if (texts.some((text) => this.#secrets.some((secret) => text.includes(secret)))) {
        this.#found.add(`${place} of ${command[0]}`);
      }
    }
  }
}

/** Every file of a host, memory files in /run and /dev/shm too, that holds one of the texts. */
async function filesWith(host: Host, texts: readonly string[]): Promise<string[]> {
  const { stdout } = await host.run("grep -rlaFs -f - / --exclude-dir=proc --exclude-dir=sys", {
    check: false,
    input: texts.join("\n"),
    timeoutMs: 120_000,
  });
  return stdout.split("\n").filter(Boolean);
}
