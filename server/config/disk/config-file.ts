import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ServerError } from "../../errors.ts";
import { backupDirectoryOf } from "./config-backups.ts";
import { emptyDocument } from "../text/config-document.ts";
import { readStoredConfig } from "./config-reader.ts";
import { ConfigFiles } from "./config-files.ts";
import type { ConfigDocument } from "../text/config-node.ts";
import { listenersOf, withListeners } from "../sections/listener-config.ts";
import { problemOfPorts } from "../../settings/listener-settings.ts";
import { type ListenerSettings } from "../../settings/listener-settings.ts";
import type { StatePaths } from "../../state-paths.ts";
import { readServerSettingsInSteps } from "../sections/server-settings-config.ts";

/** What this version reads of `vpn_server.config` without a server. */
export interface ServerConfig {
  /** TCP ports 1..65535, each at most once. */
  readonly listeners: readonly ListenerSettings[];
}

/** What a server without configuration file starts with: the ports of the SoftEther manual. */
export const defaultServerConfig: ServerConfig = {
  listeners: [443, 992, 5555].map((port) => ({ port, enabled: true })),
};

/**
 * Reads `vpn_server.config` with its journal, as the server would; a file that is not there gives
 * {@link defaultServerConfig}.
 *
 * @throws {ServerError} STATE_INVALID when the file cannot be read, or cannot be used and has no backup
 */
export async function readServerConfig({
  configFile,
}: Pick<StatePaths, "configFile">): Promise<ServerConfig> {
  const stored = await readStoredConfig(configFile, readServerSettingsInSteps);
  return stored === undefined ? defaultServerConfig : { listeners: listenersOf(stored.document) };
}

/**
 * Writes `config` into `vpn_server.config` of a server that does not run, atomically and on the disk when this resolves. What
 * the file and its journal hold besides is kept, and so are the other settings of a listener that stays.
 *
 * @throws {ServerError} STATE_INVALID when there is a file that cannot be used and has no backup, which is then left as it is,
 *   or when writing fails; USAGE when a port is none
 */
export async function writeServerConfig(
  { configFile }: Pick<StatePaths, "configFile">,
  config: ServerConfig,
): Promise<void> {
  const problem = problemOfPorts(config.listeners);
  if (problem !== undefined) throw new ServerError("USAGE", problem);
  const storage = new ConfigFiles(configFile, Date.now, () => {});
  try {
    const document = (await storage.read(readServerSettingsInSteps))?.document ?? emptyDocument;
    await storage.fold(withListeners(document, config.listeners));
  } finally {
    await storage.close();
  }
}

/**
 * Makes `document` the configuration of a server that does not run and has none yet, on the disk when this resolves.
 *
 * @throws {ServerError} STATE_INVALID when writing fails
 */
export async function replaceServerConfig(
  { configFile }: Pick<StatePaths, "configFile">,
  document: ConfigDocument,
): Promise<void> {
  const storage = new ConfigFiles(configFile, Date.now, () => {});
  try {
    await storage.fold(document);
  } finally {
    await storage.close();
  }
}

/** Takes the configuration of a server that does not run away, with its journal, its backups and what was kept aside. */
export async function removeServerConfig({ configFile }: Pick<StatePaths, "configFile">): Promise<void> {
  const [folder, name] = [dirname(configFile), basename(configFile)];
  for (const each of await readdir(folder).catch(() => [])) {
    const isOfConfig =
      each.startsWith(name) && /^(\.journal)?(\.unusable-\d+T\d+Z)?$/.test(each.slice(name.length));
    if (isOfConfig) await rm(join(folder, each), { recursive: true, force: true });
  }
  await rm(backupDirectoryOf(configFile), { recursive: true, force: true });
}
