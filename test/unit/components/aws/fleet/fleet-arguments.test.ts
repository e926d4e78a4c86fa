import "../../lean-pulumi.ts";
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { checkFleetLater } from "../../../../../components/aws/fleet/fleet-arguments.ts";
import { metadataProblems } from "../../../../../components/aws/fleet/fleet-hubs.ts";
import { oneInEachZone } from "../../../../../components/aws/fleet/fleet-placement.ts";
import { checkSize } from "../../../../../components/aws/fleet/secrets.ts";
import type { AwsVpnFleetArgs } from "../../../../../components/aws/index.ts";
import { pemIdentity } from "../../pem-identity.ts";
import { untilDeclared } from "../mocked-aws.ts";
import { FleetStage, secretIn, valueOf } from "./fleet-stage.ts";

let stage: FleetStage;
before(async () => {
  stage = await FleetStage.set();
});

describe("the arguments of an AwsVpnFleet", () => {
  test("certificate and privateKey take the place of those that are made", async () => {
    const { certificate, privateKey } = await pemIdentity("CN=vpn.example");
    const { fleet, child, names } = await stage.declare("own-identity", {
      certificate: pulumi.output(certificate),
      privateKey: pulumi.secret(privateKey),
      publicHost: "vpn.example",
    });
    assert.equal(
      String(secretIn(child("identity-version")["secretString"])["certificate"]).trimEnd(),
      certificate,
    );
    assert.equal(names.includes("certificate"), false);
    assert.equal((await valueOf(fleet.certificate)).trimEnd(), certificate);
    assert.equal(await valueOf(fleet.address), "vpn.example");
    assert.deepEqual(await valueOf(fleet.endpoints), [
      "vpn.example:443",
      "vpn.example:992",
      "vpn.example:5555",
    ]);
  });

  test("minInstances, maxInstances and scaling are how many there may be", async () => {
    const sizes = async (name: string, args: AwsVpnFleetArgs) => {
      const { child, names } = await stage.declare(name, args);
      const { minSize, maxSize, minElbCapacity, desiredCapacity } = child("group");
      return [minSize, maxSize, minElbCapacity, desiredCapacity, names.includes("scaling")];
    };
    assert.deepEqual(await sizes("five", { minInstances: 5 }), [5, 5, 5, undefined, false]);
    const scaling = { networkOutMbps: 80 };
    assert.deepEqual(await sizes("grows", { scaling }), [2, 6, 2, undefined, true]);
    assert.deepEqual(await sizes("bounded", { scaling, minInstances: 1, maxInstances: 4 }), [
      1,
      4,
      1,
      undefined,
      true,
    ]);
  });

  test("scaling by the network is by the bytes of a minute, which are measured then", async () => {
    const { child } = await stage.declare("by-network", { scaling: { networkOutMbps: 80 } });
    assert.deepEqual(child("scaling"), {
      autoscalingGroupName: "by-network-group-1234567",
      policyType: "TargetTrackingScaling",
      targetTrackingConfiguration: {
        predefinedMetricSpecification: { predefinedMetricType: "ASGAverageNetworkOut" },
        targetValue: 600_000_000,
      },
    });
    assert.deepEqual(child("launch-template")["monitoring"], { enabled: true });
    assert.equal(child("group")["enabledMetrics"], undefined);
  });

  test("scaling by connections is by those of the load balancer for each instance", async () => {
    const { child } = await stage.declare("by-connections", { scaling: { connectionsPerInstance: 300 } });
    const metric = (id: string, namespace: string, metricName: string, name: string, value: string) => ({
      id,
      metricStat: { metric: { dimensions: [{ name, value }], metricName, namespace }, stat: "Average" },
      returnData: false,
    });
    assert.deepEqual(child("scaling")["targetTrackingConfiguration"], {
      customizedMetricSpecification: {
        metrics: [
          metric(
            "connections",
            "AWS/NetworkELB",
            "ActiveFlowCount_TCP",
            "LoadBalancer",
            "net/by-connections-load-balancer/1",
          ),
          metric(
            "instances",
            "AWS/AutoScaling",
            "GroupInServiceInstances",
            "AutoScalingGroupName",
            "by-connections-group-1234567",
          ),
          {
            id: "each",
            expression: "connections / instances",
            label: "connections per instance",
            returnData: true,
          },
        ],
      },
      targetValue: 300,
    });
    assert.deepEqual(child("group")["enabledMetrics"], ["GroupInServiceInstances"]);
    assert.equal(child("group")["metricsGranularity"], "1Minute");
    assert.deepEqual(child("launch-template")["monitoring"], { enabled: false });
  });

  test("minHealthyPercentage is how many serve while all are replaced", async () => {
    const { child } = await stage.declare("careless", { minHealthyPercentage: pulumi.output(50) });
    const { preferences } = child("group")["instanceRefresh"] as { preferences: object };
    assert.deepEqual(preferences, {
      autoRollback: true,
      maxHealthyPercentage: 100,
      minHealthyPercentage: 50,
      skipMatching: true,
    });
  });

  test("those of the load balancer are told to it", async () => {
    const { child } = await stage.declare("balanced", {
      drainSeconds: 0,
      stickyAddresses: false,
      crossZone: false,
      terminationProtection: true,
      forceDestroy: false,
      listeners: [8443],
    });
    const target = child("target-8443");
    assert.deepEqual(
      [target["deregistrationDelay"], target["stickiness"]],
      [0, { enabled: false, type: "source_ip" }],
    );
    assert.equal(child("load-balancer")["enableCrossZoneLoadBalancing"], false);
    assert.equal(child("load-balancer")["enableDeletionProtection"], true);
    assert.equal(child("releases")["forceDestroy"], false);
    assert.equal(child("listener-8443")["port"], 8443);
  });

  test("instanceType and image decide what the instances begin with, and it is remembered for both", async () => {
    const { fleet, child, names } = await stage
      .declare("arm", {
        instanceType: "t4g.small",
        image: "ubuntu-24.04",
      })
      .catch((error: unknown) => {
        throw error;
      });
    assert.ok(names.includes("ubuntu-24.04-arm64"));
    assert.deepEqual(stage.options.get("arm-ubuntu-24.04-arm64")?.ignorechangesList, ["input"]);
    const ami = "ami-of/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id";
    assert.equal(child("launch-template")["imageId"], ami);
    assert.equal(await valueOf(fleet.ami), ami);
    assert.equal(child("release")["key"], `vpnserver/${"b".repeat(64)}.gz`);
  });

  test("updateImage follows the newest image, and ami takes the place of both", async () => {
    const newest = await stage.declare("newest", { updateImage: true });
    assert.equal(
      newest.names.some((suffix) => suffix.startsWith("debian")),
      false,
    );
    assert.equal(
      newest.child("launch-template")["imageId"],
      "ami-of/aws/service/debian/release/13/latest/amd64",
    );
    const own = await stage.declare("own-image", { ami: "ami-own" });
    assert.equal(own.child("launch-template")["imageId"], "ami-own");
    const asked = stage.aws.calls.filter(({ token }) => token === "aws:ec2/getAmi:getAmi").at(-1);
    assert.deepEqual(asked?.inputs, {
      filters: [{ name: "image-id", values: ["ami-own"] }],
      includeDeprecated: true,
    });
  });

  test("subnetIds are where the fleet is; without them there is one in each zone of the VPC", async () => {
    const given = await stage.declare("placed", { subnetIds: ["subnet-w2", "subnet-w1"] });
    assert.deepEqual(given.child("group")["vpcZoneIdentifiers"], ["subnet-w2", "subnet-w1"]);
    assert.deepEqual(given.child("load-balancer")["subnets"], ["subnet-w2", "subnet-w1"]);
    assert.equal(given.child("target-443")["vpcId"], "vpc-wide");
    assert.equal(given.names.includes("subnets"), false);
    const chosen = await stage.declare("wide", { vpcId: "vpc-wide" });
    assert.deepEqual(chosen.child("load-balancer")["subnets"], ["subnet-w1", "subnet-w2"]);
  });

  test("region is told to everything that is of a region, and to every question", async () => {
    const before = stage.aws.calls.length;
    const { names } = await stage.declare("far", {
      region: "eu-north-1",
      sessionManager: true,
      scaling: { networkOutMbps: 1 },
    });
    for (const suffix of names) {
      const { type, inputs } = stage.aws.resources.get(`far-${suffix}`) ?? { type: "", inputs: {} };
      if (!type.startsWith("aws:")) continue;
      assert.equal(inputs["region"], type.startsWith("aws:iam") ? undefined : "eu-north-1", suffix);
    }
    const asked = stage.aws.calls.slice(before);
    assert.ok(asked.length > 5);
    for (const { token, inputs } of asked) assert.equal(inputs["region"], "eu-north-1", token);
  });

  test("tags are on everything that takes them, instances and volumes among them", async () => {
    const { child, names } = await stage.declare("tagged", {
      tags: { team: "network" },
      sessionManager: true,
    });
    const untagged = [
      "release",
      "releases-access",
      "identity-version",
      "state-version",
      "boot-policy",
      "role-policy",
    ];
    for (const suffix of names) {
      const { type, inputs } = stage.aws.resources.get(`tagged-${suffix}`) ?? { type: "", inputs: {} };
      if (!type.startsWith("aws:") || untagged.includes(suffix) || suffix === "group") continue;
      assert.deepEqual(inputs["tags"], { Name: `tagged-${suffix}`, team: "network" }, suffix);
    }
    assert.deepEqual(child("group")["tags"], [
      { key: "Name", propagateAtLaunch: false, value: "tagged-group" },
      { key: "team", propagateAtLaunch: false, value: "network" },
    ]);
    const specifications = child("launch-template")["tagSpecifications"] as { tags: object }[];
    for (const { tags } of specifications) assert.equal((tags as Record<string, string>)["team"], "network");
  });

  test("sessionManager adds that one policy to the role", async () => {
    const { child } = await stage.declare("managed", { sessionManager: true });
    assert.deepEqual(child("role-policy"), {
      role: "managed-role-1234567",
      policyArn: "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
    });
    assert.equal((await stage.declare("unmanaged")).names.includes("role-policy"), false);
  });

  test("may be null where they may be left out, as some languages say so", async () => {
    const names = [
      "subnetIds",
      "vpcId",
      "region",
      "users",
      "hubs",
      "image",
      "scaling",
      "certificate",
      "privateKey",
    ];
    const more = ["adminPassword", "publicHost", "minInstances", "maxInstances", "tags"];
    const nothing = Object.fromEntries([...names, ...more].map((name) => [name, null]));
    const { child } = await stage.declare("nulls", nothing);
    assert.equal(child("group")["minSize"], 2);
    assert.equal("region" in child("group"), false);
  });
});

