import type { SshConnection } from "../ssh/ssh-connection.ts";

/** How the server runs on its host. */
export const DeploymentMode = {
  /** Service mode where the user may (root or passwordless sudo, and an init system), else user mode. */
  Auto: "auto",
  /** Registered with the init system and started at boot. */
  Service: "service",
  /** A background process of the user, for hosts without root; nothing at boot. */
  User: "user",
} as const;
export type DeploymentMode = (typeof DeploymentMode)[keyof typeof DeploymentMode];

/** What the server on the host is to be. */
export interface InstallSettings {
  readonly mode: DeploymentMode;
  /** TCP ports, or `undefined` to keep what the host has (443, 992 and 5555 at first). */
  readonly listeners?: readonly number[];
  readonly openFirewall: boolean;
  /** Folder of the executable on the host; the mode's own when left out. */
  readonly directory?: string;
  /** Folder of configuration, keys and logs on the host; the mode's own when left out. */
  readonly stateDirectory?: string;
  /** Configuration of a SoftEther VPN Server on the host that is taken over. */
  readonly importFrom?: string;
  /** Take the server over though another deployment owns it. */
  readonly adopt: boolean;
  /** How long a new release has to become healthy before the previous one is put back. */
  readonly healthTimeoutSeconds: number;
}

/** The arguments of a server whose values are known and have been checked. */
export interface DeploymentSettings {
  readonly connection: SshConnection;
  /** Where VPN clients connect; an IPv6 address without brackets. */
  readonly publicHost: string;
  readonly install: InstallSettings;
  readonly removal: {
    readonly uninstall: boolean;
    /** Whether configuration, certificate, keys and logs go too. */
    readonly purgeState: boolean;
  };
  readonly connectTimeoutMs: number;
}
