import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Plugin, type ResourceState } from "../../conformance/support/plugin.ts";
import type { Json, Properties } from "../../conformance/support/values.ts";
import { AwsApi } from "./api/aws-api.ts";
import { listAt, textAt } from "./api/xml.ts";
import { Front } from "./front.ts";
import { MotoServer } from "./moto-server.ts";
import { socketVariable } from "./plugin/launcher.ts";

const region = "eu-central-1";
const instanceToken = "aws:ec2/instance:Instance";
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const urnOf = (token: string, name = "edge") => `urn:pulumi:claim::project::${token}::${name}`;

function textOf(value: Json | undefined): string {
  assert.equal(typeof value, "string");
  return value as string;
}

describe("the plugin of the lab's AWS", () => {
  let directory: string;
  let moto: MotoServer;
  let front: Front;
  let plugin: Plugin;
  let api: AwsApi;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "vpnserver-aws-"));
    const socket = join(directory, "aws.socket");
    moto = await MotoServer.start();
    front = await Front.open(socket, moto.port, () => undefined);
    api = new AwsApi(socket, region);
    const program = {
      name: "stand-in" as const,
      command: process.execPath,
      arguments: [join(import.meta.dirname, "plugin/main.ts")],
    };
    plugin = await Plugin.start(program, { [socketVariable]: socket }, { region });
  });

  after(async () => {
    await plugin.stop();
    await front.close();
    await moto.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const image = async (parameter: string): Promise<string> =>
    textOf((await plugin.invoke("aws:ssm/getParameter:getParameter", { name: parameter }))["value"]);
  const debian = (architecture = "amd64") => image(`/aws/service/debian/release/12/latest/${architecture}`);
  const failures = async (token: string, inputs: Properties): Promise<string[]> =>
    (await plugin.check(urnOf(token), inputs)).failures.map(({ reason }) => reason);
  const make = async (token: string, inputs: Properties, name?: string): Promise<ResourceState> => {
    const urn = urnOf(token, name);
    const checked = await plugin.check(urn, inputs);
    assert.deepEqual(checked.failures, []);
    return await plugin.create(urn, checked.inputs);
  };
  const subnet = async (): Promise<string> => {
    const vpc = await plugin.invoke("aws:ec2/getVpc:getVpc", { default: true });
    const filters = [{ name: "vpc-id", values: [textOf(vpc["id"])] }];
    const { ids } = await plugin.invoke("aws:ec2/getSubnets:getSubnets", { filters });
    return String((ids as string[])[0]);
  };

  test("refuses images and instance types that AWS does not have, and one for another processor", async () => {
    const ami = await debian();
    assert.match(
      (await failures(instanceToken, { ami: "ami-0123", instanceType: "t3.small" })).join(),
      /InvalidAMIID\.NotFound: eu-central-1 has no image "ami-0123"/,
    );
    assert.match(
      (await failures(instanceToken, { ami, instanceType: "t9.huge" })).join(),
      /do not exist: \[t9\.huge\]/,
    );
    assert.match(
      (await failures(instanceToken, { ami, instanceType: "t4g.small" })).join(),
      /architecture "arm64" of t4g\.small does not match "x86_64"/,
    );
    assert.deepEqual(
      await failures(instanceToken, { ami: await debian("arm64"), instanceType: "t4g.small" }),
      [],
    );
    assert.deepEqual(await failures(instanceToken, { ami: unknown, instanceType: unknown }), []);
  });

  test("refuses properties that the package does not have, and those that the lab would leave undone", async () => {
    assert.match((await failures(instanceToken, { imageId: "x" })).join(), /has no property "imageId"/);
    assert.match(
      (await failures(instanceToken, { hibernation: true })).join(),
      /does not carry out "hibernation" of aws:ec2\/instance:Instance/,
    );
    await assert.rejects(
      plugin.check(urnOf("aws:sqs/queue:Queue"), {}),
      /does not know aws:sqs\/queue:Queue; it knows/,
    );
    await assert.rejects(
      plugin.invoke("aws:ssm/getParameter:getParameter", { nome: "x" }),
      /needs "name"[^]*has no property "nome"/,
    );
  });

  test("knows the public parameters of each system, by region", async () => {
    const names = [
      "/aws/service/debian/release/13/latest/arm64",
      "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id",
      "/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id",
      "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    ];
    const ids = await Promise.all(names.map(image));
    assert.equal(new Set(ids).size, names.length);
    const elsewhere = { name: names[0] ?? "", region: "us-east-1" };
    const there = await plugin.invoke("aws:ssm/getParameter:getParameter", elsewhere);
    assert.notEqual(there["value"], ids[0]);
    const filters = [
      { name: "name", values: ["debian-12-*"] },
      { name: "architecture", values: ["x86_64"] },
    ];
    const found = await plugin.invoke("aws:ec2/getAmi:getAmi", { owners: ["136693071363"], filters });
    assert.equal(found["id"], await debian());
    await assert.rejects(image("/aws/service/debian/release/99/latest/amd64"), /ParameterNotFound|NotFound/i);
  });

  test("says which changes make another instance", async () => {
    const inputs = { ami: await debian(), instanceType: "t3.small", subnetId: await subnet(), userData: "a" };
    const urn = urnOf(instanceToken);
    const state = await make(instanceToken, inputs);
    const replaces = async (change: Properties) =>
      (await plugin.diff(urn, state, { ...state.inputs, ...change })).replaces;

    assert.deepEqual(await replaces({ ami: await debian("arm64") }), ["ami"]);
    assert.deepEqual(await replaces({ subnetId: "subnet-1", keyName: "k" }), ["keyName", "subnetId"]);
    assert.deepEqual(await replaces({ instanceType: "t3.large" }), []);
    assert.deepEqual(await replaces({ userData: "b" }), []);
    assert.deepEqual(await replaces({ userData: "b", userDataReplaceOnChange: true }), ["userData"]);
    assert.equal((await plugin.diff(urn, state, state.inputs)).changes, "none");

    await plugin.delete(urn, state);
    assert.equal((await plugin.read(urn, state)).id, "", "a terminated instance is gone");
  });

  test("names what has no name, and keeps that name", async () => {
    const token = "aws:ec2/keyPair:KeyPair";
    const publicKey = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)}`;
    const { inputs } = await plugin.check(urnOf(token), { publicKey });
    assert.match(textOf(inputs["keyName"]), /^edge-[0-9a-f]{7}$/);
  });

  test("refuses names, descriptions and tags that AWS would not take, the provider's own names too", async () => {
    const role = "aws:iam/role:Role";
    const group = "aws:ec2/securityGroup:SecurityGroup";
    const checked = async (token: string, name: string, inputs: Properties = {}) =>
      (await plugin.check(urnOf(token, name), inputs)).failures.map(({ property }) => property);
    const assumeRolePolicy = "{}";
    assert.deepEqual(await checked(role, "x".repeat(56), { assumeRolePolicy }), []);
    assert.deepEqual(await checked(role, "x".repeat(57), { assumeRolePolicy }), ["name"]);
    assert.deepEqual(await checked(role, "a", { assumeRolePolicy, namePrefix: "x".repeat(39) }), [
      "namePrefix",
    ]);
    assert.deepEqual(await checked(role, "a", { assumeRolePolicy, tags: { team: "R&D" } }), ["tags"]);
    assert.deepEqual(await checked(group, "edge", { tags: { team: "R&D" } }), []);
    assert.deepEqual(await checked(group, "sg-edge"), ["name"]);
    assert.deepEqual(await checked(group, "edge", { description: "Bob's" }), ["description"]);
  });

  test("opens a security group by rules only, and takes them away with it", async () => {
    const groupToken = "aws:ec2/securityGroup:SecurityGroup";
    const ruleToken = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
    const vpc = await plugin.invoke("aws:ec2/getVpc:getVpc", { default: true });
    const group = await make(groupToken, { vpcId: textOf(vpc["id"]), description: "edge" });
    const described = async () => {
      const answer = await api.ec2("DescribeSecurityGroups", { GroupId: [group.id] });
      return listAt(answer, "securityGroupInfo")[0];
    };
    assert.deepEqual(listAt(await described(), "ipPermissionsEgress"), [], "nothing goes out unasked");
    const range = { securityGroupId: group.id, ipProtocol: "tcp", fromPort: 443, toPort: 443 };
    assert.match((await failures(ruleToken, range)).join(), /exactly one of cidrIpv4/);
    const rule = await make(ruleToken, { ...range, cidrIpv4: "203.0.113.0/24" });
    assert.equal(textAt(await described(), "ipPermissions.0.ipRanges.0.cidrIp"), "203.0.113.0/24");
    await plugin.delete(urnOf(ruleToken), rule);
    assert.deepEqual(listAt(await described(), "ipPermissions"), []);
    await plugin.delete(urnOf(groupToken), group);
    assert.equal((await plugin.read(urnOf(groupToken), group)).id, "");
  });

  test("gives volume and address of a dead instance to the next one", async () => {
    const place = { ami: await debian(), instanceType: "t3.small", subnetId: await subnet() };
    const zone = (await plugin.invoke("aws:ec2/getSubnet:getSubnet", { id: place.subnetId }))[
      "availabilityZone"
    ];
    const [volume, address] = [
      await make("aws:ebs/volume:Volume", { availabilityZone: textOf(zone), size: 8, encrypted: true }),
      await make("aws:ec2/eip:Eip", { domain: "vpc" }),
    ];
    assert.match(textOf(address.values["publicIp"]), /^198\.1[89]\./);
    const give = async (name: string) => {
      const instance = await make(instanceToken, place, name);
      const attachment = { deviceName: "/dev/sdf", instanceId: instance.id, volumeId: volume.id };
      const attached = await make("aws:ec2/volumeAttachment:VolumeAttachment", attachment, name);
      const association = { instanceId: instance.id, allocationId: address.id };
      const associated = await make("aws:ec2/eipAssociation:EipAssociation", association, name);
      return { instance, attached, associated };
    };
    const first = await give("first");
    await api.ec2("TerminateInstances", { InstanceId: [first.instance.id] });
    const gone = async (token: string, state: ResourceState) =>
      (await plugin.read(urnOf(token), state)).id === "";
    assert.equal(await gone(instanceToken, first.instance), true);
    assert.equal(await gone("aws:ec2/volumeAttachment:VolumeAttachment", first.attached), true);
    assert.equal(await gone("aws:ec2/eipAssociation:EipAssociation", first.associated), true);
    const second = await give("second");
    assert.equal(await gone("aws:ec2/eipAssociation:EipAssociation", second.associated), false);
    assert.equal(second.associated.values["publicIp"], address.values["publicIp"]);
  });

  test("lets a role into an instance profile with a policy of AWS", async () => {
    const role = await make("aws:iam/role:Role", {
      assumeRolePolicy: '{"Version":"2012-10-17","Statement":[]}',
    });
    const policy = await make("aws:iam/rolePolicyAttachment:RolePolicyAttachment", {
      role: role.id,
      policyArn: "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
    });
    const profile = await make("aws:iam/instanceProfile:InstanceProfile", { role: role.id });
    assert.equal(profile.values["role"], role.id);
    await plugin.delete(urnOf("aws:iam/instanceProfile:InstanceProfile"), profile);
    await plugin.delete(urnOf("aws:iam/rolePolicyAttachment:RolePolicyAttachment"), policy);
    await plugin.delete(urnOf("aws:iam/role:Role"), role);
    assert.equal((await plugin.read(urnOf("aws:iam/role:Role"), role)).id, "");
  });

  test("keeps versions of a launch template, and says which is the newest", async () => {
    const token = "aws:ec2/launchTemplate:LaunchTemplate";
    const text = (value: string) => Buffer.from(value).toString("base64");
    const inputs = {
      ...{ namePrefix: "edge-", imageId: await debian(), instanceType: "t3.small", userData: text("a") },
      ...{
        metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1 },
        updateDefaultVersion: true,
      },
      blockDeviceMappings: [{ deviceName: "/dev/xvda", ebs: { encrypted: "true", volumeType: "gp3" } }],
    };
    const template = await make(token, inputs);
    assert.match(textOf(template.values["name"]), /^edge-[0-9a-f]{7}$/);
    assert.equal(template.values["latestVersion"], 1);
    assert.equal((await plugin.diff(urnOf(token), template, template.inputs)).changes, "none");
    const changed = { ...template.inputs, userData: text("b") };
    assert.deepEqual((await plugin.diff(urnOf(token), template, changed)).replaces, []);
    const second = await plugin.update(urnOf(token), template, changed);
    assert.deepEqual([second.values["latestVersion"], second.values["defaultVersion"]], [2, 2]);
    const versions = { LaunchTemplateId: template.id, LaunchTemplateVersion: ["2"] };
    const data = await api.ec2("DescribeLaunchTemplateVersions", versions);
    const found = "launchTemplateVersionSet.0.launchTemplateData";
    assert.equal(textAt(data, `${found}.userData`), text("b"));
    assert.equal(textAt(data, `${found}.metadataOptions.httpTokens`), "required");
    assert.match(
      (await failures(token, { imageId: await debian("arm64"), instanceType: "t3.small" })).join(),
      /architecture "x86_64" of t3\.small does not match "arm64"/,
    );
    await plugin.delete(urnOf(token), template);
    assert.equal((await plugin.read(urnOf(token), template)).id, "");
  });

  test("leads a load balancer's listener to a target group", async () => {
    const vpc = await plugin.invoke("aws:ec2/getVpc:getVpc", { default: true });
    const [balancerToken, groupToken, listenerToken] = [
      "aws:lb/loadBalancer:LoadBalancer",
      "aws:lb/targetGroup:TargetGroup",
      "aws:lb/listener:Listener",
    ];
    const network = { loadBalancerType: "network", subnets: [await subnet()], namePrefix: "edge-" };
    const balancer = await make(balancerToken, network);
    assert.match(textOf(balancer.values["dnsName"]), /^edge-.*\.eu-central-1\.elb\.amazonaws\.com$/);
    const tcp = { port: 443, protocol: "TCP", vpcId: textOf(vpc["id"]), targetType: "instance" };
    const group = await make(groupToken, { ...tcp, namePrefix: "edge-", deregistrationDelay: 5 });
    const actions = [{ type: "forward", targetGroupArn: group.id }];
    const listener = await make(listenerToken, {
      ...{ loadBalancerArn: balancer.id, port: 443, protocol: "TCP", defaultActions: actions },
    });
    assert.deepEqual((await plugin.diff(urnOf(groupToken), group, { ...group.inputs, port: 992 })).replaces, [
      "port",
    ]);
    assert.match((await failures(balancerToken, { subnets: [] })).join(), /none of the type "application"/);
    assert.match(
      (await failures(groupToken, { ...tcp, preserveClientIp: "false" })).join(),
      /see the client's address/,
    );
    assert.match((await failures(groupToken, { ...tcp, namePrefix: "a-fleet-" })).join(), /longer than 6/);
    for (const [token, state] of [
      [listenerToken, listener],
      [groupToken, group],
      [balancerToken, balancer],
    ] as const) {
      await plugin.delete(urnOf(token), state);
      assert.equal((await plugin.read(urnOf(token), state)).id, "", token);
    }
  });

  test("keeps objects in buckets, which go with them only where that was asked for", async () => {
    const [bucketToken, objectToken] = ["aws:s3/bucket:Bucket", "aws:s3/bucketObjectv2:BucketObjectv2"];
    const file = join(directory, "release");
    await writeFile(file, "content");
    const bucket = await make(bucketToken, { bucketPrefix: "edge-" });
    const asset = { "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", path: file };
    const inputs = { bucket: bucket.id, key: "a/b", source: asset, serverSideEncryption: "AES256" };
    const object = await make(objectToken, inputs);
    assert.equal((await api.s3("GET", `/${bucket.id}/a/b`)).body, "content");
    const accessToken = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock";
    const access = await make(accessToken, { bucket: bucket.id, blockPublicAcls: true });
    assert.match((await api.s3("GET", `/${bucket.id}?publicAccessBlock`)).body, /<BlockPublicAcls>true</i);
    await assert.rejects(plugin.delete(urnOf(bucketToken), bucket), /BucketNotEmpty/);
    await plugin.delete(urnOf(accessToken), access);
    assert.equal((await plugin.read(urnOf(objectToken), object)).id, "a/b");
    const forced = { ...bucket, inputs: { ...bucket.inputs, forceDestroy: true } };
    await plugin.delete(urnOf(bucketToken), forced);
    assert.equal((await plugin.read(urnOf(objectToken), object)).id, "");
    assert.equal((await plugin.read(urnOf(bucketToken), bucket)).id, "");
  });

  test("keeps a secret's versions, and none that is too long", async () => {
    const [secretToken, versionToken] = [
      "aws:secretsmanager/secret:Secret",
      "aws:secretsmanager/secretVersion:SecretVersion",
    ];
    const secret = await make(secretToken, { recoveryWindowInDays: 0 });
    const first = await make(versionToken, { secretId: secret.id, secretString: "one" }, "first");
    const second = await make(versionToken, { secretId: secret.id, secretString: "two" }, "second");
    const valueOf = async (VersionId: Json | undefined) =>
      (await api.json("secretsmanager", "secretsmanager.GetSecretValue", { SecretId: secret.id, VersionId }))[
        "SecretString"
      ];
    assert.equal(await valueOf(first.values["versionId"]), "one");
    assert.equal(await valueOf(second.values["versionId"]), "two");
    const long = { secretId: secret.id, secretString: "x".repeat(65_537) };
    assert.match((await failures(versionToken, long)).join(), /65536 bytes at most, not 65537/);
    await plugin.delete(urnOf(secretToken), secret);
    assert.equal((await plugin.read(urnOf(secretToken), secret)).id, "");
    assert.equal((await plugin.read(urnOf(versionToken), second)).id, "");
  });

  test("keeps a group with its size and its policy, and starts no instances for it by itself", async () => {
    const [groupToken, policyToken] = ["aws:autoscaling/group:Group", "aws:autoscaling/policy:Policy"];
    const template = await make("aws:ec2/launchTemplate:LaunchTemplate", {
      ...{ imageId: await debian(), instanceType: "t3.small" },
    });
    const inputs = {
      ...{ minSize: 2, maxSize: 4, vpcZoneIdentifiers: [await subnet()] },
      launchTemplate: { id: template.id, version: "1" },
      tags: [{ key: "Name", value: "edge", propagateAtLaunch: true }],
    };
    const group = await make(groupToken, inputs);
    const described = async () => {
      const named = { AutoScalingGroupNames: [group.id] };
      return listAt(await api.autoScaling("DescribeAutoScalingGroups", named), "AutoScalingGroups")[0];
    };
    assert.equal(textAt(await described(), "MinSize"), "2");
    assert.equal(textAt(await described(), "Tags.0.Value"), "edge");
    assert.deepEqual(listAt(await described(), "Instances"), []);
    assert.match((await failures(groupToken, { ...inputs, maxSize: 1 })).join(), /so not 2 to 1/);
    const larger = await plugin.update(urnOf(groupToken), group, { ...group.inputs, maxSize: 6 });
    assert.equal(textAt(await described(), "MaxSize"), "6");
    assert.equal(larger.values["maxSize"], 6);
    const metric = { predefinedMetricType: "ASGAverageNetworkOut" };
    const policy = await make(policyToken, {
      ...{ autoscalingGroupName: group.id, policyType: "TargetTrackingScaling" },
      targetTrackingConfiguration: { targetValue: 1000, predefinedMetricSpecification: metric },
    });
    assert.match(textOf(policy.values["arn"]), /scalingPolicy/);
    await plugin.delete(urnOf(policyToken), policy);
    assert.equal((await plugin.read(urnOf(policyToken), policy)).id, "");
    await plugin.delete(urnOf(groupToken), group);
    assert.equal((await plugin.read(urnOf(groupToken), group)).id, "");
  });
});
