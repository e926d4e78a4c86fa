import type * as pulumi from "@pulumi/pulumi";
import { ArgumentProblems } from "../../arguments/argument-error.ts";
import {
  describeValue,
  isLeftOut,
  isObject,
  kindProblems,
  type ArgumentKind,
} from "../../arguments/argument-kind.ts";
import { unknownNames } from "../../arguments/argument-names.ts";
import type { HubArgs, HubUserArgs } from "../../arguments/hub-arguments.ts";
import { optionKinds } from "../../arguments/server-arguments.ts";
import {
  checkWhenThere,
  givenProblems,
  sharedPairProblems,
  valueProblems,
  type Members,
} from "../argument-checks.ts";
import { AwsImage } from "../image.ts";
import { narrowTagProblems } from "../tags.ts";

/** What the group grows and shrinks by; exactly one of the two. */
export interface FleetScalingArgs {
  /**
   * Megabits per second that an instance sends on average, to clients and to where they go. The group has detailed monitoring then.
   * @example 200
   */
  networkOutMbps?: number;
  /**
   * TCP connections of clients for each instance on average. A client has one, unless it is told to have more.
   * @example 300
   */
  connectionsPerInstance?: number;
}

/** What an AwsVpnFleet needs: what its servers are to be, and what they are made on. Nothing is required. */
export interface AwsVpnFleetArgs {
  /**
   * Users of the hub `DEFAULT`, for those who need no other: short for `hubs: [{ name: "DEFAULT", users }]`.
   * @default none
   */
  users?: pulumi.Input<pulumi.Input<HubUserArgs>[]>;
  /**
   * The Virtual Hubs with their users, groups and access lists. Each instance has all of them, and its own sessions.
   * @default an empty hub `DEFAULT`
   */
  hubs?: pulumi.Input<pulumi.Input<HubArgs>[]>;
  /**
   * Password of the servers' administrator.
   * @default a random one, made once and kept in the stack's state; see the output `adminPassword`
   */
  adminPassword?: pulumi.Input<string>;
  /**
   * The certificate in PEM that all instances show, followed by those of the authorities between it and the root. It comes with
   * `privateKey`.
   * @default one that is made once and kept in the stack's state
   */
  certificate?: pulumi.Input<string>;
  /** Private key of `certificate` in PEM without passphrase. Kept as a secret. */
  privateKey?: pulumi.Input<string>;
  /**
   * Host name that VPN clients connect to, which leads to the output `dnsName`.
   * @default the load balancer's own name
   */
  publicHost?: pulumi.Input<string>;
  /**
   * TCP ports of the load balancer and the instances, so they have to be known in a preview.
   * @default 443, 992 and 5555
   */
  listeners?: number[];
  /**
   * Networks from which VPN clients may come.
   * @default everywhere: 0.0.0.0/0 and ::/0
   */
  vpnFrom?: string[];
  /**
   * The least number of instances, with which the group begins.
   * @default 2
   */
  minInstances?: number;
  /**
   * The greatest number of instances. It needs `scaling` to be more than `minInstances`.
   * @default minInstances, and with `scaling` three times as many
   */
  maxInstances?: number;
  /**
   * When the group grows and shrinks.
   * @default never: it has `minInstances`
   */
  scaling?: FleetScalingArgs;
  /**
   * How many percent of the instances serve while all are replaced by ones with another release or another state, 0 to 100. With 100
   * a new one serves before a former one goes.
   * @default 100
   */
  minHealthyPercentage?: pulumi.Input<number>;
  /**
   * How long the sessions of an instance that goes may go on, while it takes no new ones, 0 to 3600.
   * @default 300
   */
  drainSeconds?: pulumi.Input<number>;
  /**
   * Lead all connections from one address to the same instance: a session of several connections needs it. Without it, clients behind
   * one address are spread too, and every client has to have one connection only, as the `.vpn` files of this package say.
   * @default true
   */
  stickyAddresses?: boolean;
  /**
   * Lead clients to instances in all zones, which AWS charges for as traffic between zones.
   * @default true
   */
  crossZone?: pulumi.Input<boolean>;
  /**
   * Type of the instances; its processor decides between x86-64 and arm64.
   * @default "t3.small"
   */
  instanceType?: pulumi.Input<string>;
  /**
   * What the instances begin with.
   * @default "debian-13"
   */
  image?: pulumi.Input<AwsImage>;
  /** Id of an image to begin with instead of `image`, with cloud-init, Python 3.9 or later and systemd. */
  ami?: pulumi.Input<string>;
  /**
   * Replace the instances, one after the other, when there is a newer image.
   * @default false: they keep the image that the group began with, as long as `image` and processor are the same
   */
  updateImage?: boolean;
  /**
   * Public subnets for load balancer and instances, one in each zone. To take one away replaces the load balancer, and with it its name.
   * @default one in each zone of `vpcId` that has the instance type, chosen once
   */
  subnetIds?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * The VPC, in which subnets that give public addresses are chosen.
   * @default the default VPC
   */
  vpcId?: pulumi.Input<string>;
  /**
   * Region of everything that is made.
   * @default the provider's
   */
  region?: pulumi.Input<string>;
  /**
   * Refuse to delete the load balancer, and with it the name that clients know, until this is false again.
   * @default false
   */
  terminationProtection?: pulumi.Input<boolean>;
  /**
   * Empty the bucket of the executables when it is deleted.
   * @default true: nothing is in it but releases of this package
   */
  forceDestroy?: pulumi.Input<boolean>;
  /**
   * Let Session Manager reach the instances; the image has to have the SSM agent, as those of Ubuntu and Amazon Linux.
   * @default false
   */
  sessionManager?: boolean;
  /** Tags of everything that is made, beside `Name`. */
  tags?: pulumi.Input<{ [name: string]: pulumi.Input<string> }>;
}

