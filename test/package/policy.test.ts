import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ensureToolchain } from "../../tools/setup/toolchain.ts";
import { hostKey } from "../unit/components/host-key-text.ts";
import { Consumer, root, type Finished } from "./consumer.ts";

describe("the policy pack of a built checkout", () => {
  let scratch: string;
  let consumer: Consumer;
  let pulumi: string;

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), "vpnserver-policy-test-"));
    const toolchain = await ensureToolchain({ yaml: true, log: () => {} });
    pulumi = toolchain.pulumi;
    await mkdir(join(scratch, "state"));
    consumer = await Consumer.create(
      { "Pulumi.yaml": projectOf({}) },
      {
        ...process.env,
        ...toolchain.env,
        PULUMI_BACKEND_URL: `file://${join(scratch, "state")}`,
        PULUMI_CONFIG_PASSPHRASE: "only for this test",
      },
    );
    await consumer.check(pulumi, ["stack", "init", "dev", "--non-interactive"]);
  });
  after(async () => {
    await consumer?.[Symbol.asyncDispose]();
    await rm(scratch, { recursive: true, force: true });
  });

  const pack = join(root, "policy");

  /** `pulumi preview` of a server with a guest, held against the pack. */
  async function preview(connection: object, ...args: string[]): Promise<Finished> {
    const told = { password: "only for this test", ...connection };
    await consumer.write({ "Pulumi.yaml": projectOf(told) });
    return await consumer.run(pulumi, ["preview", "--non-interactive", "--policy-pack", pack, ...args]);
  }

  test("has a preview refused that shows what must never be, and tells everything at once", async () => {
    const { code, stdout } = await preview({ host: "203.0.113.5", insecureSkipHostKeyCheck: true });
    assert.notEqual(code, 0);
    assert.match(stdout, /\[mandatory\] .*host-not-verified/);
    assert.match(
      stdout,
      /connection\.hostKey is missing: anybody could answer in the place of 203\.0\.113\.5/,
    );
    assert.match(stdout, /\[mandatory\] .*anonymous-user-on-a-public-server/);
    assert.match(stdout, /on 203\.0\.113\.5 nothing is asked of guest of DEFAULT/);
  });

  test("lets a preview pass that shows nothing of it, and one for which it is set otherwise", async () => {
    const inside = await preview({ host: "192.168.1.5", hostKey });
    assert.equal(inside.code, 0, `${inside.stdout}\n${inside.stderr}`);
    assert.match(inside.stdout, /pulumi-vpnserver@v\d+\.\d+\.\d+ \(local/);

    const config = { "anonymous-user-on-a-public-server": { privateHosts: [".corp.example"] } };
    await consumer.write({ "policy-config.json": config });
    const named = await preview(
      { host: "vpn.corp.example", hostKey },
      "--policy-pack-config",
      "policy-config.json",
    );
    assert.equal(named.code, 0, `${named.stdout}\n${named.stderr}`);
  });
});

/** A program in Pulumi YAML, with a user who proves nothing. */
function projectOf(connection: object): string {
  return `name: policed
runtime: yaml
packages:
  vpnserver: ${root}
resources:
  office:
    type: vpnserver:VpnServer
    properties:
      connection: ${JSON.stringify(connection)}
      hubs:
        - name: DEFAULT
          users:
            - name: guest
              anonymous: true
`;
}
