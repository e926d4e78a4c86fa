import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startSshServer, type SshServer } from "../../tools/setup/ssh-server.ts";
import { ensureToolchain } from "../../tools/setup/toolchain.ts";
import type { VpnConnection } from "../../components/index.ts";
import type { Manifest } from "../../tools/build/build.ts";
import { Consumer, packPackage, root } from "./consumer.ts";
import { schemaOf, type Schema } from "./plugin-process.ts";
import { moduleProject, templateProject, yamlProject } from "./programs.ts";

/** What {@link program} exports. */
interface Outputs {
  readonly mode: string;
  readonly endpoints: readonly string[];
  readonly sha256: string;
  readonly healthy: boolean;
  readonly connections: readonly VpnConnection[];
  readonly vpnFiles: string;
}

describe("who installs the packed package", () => {
  let scratch: string;
  let home: string;
  let sshServer: SshServer;
  let env: NodeJS.ProcessEnv;
  let pulumi: string;
  let module: Consumer;
  let template: Consumer;

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), "vpnserver-deploy-test-"));
    home = join(scratch, "home");
    const toolchain = await ensureToolchain({ yaml: true, log: () => {} });
    pulumi = toolchain.pulumi;
    const backend = join(scratch, "state");
    await mkdir(backend);
    env = {
      ...process.env,
      ...toolchain.env,
      PULUMI_BACKEND_URL: `file://${backend}`,
      PULUMI_CONFIG_PASSPHRASE: "only for this test",
    };
    await mkdir(home);
    sshServer = await startSshServer({
      directory: join(scratch, "sshd"),
      // A home of its own, so that nothing of the real user's is touched.
      configuration: [`SetEnv HOME=${home}`, `Subsystem sftp internal-sftp -d ${home}`],
    });
    const packed = await packPackage(scratch);
    module = await Consumer.create(await moduleProject(), env);
    await module.install(packed);
    template = await Consumer.create(await templateProject(), env);
    await template.install(packed);
  });
  after(async () => {
    await module?.[Symbol.asyncDispose]();
    await template?.[Symbol.asyncDispose]();
    await sshServer?.close();
    await rm(scratch, { recursive: true, force: true });
  });

  /**
   * Previews, deploys and destroys the stack of a project, and looks at what was there in between.
   *
   * @param packageFolder where the components are that it uses
   */
  async function deploys(
    stack: string,
    consumer: Consumer,
    packageFolder = join(consumer.folder, "node_modules", "pulumi-vpnserver"),
  ): Promise<void> {
    const manifestText = await readFile(join(packageFolder, "dist", "manifest.json"), "utf8");
    const { artifacts } = JSON.parse(manifestText) as Manifest;
    const sha256 = artifacts[process.arch === "arm64" ? "linux-arm64" : "linux-x64"]?.sha256;
    const listener = await freePort();
    await consumer.check(pulumi, ["stack", "init", stack, "--non-interactive"]);
    const settings = {
      sshPort: String(sshServer.port),
      user: sshServer.user,
      hostKey: sshServer.hostKeys.ed25519,
      listener: String(listener),
    };
    for (const [key, value] of Object.entries(settings)) {
      await consumer.check(pulumi, ["config", "set", key, "--", value]);
    }
    await consumer.check(pulumi, ["config", "set", "--secret", "privateKey", "--", sshServer.privateKey]);
    await consumer.check(pulumi, ["config", "set", "--secret", "vpnPassword", "--", "only for this test"]);

    const connections = await sshServer.connections();
    const preview = await consumer.check(pulumi, ["preview", "--non-interactive"]);
    assert.match(preview, /vpnserver:index:VpnServer\s+office\s+create/);
    assert.equal(await sshServer.connections(), connections, "a preview dials nobody");

    let destroyed;
    try {
      await consumer.check(pulumi, ["up", "--yes", "--skip-preview", "--non-interactive"]);
      const outputs = JSON.parse(await consumer.check(pulumi, ["stack", "output", "--json"])) as Outputs;
      assert.deepEqual(outputs, {
        mode: "user",
        endpoints: [`127.0.0.1:${listener}`],
        sha256,
        healthy: true,
        connections: ["alice", "guest"].map((user) => ({
          hub: "DEFAULT",
          user,
          host: "127.0.0.1",
          port: listener,
          account: `${user}@127.0.0.1/DEFAULT`,
        })),
        vpnFiles: "[secret]",
      });
      const shown = await consumer.check(pulumi, ["stack", "output", "--json", "--show-secrets"]);
      const { vpnFiles } = JSON.parse(shown) as { vpnFiles: Record<string, Record<string, string>> };
      assert.match(vpnFiles["DEFAULT"]?.["alice"] ?? "", /HashedPassword/);
      assert.ok(existsSync(join(home, "vpnserver", "releases", outputs.sha256, "vpnserver")));
      const again = await consumer.check(pulumi, ["up", "--yes", "--skip-preview", "--non-interactive"]);
      assert.match(again, /Resources:\s+\d+ unchanged/);
    } finally {
      destroyed = await consumer.run(pulumi, ["destroy", "--yes", "--skip-preview", "--non-interactive"]);
    }
    assert.equal(destroyed.code, 0, `${destroyed.stdout}\n${destroyed.stderr}`);
    assert.deepEqual(await readdir(home), [], "destroying the stack leaves nothing on the host");
  }

  test("deploys a server from an ES-module TypeScript stack", () => deploys("module", module));

  test("deploys a server from a CommonJS ts-node stack, as `pulumi new typescript` makes it", () =>
    deploys("template", template));

  test("deploys a server from Pulumi YAML, with the installed package as the plugin's folder", async () => {
    const folder = join(template.folder, "node_modules", "pulumi-vpnserver");
    await using yaml = await Consumer.create(yamlProject(folder), env);
    await deploys("yaml-package", yaml, folder);
  });

  test("deploys a server from Pulumi YAML, with a built checkout as the plugin's folder", async () => {
    await using yaml = await Consumer.create(yamlProject(root), env);
    await deploys("yaml-checkout", yaml, root);
  });

  test("gets the schema with `pulumi package get-schema`, and it is the one that the plugin gives", async () => {
    const plugin = join(template.folder, "node_modules", "pulumi-vpnserver", "pulumi-resource-vpnserver");
    const schema = JSON.parse(await template.check(pulumi, ["package", "get-schema", plugin])) as Schema;
    const given = await schemaOf(root, [plugin]);
    assert.equal(schema.name, given.name);
    assert.equal(schema.version, given.version);
    assert.deepEqual(Object.keys(schema.resources).sort(), Object.keys(given.resources).sort());
    assert.deepEqual(Object.keys(schema.types).sort(), Object.keys(given.types).sort());
  });

  test("is told by Pulumi YAML about a value that is not allowed, before anything is deployed", async () => {
    const folder = join(template.folder, "node_modules", "pulumi-vpnserver");
    await using yaml = await Consumer.create(
      {
        "Pulumi.yaml": `name: consumer
runtime: yaml
packages: { vpnserver: ${folder} }
resources:
  office:
    type: vpnserver:VpnServer
    properties: { mode: sometimes, connection: { host: 192.0.2.1 } }
`,
      },
      env,
    );
    await yaml.check(pulumi, ["stack", "init", "wrong", "--non-interactive"]);
    const { code, stdout } = await yaml.run(pulumi, ["preview", "--non-interactive"]);
    assert.notEqual(code, 0);
    assert.match(stdout, /Allowed values are Auto \("auto"\), Service \("service"\), User \("user"\)/);
  });
});

/** A TCP port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("the system names no free port");
  return address.port;
}
