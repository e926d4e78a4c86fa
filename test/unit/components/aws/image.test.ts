import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AwsImage,
  architectureAmong,
  imageParameter,
  loginUserOf,
} from "../../../../components/aws/image.ts";

test("every image has its public parameter for both processors, and its user", () => {
  assert.deepEqual(
    Object.values(AwsImage).map((image) => [
      loginUserOf(image),
      imageParameter(image, "x86_64"),
      imageParameter(image, "arm64"),
    ]),
    [
      ["admin", "/aws/service/debian/release/12/latest/amd64", "/aws/service/debian/release/12/latest/arm64"],
      ["admin", "/aws/service/debian/release/13/latest/amd64", "/aws/service/debian/release/13/latest/arm64"],
      ...(
        [
          ["22.04", "gp2"],
          ["24.04", "gp3"],
        ] as const
      ).map(([release, volume]) => [
        "ubuntu",
        ...["amd64", "arm64"].map(
          (processor) =>
            `/aws/service/canonical/ubuntu/server/${release}/stable/current/${processor}/hvm/ebs-${volume}/ami-id`,
        ),
      ]),
      [
        "ec2-user",
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
      ],
    ],
  );
});

test("the processor is what the instance type supports, of what the server is built for", () => {
  assert.equal(architectureAmong(["i386", "x86_64"], "t2.micro"), "x86_64");
  assert.equal(architectureAmong(["arm64"], "t4g.small"), "arm64");
  assert.throws(() => architectureAmong(["x86_64_mac"], "mac1.metal"), {
    message: 'instanceType is "mac1.metal", which runs x86_64_mac: the server is built for x86_64 and arm64',
  });
});
