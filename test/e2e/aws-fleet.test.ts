import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startChild } from "../devices/support/child.ts";
import { someBytes } from "../devices/support/some-bytes.ts";
import { listAt, textAt } from "../lab/aws/api/xml.ts";
import { Cloud } from "../lab/aws/cloud.ts";
import { Lab } from "../lab/lab.ts";
import { writeProgram } from "./support/aws-program.ts";
import { assertSucceeded } from "./support/deployment.ts";
import { ImportedClient } from "./support/imported-client.ts";
import { Stack } from "./support/stack.ts";

const region = "eu-central-1";
const pageBytes = 1_000_000;
const waitMs = 90_000;

/** As a user writes it. */
const source = (users: readonly string[]): string => `
import { AwsVpnFleet } from "pulumi-vpnserver/aws";

const fleet = new AwsVpnFleet("fleet", {
  image: "debian-12",
  drainSeconds: 10,
  users: [${users.map((name) => `{ name: "${name}", password: "correct horse battery staple" }`).join(", ")}],
});

export const { address, certificate, groupName, vpnFiles } = fleet;
`;

interface Outputs {
  readonly address: string;
  readonly certificate: string;
  readonly groupName: string;
  readonly vpnFiles: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

test("a fleet on AWS outlives each of its instances, and takes another state without a gap", async () => {
  await using lab = await Lab.create();
  await using cloud = await Cloud.create(lab);
  const { environment: env, pulumiHome } = cloud;
  const program = await writeProgram(lab.directory, source(["alice"]));
  await using stack = await Stack.create({
    ...{ lab, program, env, pulumiHome },
    config: { "aws:region": region },
  });
  const outputs = async () => (await stack.outputs()) as unknown as Outputs;
  const pages = startChild(lab.outsider, "byte-server.ts");
  assert.equal(await pages.nextLine(), "ready");

  assertSucceeded(await stack.up());
  const first = await outputs();
  const members = await healthyIn(cloud);
  assert.equal(members.length, 2);
  assert.equal(new Set(await zonesOf(cloud, members)).size, 2, "the instances are in different zones");

  const alice = await startClient(lab, cloud, "alice");
  const account = `alice@${first.address}/DEFAULT`;
  await alice.import(first.vpnFiles["DEFAULT"]?.["alice"] ?? "");
  await alice.connect(account);
  const { routers: router = "" } = await alice.lease();
  const { address: web } = lab.outsider;
  await alice.station.run("ip", ["route", "replace", web, "via", router]);
  assert.equal(await fetchPage(alice, web), hashOf(pageBytes), "SecureNAT leads out");
  assert.equal(await reachesMetadata(alice, router), false, "no client gets what the instance is");
  assert.equal(await metadataWithoutToken(cloud, members[0] ?? ""), 401);
  const serving = await whoServes(cloud, members, alice.station.address);
  assertSucceeded(await stack.up({ expectNoChanges: true }));

  await cloud.crash(serving);
  await until("another instance to take the place of the dead one", async () => {
    const healthy = await healthyIn(cloud);
    return healthy.length === 2 && !healthy.includes(serving);
  });
  await alice.client.untilEstablished(account);
  await until("the session to be with an instance that lives", async () => {
    return (await fetchPage(alice, web)) === hashOf(pageBytes);
  });
  await cloud.settled();

  const before = await healthyIn(cloud);
  // Somebody deletes a secret, which AWS keeps for a while: who looks at what there is makes another.
  await deleteSecret(cloud, "hubs, users");
  await writeFile(join(program, "index.ts"), source(["alice", "bob"]));
  const blind = await stack.up();
  assert.notEqual(blind.code, 0);
  assert.match(blind.stdout, /fleet-state-version[^]*marked for deletion/);
  assertSucceeded(await stack.up({ refresh: true }));
  const second = await outputs();
  assert.equal(second.address, first.address);
  assert.equal(second.certificate, first.certificate);
  const refreshed = await untilRefreshed(cloud, first.groupName);
  assert.ok(refreshed.fewestHealthy >= 2, `${refreshed.fewestHealthy} of 2 instances were healthy at a time`);
  const after = await healthyIn(cloud);
  assert.deepEqual(
    after.filter((id) => before.includes(id)),
    [],
    "no instance has the former state",
  );
  const bob = await startClient(lab, cloud, "bob");
  await bob.import(second.vpnFiles["DEFAULT"]?.["bob"] ?? "");
  await bob.connect(`bob@${second.address}/DEFAULT`);
  await alice.client.untilEstablished(account);
  assertSucceeded(await stack.up({ expectNoChanges: true }));

  const asked = new Set(cloud.accesses.map(({ action, outcome }) => `${action} ${outcome}`));
  assert.deepEqual([...asked].sort(), ["s3:GetObject allowed", "secretsmanager:GetSecretValue allowed"]);

  assertSucceeded(await stack.destroy());
  await cloud.settled();
  assert.deepEqual(await leftIn(cloud), nothing);
  await pages.end();
});

/** A client that knows names and addresses of the cloud as they are now. */
async function startClient(lab: Lab, cloud: Cloud, name: string): Promise<ImportedClient> {
  const station = await lab.station(name);
  await cloud.connect(station);
  return await ImportedClient.startIn(lab, station);
}

/** Instances that are healthy for every listener. */
async function healthyIn(cloud: Cloud): Promise<string[]> {
  const api = cloud.api(region);
  const groups = listAt(await api.loadBalancing("DescribeTargetGroups"), "TargetGroups");
  assert.equal(groups.length, 3);
  const healthy = await Promise.all(
    groups.map(async (group) => {
      const arn = { TargetGroupArn: textAt(group, "TargetGroupArn") };
      const targets = listAt(
        await api.loadBalancing("DescribeTargetHealth", arn),
        "TargetHealthDescriptions",
      );
      return targets
        .filter((target) => textAt(target, "TargetHealth.State") === "healthy")
        .map((target) => textAt(target, "Target.Id"));
    }),
  );
  const [ids = [], ...others] = healthy;
  return ids.filter((id) => others.every((list) => list.includes(id))).sort();
}

async function zonesOf(cloud: Cloud, ids: readonly string[]): Promise<string[]> {
  const answer = await cloud.api(region).ec2("DescribeInstances", { InstanceId: ids });
  const instances = listAt(answer, "reservationSet").flatMap((one) => listAt(one, "instancesSet"));
  return instances.map((instance) => textAt(instance, "placement.availabilityZone"));
}

/** Deletes the secret whose description has some words, with the time to think it over that is AWS's default. */
async function deleteSecret(cloud: Cloud, words: string): Promise<void> {
  const api = cloud.api(region);
  const { SecretList } = await api.json("secretsmanager", "secretsmanager.ListSecrets", {});
  const found = (SecretList as { ARN: string; Description: string }[]).filter(({ Description }) =>
    Description.includes(words),
  );
  assert.equal(found.length, 1);
  await api.json("secretsmanager", "secretsmanager.DeleteSecret", { SecretId: found[0]?.ARN });
}

/** Who has a connection of the client: the instance sees his own address, though he came by the load balancer. */
async function whoServes(cloud: Cloud, ids: readonly string[], client: string): Promise<string> {
  const found: string[] = [];
  for (const id of ids) {
    const host = await cloud.host(id);
    const { stdout } = await host.console(`ss -Htn state established dst ${client}`);
    if (stdout.trim() !== "") found.push(id);
  }
  assert.equal(found.length, 1, "one instance has the client's connection, by the client's own address");
  return found[0] ?? "";
}

async function fetchPage({ station }: ImportedClient, address: string): Promise<string> {
  const url = `http://${address}:8080/${pageBytes}`;
  const script = 'curl -sS --max-time 10 "$0" | sha256sum';
  return (await station.run("sh", ["-c", script, url])).stdout.split(" ")[0] ?? "";
}

function hashOf(bytes: number): string {
  const hash = createHash("sha256");
  for (const each of someBytes(bytes)) hash.update(each);
  return hash.digest("hex");
}

/** Whether a client of the VPN gets a token of the instance's metadata service. */
async function reachesMetadata({ station }: ImportedClient, router: string): Promise<boolean> {
  const metadata = "169.254.169.254";
  await station.run("ip", ["route", "replace", metadata, "via", router]);
  const seconds = ["--max-time", "3", "-X", "PUT", "-H", "X-aws-ec2-metadata-token-ttl-seconds: 60"];
  const words = ["-sS", "-o", "/dev/null", ...seconds, `http://${metadata}/latest/api/token`];
  return (await station.run("curl", words, { check: false })).code === 0;
}

/** What the metadata service answers an instance that shows no token. */
async function metadataWithoutToken(cloud: Cloud, id: string): Promise<number> {
  const script = `import http.client
connection = http.client.HTTPConnection("169.254.169.254", timeout=10)
connection.request("GET", "/latest/meta-data/iam/security-credentials/")
print(connection.getresponse().status)`;
  const host = await cloud.host(id);
  return Number((await host.console(`python3 -c '${script}'`)).stdout);
}

async function untilRefreshed(cloud: Cloud, group: string): Promise<{ fewestHealthy: number }> {
  let refresh = await cloud.instanceRefresh(group, region);
  await until("the instance refresh to end", async () => {
    refresh = await cloud.instanceRefresh(group, region);
    return refresh?.status === "Successful";
  });
  return refresh ?? assert.fail("there is no instance refresh");
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + waitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) assert.fail(`still waiting for ${what}`);
    await delay(300);
  }
}

