import "../components/lean-pulumi.ts";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { configReader, host, valueOf } from "./read-config.ts";

const { file, readAll, problemsOf } = configReader();

describe("servers on AWS", () => {
  const edge = { sshFrom: ["203.0.113.7/32"] };
  const users = [{ name: "alice", password: "hidden" }];

  test("stand beside hosts or alone, and take the options for all that are not about a host", async () => {
    const common = {
      adminPassword: "hidden",
      listeners: [443],
      mode: "user",
      directory: "/srv/vpn",
      importFrom: "/old",
    };
    const { hosts, aws } = readAll({
      hosts: [host],
      aws: { edge, west: { ...edge, listeners: [5555] } },
      ...common,
    });
    assert.deepEqual(Object.keys(hosts?.servers ?? {}), ["office"]);
    assert.deepEqual(Object.keys(aws), ["edge", "west"]);
    assert.deepEqual(Object.keys(aws["edge"] ?? {}).sort(), ["adminPassword", "listeners", "sshFrom"]);
    assert.equal(await valueOf(aws["edge"]?.adminPassword), "hidden");
    assert.deepEqual(aws["west"]?.listeners, [5555]);
    assert.equal(readAll({ aws: { edge } }).hosts, undefined);
  });

  test("have users or hubs as secrets, and users instead of the hubs for all", async () => {
    const hubs = [{ name: "ALL" }];
    const { aws } = readAll({
      hubs,
      aws: { edge: { ...edge, users }, west: edge, own: { ...edge, hubs: [{ name: "OWN" }] } },
    });
    assert.ok(!("hubs" in (aws["edge"] ?? {})));
    assert.equal(await pulumi.isSecret(aws["edge"]?.users as pulumi.Output<unknown>), true);
    assert.deepEqual(await valueOf(aws["edge"]?.users), users);
    assert.deepEqual(await valueOf(aws["west"]?.hubs), hubs);
    assert.deepEqual(await valueOf(aws["own"]?.hubs), [{ name: "OWN" }]);
    assert.equal(await pulumi.isSecret(aws["own"]?.hubs as pulumi.Output<unknown>), true);
  });

  test("name every wrong key and value at once, with the nearest right one, and no secret", () => {
    const message = problemsOf({
      aws: {
        edge: { sshFrom: ["0.0.0.0/0"], instanceTyp: "t3.small", image: "debian-11", mode: "user" },
        west: { users: [{ name: "bob", pasword: "hidden" }], hubs: [], tags: "a", privateKey: "hidden" },
        east: "here",
        "a b": edge,
      },
    });
    assert.match(
      message,
      /- aws\.edge\.instanceTyp is not known: did you mean instanceType\? Known here are/,
    );
    assert.match(message, /- aws\.edge\.sshFrom has 0\.0\.0\.0\/0, by which everybody could try to log in/);
    assert.match(message, /- aws\.edge\.image is "debian-11": one of "debian-12", "debian-13"/);
    assert.match(message, /- aws\.edge\.mode is "user": the instance is made for the server/);
    assert.match(message, /- aws\.west\.sshFrom is missing: give the networks/);
    assert.match(message, /- aws\.west\.users and hubs are both given/);
    assert.match(
      message,
      /- aws\.west\.users\[0\]\.pasword \(user "bob" of hub "DEFAULT"\): is not known .*Did you mean password\?/,
    );
    assert.match(message, /- aws\.west\.tags is "a": an object of texts is needed/);
    assert.match(message, /- aws\.west\.privateKey is not known/);
    assert.match(message, /- aws\.east is "here": an object with sshFrom is needed/);
    assert.match(message, /- aws has a server of the name "a b": a name of up to 63/);
    assert.doesNotMatch(message, /hidden/);
  });

  test("cannot have the name of a host, be none, or be a list", () => {
    assert.match(
      problemsOf({ hosts: [host], aws: { office: edge } }),
      /- aws\.office has the name of a host/,
    );
    assert.match(
      problemsOf({ aws: {} }),
      /- fleet:aws is an empty object: .*\n.*config set --path 'fleet:aws\.edge\.sshFrom\[0\]'/,
    );
    assert.match(problemsOf({ hosts: [host], aws: [edge] }), /- fleet:aws is a list: an object of servers/);
  });

  test("read hubs and certificates from files", async () => {
    const hubsFile = file("aws-hubs.json", [{ name: "FILE" }]);
    const { aws } = readAll({ aws: { edge: { ...edge, hubsFile } } });
    assert.deepEqual(await valueOf(aws["edge"]?.hubs), [{ name: "FILE" }]);
    assert.ok(!("hubsFile" in (aws["edge"] ?? {})));
    assert.match(
      problemsOf({ aws: { edge: { ...edge, users, hubsFile } } }),
      /- aws\.edge\.users and hubs are both given/,
    );
    assert.match(
      problemsOf({ aws: { edge: { ...edge, certificateFile: "nowhere" } } }),
      /- aws\.edge\.certificateFile is "nowhere"/,
    );
  });
});

