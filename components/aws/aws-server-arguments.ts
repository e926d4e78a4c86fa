import type * as pulumi from "@pulumi/pulumi";
import { isTheWorld } from "../../server/ethernet/world-network.ts";
import { ArgumentProblems } from "../arguments/argument-error.ts";
import { describeValue, isLeftOut, type ArgumentKind } from "../arguments/argument-kind.ts";
import { unknownNames } from "../arguments/argument-names.ts";
import { DeploymentMode } from "../arguments/deployment-settings.ts";
import type { HubUserArgs } from "../arguments/hub-arguments.ts";
import { optionKinds, type VpnServerOptions } from "../arguments/server-arguments.ts";
import {
  checkWhenThere,
  givenProblems,
  sharedPairProblems,
  valueProblems,
  type Members,
} from "./argument-checks.ts";
import { AwsImage } from "./image.ts";
import { networkProblems } from "./networks.ts";
import { narrowTagProblems } from "./tags.ts";

/** What an AwsVpnServer needs: what a VpnServer takes, and what it is made on. Only `sshFrom` is required. */
export interface AwsVpnServerArgs extends VpnServerOptions {
  /**
   * Users of the hub `DEFAULT`, for those who need no other: short for `hubs: [{ name: "DEFAULT", users }]`.
   * @default none
   */
  users?: pulumi.Input<pulumi.Input<HubUserArgs>[]>;
  /**
   * Host name or address that VPN clients connect to, such as a name that leads to the Elastic IP.
   * @default the Elastic IP
   */
  publicHost?: pulumi.Input<string>;
  /**
   * TCP ports that the server listens on. The security group opens the same ones, so they have to be known in a preview.
   * @default 443, 992 and 5555
   */
  listeners?: number[];
  /**
   * Networks from which the instance takes SSH, such as `203.0.113.7/32` for one address: those of all who run `pulumi up`. Nobody else
   * reaches it.
   */
  sshFrom: string[];
  /**
   * Allow `0.0.0.0/0` and `::/0` in `sshFrom`, and parts of the Internet that are as good as all of it: less than 8 bits of IPv4, or 16 of IPv6.
   * @default false
   */
  allowSshFromAnywhere?: boolean;
  /**
   * Networks from which VPN clients may come.
   * @default everywhere: 0.0.0.0/0 and ::/0
   */
  vpnFrom?: string[];
  /**
   * Type of the instance; its processor decides between x86-64 and arm64.
   * @default "t3.small"
   */
  instanceType?: pulumi.Input<string>;
  /**
   * What the instance begins with.
   * @default "debian-13"
   */
  image?: pulumi.Input<AwsImage>;
  /** Id of an image to begin with instead of `image`, with cloud-init and systemd; it needs `loginUser`. */
  ami?: pulumi.Input<string>;
  /** The user of `ami` whom cloud-init gives the key pair, with `sudo` without a password. */
  loginUser?: pulumi.Input<string>;
  /**
   * Replace the instance when there is a newer image. It gets the state and the address of the former one; sessions break off meanwhile.
   * @default false: an instance keeps the image that it began with
   */
  updateImage?: boolean;
  /**
   * A public subnet for the instance. The state stays in its availability zone.
   * @default one of `vpcId`, chosen once
   */
  subnetId?: pulumi.Input<string>;
  /**
   * The VPC, in which a subnet that gives public addresses is chosen.
   * @default the default VPC
   */
  vpcId?: pulumi.Input<string>;
  /**
   * Region of everything that is made.
   * @default the provider's
   */
  region?: pulumi.Input<string>;
  /**
   * Size of the volume that holds configuration, certificate, keys and logs, in GiB. It can grow, and not shrink.
   * @default 8
   */
  stateVolumeGiB?: pulumi.Input<number>;
  /**
   * Refuse to terminate the instance until this is false again.
   * @default false
   */
  terminationProtection?: pulumi.Input<boolean>;
  /**
   * Give the instance a role by which Session Manager reaches it; the image has to have the SSM agent, as those of Ubuntu and Amazon Linux.
   * @default false
   */
  sessionManager?: boolean;
  /** Name of an instance profile of your own, instead of `sessionManager`. */
  instanceProfile?: pulumi.Input<string>;
  /** Tags of everything that is made, beside `Name`. */
  tags?: pulumi.Input<{ [name: string]: pulumi.Input<string> }>;
}

/** Arguments that have a check of their own, or are checked by the server that they are handed to. */
type SeparateArgument = "sshFrom" | "vpnFrom" | "tags" | "users" | keyof VpnServerOptions;

