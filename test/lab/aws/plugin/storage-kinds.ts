import { createHash, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { AwsApi } from "../api/aws-api.ts";
import type { Values } from "../types/type-check.ts";
import { nameRefusals, tagRefusals } from "./name-refusals.ts";
import type { ResourceKind } from "./resource-kind.ts";
import { ifFound, object, scalar, tagList, text, texts } from "./values.ts";

const bucket: ResourceKind = {
  carriesOut: ["bucket", "bucketPrefix", "forceDestroy"],
  replaces: ["bucket", "bucketPrefix"],
  autoNamed: "bucket",
  async create(inputs, api) {
    const name = text(inputs, "bucket") ?? "";
    const place = `<LocationConstraint>${api.region}</LocationConstraint>`;
    const body =
      api.region === "us-east-1" ? "" : `<CreateBucketConfiguration>${place}</CreateBucketConfiguration>`;
    await api.s3("PUT", `/${name}`, { body });
    return name;
  },
  async read(id, _, api) {
    if ((await ifFound(api.s3("HEAD", `/${id}`))) === undefined) return undefined;
    return {
      arn: `arn:aws:s3:::${id}`,
      bucket: id,
      bucketDomainName: `${id}.s3.amazonaws.com`,
      bucketRegion: api.region,
      bucketRegionalDomainName: `${id}.s3.${api.region}.amazonaws.com`,
    };
  },
  async update() {
    // Only `forceDestroy` changes in place, which is for the provider itself.
  },
  async delete(id, inputs, api) {
    if (inputs["forceDestroy"] === true) {
      const list = await ifFound(api.s3("GET", `/${id}?list-type=2`));
      for (const [, key = ""] of list?.body.matchAll(/<Key>([^<]*)<\/Key>/g) ?? []) {
        await api.s3("DELETE", `/${id}/${key}`);
      }
    }
    await ifFound(api.s3("DELETE", `/${id}`));
  },
};

const publicAccess = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];

const bucketPublicAccessBlock: ResourceKind = {
  carriesOut: ["bucket", ...publicAccess],
  replaces: ["bucket"],
  async create(inputs, api) {
    await blockPublicAccess(inputs, api);
    return text(inputs, "bucket") ?? "";
  },
  async read(id, _, api) {
    const found = await ifFound(api.s3("GET", `/${id}?publicAccessBlock`));
    if (found === undefined) return undefined;
    return Object.fromEntries(
      publicAccess.map((name) => [name, new RegExp(`<${name}>true<`, "i").test(found.body)]),
    );
  },
  async update(_, inputs, __, api) {
    await blockPublicAccess(inputs, api);
  },
  async delete(id, _, api) {
    await ifFound(api.s3("DELETE", `/${id}?publicAccessBlock`));
  },
};

async function blockPublicAccess(inputs: Values, api: AwsApi): Promise<void> {
  const elements = publicAccess.map((name) => {
    const element = name.charAt(0).toUpperCase() + name.slice(1);
    return `<${element}>${inputs[name] === true}</${element}>`;
  });
  const body = `<PublicAccessBlockConfiguration>${elements.join("")}</PublicAccessBlockConfiguration>`;
  await api.s3("PUT", `/${text(inputs, "bucket")}?publicAccessBlock`, { body });
}

const bucketObject: ResourceKind = {
  carriesOut: ["bucket", "key", "source", "content", "contentType", "serverSideEncryption", "sourceHash"],
  replaces: ["bucket", "key"],
  autoNamed: "key",
  async create(inputs, api) {
    await putObject(inputs, api);
    return text(inputs, "key") ?? "";
  },
  async read(id, inputs, api) {
    const found = await ifFound(api.s3("HEAD", `/${text(inputs, "bucket")}/${id}`));
    if (found === undefined) return undefined;
    const { etag, "content-type": contentType } = found.headers;
    return {
      arn: `arn:aws:s3:::${text(inputs, "bucket")}/${id}`,
      key: id,
      ...(etag !== undefined && { etag: etag.replaceAll('"', "") }),
      ...(contentType !== undefined && { contentType }),
    };
  },
  async update(_, inputs, __, api) {
    await putObject(inputs, api);
  },
  async delete(id, inputs, api) {
    await ifFound(api.s3("DELETE", `/${text(inputs, "bucket")}/${id}`));
  },
};

async function putObject(inputs: Values, api: AwsApi): Promise<void> {
  const body = await contentOf(inputs);
  const [type, encryption] = [text(inputs, "contentType"), text(inputs, "serverSideEncryption")];
  const tags = new URLSearchParams(
    tagList(inputs).map(({ Key, Value }): [string, string] => [Key, Value]),
  ).toString();
  const headers: Record<string, string> = {
    "content-length": String(body.length),
    "content-type": type ?? "application/octet-stream",
    "x-amz-content-sha256": createHash("sha256").update(body).digest("hex"),
    ...(encryption !== undefined && { "x-amz-server-side-encryption": encryption }),
    ...(tags !== "" && { "x-amz-tagging": tags }),
  };
  await api.s3("PUT", `/${text(inputs, "bucket")}/${text(inputs, "key")}`, { body, headers });
}

