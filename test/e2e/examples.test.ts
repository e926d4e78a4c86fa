import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { FleetMember } from "../../components/index.ts";
import { ensurePythonSdk } from "../../tools/setup/python-sdk.ts";
import type { Host } from "../lab/host.ts";
import { Lab } from "../lab/lab.ts";
import { assertSucceeded, serverProcesses } from "./support/deployment.ts";
import { configOf, exampleStack } from "./support/example.ts";
import type { Stack } from "./support/stack.ts";

/** Outputs of an example with one server. */
interface Outputs {
  readonly endpoints: readonly string[];
  readonly vpnFiles: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

// Those of one server, of user mode and of AWS are run by the tests of these: service-mode, user-mode, aws and aws-preview.
describe("the example", () => {
  let lab: Lab;
  let alpha: Host;
  let bravo: Host;

  before(async () => {
    lab = await Lab.create();
    [alpha, bravo] = await Promise.all([lab.host("alpha"), lab.host("bravo")]);
  });
  after(() => lab?.dispose());

  /** Deploys a stack, looks at its outputs and destroys it, after which nothing runs on its hosts. */
  async function deploys(stack: Stack, look: (outputs: unknown) => void): Promise<void> {
    await using deployed = stack;
    assertSucceeded(await deployed.up());
    look(await deployed.outputs());
    assertSucceeded(await deployed.destroy());
    for (const host of [alpha, bravo]) assert.deepEqual(await serverProcesses(host), []);
  }

  /** Looks at what an example with one server on the host `alpha` says of it. */
  function servesAlice(hub: string) {
    return (outputs: unknown) => {
      const { endpoints, vpnFiles } = outputs as Outputs;
      assert.deepEqual(
        endpoints,
        [443, 992, 5555].map((port) => `${alpha.address}:${port}`),
      );
      assert.match(vpnFiles[hub]?.["alice"] ?? "", new RegExp(`Hostname ${alpha.address}\\b`));
    };
  }

  test("fleet deploys a server with the same hubs to each host of its configuration", async () => {
    const entry = ({ address, ssh: { hostKey } }: Host) => ({ address, hostKey });
    const stack = await exampleStack("fleet", {
      lab,
      config: { hosts: { office: entry(alpha), lab: entry(bravo) } },
      secrets: {
        privateKey: alpha.ssh.privateKey,
        ...{ alicePassword: "one", bobPassword: "two", recorderPassword: "three" },
      },
    });
    await deploys(stack, (outputs) => {
      const { health } = outputs as { health: Readonly<Record<string, FleetMember>> };
      const users = ["STAFF/alice", "STAFF/bob", "CAMERAS/recorder"];
      assert.deepEqual(
        Object.entries(health).map(([name, { passedLastCheck, connections }]) => ({
          ...{ name, passedLastCheck },
          users: connections?.map(({ hub, user }) => `${hub}/${user}`),
        })),
        ["lab", "office"].map((name) => ({ name, passedLastCheck: true, users })),
      );
    });
  });

  test("reuse deploys a server as a component of the user's own wants it", async () => {
    await deploys(await exampleStack("reuse", { lab, ...configOf(alpha) }), servesAlice("OFFICE"));
  });

  test("yaml deploys a server from Pulumi YAML", async () => {
    await deploys(await exampleStack("yaml", { lab, ...configOf(alpha) }), servesAlice("DEFAULT"));
  });

  test("python deploys a server from Python, by an SDK that is made of the package", async () => {
    // The lab reaches no package index: pip takes what set-up has kept of it.
    const env = await ensurePythonSdk((line) => console.error(line));
    const stack = await exampleStack("python", { lab, env, ...configOf(alpha) });
    await stack.addPackage("node_modules/pulumi-vpnserver/dist/lib/schema.json");
    await deploys(stack, servesAlice("DEFAULT"));
  });
});
