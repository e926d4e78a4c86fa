import "../../lean-pulumi.ts";
import { test } from "node:test";
import { mockAws, untilDeclared } from "../mocked-aws.ts";
test("smoke", async () => {
  const aws = await mockAws();
  const { AwsVpnFleet } = await import("../../../../../components/aws/index.ts");
  const fleet = new AwsVpnFleet("exit", { users: [{ name: "alice", password: "secret" }] });
  await untilDeclared(aws.resources, ["exit-group"]).catch(e => console.log(e));
  for (const [name, r] of aws.resources) console.log(name, r.type, JSON.stringify(r.inputs).slice(0, 1500));
});