describe("fleets on AWS", () => {
  const users = [{ name: "alice", password: "hidden" }];

  test("stand beside servers or alone, and take those options for all that a fleet has", async () => {
    const common = { adminPassword: "hidden", listeners: [443], mode: "auto", openFirewall: false };
    const { hosts, aws, awsFleets } = readAll({
      hosts: [host],
      awsFleets: { exit: {}, wide: { minInstances: 3, listeners: [5555], users } },
      ...common,
    });
    assert.deepEqual(Object.keys(hosts?.servers ?? {}), ["office"]);
    assert.deepEqual(aws, {});
    assert.deepEqual(Object.keys(awsFleets["exit"] ?? {}).sort(), ["adminPassword", "listeners"]);
    assert.equal(await valueOf(awsFleets["exit"]?.adminPassword), "hidden");
    assert.deepEqual(awsFleets["wide"]?.listeners, [5555]);
    assert.equal(awsFleets["wide"].minInstances, 3);
    assert.equal(await pulumi.isSecret(awsFleets["wide"].users as pulumi.Output<unknown>), true);
    assert.equal(readAll({ awsFleets: { exit: {} } }).hosts, undefined);
  });

  test("have the hubs for all, or their own from a file, or users", async () => {
    const hubs = [{ name: "ALL" }];
    const hubsFile = file("fleet-hubs.json", [{ name: "FILE" }]);
    const { awsFleets } = readAll({ hubs, awsFleets: { all: {}, own: { hubsFile }, short: { users } } });
    assert.deepEqual(await valueOf(awsFleets["all"]?.hubs), hubs);
    assert.deepEqual(await valueOf(awsFleets["own"]?.hubs), [{ name: "FILE" }]);
    assert.ok(!("hubs" in (awsFleets["short"] ?? {})));
  });

  test("name every wrong key and value at once, and why what is of a host has no place", () => {
    const message = problemsOf({
      awsFleets: {
        exit: {
          minInstance: 2,
          maxInstances: 9,
          scaling: { networkOutMbps: 0 },
          sshFrom: ["203.0.113.7/32"],
        },
        west: { users: [{ name: "bob", pasword: "hidden" }], mode: "service", privateKey: "hidden" },
        east: 2,
        "a b": {},
      },
    });
    assert.match(message, /- awsFleets\.exit\.minInstance is not known: did you mean minInstances\?/);
    assert.match(message, /- awsFleets\.exit\.scaling\.networkOutMbps is 0: a whole number from 1/);
    assert.match(message, /- awsFleets\.exit\.sshFrom and connection have no place in a fleet/);
    assert.doesNotMatch(message, /sshFrom is not known/);
    assert.match(
      message,
      /- awsFleets\.west\.users\[0\]\.pasword \(user "bob" of hub "DEFAULT"\): is not known/,
    );
    assert.match(message, /- awsFleets\.west\.mode is not known/);
    assert.match(message, /- awsFleets\.west\.privateKey is not known/);
    assert.match(message, /- awsFleets\.east is 2: an object such as \{ minInstances: 2 \} is needed/);
    assert.match(message, /- awsFleets has a fleet of the name "a b": a name of up to 63/);
    assert.doesNotMatch(message, /hidden/);
  });

  test("cannot have the name of a host or of a server, be none, or be a list", () => {
    const aws = { edge: { sshFrom: ["203.0.113.7/32"] } };
    const message = problemsOf({ hosts: [host], aws, awsFleets: { office: {}, edge: {} } });
    assert.match(message, /- awsFleets\.office has the name of a host: give each its own/);
    assert.match(message, /- awsFleets\.edge has the name of a server of aws: give each its own/);
    assert.match(
      problemsOf({ awsFleets: {} }),
      /- fleet:awsFleets is an empty object: .*\n.*config set --path 'fleet:awsFleets\.exit\.minInstances' 2/,
    );
    assert.match(problemsOf({ aws, awsFleets: [{}] }), /- fleet:awsFleets is a list: an object of fleets/);
  });
});