const mostInstances = 1000;
const percent = { type: "integer", least: 0, most: 100 } as const;

/** What all arguments must be. */
export const awsFleetKinds = {
  users: optionKinds.hubs,
  hubs: optionKinds.hubs,
  adminPassword: optionKinds.adminPassword,
  certificate: optionKinds.certificate,
  privateKey: optionKinds.privateKey,
  publicHost: { type: "text" },
  listeners: optionKinds.listeners,
  vpnFrom: { type: "texts" },
  minInstances: { type: "integer", least: 1, most: mostInstances },
  maxInstances: { type: "integer", least: 1, most: mostInstances },
  scaling: { type: "endpoint" },
  minHealthyPercentage: percent,
  drainSeconds: { type: "integer", least: 0, most: 3600 },
  stickyAddresses: { type: "boolean" },
  crossZone: { type: "boolean" },
  instanceType: { type: "text" },
  image: { type: "choice", allowed: Object.values(AwsImage) },
  ami: { type: "text" },
  updateImage: { type: "boolean" },
  subnetIds: { type: "texts" },
  vpcId: { type: "text" },
  region: { type: "text" },
  terminationProtection: { type: "boolean" },
  forceDestroy: { type: "boolean" },
  sessionManager: { type: "boolean" },
  tags: { type: "endpoint" },
} as const satisfies Readonly<Record<keyof AwsVpnFleetArgs, ArgumentKind>>;

const scalingKinds = {
  networkOutMbps: { type: "integer", least: 1, most: 100_000 },
  connectionsPerInstance: { type: "integer", least: 1, most: 1_000_000 },
} as const satisfies Readonly<Record<keyof FleetScalingArgs, ArgumentKind>>;

/** Arguments that decide which resources there are. */
const plainArguments = [
  "listeners",
  "vpnFrom",
  "minInstances",
  "maxInstances",
  "scaling",
  "stickyAddresses",
  "updateImage",
  "sessionManager",
] as const satisfies readonly (keyof AwsVpnFleetArgs)[];

/** A load balancer takes no more, and each has a listener of its own; quotas of a new account. */
const mostListeners = 50;

