import type * as pulumi from "@pulumi/pulumi";
import type { HubLogArgs, HubOptionsArgs } from "./hub-options-arguments.ts";
import type { HubPolicyArgs } from "./hub-policy-arguments.ts";
import type { SecureNatArgs } from "./secure-nat-arguments.ts";

/**
 * A Virtual Hub as it is to be. Hubs, users and groups that are taken out of the arguments are deleted on the host; those
 * that others made there are left alone.
 */
export interface HubArgs {
  /** Name of the hub; `DEFAULT` is there from the beginning. Letters, digits, space and `()-_#%&.`. */
  name: pulumi.Input<string>;
  /**
   * Whether the hub takes sessions.
   * @default true
   */
  online?: pulumi.Input<boolean>;
  /**
   * Sessions at the same time; 0 is no limit.
   * @default 0
   */
  maxSessions?: pulumi.Input<number>;
  /** Shown by clients that connect. */
  message?: pulumi.Input<string>;
  /**
   * Password of the hub's administrator, a secret.
   * @default empty: an administrator comes from the host itself only
   */
  adminPassword?: pulumi.Input<string>;
  /** Who may connect. */
  users?: pulumi.Input<pulumi.Input<HubUserArgs>[]>;
  /** Groups that users can be in. */
  groups?: pulumi.Input<pulumi.Input<HubGroupArgs>[]>;
  /** Certificates in PEM of the authorities whose certificates users with `signedCertificate` prove. */
  trustedAuthorities?: pulumi.Input<pulumi.Input<string>[]>;
  /** Rules that frames are tried against, in this order; a frame that none fits passes. */
  accessList?: pulumi.Input<pulumi.Input<AccessRuleArgs>[]>;
  /** Options of the hub. */
  options?: pulumi.Input<HubOptionsArgs>;
  /** What the hub logs. */
  log?: pulumi.Input<HubLogArgs>;
  /**
   * Addresses for clients and a way to the networks of the host, which needs no privilege there: `true`, `false` or how.
   * @default a hub that is new and has users gets it; one that is there keeps what it has
   */
  secureNat?: pulumi.Input<boolean | SecureNatArgs>;
  /** Network interfaces of the host that the hub is one network with. It needs service mode. */
  localBridges?: pulumi.Input<pulumi.Input<LocalBridgeArgs>[]>;
}

/** A bridge between a hub and a network interface of the host. */
export interface LocalBridgeArgs {
  /** Name of an interface that is there, such as `br0` or `eth1`; of a TAP without its prefix `tap_`. */
  device: pulumi.Input<string>;
  /**
   * Whether the server makes the interface, a TAP by which the host itself is in the hub's network.
   * @default false
   */
  tap?: pulumi.Input<boolean>;
}

/** A user of a hub. One of `password`, `certificate`, `signedCertificate` and `anonymous` tells how it proves who it is. */
export interface HubUserArgs {
  /** Name to log in with; no matter the case. */
  name: pulumi.Input<string>;
  /** Password, a secret. */
  password?: pulumi.Input<string>;
  /** The user's own certificate in PEM, with an RSA key. */
  certificate?: pulumi.Input<string>;
  /**
   * Private key of `certificate` in PEM without passphrase, a secret. It goes into the user's `.vpn` file and nowhere else;
   * without it the user gives certificate and key to the client.
   */
  privateKey?: pulumi.Input<string>;
  /** Any certificate that one of the hub's `trustedAuthorities` signed. */
  signedCertificate?: pulumi.Input<SignedCertificateArgs>;
  /** Needs to prove nothing. */
  anonymous?: pulumi.Input<boolean>;
  /** Full name. */
  realName?: pulumi.Input<string>;
  /** Note for administrators. */
  note?: pulumi.Input<string>;
  /** Name of a group of the same hub. */
  group?: pulumi.Input<string>;
  /** ISO 8601 time with time zone after which the user may no longer log in, such as `2030-01-31T12:00:00Z`. */
  expires?: pulumi.Input<string>;
  /** Instead of the group's and the default policy; what it does not tell is as in the default. */
  policy?: pulumi.Input<HubPolicyArgs>;
}

/** What a signed certificate must hold besides. */
export interface SignedCertificateArgs {
  /** Common name of the subject; any when left out. */
  commonName?: pulumi.Input<string>;
  /** Serial number in hexadecimal, such as `0A:1B:2C`; any when left out. */
  serial?: pulumi.Input<string>;
}

/** A group of users. */
export interface HubGroupArgs {
  /** Name of the group; no matter the case. */
  name: pulumi.Input<string>;
  /** Full name. */
  realName?: pulumi.Input<string>;
  /** Note for administrators. */
  note?: pulumi.Input<string>;
  /** Of its users that have none of their own. */
  policy?: pulumi.Input<HubPolicyArgs>;
}

/** An entry of a hub's access list. A frame must fit all that is told. */
export interface AccessRuleArgs {
  /** `pass` or `discard`. */
  action: pulumi.Input<string>;
  /**
   * Rules are tried in ascending order, from 1.
   * @default the place in the list
   */
  priority?: pulumi.Input<number>;
  /** Note for administrators. */
  note?: pulumi.Input<string>;
  /** Network or address, IPv4 or IPv6, such as `192.0.2.0/24`. */
  sourceNetwork?: pulumi.Input<string>;
  /** Network or address, of the same version as `sourceNetwork`. */
  destinationNetwork?: pulumi.Input<string>;
  /** `tcp`, `udp`, `icmp` or the number of an IP protocol, such as `47`. */
  protocol?: pulumi.Input<string>;
  /** Port or range, such as `80` or `1000-2000`; TCP and UDP. */
  sourcePorts?: pulumi.Input<string>;
  /** Port or range, such as `80` or `1000-2000`; TCP and UDP. */
  destinationPorts?: pulumi.Input<string>;
  /** User or group that sends. */
  sourceUser?: pulumi.Input<string>;
  /** User or group that receives. */
  destinationUser?: pulumi.Input<string>;
  /** MAC address, with a mask after `/` if need be. */
  sourceMac?: pulumi.Input<string>;
  /** MAC address, with a mask after `/` if need be. */
  destinationMac?: pulumi.Input<string>;
  /** TCP: whether the packet belongs to an established connection. */
  established?: pulumi.Input<boolean>;
  /** Delay of what passes, 0 to 10000 milliseconds. */
  delayMs?: pulumi.Input<number>;
  /** How much the delay varies, in percent of it. */
  jitterPercent?: pulumi.Input<number>;
  /** How much of what passes is lost, in percent. */
  lossPercent?: pulumi.Input<number>;
  /** Where plain HTTP requests are redirected to. */
  redirectUrl?: pulumi.Input<string>;
}
