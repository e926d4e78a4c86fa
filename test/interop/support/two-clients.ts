import type { HubSettings } from "../../../server/settings/hub-settings.ts";
import type { Lab } from "../../lab/lab.ts";
import { OurServer } from "./our-server.ts";
import { VpnClient } from "./vpn-client.ts";

/** Addresses of the clients in the network that the hub makes. */
export const [aliceAddress, bobAddress] = ["10.9.0.1", "10.9.0.2"];

/** Our server and two clients, which are not connected yet. */
export interface TwoClients {
  readonly server: OurServer;
  readonly alice: VpnClient;
  readonly bob: VpnClient;
}

/** Starts our server and two clients, each in a station of the lab. */
export async function startTwoClients(lab: Lab, hubs: readonly HubSettings[]): Promise<TwoClients> {
  const [station, one, two] = await Promise.all([
    lab.station("server"),
    lab.station("one"),
    lab.station("two"),
  ]);
  const [server, alice, bob] = await Promise.all([
    OurServer.start(station, lab.directory, hubs),
    VpnClient.start(one),
    VpnClient.start(two),
  ]);
  await alice.setAddress(`${aliceAddress}/24`);
  await bob.setAddress(`${bobAddress}/24`);
  return { server, alice, bob };
}
