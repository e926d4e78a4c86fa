import "../lean-pulumi.ts";
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { mockAws, untilDeclared, type MockedAws } from "./mocked-aws.ts";
let aws: MockedAws;
before(async () => { aws = await mockAws(); });
test("x", async () => {
  const { AwsVpnServer } = await import("../../../../components/aws/index.ts");
  const s = new AwsVpnServer("edge", { sshFrom: ["203.0.113.7/32"], users: [{ name: "alice", password: "secret" }] });
  await untilDeclared(aws.resources, ["edge-server-repair", "edge-server-hubs"]);
  for (const [k, v] of aws.resources) console.log(k, JSON.stringify(v).slice(0, 900));
  console.log(JSON.stringify(aws.calls, null, 1));
});
