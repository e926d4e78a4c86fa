import { createHash } from "node:crypto";

export type Architecture = "x86_64" | "arm64";

/** A machine image that AWS offers, by what programs look it up by. */
export interface MachineImage {
  readonly id: string;
  readonly name: string;
  readonly architecture: Architecture;
  /** Account of the publisher. */
  readonly ownerId: string;
  readonly ownerAlias: string;
  /** The user whom the instance's key pair lets in. */
  readonly user: string;
  readonly rootDeviceName: string;
  /** SSM public parameter whose value is the id. */
  readonly parameter: string;
}

interface Publisher {
  readonly ownerId: string;
  readonly ownerAlias: string;
  readonly user: string;
  readonly rootDeviceName: string;
}

const debian = { ownerId: "136693071363", ownerAlias: "", user: "admin", rootDeviceName: "/dev/xvda" };
const canonical = { ownerId: "099720109477", ownerAlias: "", user: "ubuntu", rootDeviceName: "/dev/sda1" };
const amazon = {
  ownerId: "137112412989",
  ownerAlias: "amazon",
  user: "ec2-user",
  rootDeviceName: "/dev/xvda",
};

/** Debian and Canonical write `amd64` for `x86_64`. */
const otherNames = { x86_64: "amd64", arm64: "arm64" } as const;

const offers: readonly {
  readonly publisher: Publisher;
  readonly name: (architecture: Architecture) => string;
  readonly parameter: (architecture: Architecture) => string;
}[] = [
  ...["12", "13"].map((release) => ({
    publisher: debian,
    name: (architecture: Architecture) => `debian-${release}-${otherNames[architecture]}-20261101-2000`,
    parameter: (architecture: Architecture) =>
      `/aws/service/debian/release/${release}/latest/${otherNames[architecture]}`,
  })),
  ...(
    [
      ["22.04", "jammy", "ebs-gp2"],
      ["24.04", "noble", "ebs-gp3"],
    ] as const
  ).map(([release, code, disk]) => ({
    publisher: canonical,
    name: (architecture: Architecture) =>
      `ubuntu/images/hvm-ssd/ubuntu-${code}-${release}-${otherNames[architecture]}-server-20261101`,
    parameter: (architecture: Architecture) =>
      `/aws/service/canonical/ubuntu/server/${release}/stable/current/${otherNames[architecture]}/hvm/${disk}/ami-id`,
  })),
  {
    publisher: amazon,
    name: (architecture) => `al2023-ami-2023.9.20261101.0-kernel-6.1-${architecture}`,
    parameter: (architecture) =>
      `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture}`,
  },
];

/** The images of a region: each region has ids of its own. */
export function imagesIn(region: string): readonly MachineImage[] {
  return offers.flatMap(({ publisher, name, parameter }) =>
    (["x86_64", "arm64"] as const).map((architecture) => {
      const named = name(architecture);
      const digest = createHash("sha256").update(`${region}/${named}`).digest("hex");
      return {
        ...publisher,
        id: `ami-${digest.slice(0, 17)}`,
        name: named,
        architecture,
        parameter: parameter(architecture),
      };
    }),
  );
}

export function imageOf(id: string, region: string): MachineImage | undefined {
  return imagesIn(region).find((image) => image.id === id);
}