/**
 * Checks all arguments that are there already; values that come later are checked by {@link checkFleetLater}.
 *
 * @throws ArgumentError with everything that is wrong
 */
export function checkFleetArguments(args: object): void {
  const members = args as Members;
  const { sshFrom, connection, importFrom, ...others } = members;
  const problems = new ArgumentProblems();
  if (sshFrom !== undefined || connection !== undefined) {
    problems.add(
      "sshFrom and connection have no place in a fleet, whose instances nobody dials: for servers that are reached over SSH take AwsVpnServer, or VpnFleet",
    );
  }
  if (importFrom !== undefined) {
    problems.add(
      "importFrom has no place in a fleet, whose instances all begin alike: declare what was there as hubs",
    );
  }
  problems.add(
    ...unknownNames(others, awsFleetKinds, ""),
    ...givenProblems(others, plainArguments, ownCheck, awsFleetKinds),
    ...sharedPairProblems(others),
    ...sizeProblems(others),
    ...narrowTagProblems(others["tags"]),
  );
  if (!isLeftOut(others["subnetIds"]) && !isLeftOut(others["vpcId"])) {
    problems.add("vpcId and subnetIds are both given: the subnets tell the VPC, so leave vpcId out");
  }
  problems.throwIfAny();
}

/**
 * A value that may come later, checked when it is there.
 *
 * @throws ArgumentError in the Output, by what `attempt` does with it
 */
export function checkFleetLater<T>(
  name: keyof AwsVpnFleetArgs,
  value: pulumi.Input<T>,
  attempt: <R>(work: () => R) => R,
): pulumi.Output<pulumi.Unwrap<T>> {
  return checkWhenThere(value, (known) => valueProblems(name, known, ownCheck, awsFleetKinds), attempt);
}

function ownCheck(name: string, value: unknown): string[] | undefined {
  switch (name) {
    case "scaling":
      return scalingProblems(value);
    case "subnetIds":
      if (!Array.isArray(value) || value.length > 0) return undefined;
      return ["subnetIds is an empty list: leave it out to have subnets chosen"];
    case "listeners":
      if (!Array.isArray(value)) return undefined;
      if (value.length === 0) return ["listeners is an empty list: leave it out to have 443, 992 and 5555"];
      if (new Set(value).size <= mostListeners) return undefined;
      return [`listeners has ${value.length} ports: a load balancer has at most ${mostListeners} listeners`];
    default:
      return undefined;
  }
}

function scalingProblems(scaling: unknown): string[] {
  if (isLeftOut(scaling)) return [];
  const names = Object.keys(scalingKinds);
  const needed = `${names.join(" or ")} is needed, such as { networkOutMbps: 200 }`;
  if (!isObject(scaling)) return [`scaling is ${describeValue(scaling)}: an object with ${needed}`];
  const problems = [
    ...unknownNames(scaling, scalingKinds, "scaling."),
    ...Object.entries(scalingKinds).flatMap(([name, kind]) =>
      kindProblems(`scaling.${name}`, scaling[name], kind),
    ),
  ];
  const given = names.filter((name) => !isLeftOut(scaling[name]));
  if (given.length === 0 && problems.length === 0) problems.push(`scaling is empty: ${needed}`);
  if (given.length > 1) {
    problems.push(`scaling has ${given.join(" and ")}: the group follows one of them, so leave one out`);
  }
  return problems;
}

function sizeProblems({ minInstances = 2, maxInstances, scaling }: Members): string[] {
  if (typeof minInstances !== "number" || typeof maxInstances !== "number") return [];
  if (maxInstances < minInstances) {
    return [`maxInstances is ${maxInstances}, less than minInstances (${minInstances})`];
  }
  if (maxInstances > minInstances && isLeftOut(scaling)) {
    return [
      `maxInstances is ${maxInstances}, and nothing makes the group grow: say when by scaling, or raise minInstances`,
    ];
  }
  return [];
}
