import { Bucket } from "@pulumi/aws/s3/bucket.js";
import { BucketObjectv2 } from "@pulumi/aws/s3/bucketObjectv2.js";
import { BucketPublicAccessBlock } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
import * as pulumi from "@pulumi/pulumi";
import { findArtifacts } from "../../host/artifact.ts";
import type { Architecture } from "../image.ts";
import { bucketNamePrefix } from "../physical-names.ts";
import type { Provision } from "../provision.ts";

/** An executable where the instances find it. */
export interface FleetRelease {
  readonly version: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** What `uname -sm` prints on a processor. */
const unames: Readonly<Record<Architecture, string>> = {
  x86_64: "Linux x86_64",
  arm64: "Linux aarch64",
};

export interface Releases {
  readonly bucket: Bucket;
  /** The one for the processor of the instances. */
  readonly release: pulumi.Output<FleetRelease>;
  readonly object: BucketObjectv2;
}

/** A private bucket, and in it the executable by its SHA-256. Objects take few tags, so it has none. */
export function uploadRelease(
  provision: Provision,
  architecture: pulumi.Output<Architecture>,
  forceDestroy: pulumi.Output<boolean>,
): Releases {
  const bucket = provision.make("releaseBucket", Bucket, "releases", {
    bucketPrefix: bucketNamePrefix(provision.name),
    forceDestroy,
    tags: provision.tags("releases"),
    ...provision.region,
  });
  const access = provision.make("releaseBucketAccess", BucketPublicAccessBlock, "releases-access", {
    bucket: bucket.bucket,
    blockPublicAcls: true,
    blockPublicPolicy: true,
    ignorePublicAcls: true,
    restrictPublicBuckets: true,
    ...provision.region,
  });
  const artifact = architecture.apply((architecture) =>
    provision.attempt(() => {
      const { version, releases } = findArtifacts();
      const found = releases.find(({ uname }) => uname === unames[architecture]);
      if (found !== undefined) return { version, ...found };
      throw new Error(
        `this package has no server for ${architecture}: run "npm run build" for all platforms`,
      );
    }),
  );
  const object = provision.make(
    "release",
    BucketObjectv2,
    "release",
    {
      bucket: bucket.bucket,
      key: artifact.apply(({ sha256 }) => keyOf(sha256)),
      source: artifact.apply(({ uploadPath }) => new pulumi.asset.FileAsset(uploadPath)),
      contentType: "application/gzip",
      serverSideEncryption: "AES256",
      ...provision.region,
    },
    // A former release has to be there when AWS goes back to it.
    { retainOnDelete: true, dependsOn: [access] },
  );
  const release = artifact.apply(({ version, sha256, bytes }) => ({ version, sha256, bytes }));
  return { bucket, release, object };
}

export const releasePrefix = "vpnserver/";

function keyOf(sha256: string): string {
  return `${releasePrefix}${sha256}.gz`;
}
