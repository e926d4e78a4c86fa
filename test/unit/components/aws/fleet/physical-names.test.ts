import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bucketNamePrefix,
  loadBalancerNamePrefix,
} from "../../../../../components/aws/fleet/physical-names.ts";

for (const [name, loadBalancer, bucket] of [
  ["exit", "exit-", "exit-"],
  ["Exit.Nodes_eu", "exit-", "exit-nodes-eu-"],
  [
    "a-very-long-name-that-no-bucket-could-have-as-its-own",
    "a-ver-",
    "a-very-long-name-that-no-bucket-coul-",
  ],
  ["__", "vpn-", "vpn-"],
  ["--x--", "x-", "x-"],
] as const) {
  test(`a fleet ${name} has a load balancer ${loadBalancer}… and a bucket ${bucket}…`, () => {
    assert.equal(loadBalancerNamePrefix(name), loadBalancer);
    assert.equal(bucketNamePrefix(name), bucket);
    assert.ok(loadBalancer.length <= 6 && bucket.length <= 37);
  });
}