describe("wrong arguments of an AwsVpnFleet", () => {
  test("are told all at once, each by its name", () => {
    assert.equal(
      stage
        .refused({
          sshFrom: ["203.0.113.7/32"],
          importFrom: "/usr/local/vpnserver",
          instanceTyp: "t3.small",
          vpnFrom: [],
          listeners: [],
          image: "debian-11",
          ami: "ami-1",
          minInstances: 3,
          maxInstances: 2,
          minHealthyPercentage: 101,
          drainSeconds: "300",
          subnetIds: [],
          vpcId: "vpc-1",
          users: [],
          hubs: [],
          publicHost: "vpn.example:443",
          tags: { "aws:team": "x" },
          scaling: { networkOutMbps: 1.5, connections: 4 },
        })
        .replace(/; known here are .*|\? Known here are .*/g, "?"),
      `AwsVpnFleet "wrong": the arguments have 17 problems:
  sshFrom and connection have no place in a fleet, whose instances nobody dials: for servers that are reached over SSH take AwsVpnServer, or VpnFleet
  importFrom has no place in a fleet, whose instances all begin alike: declare what was there as hubs
  instanceTyp is not known: did you mean instanceType?
  listeners is an empty list: leave it out to have 443, 992 and 5555
  image is "debian-11": one of "debian-12", "debian-13", "ubuntu-22.04", "ubuntu-24.04", "amazon-linux-2023" is needed
  minHealthyPercentage is 101: a whole number from 0 to 100 is needed
  drainSeconds is "300": a whole number from 0 to 3600 is needed, without quotes: 300
  subnetIds is an empty list: leave it out to have subnets chosen
  publicHost is "vpn.example:443", with a port: give the host, "vpn.example", alone; the ports are those of listeners
  tags: the name "aws:team" begins with "aws:", which is AWS's own
  scaling.connections is not known: known here are networkOutMbps, connectionsPerInstance
  scaling.networkOutMbps is 1.5: a whole number from 1 to 100000 is needed
  vpnFrom is an empty list: nobody could connect; leave it out for clients from everywhere
  users and hubs are both given: users is short for the hub DEFAULT, so write it into hubs
  ami and image are both given: leave one out
  maxInstances is 2, less than minInstances (3)
  vpcId and subnetIds are both given: the subnets tell the VPC, so leave vpcId out`,
    );
  });

  for (const [args, problem] of [
    [{ maxInstances: 5 }, /maxInstances is 5, and nothing makes the group grow: say when by scaling/],
    [{ scaling: {} }, /scaling is empty: networkOutMbps or connectionsPerInstance is needed/],
    [{ scaling: 200 }, /scaling is 200: an object with networkOutMbps or connectionsPerInstance is needed/],
    [
      { scaling: { networkOutMbps: 1, connectionsPerInstance: 1 } },
      /scaling has networkOutMbps and connectionsPerInstance: the group follows one of them/,
    ],
    [
      { listeners: Array.from({ length: 51 }, (_, index) => 1000 + index) },
      /listeners has 51 ports: a load balancer has at most 50 listeners/,
    ],
    [{ listeners: [0] }, /listeners\[0\] is 0: a TCP port/],
    [{ vpnFrom: ["203.0.113.7"] }, /for it alone give "203\.0\.113\.7\/32"/],
    [{ minInstances: pulumi.output(2) }, /minInstances is an Output: it decides which resources there are/],
    [{ connection: {} }, /sshFrom and connection have no place in a fleet/],
    [{ users: "alice" }, /users is a text: a list of hubs is needed/],
    [{ transform: {} }, /transform is no argument: it belongs to the options/],
  ] as const) {
    test(`such as ${Object.keys(args).join(" and ")} are refused`, () => {
      assert.match(stage.refused(args), problem);
    });
  }

  test("such as come later are refused when they are there", async () => {
    const refusing = <R>(work: () => R): R => {
      try {
        return work();
      } catch (error) {
        throw new Error(`exit: ${(error as Error).message}`, { cause: error });
      }
    };
    const later = (name: "image" | "drainSeconds" | "subnetIds", value: pulumi.Input<unknown>) =>
      valueOf(pulumi.recover(checkFleetLater(name, value, refusing) as pulumi.Output<unknown>, String));
    assert.match(String(await later("drainSeconds", pulumi.output(-1))), /^Error: exit: drainSeconds is -1/);
    assert.match(String(await later("subnetIds", Promise.resolve([]))), /subnetIds is an empty list/);
    assert.equal(await later("image", pulumi.output("debian-12")), "debian-12");
  });

  test("such as are more than a secret holds are refused", () => {
    assert.throws(() => checkSize("hubs", "ü".repeat(32_769)), {
      message:
        /^hubs takes 65538 bytes as JSON, and a secret of Secrets Manager holds 65536: make several fleets/,
    });
    assert.equal(checkSize("hubs", "x".repeat(65_536)).length, 65_536);
  });

  test("such as open the metadata service to users are refused", () => {
    const problemsOf = (...openNetworks: string[]) =>
      metadataProblems([
        { name: "A" },
        { name: "B", secureNat: { openNetworks } },
        { name: "C", secureNat: true },
      ]);
    assert.deepEqual(problemsOf("127.0.0.0/8", "169.254.0.0/24", "169.254.169.253/32", "fd00::/64"), []);
    for (const [open, reached] of [
      ["169.254.169.254/32", "169.254.169.254"],
      ["169.254.0.0/16", "169.254.169.254"],
      ["0.0.0.0/0", "169.254.169.254"],
      ["fd00:ec2::/32", "fd00:ec2::254"],
      ["::/0", "fd00:ec2::254"],
    ] as const) {
      assert.deepEqual(problemsOf("127.0.0.1/32", open), [
        `hubs[1].secureNat.openNetworks has "${open}", by which users reach ${reached}: an instance of a fleet gets there what it ` +
          "reads all passwords and the private key by, so leave it closed",
      ]);
    }
  });

  test("such as lead to no subnet are refused", () => {
    assert.throws(() => oneInEachZone([], "vpc-1", "t3.small"), {
      message:
        "the VPC vpc-1 has no public subnet in a zone that has t3.small: give subnetIds, or another instanceType",
    });
  });

  test("unknown values of a preview crash nothing", async () => {
    const unknown = () => pulumi.output(pulumi.unknown as never);
    new stage.components.AwsVpnFleet("unknown", {
      users: unknown(),
      instanceType: unknown(),
      subnetIds: unknown(),
      ami: unknown(),
      publicHost: unknown(),
      drainSeconds: unknown(),
      minHealthyPercentage: unknown(),
      certificate: unknown(),
      privateKey: unknown(),
      tags: { team: unknown() },
    });
    await untilDeclared(stage.aws.resources, ["unknown-group", "unknown-state-version"]);
  });
});

