import { createEntrances } from "../../admin/entrances.ts";
import type { ConnectionSummary } from "../../admin/administration.ts";
import { takeCertificate } from "../../identity/certificate-files.ts";
import { bridgeableInterfaces, bridgeSupport } from "../../packet-device/bridge-support.ts";
import type { PendingConnection } from "../../transport/connections.ts";
import type { Feature } from "../feature.ts";

/** Administration by `vpncmd` on SoftEther's protocol, and by JSON-RPC. */
export const administration: Feature = {
  start({ configuration, connections, hubs, identity, listeners, sessions, ...environment }) {
    const { service, api } = createEntrances({
      administration: {
        now: () => Date.now(),
        startedAt: Date.now(),
        settings: () => configuration.settings,
        update: async (change) => (await configuration.update(change)).settings,
        hubs,
        sessions: () => sessions,
        localBridges: {
          support: async () => bridgeSupport(await environment.native.get()),
          interfaces: () => bridgeableInterfaces(),
          states: () => environment.localBridges.states(),
        },
        secureNat: (hubName) => environment.secureNats.get(hubName.toLowerCase())?.report(),
        statistics: (hubName) => hubs.statistics(hubName),
        listeners: () => listeners.statuses(),
        connections: {
          all: () => connections.pending().map(summaryOf),
          disconnect: (name) => connections.disconnect(name),
        },
        certificate: {
          current: () => identity.current,
          replace: (wanted) => identity.replaceWithKnownChain(wanted),
          regenerate: (commonName) => identity.regenerate(commonName),
        },
        configuration: {
          text: () => configuration.store.text(),
          flush: () => configuration.store.flush(),
          replace: async (text) => {
            await configuration.store.replace(text);
            // For the next start, which this is followed by.
            await takeCertificate(environment.paths, configuration.settings.identity);
          },
        },
        logs: environment.logs,
        restart: environment.restart,
      },
      admits: environment.admitsAdministrator,
      log: environment.log,
    });
    environment.clientMethods.set("admin", (request) => service.answer(request));
    environment.webPages.set("api", (request) => api.answer(request));
    return {
      apply: () => {
        service.review();
        return [];
      },
    };
  },
};

function summaryOf({ name, peer, connectedAt, administers }: PendingConnection): ConnectionSummary {
  return {
    name,
    peerAddress: peer.address,
    peerPort: peer.port,
    connectedAt,
    type: administers ? "administration" : "initializing",
    client: undefined,
  };
}
