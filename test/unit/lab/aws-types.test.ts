import assert from "node:assert/strict";
import { test } from "node:test";
import { findFailures } from "../../lab/aws/types/type-check.ts";
import { loadTypeTable } from "../../lab/aws/types/type-table.ts";

const token = "aws:ec2/instance:Instance";
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

test("values are held against the declarations of @pulumi/aws, and each mistake is named", async () => {
  const types = await loadTypeTable([
    token,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "aws:index/getRegion:getRegion",
  ]);
  const reasons = (values: Record<string, unknown>, of = token) =>
    findFailures(values, types.members[of]?.inputs ?? {}, of, types).map(
      ({ property, reason }) => `${property}: ${reason}`,
    );

  assert.deepEqual(
    reasons({
      ami: "ami-1",
      instanceType: unknown,
      tags: { Name: "edge" },
      vpcSecurityGroupIds: ["sg-1", unknown],
      rootBlockDevice: { encrypted: true, volumeSize: 8 },
      metadataOptions: unknown,
    }),
    [],
  );
  assert.deepEqual(reasons({ imageId: "ami-1" }), [
    `imageId: ${token} has no property "imageId" in @pulumi/aws`,
  ]);
  assert.deepEqual(reasons({ rootBlockDevice: { encrypted: "yes", kind: "gp3" } }), [
    `rootBlockDevice.encrypted: "rootBlockDevice.encrypted" of ${token} must be a boolean, not a string`,
    `rootBlockDevice.kind: ${token} has no property "rootBlockDevice.kind" in @pulumi/aws`,
  ]);
  assert.deepEqual(reasons({ vpcSecurityGroupIds: "sg-1", tags: { size: 8 } }), [
    `vpcSecurityGroupIds: "vpcSecurityGroupIds" of ${token} must be a list, not a string`,
    `tags.size: "tags.size" of ${token} must be a string, not a number`,
  ]);
  const rule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
  assert.deepEqual(reasons({ ipProtocol: "tcp" }, rule), [
    `securityGroupId: ${rule} needs "securityGroupId"`,
  ]);
});

test("a resource that the package does not declare is named", async () => {
  await assert.rejects(loadTypeTable(["aws:ec2/instance:Machine"]), /declares no aws:ec2\/instance:Machine/);
});
