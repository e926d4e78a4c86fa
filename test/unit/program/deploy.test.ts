import "../components/lean-pulumi.ts";
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import type * as Deploy from "../../../program/deploy.ts";
import { mockAws, untilDeclared, type MockedAws } from "../components/aws/mocked-aws.ts";
import { hostKey } from "../components/host-key-text.ts";

const sshFrom = ["203.0.113.7/32"];
const connection = { host: "203.0.113.5", hostKey, password: "secret" };

describe("deployFleet", () => {
  let aws: MockedAws;
  let deployFleet: (typeof Deploy)["deployFleet"];

  before(async () => {
    aws = await mockAws();
    ({ deployFleet } = await import("../../../program/deploy.ts"));
  });

  const told = <T>(output: pulumi.Output<T> | undefined) =>
    (output as unknown as { promise(): Promise<T> }).promise();
  const typeOf = (name: string) => aws.resources.get(name)?.type;

  test("makes a fleet of the hosts, and a server of its own name for each on AWS", async () => {
    const outputs = await deployFleet({
      hosts: { servers: { office: { connection } } },
      aws: { edge: { sshFrom }, west: { sshFrom, region: "us-west-2" } },
      awsFleets: {},
    });
    await untilDeclared(aws.resources, ["fleet-office-hubs", "edge-server-hubs", "west-server-hubs"]);
    assert.equal(typeOf("fleet"), "vpnserver:index:VpnFleet");
    assert.equal(typeOf("edge"), "vpnserver:index:AwsVpnServer");
    assert.equal(aws.resources.get("west-instance")?.inputs["region"], "us-west-2");
    for (const secret of [outputs.vpnFiles, outputs.adminPasswords, outputs.sshPrivateKeys]) {
      assert.equal(await pulumi.isSecret(secret as pulumi.Output<unknown>), true);
    }
    assert.equal(await pulumi.isSecret(outputs.servers), false);
  });

  test("makes no fleet without hosts, and tells of no keys without servers on AWS", async () => {
    const fleets = () => [...aws.resources.values()].filter(({ type }) => type.endsWith(":VpnFleet")).length;
    const before = fleets();
    await deployFleet({ hosts: undefined, aws: { alone: { sshFrom } }, awsFleets: {} });
    await untilDeclared(aws.resources, ["alone-server-hubs"]);
    assert.equal(fleets(), before);
    const outputs = await deployFleet({
      hosts: { servers: { lab: { connection } } },
      aws: {},
      awsFleets: {},
    });
    assert.equal(outputs.sshPrivateKeys, undefined);
    assert.equal(outputs.fleets, undefined);
  });

  test("makes a fleet of its own name for each, and tells it beside the servers", async () => {
    const users = [{ name: "alice", password: "hidden" }];
    const outputs = await deployFleet({
      hosts: undefined,
      aws: {},
      awsFleets: { exit: { users, adminPassword: "hidden" } },
    });
    await untilDeclared(aws.resources, ["exit-declared-hubs"]);
    assert.equal(typeOf("exit"), "vpnserver:index:AwsVpnFleet");
    assert.equal(typeOf("exit-group"), "aws:autoscaling/group:Group");
    const { exit } = await told(outputs.fleets);
    assert.equal(exit?.address, "exit-load-balancer-1234567.elb.eu-north-1.amazonaws.com");
    assert.equal(exit.groupName, "exit-group-1234567");
    assert.deepEqual(
      exit.endpoints,
      [443, 992, 5555].map((port) => `${exit.address}:${port}`),
    );
    assert.deepEqual(Object.keys((await told(outputs.vpnFiles))["exit"]?.["DEFAULT"] ?? {}), ["alice"]);
    assert.deepEqual(await told(outputs.adminPasswords), { exit: "hidden" });
    assert.equal(await pulumi.isSecret(outputs.vpnFiles), true);
    assert.equal(await pulumi.isSecret(outputs.adminPasswords), true);
    assert.equal(await pulumi.isSecret(outputs.fleets as pulumi.Output<unknown>), false);
    assert.deepEqual(await told(outputs.servers), {});
  });
});
