import assert from "node:assert/strict";
import { test } from "node:test";
import { explainMissingPackage } from "../../../components/missing-package.ts";

const failureOf = (code: string, message: string) => Object.assign(new Error(message), { code });

test("a component whose package is missing says how to install it, in either module system", () => {
  for (const error of [
    failureOf("MODULE_NOT_FOUND", "Cannot find module '@pulumi/aws/ec2/eip.js'"),
    failureOf("ERR_MODULE_NOT_FOUND", "Cannot find package '@pulumi/aws' imported from /plugin/x.js"),
  ]) {
    assert.equal(
      String(explainMissingPackage(error, "AwsVpnServer", "/plugin")),
      'Error: AwsVpnServer needs the npm package @pulumi/aws, which is not installed: run "npm install --no-save @pulumi/aws@7" in /plugin',
    );
  }
});

test("any other failure to load is told as it is", () => {
  for (const error of [
    failureOf("MODULE_NOT_FOUND", "Cannot find module 'ssh2'"),
    new Error("'@pulumi/aws"),
  ]) {
    assert.equal(explainMissingPackage(error, "AwsVpnServer", "/plugin"), error);
  }
});