/** An asset is a text, or a path of this machine. */
async function contentOf(inputs: Values): Promise<Buffer> {
  const asset = object(inputs, "source");
  const given = text(inputs, "content") ?? (asset === undefined ? "" : text(asset, "text"));
  if (given !== undefined) return Buffer.from(given);
  const path = text(asset ?? {}, "path");
  if (path === undefined) throw new Error("the AWS of the lab takes an object's content by text or by path");
  return await readFile(path);
}

const secret: ResourceKind = {
  carriesOut: ["description", "name", "namePrefix", "recoveryWindowInDays"],
  replaces: ["name", "namePrefix"],
  autoNamed: "name",
  async refusals(inputs) {
    return nameRefusals(inputs, { most: 512, allowed: /^[\w/+=.@-]*$/ }).concat(tagRefusals(inputs));
  },
  async create(inputs, api) {
    const answer = await api.json("secretsmanager", "secretsmanager.CreateSecret", {
      Name: text(inputs, "name"),
      ClientRequestToken: randomUUID(),
      Tags: tagList(inputs),
      ...(text(inputs, "description") !== undefined && { Description: text(inputs, "description") }),
    });
    return String(answer["ARN"]);
  },
  async read(id, _, api) {
    const found = await ifFound(
      api.json("secretsmanager", "secretsmanager.DescribeSecret", { SecretId: id }),
    );
    if (found === undefined || typeof found["DeletedDate"] === "number") return undefined;
    return { arn: id, name: String(found["Name"]) };
  },
  async update(id, inputs, former, api) {
    if (inputs["description"] === former["description"]) return;
    const change = { SecretId: id, Description: text(inputs, "description") ?? "" };
    await api.json("secretsmanager", "secretsmanager.UpdateSecret", change);
  },
  async delete(id, inputs, api) {
    const days = scalar(inputs, "recoveryWindowInDays") ?? 30;
    const how = days === 0 ? { ForceDeleteWithoutRecovery: true } : { RecoveryWindowInDays: days };
    await ifFound(api.json("secretsmanager", "secretsmanager.DeleteSecret", { SecretId: id, ...how }));
  },
};

const maxSecretBytes = 65_536;

const secretVersion: ResourceKind = {
  carriesOut: ["secretId", "secretString", "versionStages"],
  replaces: ["secretId", "secretString"],
  async refusals(inputs) {
    const bytes = Buffer.byteLength(text(inputs, "secretString") ?? "");
    const reason = `a secret has ${maxSecretBytes} bytes at most, not ${bytes}`;
    return bytes <= maxSecretBytes ? [] : [{ property: "secretString", reason }];
  },
  async create(inputs, api) {
    const stages = texts(inputs, "versionStages");
    await refuseDeleted(text(inputs, "secretId") ?? "", api);
    const answer = await api.json("secretsmanager", "secretsmanager.PutSecretValue", {
      SecretId: text(inputs, "secretId"),
      SecretString: text(inputs, "secretString"),
      ClientRequestToken: randomUUID(),
      ...(stages.length > 0 && { VersionStages: stages }),
    });
    return `${String(answer["ARN"])}|${String(answer["VersionId"])}`;
  },
  async read(id, _, api) {
    const [arn = "", version = ""] = id.split("|");
    const named = { SecretId: arn, VersionId: version };
    const found = await ifFound(
      unlessDeleted(api.json("secretsmanager", "secretsmanager.GetSecretValue", named)),
    );
    return found === undefined
      ? undefined
      : { arn, secretArn: arn, versionId: version, secretString: String(found["SecretString"]) };
  },
  async delete() {
    // AWS takes the labels from a version and forgets it by itself; the secret takes the last one along.
  },
};

/** What belongs to a secret that waits for its end is not there any more, as AWS's own provider sees it. */
async function unlessDeleted<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (/marked (for deletion|deleted)/.test((error as Error).message)) return undefined;
    throw error;
  }
}

/** The server of the API takes a value for a secret that waits for its end, which AWS does not. */
async function refuseDeleted(id: string, api: AwsApi): Promise<void> {
  const found = await api.json("secretsmanager", "secretsmanager.DescribeSecret", { SecretId: id });
  if (typeof found["DeletedDate"] !== "number") return;
  throw new Error(
    "InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion.",
  );
}

export const storageKinds: Readonly<Record<string, ResourceKind>> = {
  "aws:s3/bucket:Bucket": bucket,
  "aws:s3/bucketObjectv2:BucketObjectv2": bucketObject,
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": bucketPublicAccessBlock,
  "aws:secretsmanager/secret:Secret": secret,
  "aws:secretsmanager/secretVersion:SecretVersion": secretVersion,
};
