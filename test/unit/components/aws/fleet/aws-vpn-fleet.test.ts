import "../../lean-pulumi.ts";
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { before, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { FleetStage, isSecret, secretIn, valueOf } from "./fleet-stage.ts";

let stage: FleetStage;
before(async () => {
  stage = await FleetStage.set();
});

const users = [{ name: "alice", password: "secret" }];

/** What AWS and whoever reads its user data sees of a launch template. */
function bootSettings(template: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const script = Buffer.from(String(template["userData"]), "base64").toString();
  const [, settings = ""] = /^SETTINGS = (\{.*?^\})$/ms.exec(script) ?? [];
  return JSON.parse(settings) as Record<string, unknown>;
}

describe("an AwsVpnFleet", () => {
  test("needs nothing, and makes everything", async () => {
    const { child, names } = await stage.declare("exit", { users });
    const inputs = Object.fromEntries(
      names
        .filter((suffix) => stage.aws.resources.get(`exit-${suffix}`)?.type.startsWith("aws:"))
        .filter((suffix) => !/^(tcp|egress)-|-(992|5555)$/.test(suffix))
        .sort()
        .map((suffix) => [suffix, child(suffix)]),
    );
    const { userData, ...launchTemplate } = child("launch-template");
    assert.ok(typeof userData === "string");
    const { source: _, ...release } = child("release");
    const { secretString: __, ...identityVersion } = child("identity-version");
    const { secretString: ___, ...stateVersion } = child("state-version");
    assert.deepEqual(
      {
        ...inputs,
        release,
        "launch-template": launchTemplate,
        "identity-version": identityVersion,
        "state-version": stateVersion,
      },
      {
        "boot-policy": {
          role: "exit-role-1234567",
          policy: JSON.stringify({
            Version: "2012-10-17",
            Statement: [
              {
                Effect: "Allow",
                Action: "s3:GetObject",
                Resource: ["arn:aws:s3:::exit-releases-1234567/vpnserver/*"],
              },
              {
                Effect: "Allow",
                Action: "secretsmanager:GetSecretValue",
                Resource: [
                  "arn:aws:secretsmanager:eu-north-1:1:secret:exit-identity",
                  "arn:aws:secretsmanager:eu-north-1:1:secret:exit-state",
                ],
              },
            ],
          }),
        },
        group: {
          defaultInstanceWarmup: 60,
          healthCheckGracePeriod: 600,
          healthCheckType: "ELB",
          instanceRefresh: {
            strategy: "Rolling",
            preferences: {
              autoRollback: true,
              maxHealthyPercentage: 110,
              minHealthyPercentage: 100,
              skipMatching: true,
            },
          },
          launchTemplate: { id: "exit-launch-template-id", version: "3" },
          maxSize: 2,
          minElbCapacity: 2,
          minSize: 2,
          tags: [{ key: "Name", propagateAtLaunch: false, value: "exit-group" }],
          targetGroupArns: ["arn:exit-target-443", "arn:exit-target-992", "arn:exit-target-5555"],
          vpcZoneIdentifiers: ["subnet-a", "subnet-b"],
          waitForCapacityTimeout: "20m",
        },
        identity: {
          description: "VPN server exit: certificate and key",
          recoveryWindowInDays: 0,
          tags: { Name: "exit-identity" },
        },
        "identity-version": { secretId: "arn:aws:secretsmanager:eu-north-1:1:secret:exit-identity" },
        "instance-profile": { role: "exit-role-1234567", tags: { Name: "exit-instance-profile" } },
        "launch-template": {
          blockDeviceMappings: [
            {
              deviceName: "/dev/xvda",
              ebs: { deleteOnTermination: "true", encrypted: "true", volumeType: "gp3" },
            },
          ],
          iamInstanceProfile: { name: "exit-instance-profile-1234567" },
          imageId: "ami-of/aws/service/debian/release/13/latest/amd64",
          instanceType: "t3.small",
          metadataOptions: { httpEndpoint: "enabled", httpPutResponseHopLimit: 1, httpTokens: "required" },
          monitoring: { enabled: false },
          tagSpecifications: [
            { resourceType: "instance", tags: { Name: "exit-instance" } },
            { resourceType: "volume", tags: { Name: "exit-root" } },
            { resourceType: "network-interface", tags: { Name: "exit-instance" } },
          ],
          tags: { Name: "exit-launch-template" },
          updateDefaultVersion: true,
          vpcSecurityGroupIds: ["exit-security-group-id"],
        },
        "listener-443": {
          defaultActions: [{ targetGroupArn: "arn:exit-target-443", type: "forward" }],
          loadBalancerArn: "arn:exit-load-balancer",
          port: 443,
          protocol: "TCP",
          tags: { Name: "exit-listener-443" },
        },
        "load-balancer": {
          enableCrossZoneLoadBalancing: true,
          enableDeletionProtection: false,
          internal: false,
          ipAddressType: "ipv4",
          loadBalancerType: "network",
          namePrefix: "exit-",
          securityGroups: ["exit-load-balancer-security-group-id"],
          subnets: ["subnet-a", "subnet-b"],
          tags: { Name: "exit-load-balancer" },
        },
        "load-balancer-security-group": {
          description: "VPN server exit: load balancer",
          tags: { Name: "exit-load-balancer-security-group" },
          vpcId: "vpc-default",
        },
        release: {
          bucket: "exit-releases-1234567",
          contentType: "application/gzip",
          key: `vpnserver/${"a".repeat(64)}.gz`,
          serverSideEncryption: "AES256",
        },
        releases: { bucketPrefix: "exit-", forceDestroy: true, tags: { Name: "exit-releases" } },
        "releases-access": {
          blockPublicAcls: true,
          blockPublicPolicy: true,
          bucket: "exit-releases-1234567",
          ignorePublicAcls: true,
          restrictPublicBuckets: true,
        },
        role: {
          assumeRolePolicy: JSON.stringify({
            Version: "2012-10-17",
            Statement: [
              { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" },
            ],
          }),
          description: "VPN server exit",
          tags: { Name: "exit-role" },
        },
        "security-group": {
          description: "VPN server exit: instances",
          tags: { Name: "exit-security-group" },
          vpcId: "vpc-default",
        },
        state: {
          description: "VPN server exit: hubs, users and administrator's password",
          recoveryWindowInDays: 0,
          tags: { Name: "exit-state" },
        },
        "state-version": { secretId: "arn:aws:secretsmanager:eu-north-1:1:secret:exit-state" },
        "target-443": {
          connectionTermination: true,
          deregistrationDelay: 300,
          healthCheck: {
            healthyThreshold: 2,
            interval: 10,
            port: "traffic-port",
            protocol: "TCP",
            timeout: 10,
            unhealthyThreshold: 2,
          },
          namePrefix: "exit-",
          port: 443,
          preserveClientIp: "true",
          protocol: "TCP",
          stickiness: { enabled: true, type: "source_ip" },
          tags: { Name: "exit-target-443" },
          targetType: "instance",
          vpcId: "vpc-default",
        },
      },
    );
  });

  test("declares its hubs without secrets, for previews and policies", async () => {
    const guests = [...users, { name: "guest", anonymous: true }];
    const { child } = await stage.declare("told", { users: guests });
    const { hubs, publicHost } = child("declared-hubs");
    assert.equal(publicHost, "its load balancer");
    assert.deepEqual(hubs, {
      DEFAULT: {
        users: { alice: {}, guest: { anonymous: true } },
        secureNat: "on if the hub is new, else as it is",
      },
    });
    const named = await stage.declare("named", { users, publicHost: "vpn.example.org" });
    assert.equal(named.child("declared-hubs")["publicHost"], "vpn.example.org");
  });

  test("lets clients reach the load balancer, nobody else reach the instances, and has no SSH", async () => {
    const { child, names } = await stage.declare("doors", { listeners: [443], vpnFrom: ["198.51.100.0/24"] });
    assert.deepEqual(names.filter((suffix) => /^(tcp|ssh|egress)-/.test(suffix)).sort(), [
      "egress-to-any-ipv4",
      "egress-to-any-ipv6",
      "tcp-443-from-198.51.100.0-24",
      "tcp-443-from-load-balancer",
      "tcp-443-to-instances",
    ]);
    const rule = (suffix: string) => {
      const { tags: _, description: __, ...rest } = child(suffix);
      return rest;
    };
    const port = { ipProtocol: "tcp", fromPort: 443, toPort: 443 };
    const [balancer, instances] = ["doors-load-balancer-security-group-id", "doors-security-group-id"];
    assert.deepEqual(rule("tcp-443-from-198.51.100.0-24"), {
      ...port,
      securityGroupId: balancer,
      cidrIpv4: "198.51.100.0/24",
    });
    assert.deepEqual(rule("tcp-443-to-instances"), {
      ...port,
      securityGroupId: balancer,
      referencedSecurityGroupId: instances,
    });
    assert.deepEqual(rule("tcp-443-from-load-balancer"), {
      ...port,
      securityGroupId: instances,
      referencedSecurityGroupId: balancer,
    });
    assert.deepEqual(rule("egress-to-any-ipv4"), {
      ipProtocol: "-1",
      securityGroupId: instances,
      cidrIpv4: "0.0.0.0/0",
    });
    assert.equal(child("launch-template")["keyName"], undefined);
    assert.equal(
      names.some((suffix) => /key-pair|ssh/.test(suffix)),
      false,
    );
  });

  test("tells an instance where all is that it becomes a server by, and no secret", async () => {
    const { child } = await stage.declare("tells", {
      users,
      adminPassword: "administrator",
      listeners: [443, 8443, 443],
    });
    const template = child("launch-template");
    assert.deepEqual(bootSettings(template), {
      fleet: "tells",
      bucket: "tells-releases-1234567",
      key: `vpnserver/${"a".repeat(64)}.gz`,
      sha256: "a".repeat(64),
      bytes: 2,
      secrets: ["identity", "state"].map((what) => ({
        arn: `arn:aws:secretsmanager:eu-north-1:1:secret:tells-${what}`,
        version: `tells-${what}-version-uuid`,
      })),
      listeners: [443, 8443],
    });
    const script = Buffer.from(String(template["userData"]), "base64").toString();
    assert.doesNotMatch(script, /alice|secret"|administrator|BEGIN/);
  });

  test("keeps what its servers are to be in two secrets, of which one stays", async () => {
    const { fleet, child } = await stage.declare("kept", { users, adminPassword: "administrator" });
    assert.deepEqual(secretIn(child("state-version")["secretString"]), {
      adminPassword: "administrator",
      hubs: [{ name: "DEFAULT", users }],
    });
    const { certificate, privateKey, ...others } = secretIn(child("identity-version")["secretString"]);
    assert.deepEqual(others, {});
    assert.match(String(privateKey), /^-----BEGIN PRIVATE KEY-----/);
    assert.equal(await valueOf(fleet.certificate), certificate);
    assert.deepEqual(stage.options.get("kept-certificate")?.ignorechangesList, ["input"]);
    assert.deepEqual(stage.options.get("kept-certificate")?.parent.split("::").at(-1), "kept");
  });

  test("keeps what clients know when it is renamed, and what AWS may go back to", async () => {
    await stage.declare("stays", { scaling: { networkOutMbps: 1 } });
    const of = (suffix: string) => stage.options.get(`stays-${suffix}`);
    assert.deepEqual(of("load-balancer")?.ignorechangesList, ["namePrefix"]);
    assert.deepEqual(of("target-443")?.ignorechangesList, ["namePrefix"]);
    assert.deepEqual(of("releases")?.ignorechangesList, ["bucketPrefix"]);
    assert.deepEqual(of("security-group")?.ignorechangesList, ["description"]);
    assert.deepEqual(of("subnets")?.ignorechangesList, ["input"]);
    for (const suffix of ["release", "state-version", "identity-version"]) {
      assert.equal(of(suffix)?.retainondelete, true, suffix);
    }
    for (const [name, { parent }] of stage.options) {
      if (name.startsWith("stays-")) assert.match(parent, /::stays$/, name);
    }
    // The instances boot when all is there that they fetch.
    const before = of("launch-template")?.dependenciesList.map((urn) => urn.split("::").at(-1)) ?? [];
    for (const needed of [
      "boot-policy",
      "release",
      "state-version",
      "identity-version",
      "instance-profile",
    ]) {
      assert.ok(before.includes(`stays-${needed}`), `the launch template does not wait for ${needed}`);
    }
    const groupWaits = of("group")?.dependenciesList.map((urn) => urn.split("::").at(-1)) ?? [];
    assert.ok(groupWaits.includes("stays-listener-443"));
  });

  test("tells clients one address, one certificate, and how each connects", async () => {
    const { fleet } = await stage.declare("outputs", { users, listeners: [5555, 443] });
    const host = "outputs-load-balancer-1234567.elb.eu-north-1.amazonaws.com";
    const { address, dnsName, dnsZoneId, endpoints, connections, groupName, version, sha256 } = fleet;
    const told = pulumi.output({
      address,
      dnsName,
      dnsZoneId,
      endpoints,
      connections,
      groupName,
      version,
      sha256,
    });
    assert.deepEqual(await valueOf(told), {
      address: host,
      dnsName: host,
      dnsZoneId: "Z1UDT6IFJ4EJM",
      endpoints: [`${host}:5555`, `${host}:443`],
      connections: [{ hub: "DEFAULT", user: "alice", host, port: 5555, account: `alice@${host}/DEFAULT` }],
      groupName: "outputs-group-1234567",
      version: "0.0.0",
      sha256: "a".repeat(64),
    });
    const certificate = new X509Certificate(await valueOf(fleet.certificate));
    assert.equal(await valueOf(fleet.tlsFingerprint), certificate.fingerprint256);
    const file = (await valueOf(fleet.vpnFiles))["DEFAULT"]?.["alice"] ?? "";
    assert.ok(file.includes(`byte ServerCert ${certificate.raw.toString("base64")}`));
    assert.ok(file.includes(`string Hostname ${host}`));
    assert.match((await valueOf(fleet.adminPassword)) ?? "", /^[\w-]{24}$/);
    assert.equal(await isSecret(fleet.vpnFiles), true);
    assert.equal(await isSecret(fleet.adminPassword), true);
    assert.equal(await isSecret(fleet.connections), false);
    assert.equal(await isSecret(fleet.certificate), false);
  });
});
