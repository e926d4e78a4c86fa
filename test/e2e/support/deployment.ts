import assert from "node:assert/strict";
import type * as pulumi from "@pulumi/pulumi";
import type { FleetMember, HubArgs } from "../../../components/index.ts";
import { Lab } from "../../lab/lab.ts";
import type { Host } from "../../lab/host.ts";
import { Stack, type StackResult } from "./stack.ts";

/** A lab and the fleet program on its operator's side, for one claim. */
export class Deployment {
  readonly lab: Lab;
  readonly stack: Stack;

  private constructor(lab: Lab, stack: Stack) {
    this.lab = lab;
    this.stack = stack;
  }

  static async create(options: { program?: string } = {}): Promise<Deployment> {
    const lab = await Lab.create();
    try {
      return new Deployment(lab, await Stack.create({ lab, ...options }));
    } catch (error) {
      await lab.dispose();
      throw error;
    }
  }

  /** Puts these hosts, as {@link entryOf} makes them, into the stack's configuration. */
  async configure(...hosts: HostEntry[]): Promise<void> {
    await this.stack.setConfig("vpnserver:hosts", hosts);
  }

  /** The hubs of all hosts. */
  async configureHubs(...hubs: HubEntry[]): Promise<void> {
    await this.stack.setSecret("vpnserver:hubs", hubs);
  }

  /** The text of a user's `.vpn` file. */
  async vpnFile(server: string, hub: string, user: string): Promise<string> {
    const { vpnFiles } = (await this.stack.outputs()) as {
      vpnFiles: Record<string, Record<string, Record<string, string>>>;
    };
    const text = vpnFiles[server]?.[hub]?.[user];
    assert.ok(text, `there is no .vpn file of ${user} for ${hub} of ${server}`);
    return text;
  }

  /** The stack's outputs about its servers, by name. */
  async servers(): Promise<Record<string, FleetMember>> {
    return ((await this.stack.outputs()) as { servers: Record<string, FleetMember> }).servers;
  }

  async server(name: string): Promise<FleetMember> {
    const server = (await this.servers())[name];
    assert.ok(server, `the stack has no server "${name}"`);
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.dispose();
    await this.lab.dispose();
  }
}

/** One element of `vpnserver:hubs`. */
type HubEntry = pulumi.Unwrap<HubArgs>;

/** One element of `vpnserver:hosts`. */
export type HostEntry = Record<string, unknown>;

export function entryOf(host: Host, more: HostEntry = {}): HostEntry {
  return {
    name: host.name,
    host: host.address,
    hostKey: host.ssh.hostKey,
    privateKeyFile: host.ssh.privateKeyPath,
    ...more,
  };
}

export function assertSucceeded(result: StackResult): void {
  assert.equal(result.code, 0, `pulumi failed:\n${result.stdout}\n${result.stderr}`);
}

export function assertFailed(result: StackResult, why: RegExp): void {
  const output = `${result.stdout}\n${result.stderr}`;
  assert.notEqual(result.code, 0, `pulumi succeeded:\n${output}`);
  assert.match(output, why);
}

/** Process ids of supervisor and worker, as the host sees them. */
export async function serverProcesses(host: Host): Promise<number[]> {
  const { stdout } = await host.run("ps -e -o pid=,args= | grep '[v]pnserver execsvc' | awk '{ print $1 }'");
  return stdout.split("\n").filter(Boolean).map(Number);
}

/** The server's own account of itself, whatever the mode. */
export async function statusOf(host: Host, user = "root"): Promise<{ running: boolean; release: string }> {
  const { stdout } = await host.run(
    "for d in /opt/vpnserver ~/vpnserver; do if [ -x $d/current/vpnserver ]; then $d/current/vpnserver status --json; fi; done",
    { user },
  );
  return JSON.parse(stdout) as { running: boolean; release: string };
}
