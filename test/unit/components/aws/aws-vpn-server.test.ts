import "../lean-pulumi.ts";
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import type * as Components from "../../../../components/aws/index.ts";
import { declaredServers, sshFrom, type DeclaredServers } from "./declared-servers.ts";

let servers: DeclaredServers;
before(async () => {
  servers = await declaredServers();
});
const declare: DeclaredServers["declare"] = (...args) => servers.declare(...args);
const refused: DeclaredServers["refused"] = (...args) => servers.refused(...args);

/** Of a secret that is an input. */
function secretIn(input: unknown): unknown {
  const { value } = input as { value: unknown };
  return value;
}

describe("an AwsVpnServer", () => {
  test("needs no more than who may log in, and makes everything else", async () => {
    const { child, names } = await declare("edge", { users: [{ name: "alice", password: "secret" }] });
    const inputs = Object.fromEntries(
      names
        .filter((suffix) => servers.aws.resources.get(`edge-${suffix}`)?.type.startsWith("aws:"))
        .filter((suffix) => !/^(tcp|egress)-/.test(suffix))
        .sort()
        .map((suffix) => [suffix, child(suffix)]),
    );
    const { userData, ...instance } = inputs["instance"] as Record<string, unknown>;
    const { publicKey, ...keyPair } = inputs["key-pair"] as Record<string, unknown>;
    assert.match(String(publicKey), /^ssh-ed25519 AAAA/);
    assert.match(String(secretIn(userData)), /^#cloud-config\n/);
    assert.deepEqual(
      { ...inputs, instance, "key-pair": keyPair },
      {
        address: { domain: "vpc", tags: { Name: "edge-address" } },
        "address-association": { allocationId: "edge-address-id", instanceId: "edge-instance-id" },
        instance: {
          ami: "ami-of/aws/service/debian/release/13/latest/amd64",
          disableApiTermination: false,
          instanceType: "t3.small",
          keyName: "edge-key-pair-1234567",
          metadataOptions: { httpEndpoint: "enabled", httpPutResponseHopLimit: 1, httpTokens: "required" },
          rootBlockDevice: {
            deleteOnTermination: true,
            encrypted: true,
            tags: { Name: "edge-root" },
            volumeType: "gp3",
          },
          subnetId: "subnet-a",
          tags: { Name: "edge-instance" },
          userDataReplaceOnChange: false,
          vpcSecurityGroupIds: ["edge-security-group-id"],
        },
        "key-pair": { tags: { Name: "edge-key-pair" } },
        "security-group": {
          description: "VPN server edge",
          tags: { Name: "edge-security-group" },
          vpcId: "vpc-default",
        },
        "ssh-from-203.0.113.7-32": {
          cidrIpv4: "203.0.113.7/32",
          description: "SSH of the deployment",
          fromPort: 22,
          ipProtocol: "tcp",
          securityGroupId: "edge-security-group-id",
          tags: { Name: "edge-ssh-from-203.0.113.7-32" },
          toPort: 22,
        },
        state: {
          availabilityZone: "eu-north-1a",
          encrypted: true,
          size: 8,
          tags: { Name: "edge-state" },
          type: "gp3",
        },
        "state-attachment": {
          deviceName: "/dev/sdf",
          instanceId: "edge-instance-id",
          stopInstanceBeforeDetaching: true,
          volumeId: "edge-state-id",
        },
      },
    );
  });

  test("opens the listeners' ports to everybody, SSH to those who are named, and lets everything out", async () => {
    const { child, names } = await declare("ports");
    const rules = names.filter((suffix) => /^(tcp|ssh-from|egress)-/.test(suffix)).sort();
    assert.deepEqual(rules, [
      "egress-to-any-ipv4",
      "egress-to-any-ipv6",
      "ssh-from-203.0.113.7-32",
      "tcp-443-from-any-ipv4",
      "tcp-443-from-any-ipv6",
      "tcp-5555-from-any-ipv4",
      "tcp-5555-from-any-ipv6",
      "tcp-992-from-any-ipv4",
      "tcp-992-from-any-ipv6",
    ]);
    const { tags: _, ...rule } = child("tcp-443-from-any-ipv6");
    assert.deepEqual(rule, {
      cidrIpv6: "::/0",
      description: "VPN clients",
      fromPort: 443,
      ipProtocol: "tcp",
      securityGroupId: "ports-security-group-id",
      toPort: 443,
    });
    const { tags: __, ...out } = child("egress-to-any-ipv4");
    assert.deepEqual(out, {
      cidrIpv4: "0.0.0.0/0",
      description: "the server, and its clients by SecureNAT",
      ipProtocol: "-1",
      securityGroupId: "ports-security-group-id",
    });
  });

  test("opens the ports that its server listens on, to the networks that are named", async () => {
    const { child, names } = await declare("few", {
      listeners: [443, 443, 8443],
      vpnFrom: ["198.51.100.0/24", "2001:db8::/32"],
      sshFrom: ["203.0.113.7/32", "2001:db8:7::/48"],
    });
    assert.deepEqual(names.filter((suffix) => /^(tcp|ssh-from)-/.test(suffix)).sort(), [
      "ssh-from-2001.db8.7..-48",
      "ssh-from-203.0.113.7-32",
      "tcp-443-from-198.51.100.0-24",
      "tcp-443-from-2001.db8..-32",
      "tcp-8443-from-198.51.100.0-24",
      "tcp-8443-from-2001.db8..-32",
    ]);
    assert.match(String(child("server-install")["stdin"]), /--listeners 443,8443\b/);
  });

  test("hands its server the address, the user and both keys, and installs a service on the volume", async () => {
    const { server, child } = await declare("hand");
    const { connection, stdin } = child("server-install");
    const dialled = secretIn(connection) as Record<string, unknown>;
    const outputs = await valuesOf({
      publicIp: server.publicIp,
      sshUser: server.sshUser,
      sshPrivateKey: server.sshPrivateKey,
      sshHostKey: server.sshHostKey,
    });
    assert.deepEqual(
      [dialled["host"], dialled["user"], dialled["privateKey"], dialled["hostKey"]],
      ["198.51.100.7", "admin", outputs.sshPrivateKey, outputs.sshHostKey],
    );
    assert.deepEqual([outputs.publicIp, outputs.sshUser], ["198.51.100.7", "admin"]);
    assert.match(String(secretIn(child("instance")["userData"])), new RegExp(escape(outputs.sshHostKey)));
    assert.match(String(stdin), /--mode service .*--state-dir \/var\/lib\/vpnserver /);
  });

  test("has the first boot waited for on each new instance, before its server is deployed", async () => {
    const { child } = await declare("boot", { stateDirectory: "/srv/vpn", stateVolumeGiB: 20 });
    const { create, delete: gone, triggers, stdin } = child("first-boot");
    assert.deepEqual([create, gone], ["sh -s", undefined]);
    assert.deepEqual(triggers, ["boot-instance-id", "boot-state-attachment-id"]);
    assert.match(String(stdin), /cloud-init status --wait/);
    assert.match(String(stdin), /volume boot-state-id \(20 GiB\)/);
    assert.match(String(stdin), /mount -o noatime "\$device" '\/srv\/vpn'/);
    assert.match(String(child("server-install")["stdin"]), /--state-dir \/srv\/vpn /);
  });

  test("goes on with instance, volume and subnet, and moves what only one instance can have", async () => {
    const { names } = await declare("stays");
    const of = (suffix: string) => servers.options.get(`stays-${suffix}`);
    assert.deepEqual(of("instance")?.ignorechangesList, ["ami", "userData"]);
    assert.deepEqual(of("state")?.ignorechangesList, ["availabilityZone"]);
    assert.deepEqual(of("subnet")?.ignorechangesList, ["input"]);
    assert.equal(of("state-attachment")?.deletebeforereplace, true);
    assert.equal(of("address-association")?.deletebeforereplace, true);
    assert.equal(of("instance")?.deletebeforereplace, false);
    // Nobody dials an instance that is going.
    assert.match(of("server-install")?.deletedwith ?? "", /::stays-instance$/);
    for (const name of names.filter((suffix) => !suffix.startsWith("server-"))) {
      assert.match(of(name)?.parent ?? "", /::stays$/, name);
    }
  });
});

describe("the arguments of an AwsVpnServer", () => {
  test("instanceType and image decide what the instance begins with", async () => {
    const { child } = await declare("arm", { instanceType: "t4g.small", image: "ubuntu-24.04" });
    assert.equal(child("instance")["instanceType"], "t4g.small");
    assert.equal(
      child("instance")["ami"],
      "ami-of/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id",
    );
    const { server } = await declare("old", {
      instanceType: pulumi.output("t2.micro"),
      image: "amazon-linux-2023",
    });
    assert.deepEqual(await valuesOf({ user: server.sshUser, ami: server.ami }), {
      user: "ec2-user",
      ami: "ami-of/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    });
  });

  test("ami takes the place of image, with the user who may log in there", async () => {
    const { server, child } = await declare("own-image", { ami: "ami-own", loginUser: "core" });
    assert.equal(child("instance")["ami"], "ami-own");
    assert.equal((await valuesOf({ user: server.sshUser })).user, "core");
  });

  test("updateImage has the instance follow its image", async () => {
    const { child } = await declare("newest", { updateImage: true });
    assert.deepEqual(servers.options.get("newest-instance")?.ignorechangesList, []);
    assert.equal(child("instance")["userDataReplaceOnChange"], true);
  });

  test("subnetId is where the instance is, and tells VPC and zone", async () => {
    const { child, names } = await declare("placed", { subnetId: "subnet-own" });
    assert.equal(child("instance")["subnetId"], "subnet-own");
    assert.equal(child("security-group")["vpcId"], "vpc-own");
    assert.equal(names.includes("subnet"), false);
  });

  test("vpcId is where a public subnet is chosen, in a zone that has the instance type", async () => {
    const { child } = await declare("within", { vpcId: "vpc-own" });
    assert.equal(child("instance")["subnetId"], "subnet-own");
    const asked = servers.aws.calls.find(
      ({ token, inputs }) => token.endsWith(":getSubnets") && JSON.stringify(inputs).includes("vpc-own"),
    );
    assert.deepEqual(asked?.inputs["filters"], [
      { name: "vpc-id", values: ["vpc-own"] },
      { name: "availability-zone", values: ["eu-north-1a", "eu-north-1b"] },
      { name: "map-public-ip-on-launch", values: ["true"] },
    ]);
  });

  test("region is told to everything that is of a region, and to every question", async () => {
    const { names } = await declare("far", { region: "eu-north-1", sessionManager: true });
    for (const suffix of names) {
      const { type, inputs } = servers.aws.resources.get(`far-${suffix}`) ?? { type: "", inputs: {} };
      if (!type.startsWith("aws:")) continue;
      assert.equal(inputs["region"], type.startsWith("aws:iam") ? undefined : "eu-north-1", suffix);
    }
    const asked = servers.aws.calls
      .filter(({ inputs }) => inputs["region"] === "eu-north-1")
      .map(({ token }) => token);
    assert.deepEqual([...new Set(asked)].sort(), [
      "aws:ec2/getInstanceType:getInstanceType",
      "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings",
      "aws:ec2/getSubnet:getSubnet",
      "aws:ec2/getSubnets:getSubnets",
      "aws:ec2/getVpc:getVpc",
      "aws:ssm/getParameter:getParameter",
    ]);
  });

  test("tags are on everything that has any, the volumes among them", async () => {
    const { names } = await declare("tagged", { tags: { team: "network" }, sessionManager: true });
    const untagged = ["address-association", "state-attachment", "role-policy"];
    for (const suffix of names) {
      const { type, inputs } = servers.aws.resources.get(`tagged-${suffix}`) ?? { type: "", inputs: {} };
      if (!type.startsWith("aws:") || untagged.includes(suffix)) continue;
      assert.deepEqual(inputs["tags"], { Name: `tagged-${suffix}`, team: "network" }, suffix);
    }
    const root = servers.aws.resources.get("tagged-instance")?.inputs["rootBlockDevice"] as Record<
      string,
      unknown
    >;
    assert.deepEqual(root["tags"], { Name: "tagged-root", team: "network" });
  });

  test("terminationProtection and stateVolumeGiB are told to instance and volume", async () => {
    const { child } = await declare("kept", { terminationProtection: true, stateVolumeGiB: 100 });
    assert.equal(child("instance")["disableApiTermination"], true);
    assert.equal(child("state")["size"], 100);
  });

  test("sessionManager gives the instance a role with that one policy", async () => {
    const { child } = await declare("managed", { sessionManager: true });
    assert.deepEqual(JSON.parse(String(child("role")["assumeRolePolicy"])), {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
    });
    assert.deepEqual(child("role-policy"), {
      role: "managed-role-1234567",
      policyArn: "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
    });
    assert.equal(child("instance-profile")["role"], "managed-role-1234567");
    assert.equal(child("instance")["iamInstanceProfile"], "managed-instance-profile-1234567");
  });

  test("instanceProfile is one of your own, and without both there is none", async () => {
    const own = await declare("own-profile", { instanceProfile: "mine" });
    assert.equal(own.child("instance")["iamInstanceProfile"], "mine");
    const none = await declare("no-profile", { sessionManager: false });
    assert.equal(none.child("instance")["iamInstanceProfile"], undefined);
    assert.equal(none.names.includes("role"), false);
  });

  test("those of a VpnServer go on to the server, users as the hub DEFAULT", async () => {
    const { child } = await declare("server-args", {
      users: [{ name: "alice", password: "secret" }],
      adminPassword: "administrator",
      healthTimeoutSeconds: 77,
      openFirewall: false,
    });
    assert.match(String(child("server-install")["stdin"]), /--health-timeout 77 --no-open-firewall /);
    const desired = JSON.parse(String(secretIn(child("server-hubs")["stdin"]))) as Record<string, unknown>;
    assert.equal(desired["adminPassword"], "administrator");
    assert.deepEqual(desired["hubs"], [{ name: "DEFAULT", users: [{ name: "alice", password: "secret" }] }]);
  });

  test("may be null where they may be left out, as some languages say so", async () => {
    const nothing = { subnetId: null, vpcId: null, region: null, users: null, loginUser: null, image: null };
    const { child } = await declare("nulls", nothing as unknown as Partial<Components.AwsVpnServerArgs>);
    assert.equal(child("instance")["subnetId"], "subnet-a");
    assert.equal("region" in child("instance"), false);
  });
});

describe("the transform of an AwsVpnServer", () => {
  test("changes any argument and option of a child, and the rest stays", async () => {
    const seen: string[] = [];
    const { child } = await declare(
      "changed",
      {},
      {
        transform: {
          stateVolume: ({ args }) => ({
            args: { finalSnapshot: true, size: 2 * (args.type === "gp3" ? 10 : 0) },
          }),
          instance: ({ name, opts }) => {
            seen.push(name);
            return { args: { monitoring: true }, opts: { ...opts, protect: true } };
          },
          ingressRule: ({ name }) => void seen.push(name),
          install: () => ({ opts: { customTimeouts: { create: "20m" } } }),
        },
      },
    );
    assert.deepEqual([child("state")["finalSnapshot"], child("state")["size"]], [true, 20]);
    assert.equal(child("state")["encrypted"], true);
    assert.equal(child("instance")["monitoring"], true);
    assert.equal(servers.options.get("changed-instance")?.protect, true);
    assert.deepEqual(servers.options.get("changed-instance")?.ignorechangesList, ["ami", "userData"]);
    assert.match(servers.options.get("changed-server-install")?.deletedwith ?? "", /::changed-instance$/);
    assert.ok(seen.includes("changed-instance") && seen.includes("changed-tcp-443-from-any-ipv4"));
  });

  test("adds to what the component ignores and waits for", async () => {
    await declare("merged", {}, { transform: { instance: () => ({ opts: { ignoreChanges: ["tags"] } }) } });
    assert.deepEqual(servers.options.get("merged-instance")?.ignorechangesList, ["ami", "userData", "tags"]);
  });

  for (const [returned, problem] of [
    [Promise.resolve({ args: {} }), /returned a value that comes later: it may be no async function/],
    [{ monitoring: true }, /returned monitoring: put it into args, or into opts/],
    [7, /returned 7: an object with args or opts is needed/],
    [{ args: Promise.resolve({}) }, /returned args that are no object/],
    [{ opts: null }, /returned opts that are no object/],
  ] as const) {
    test(`is refused where it returns ${JSON.stringify(returned)}`, () => {
      const transform = { securityGroup: (() => returned) as never };
      assert.match(refused({ sshFrom, subnetId: "subnet-a" }, { transform }), problem);
    });
  }

  test("is refused for a child that there is not", () => {
    assert.match(
      refused({ sshFrom }, { transform: { instanc: () => undefined } as never }),
      /^AwsVpnServer "wrong": transform\.instanc is not known: the children are securityGroup, .*, repair$/,
    );
    assert.match(
      refused({ sshFrom }, { transform: { instance: {} } as never }),
      /transform\.instance is no function/,
    );
  });
});

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function promiseOf<T>(output: pulumi.Output<T>): Promise<T> {
  return (output as unknown as { promise(): Promise<T> }).promise();
}

async function valuesOf<T extends Record<string, pulumi.Output<string>>>(
  outputs: T,
): Promise<Record<keyof T, string>> {
  return (await promiseOf(pulumi.all(outputs))) as Record<keyof T, string>;
}
