import { join } from "node:path";
import { startServer, type Server, type ServerOptions } from "../../../server/worker/server.ts";
import { ConfigStore } from "../../../server/config/config-store.ts";
import type { ServerSettings } from "../../../server/settings/server-settings.ts";
import { LogFiles } from "../../../server/logs/log-files.ts";
import { silent } from "../transport/loopback.ts";

/** A server on loopback with its files in `directory`, as the worker starts it. */
export async function startServerIn(
  directory: string,
  change: (settings: ServerSettings) => ServerSettings = (settings) => settings,
  more: Partial<ServerOptions> = {},
): Promise<Server> {
  const store = await ConfigStore.open({ configFile: join(directory, "vpn_server.config") });
  await store.update(change);
  const server: Server = await startServer({
    paths: { certificateFile: join(directory, "server.crt"), keyFile: join(directory, "server.key") },
    settings: { ...store.settings, access: { ...store.settings.access, listenAddress: "127.0.0.1" } },
    updateSettings: async (update) => {
      const settings = await store.update(update);
      await server.applySettings(store.settings);
      return settings;
    },
    configuration: {
      text: () => Promise.resolve(store.text()),
      replace: (text) => store.replace(text),
      flush: () => Promise.resolve(store.text().length),
    },
    logs: new LogFiles({ directory, hubNames: () => store.hubs.map(({ name }) => name) }),
    admitsAdministrator: () => true,
    restart: () => {},
    log: { ...silent, event: () => {}, detail: () => {} },
    createHubLog: () => ({ security: () => {}, packet: () => {} }),
    ...more,
  });
  return server;
}
