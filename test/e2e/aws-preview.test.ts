import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Cloud } from "../lab/aws/cloud.ts";
import { Lab } from "../lab/lab.ts";
import { assertSucceeded } from "./support/deployment.ts";
import { exampleStack } from "./support/example.ts";
import { Stack } from "./support/stack.ts";

const policyPack = join(import.meta.dirname, "../../policy");

describe("a preview on AWS", () => {
  let lab: Lab;
  let cloud: Cloud;

  before(async () => {
    lab = await Lab.create();
    cloud = await Cloud.create(lab);
  });
  after(async () => {
    await cloud?.dispose();
    await lab?.dispose();
  });

  test("of the example aws-fleet shows what it would make of a group that grows", async () => {
    await using stack = await exampleStack("aws-fleet", {
      ...{ lab, env: cloud.environment, pulumiHome: cloud.pulumiHome },
      config: { "aws:region": "eu-central-1" },
      secrets: { alicePassword: "correct horse battery staple" },
    });
    const preview = await stack.preview();
    assertSucceeded(preview);
    const made = preview.events.flatMap(({ resourcePreEvent }) => resourcePreEvent?.metadata ?? []);
    const ofGroup = made.filter(({ type }) => /^aws:(autoscaling|lb\/loadBalancer)/.test(type));
    assert.deepEqual(ofGroup.map(({ op, type }) => `${op} ${type}`).sort(), [
      "create aws:autoscaling/group:Group",
      "create aws:autoscaling/policy:Policy",
      "create aws:lb/loadBalancer:LoadBalancer",
    ]);
  });

  test("is refused by the policy pack where SSH is open to the world, whatever the stack allows, and passes where it is not", async () => {
    const server = (sshFrom: string[]) => ({ edge: { sshFrom, allowSshFromAnywhere: true } });
    await using stack = await Stack.create({
      ...{ lab, env: cloud.environment, pulumiHome: cloud.pulumiHome },
      config: {
        "aws:region": "eu-central-1",
        "vpnserver:aws": server(["203.0.113.7/32", "0.0.0.0/0", "::/0"]),
      },
    });
    assertSucceeded(await stack.preview());
    const open = await stack.preview({ policyPack });
    assert.notEqual(open.code, 0);
    const violations = open.stdout.split("\n").filter((line) => line.includes("[mandatory]"));
    assert.equal(violations.length, 2, open.stdout);
    for (const line of violations) assert.match(line, /ssh-open-to-the-world/);
    assert.match(open.stdout, /0\.0\.0\.0\/0/);
    assert.match(open.stdout, /::\/0/);

    await stack.setConfig("vpnserver:aws", server(["203.0.113.7/32"]));
    assertSucceeded(await stack.preview({ policyPack }));
  });
});
