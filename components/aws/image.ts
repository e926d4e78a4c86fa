/** Images that an instance can begin with; each publisher tells the newest one by a public parameter of Systems Manager. */
export const AwsImage = {
  Debian12: "debian-12",
  Debian13: "debian-13",
  Ubuntu2204: "ubuntu-22.04",
  Ubuntu2404: "ubuntu-24.04",
  AmazonLinux2023: "amazon-linux-2023",
} as const;
export type AwsImage = (typeof AwsImage)[keyof typeof AwsImage];

/** What the API of EC2 calls the processors that the server is built for. */
export type Architecture = "x86_64" | "arm64";

interface ImageFacts {
  /** The user whom cloud-init gives the key pair. */
  readonly user: string;
  readonly parameter: (architecture: Architecture) => string;
}

const debianName = { x86_64: "amd64", arm64: "arm64" } as const;

function debian(release: number): ImageFacts {
  return {
    user: "admin",
    parameter: (architecture) => `/aws/service/debian/release/${release}/latest/${debianName[architecture]}`,
  };
}

function ubuntu(release: string, volumeType: string): ImageFacts {
  return {
    user: "ubuntu",
    parameter: (architecture) =>
      `/aws/service/canonical/ubuntu/server/${release}/stable/current/${debianName[architecture]}/hvm/ebs-${volumeType}/ami-id`,
  };
}

const facts: Readonly<Record<AwsImage, ImageFacts>> = {
  "debian-12": debian(12),
  "debian-13": debian(13),
  "ubuntu-22.04": ubuntu("22.04", "gp2"),
  "ubuntu-24.04": ubuntu("24.04", "gp3"),
  "amazon-linux-2023": {
    user: "ec2-user",
    parameter: (architecture) =>
      `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture}`,
  },
};

/** The user of an image that may log in with the key pair, and use `sudo` without a password. */
export function loginUserOf(image: AwsImage): string {
  return facts[image].user;
}

/** Name of the public parameter that holds the id of an image in its newest version. */
export function imageParameter(image: AwsImage, architecture: Architecture): string {
  return facts[image].parameter(architecture);
}

/**
 * What an instance type runs, of what the server is built for.
 *
 * @param supported as `DescribeInstanceTypes` tells; older types run 32-bit programs too
 * @throws Error when it runs neither
 */
export function architectureAmong(supported: readonly string[], instanceType: string): Architecture {
  const found = (["x86_64", "arm64"] as const).find((architecture) => supported.includes(architecture));
  if (found !== undefined) return found;
  throw new Error(
    `instanceType is "${instanceType}", which runs ${supported.join(", ")}: the server is built for x86_64 and arm64`,
  );
}