const ownKinds = {
  publicHost: { type: "text" },
  allowSshFromAnywhere: { type: "boolean" },
  instanceType: { type: "text" },
  image: { type: "choice", allowed: Object.values(AwsImage) },
  ami: { type: "text" },
  loginUser: { type: "text" },
  updateImage: { type: "boolean" },
  subnetId: { type: "text" },
  vpcId: { type: "text" },
  region: { type: "text" },
  stateVolumeGiB: { type: "integer", least: 1, most: 16_384 },
  terminationProtection: { type: "boolean" },
  sessionManager: { type: "boolean" },
  instanceProfile: { type: "text" },
} as const satisfies Readonly<Record<Exclude<keyof AwsVpnServerArgs, SeparateArgument>, ArgumentKind>>;

/** What all arguments must be. */
export const awsServerKinds = {
  ...optionKinds,
  ...ownKinds,
  users: optionKinds.hubs,
  sshFrom: { type: "texts" },
  vpnFrom: { type: "texts" },
  tags: { type: "endpoint" },
} as const satisfies Readonly<Record<keyof AwsVpnServerArgs, ArgumentKind>>;

/** Arguments that decide which resources there are. */
const plainArguments = [
  "sshFrom",
  "allowSshFromAnywhere",
  "vpnFrom",
  "listeners",
  "updateImage",
  "sessionManager",
] as const satisfies readonly (keyof AwsVpnServerArgs)[];

/**
 * Checks all arguments that are there already; values that come later are checked by {@link checkLater}.
 *
 * @throws ArgumentError with everything that is wrong
 */
export function checkAwsArguments(args: object): void {
  const problems = new ArgumentProblems();
  const { connection, ...others } = args as Members;
  if (connection !== undefined) {
    problems.add(
      "connection is made here: the key pair, the host key and the address are the instance's. For a host that is there, take VpnServer",
    );
  }
  problems.add(
    ...unknownNames(others, awsServerKinds, ""),
    ...givenProblems(others, plainArguments, ownCheck, awsServerKinds),
    ...accessProblems(others),
    ...sharedPairProblems(others),
    ...pairProblems(others),
  );
  problems.throwIfAny();
}

/**
 * A value that may come later, checked when it is there.
 *
 * @throws ArgumentError in the Output, by what `attempt` does with it
 */
export function checkLater<T>(
  name: keyof AwsVpnServerArgs,
  value: pulumi.Input<T>,
  attempt: <R>(work: () => R) => R,
): pulumi.Output<pulumi.Unwrap<T>> {
  return checkWhenThere(value, (known) => valueProblems(name, known, ownCheck, awsServerKinds), attempt);
}

function ownCheck(name: string, value: unknown): string[] | undefined {
  switch (name) {
    case "sshFrom":
      return networkProblems(name, value);
    case "mode":
      if (value !== DeploymentMode.User) return undefined;
      return [
        'mode is "user": the instance is made for the server, which is a service there. Leave mode out; for user mode take VpnServer',
      ];
    case "stateDirectory":
      if (typeof value !== "string" || /^(\/[\w.-]+)+$/.test(value)) return undefined;
      return [
        `stateDirectory is ${describeValue(value)}: it is where a volume is mounted, so an absolute path of letters, digits, ".", "_" and "-" is needed`,
      ];
    default:
      return undefined;
  }
}

/** Who may log in. */
function accessProblems({ sshFrom, allowSshFromAnywhere }: Members): string[] {
  const problems: string[] = [];
  if (isLeftOut(sshFrom) || (Array.isArray(sshFrom) && sshFrom.length === 0)) {
    problems.push(
      `sshFrom is ${describeValue(sshFrom)}: give the networks from which "pulumi up" is run, such as ["203.0.113.7/32"]; ` +
        '"curl https://checkip.amazonaws.com" prints the address that you have',
    );
  }
  const open = (Array.isArray(sshFrom) ? sshFrom : []).filter(
    (network): network is string => typeof network === "string" && isTheWorld(network),
  );
  if (open.length > 0 && allowSshFromAnywhere !== true) {
    problems.push(
      `sshFrom has ${open.join(" and ")}, by which everybody could try to log in: give the networks from which "pulumi up" is run, or say ` +
        "allowSshFromAnywhere: true",
    );
  }
  return problems;
}

/** Arguments that do not go together, or need each other. */
function pairProblems(args: Members): string[] {
  const has = (name: keyof AwsVpnServerArgs) => !isLeftOut(args[name]);
  const problems: string[] = [];
  if (has("ami") && !has("loginUser")) {
    problems.push(
      'loginUser is missing, and ami is given: name the user who may log in there, such as "admin"',
    );
  }
  if (has("loginUser") && !has("ami")) {
    problems.push("loginUser belongs to ami: the user of an image that is named by image is known");
  }
  // A role is made.
  if (args["sessionManager"] === true) problems.push(...narrowTagProblems(args["tags"]));
  if (has("sessionManager") && args["sessionManager"] !== false && has("instanceProfile")) {
    problems.push(
      "sessionManager and instanceProfile are both given: give your own profile what Session Manager needs, or leave it out",
    );
  }
  if (has("subnetId") && has("vpcId"))
    problems.push("vpcId and subnetId are both given: the subnet tells the VPC, so leave vpcId out");
  return problems;
}