describe("the transform of an AwsVpnFleet", () => {
  test("changes any argument and option of a child, and the rest stays", async () => {
    const { child } = await stage.declare(
      "changed",
      {},
      {
        transform: {
          launchTemplate: () => ({ args: { instanceMarketOptions: { marketType: "spot" } } }),
          loadBalancer: ({ opts }) => ({ args: { internal: true }, opts: { ...opts, protect: true } }),
          secret: ({ name }) =>
            name === "changed-state" ? { args: { recoveryWindowInDays: 7 } } : undefined,
        },
      },
    );
    assert.deepEqual(child("launch-template")["instanceMarketOptions"], { marketType: "spot" });
    assert.deepEqual(child("load-balancer")["internal"], true);
    assert.equal(child("load-balancer")["loadBalancerType"], "network");
    assert.equal(stage.options.get("changed-load-balancer")?.protect, true);
    assert.deepEqual(stage.options.get("changed-load-balancer")?.ignorechangesList, ["namePrefix"]);
    assert.equal(child("state")["recoveryWindowInDays"], 7);
    assert.equal(child("identity")["recoveryWindowInDays"], 0);
  });

  test("is refused for a child that there is not", () => {
    assert.match(
      stage.refused({}, { transform: { keyPair: () => undefined } as never }),
      /^AwsVpnFleet "wrong": transform\.keyPair is not known: the children are securityGroup, .*, scalingPolicy$/,
    );
  });
});
