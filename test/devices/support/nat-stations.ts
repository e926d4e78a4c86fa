import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SecureNatCounts } from "../../../server/secure-nat/secure-nat.ts";
import { Lab } from "../../lab/lab.ts";
import type { Namespace } from "../../lab/namespace.ts";
import type { BadLink } from "./bad-link.ts";
import { startChild } from "./child.ts";

/** Of the virtual host, and of a client behind the TAP. */
export const [natRouter, natClient] = ["192.168.30.1", "192.168.30.50"];

/**
 * The host of a NAT by sockets, a client's host that has the TAP of its hub, and a host outside.
 *
 *     behind ─ tap_vpn ─ hub ─ virtual host ─ nat ─ eth0 ─ web
 */
export class NatStations {
  readonly #lab: Lab;
  readonly nat: Namespace;
  readonly behind: Namespace;
  readonly web: Namespace;
  /** A folder that goes with them. */
  readonly scratch: string;

  private constructor(lab: Lab, [nat, behind, web]: readonly Namespace[], scratch: string) {
    assert.ok(nat && behind && web);
    this.#lab = lab;
    this.nat = nat;
    this.behind = behind;
    this.web = web;
    this.scratch = scratch;
  }

  static async create(): Promise<NatStations> {
    const lab = await Lab.create();
    const stations = await Promise.all(["nat", "behind", "web"].map((name) => lab.station(name)));
    return new NatStations(lab, stations, await mkdtemp(join(tmpdir(), "vpnserver-nat-test-")));
  }

  async dispose(): Promise<void> {
    await this.#lab.dispose();
    await rm(this.scratch, { recursive: true });
  }

  /** The NAT with its TAP at the client's host, which has no address yet. */
  async startNat(link?: BadLink) {
    const { nat, behind } = this;
    const child = startChild(nat, "nat-behind-tap.ts", ["tap_vpn", ...(link ? [JSON.stringify(link)] : [])]);
    assert.equal(await child.nextLine(), "ready");
    await nat.run("ip", ["link", "set", "tap_vpn", "netns", behind.name]);
    await behind.run("ip", ["link", "set", "tap_vpn", "up"]);
    const counts = async () => {
      child.write("counts");
      return JSON.parse((await child.nextLine()) ?? "") as SecureNatCounts & { readonly ended: number };
    };
    return { ...child, counts };
  }

  /** Gives the client its address, and the way through the NAT to the host outside. */
  async giveAddress(): Promise<void> {
    const { behind, web } = this;
    await behind.run("ip", ["address", "add", `${natClient}/24`, "dev", "tap_vpn"]);
    await behind.run("ip", ["route", "add", web.address, "via", natRouter]);
  }
}
