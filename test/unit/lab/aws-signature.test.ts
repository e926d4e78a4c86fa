import assert from "node:assert/strict";
import { test } from "node:test";
import { signerOf, type SignedRequest } from "../../lab/aws/services/signature.ts";

/** The example of "GET Object" in AWS's documentation of Signature Version 4 for S3. */
const credentials = {
  role: "role",
  instanceId: "i-1",
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  token: "undefined",
  expiration: new Date("2013-05-25T00:00:00Z"),
};
const signedAt = Date.parse("2013-05-24T00:00:00Z");
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const scope = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";
const example: SignedRequest = {
  method: "GET",
  url: "/test.txt",
  body: Buffer.alloc(0),
  headers: {
    host: "examplebucket.s3.amazonaws.com",
    range: "bytes=0-9",
    "x-amz-content-sha256": emptyHash,
    "x-amz-date": "20130524T000000Z",
    authorization: `AWS4-HMAC-SHA256 Credential=${scope},SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41`,
  },
};
/** The example has no session token, which credentials of instances always have. */
const find = (key: string) =>
  key === credentials.accessKeyId ? { ...credentials, token: undefined as unknown as string } : undefined;
const problem = (request: SignedRequest, now = signedAt, lookUp: typeof find = find) => {
  const signer = signerOf(request, lookUp, now);
  return "problem" in signer ? signer.problem : undefined;
};

test("takes the signature of AWS's own example", () => {
  const signer = signerOf(example, find, signedAt);
  assert.ok("credentials" in signer);
  assert.deepEqual([signer.service, signer.region], ["s3", "us-east-1"]);
});

test("refuses what was changed, comes late, or is of somebody else", () => {
  const withHeaders = (headers: Record<string, string>) => ({
    ...example,
    headers: { ...example.headers, ...headers },
  });
  assert.equal(problem({ ...example, url: "/other.txt" }), "SignatureDoesNotMatch");
  assert.equal(problem({ ...example, method: "PUT" }), "SignatureDoesNotMatch");
  assert.equal(problem(withHeaders({ range: "bytes=0-10" })), "SignatureDoesNotMatch");
  assert.equal(problem({ ...example, body: Buffer.from("x") }), "XAmzContentSHA256Mismatch");
  assert.equal(problem(example, signedAt + 6 * 60_000), "RequestExpired");
  assert.equal(problem(withHeaders({ authorization: "" })), "MissingAuthenticationToken");
  assert.equal(problem(withHeaders({ "x-amz-security-token": "stolen" })), "InvalidClientTokenId");
  assert.equal(
    problem(example, signedAt, () => undefined),
    "InvalidClientTokenId",
  );
});
