import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigStore } from "../../../server/config/config-store.ts";
import { LiveConfiguration } from "../../../server/config/live-configuration.ts";
import { replaceCertificate } from "../../../server/identity/certificate.ts";
import { LiveIdentity } from "../../../server/identity/live-identity.ts";
import { NativeLoader } from "../../../server/native/native.ts";
import { LogFiles } from "../../../server/logs/log-files.ts";
import type { ServerSettings } from "../../../server/settings/server-settings.ts";
import type { ServerOptions } from "../../../server/worker/environment.ts";
import { startServer, type Server } from "../../../server/worker/server.ts";
import { silent, testCertificate } from "../transport/loopback.ts";

/** Nothing of the tests is for other hosts. */
const onLoopback = `declare root
{
\tdeclare ServerConfiguration
\t{
\t\tstring ListenIP 127.0.0.1
\t}
}
`;

export interface ServerInTest extends Server {
  readonly identity: LiveIdentity;
  readonly configuration: LiveConfiguration;
}

/** A server on loopback with its files in `directory`, as the worker starts it. */
export async function startServerIn(
  directory: string,
  change: (settings: ServerSettings) => ServerSettings = (settings) => settings,
  more: Partial<ServerOptions> = {},
): Promise<ServerInTest> {
  const configFile = join(directory, "vpn_server.config");
  await writeFile(configFile, onLoopback, { flag: "wx" }).catch(() => {});
  const store = await ConfigStore.open({ configFile });
  const paths = {
    certificateFile: join(directory, "server.crt"),
    keyFile: join(directory, "server.key"),
    leasesFile: join(directory, "leases.json"),
    forwardingFile: join(directory, "forwarding.json"),
  };
  await store.update(change);
  if (!existsSync(paths.keyFile)) await replaceCertificate(paths, await testCertificate());
  const identity = await LiveIdentity.open(paths, undefined);
  const configuration = new LiveConfiguration(store);
  const server = await startServer({
    paths,
    configuration,
    identity,
    logs: new LogFiles({ directory, hubNames: () => store.hubs.map(({ name }) => name) }),
    admitsAdministrator: () => true,
    restart: () => {},
    native: new NativeLoader({ env: { VPNSERVER_NATIVE: "off" }, directory }),
    log: { ...silent, event: () => {}, detail: () => {} },
    createHubLog: () => ({ security: () => {}, packet: () => {} }),
    ...more,
  });
  return {
    ...server,
    identity,
    configuration,
    // The store would write its journal into the file seconds later, when the directory is being removed.
    close: async () => {
      await server.close();
      await store.close();
    },
  };
}
