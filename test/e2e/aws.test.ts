import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { listAt, textAt } from "../lab/aws/api/xml.ts";
import type { DeployedMember } from "../../program/deploy.ts";
import { Cloud } from "../lab/aws/cloud.ts";
import { Lab } from "../lab/lab.ts";
import type { Namespace } from "../lab/namespace.ts";
import { assertSucceeded } from "./support/deployment.ts";
import { exampleStack } from "./support/example.ts";
import { ImportedClient } from "./support/imported-client.ts";
import { Stack } from "./support/stack.ts";

const region = "eu-central-1";

/** The same as the example by the stack's configuration alone, under another name. */
const configurationOf = (
  operator: string,
  changed: { instanceType?: string; stateVolumeGiB?: number } = {},
) => ({
  "aws:region": region,
  "vpnserver:aws": {
    west: {
      image: "debian-12",
      ...changed,
      sshFrom: [`${operator}/32`],
      users: [{ name: "bob", password: "battery staple" }],
    },
  },
});

interface FleetOutputs {
  readonly servers: Readonly<Record<string, DeployedMember>>;
  readonly vpnFiles: Readonly<Record<string, Outputs["vpnFiles"]>>;
  readonly sshPrivateKeys: Readonly<Record<string, string>>;
}

interface Outputs {
  readonly publicIp: string;
  readonly instanceId: string;
  readonly vpnFiles: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

test("a server on AWS outlives its instance, and another type of it: the same address, certificate and users for a connected client", async () => {
  await using lab = await Lab.create();
  await using cloud = await Cloud.create(lab);
  const { environment: env, pulumiHome } = cloud;
  await using stack = await exampleStack("aws-server", {
    ...{ lab, env, pulumiHome },
    config: { "aws:region": region, sshFrom: [`${lab.operator.address}/32`] },
    secrets: { alicePassword: "correct horse battery staple" },
  });
  const outputs = async () => (await stack.outputs()) as unknown as Outputs;

  // The fleet program of this repository, beside it: it may take the time that the other waits for its instance.
  await using fleet = await Stack.create({
    ...{ lab, env, pulumiHome },
    config: configurationOf(lab.operator.address),
  });

  const [upped, fleetUpped] = await Promise.all([stack.up(), fleet.up()]);
  assertSucceeded(upped);
  const first = await outputs();
  assertSucceeded(fleetUpped);
  const west = await memberOf(fleet);
  const account = `alice@${first.publicIp}/DEFAULT`;
  const alice = await ImportedClient.start(lab, "alice");
  await cloud.connect(alice.station);
  await alice.import(first.vpnFiles["DEFAULT"]?.["alice"] ?? "");
  await alice.connect(account);
  assert.equal(await opens(lab.outsider, first.publicIp, 443), true);
  assert.equal(await opens(lab.outsider, first.publicIp, 22), false);
  assertSucceeded(await stack.up({ expectNoChanges: true }));

  await cloud.kill(first.instanceId);
  const [replaced] = await Promise.all([
    stack.up({ refresh: true }),
    alice.client.until("the session to be lost", async () => {
      const status = await alice.client.status(account);
      return status.get("Session Status") !== "Connection Completed (Session Established)";
    }),
  ]);

  assertSucceeded(replaced);
  const second = await outputs();
  assert.notEqual(second.instanceId, first.instanceId);
  assert.equal(second.publicIp, first.publicIp);
  // Credentials and certificate, by which clients know it.
  assert.deepEqual(second.vpnFiles, first.vpnFiles);
  await alice.client.untilEstablished(account);

  const booted = await bootTimeOf(cloud, west.instanceId);
  const change = async (changed: Parameters<typeof configurationOf>[1]) => {
    const { "vpnserver:aws": servers } = configurationOf(lab.operator.address, changed);
    await fleet.setConfig("vpnserver:aws", servers);
    assertSucceeded(await fleet.up());
  };
  await change({ stateVolumeGiB: 12 });
  assert.deepEqual(await stateOf(cloud, west.instanceId), {
    device: 12,
    // What the kernel lets root of a container do is not the program's to change; its script is tried on a kernel of its own too.
    fileSystem: (await mayResize()) ? 12 : 8,
  });
  assert.equal(await bootTimeOf(cloud, west.instanceId), booted, "a volume grows under a server that runs");

  await change({ stateVolumeGiB: 12, instanceType: "t3.medium" });
  assert.deepEqual(await memberOf(fleet), west, "another type keeps instance, address and certificate");
  assert.notEqual(await bootTimeOf(cloud, west.instanceId), booted, "another type needs another boot");

  const destroyed = await Promise.all([stack.destroy(), fleet.destroy()]);
  destroyed.forEach(assertSucceeded);
  await cloud.settled();
  assert.deepEqual(await leftIn(cloud), { live: 0, volumes: 0, addresses: 0, keys: 0, groups: ["default"] });
});

/** The server that the fleet program was told to make is there; gives what stays the same, whatever its instance is. */
async function memberOf(fleet: Stack) {
  const { servers, vpnFiles, sshPrivateKeys } = (await fleet.outputs()) as unknown as FleetOutputs;
  const { west } = servers;
  const { instanceId, publicIp } = west?.aws ?? assert.fail("the server is not in the outputs");
  assert.equal(west?.passedLastCheck, true);
  assert.match(instanceId, /^i-[0-9a-f]+$/);
  assert.deepEqual(
    west.endpoints,
    [443, 992, 5555].map((port) => `${publicIp}:${port}`),
  );
  assert.match(vpnFiles["west"]?.["DEFAULT"]?.["bob"] ?? "", /HashedPassword/);
  assert.match(sshPrivateKeys["west"] ?? "", /^-----BEGIN OPENSSH PRIVATE KEY-----/);
  return { instanceId, publicIp, vpnFiles };
}

async function bootTimeOf(cloud: Cloud, id: string): Promise<string> {
  const host = await cloud.host(id);
  return (await host.console("systemctl show --property=UserspaceTimestampMonotonic")).stdout;
}

/** Sizes in GiB of the volume with the state, as the instance sees it, and of the file system on it. */
async function stateOf(cloud: Cloud, id: string): Promise<{ device: number; fileSystem: number }> {
  const host = await cloud.host(id);
  const { stdout } = await host.console(
    "blockdev --getsize64 /dev/sdf; df --block-size=1 --output=size /var/lib/vpnserver | tail -n 1",
  );
  const [device = 0, fileSystem = 0] = stdout
    .trim()
    .split("\n")
    .map((line) => Math.round(Number(line) / 1024 ** 3));
  return { device, fileSystem };
}

/** Whether a mounted file system may grow here: the kernel asks for CAP_SYS_RESOURCE, which containers often lack. */
async function mayResize(): Promise<boolean> {
  const [, hexadecimal = "0"] =
    /^CapEff:\s*([0-9a-f]+)$/m.exec(await readFile("/proc/self/status", "utf8")) ?? [];
  return ((BigInt(`0x${hexadecimal}`) >> 24n) & 1n) === 1n;
}

/** Whether a connection to a port is made. */
async function opens(from: Namespace, address: string, port: number): Promise<boolean> {
  const command = `exec 3<>/dev/tcp/${address}/${port}`;
  const { code } = await from.run("timeout", ["3", "bash", "-c", command], { check: false });
  return code === 0;
}

async function leftIn(cloud: Cloud) {
  const api = cloud.api(region);
  const instances = listAt(await api.ec2("DescribeInstances"), "reservationSet");
  const states = instances.map((one) => textAt(one, "instancesSet.0.instanceState.name"));
  const groups = listAt(await api.ec2("DescribeSecurityGroups"), "securityGroupInfo");
  return {
    live: states.filter((state) => state !== "terminated").length,
    volumes: listAt(await api.ec2("DescribeVolumes"), "volumeSet").length,
    addresses: listAt(await api.ec2("DescribeAddresses"), "addressesSet").length,
    keys: listAt(await api.ec2("DescribeKeyPairs"), "keySet").length,
    groups: groups.map((group) => textAt(group, "groupName")),
  };
}