const nothing = {
  ...{ live: 0, volumes: 0, groups: ["default"], templates: 0, scaling: 0, balancers: 0, targets: 0 },
  ...{ buckets: 0, secrets: 0, roles: 0, profiles: 0 },
};

async function leftIn(cloud: Cloud): Promise<typeof nothing> {
  const api = cloud.api(region);
  const instances = listAt(await api.ec2("DescribeInstances"), "reservationSet");
  const states = instances.map((one) => textAt(one, "instancesSet.0.instanceState.name"));
  const groups = listAt(await api.ec2("DescribeSecurityGroups"), "securityGroupInfo");
  const secrets = await api.json("secretsmanager", "secretsmanager.ListSecrets", {});
  return {
    live: states.filter((state) => state !== "terminated").length,
    volumes: listAt(await api.ec2("DescribeVolumes"), "volumeSet").length,
    groups: groups.map((group) => textAt(group, "groupName")),
    templates: listAt(await api.ec2("DescribeLaunchTemplates"), "launchTemplates").length,
    scaling: listAt(await api.autoScaling("DescribeAutoScalingGroups"), "AutoScalingGroups").length,
    balancers: listAt(await api.loadBalancing("DescribeLoadBalancers"), "LoadBalancers").length,
    targets: listAt(await api.loadBalancing("DescribeTargetGroups"), "TargetGroups").length,
    buckets: (await api.s3("GET", "/")).body.split("<Bucket>").length - 1,
    secrets: (secrets["SecretList"] as unknown[]).length,
    roles: listAt(await api.iam("ListRoles", {}), "Roles").length,
    profiles: listAt(await api.iam("ListInstanceProfiles", {}), "InstanceProfiles").length,
  };
}
