import "../lean-pulumi.ts";
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { checkLater } from "../../../../components/aws/aws-server-arguments.ts";
import { checkedTags } from "../../../../components/aws/tags.ts";
import { subnetAmong } from "../../../../components/aws/placement.ts";
import { declaredServers, sshFrom, type DeclaredServers } from "./declared-servers.ts";
import { untilDeclared } from "./mocked-aws.ts";

let servers: DeclaredServers;
before(async () => {
  servers = await declaredServers();
});
const refused: DeclaredServers["refused"] = (...args) => servers.refused(...args);

describe("wrong arguments of an AwsVpnServer", () => {
  test("are told all at once, each by its name", () => {
    assert.equal(
      refused({
        sshFrom: ["0.0.0.0/0", "203.0.113.7"],
        vpnFrom: [],
        instanceTyp: "t3.small",
        image: "debian-11",
        ami: "ami-1",
        stateVolumeGiB: 0,
        listeners: [0],
        users: [],
        hubs: [],
        mode: "user",
        stateDirectory: "~/state",
        tags: { "aws:team": "x", size: 1 },
        publicHost: "vpn.example:443",
        connection: {},
      }).replace(/; known here are .*|\? Known here are .*/, "?"),
      `AwsVpnServer "wrong": the arguments have 16 problems:
  connection is made here: the key pair, the host key and the address are the instance's. For a host that is there, take VpnServer
  instanceTyp is not known: did you mean instanceType?
  sshFrom[1] is "203.0.113.7", an address: for it alone give "203.0.113.7/32"
  image is "debian-11": one of "debian-12", "debian-13", "ubuntu-22.04", "ubuntu-24.04", "amazon-linux-2023" is needed
  stateVolumeGiB is 0: a whole number from 1 to 16384 is needed
  listeners[0] is 0: a TCP port from 1 to 65535 is needed
  mode is "user": the instance is made for the server, which is a service there. Leave mode out; for user mode take VpnServer
  stateDirectory is "~/state": it is where a volume is mounted, so an absolute path of letters, digits, ".", "_" and "-" is needed
  tags: the name "aws:team" begins with "aws:", which is AWS's own
  tags: the value of "size" is 1: a text is needed
  publicHost is "vpn.example:443", with a port: give the host, "vpn.example", alone; the ports are those of listeners
  sshFrom has 0.0.0.0/0, by which everybody could try to log in: give the networks from which "pulumi up" is run, or say allowSshFromAnywhere: true
  vpnFrom is an empty list: nobody could connect; leave it out for clients from everywhere
  users and hubs are both given: users is short for the hub DEFAULT, so write it into hubs
  ami and image are both given: leave one out
  loginUser is missing, and ami is given: name the user who may log in there, such as "admin"`,
    );
  });

  test("SSH is open to nobody by default, and to everybody only in words", async () => {
    for (const missing of [undefined, null, []]) {
      assert.match(
        refused({ sshFrom: missing }),
        /sshFrom is (missing|an empty list): give the networks from which/,
      );
    }
    assert.match(refused({ sshFrom: ["::/0"] }), /sshFrom has ::\/0, by which everybody/);
    assert.match(refused({ sshFrom: ["::/0"], allowSshFromAnywhere: false }), /sshFrom has ::\/0/);
    for (const everybody of [["0.0.0.0/1", "128.0.0.0/1"], ["2000::/3"], ["0.0.0.0/2"], ["64.0.0.0/7"]]) {
      assert.match(refused({ sshFrom: everybody }), /sshFrom has .*, by which everybody/, everybody.join());
    }
    await servers.declare("wide", { sshFrom: ["10.0.0.0/8", "17.0.0.0/8", "2001:db8::/32", "fc00::/7"] });
    const { names } = await servers.declare("open", {
      sshFrom: ["0.0.0.0/0", "::/0"],
      allowSshFromAnywhere: true,
    });
    assert.deepEqual(names.filter((suffix) => suffix.startsWith("ssh-from")).sort(), [
      "ssh-from-any-ipv4",
      "ssh-from-any-ipv6",
    ]);
  });

  for (const [args, problem] of [
    [{ loginUser: "core" }, /loginUser belongs to ami/],
    [{ subnetId: "subnet-1", vpcId: "vpc-1" }, /vpcId and subnetId are both given/],
    [{ sessionManager: true, instanceProfile: "mine" }, /sessionManager and instanceProfile are both given/],
    [{ sshFrom: pulumi.output(sshFrom) }, /sshFrom is an Output: it decides which resources there are/],
    [{ listeners: Promise.resolve([443]) }, /listeners is an Output/],
    [{ healthTimeoutSeconds: 1 }, /healthTimeoutSeconds is 1: a whole number from 5 to 600 is needed/],
    [{ tags: "x" }, /tags is "x": an object of texts is needed/],
    [{ tags: { "": "x" } }, /tags: the name empty has 0 characters: 1 to 128 are needed/],
    [{ tags: { ["x".repeat(129)]: "x" } }, /has 129 characters: 1 to 128 are needed/],
    [{ tags: { team: "x".repeat(257) } }, /the value of "team" has 257 characters: AWS takes 256 at most/],
    [
      { tags: Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`tag${index}`, "x"])) },
      /tags has 50 of them: AWS takes 50 for each resource, one of which is "Name"/,
    ],
    [
      { sessionManager: true, tags: { team: "R&D" } },
      /tags: the value of "team" is "R&D": letters, digits, blanks and "_\.:\/=\+-@" are needed/,
    ],
    [
      { sessionManager: true, tags: { name: "x" } },
      /tags has "Name" and "name", which IAM takes for the same/,
    ],
    [{ transform: {} }, /transform is no argument: it belongs to the options/],
  ] as const) {
    test(`such as ${Object.keys(args).join(" and ")} are refused`, () => {
      assert.match(refused({ sshFrom, ...args }), problem);
    });
  }

  test("such as come later are refused when they are there", async () => {
    const refusing = (work: () => unknown) => {
      try {
        return work() as never;
      } catch (error) {
        throw new Error(`edge: ${(error as Error).message}`, { cause: error });
      }
    };
    const later = (name: "image" | "stateVolumeGiB", value: pulumi.Input<unknown>) =>
      promiseOf(
        pulumi.recover(checkLater(name, value, refusing) as pulumi.Output<unknown>, (error) => String(error)),
      );
    assert.match(
      String(await later("image", pulumi.output("debian-11"))),
      /^Error: edge: image is "debian-11": one of/,
    );
    assert.match(String(await later("stateVolumeGiB", Promise.resolve("8"))), /without quotes: 8$/);
    assert.equal(await later("image", pulumi.output("debian-12")), "debian-12");
  });

  test("tags that come later are refused when they are there", async () => {
    const later = (tags: Record<string, string>) => {
      const checked: pulumi.Output<unknown> = checkedTags(pulumi.output(tags), (work) => work());
      return promiseOf(pulumi.recover(checked, (error) => String(error)));
    };
    assert.match(String(await later({ "aws:team": "x" })), /tags: the name "aws:team" begins with/);
    assert.deepEqual(await later({ team: "x" }), { team: "x" });
  });

  test("such as lead to no subnet are refused", () => {
    assert.equal(subnetAmong(["subnet-b", "subnet-a"], "vpc-1", "t3.small"), "subnet-a");
    assert.throws(() => subnetAmong([], "vpc-1", "t3.small"), {
      message:
        "the VPC vpc-1 has no public subnet in a zone that has t3.small: give subnetId, or another instanceType",
    });
  });

  test("unknown values of a preview crash nothing", async () => {
    const unknown = () => pulumi.output(pulumi.unknown as never);
    const server = new servers.components.AwsVpnServer("unknown", {
      sshFrom,
      instanceType: unknown(),
      subnetId: unknown(),
      ami: unknown(),
      loginUser: unknown(),
      stateVolumeGiB: unknown(),
      publicHost: unknown(),
      tags: { team: unknown() },
    });
    await untilDeclared(servers.aws.resources, ["unknown-server-repair", "unknown-instance"]);
    assert.ok(server);
  });
});

function promiseOf<T>(output: pulumi.Output<T>): Promise<T> {
  return (output as unknown as { promise(): Promise<T> }).promise();
}
