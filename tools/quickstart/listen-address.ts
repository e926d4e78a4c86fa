import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { writeFileAtomically } from "../../server/platform/atomic-file.ts";
import { emptyDocument } from "../../server/config/text/config-document.ts";
import { fields, withFields } from "../../server/config/text/config-fields.ts";
import { formatConfig } from "../../server/config/text/config-format.ts";
import { findFolder, findItem, withChild } from "../../server/config/text/config-node.ts";
import { parseConfig } from "../../server/config/text/config-text.ts";

const loopback = "127.0.0.1";
const folderName = "ServerConfiguration";
const itemName = "ListenIP";

/**
 * Decides where a server listens that is made to be tried out: on loopback, unless somebody wants it on every address. A
 * server that is there already stays as it is.
 *
 * `ListenIP` of the configuration says so, and that is laid down before there is a server: one that started without it
 * would be reachable from everywhere until it was told.
 *
 * @param configFile `vpn_server.config` of the server
 * @param everyAddress whether every address is wanted
 * @returns the address; `undefined` stands for every one
 * @throws Error when every address is wanted of a server that has one
 */
export async function decideListenAddress(
  configFile: string,
  everyAddress: boolean,
): Promise<string | undefined> {
  const former = await readFile(configFile).catch(() => undefined);
  if (former === undefined) {
    if (everyAddress) return undefined;
    await mkdir(dirname(configFile), { recursive: true, mode: 0o700 });
    await writeFileAtomically(configFile, configListeningOn(loopback), { mode: 0o600 });
    return loopback;
  }
  const address = listenAddressIn(former);
  if (everyAddress && address !== undefined) {
    throw new Error(
      `this server listens on ${address} alone since it was made, and that is not changed in place: ` +
        'run "npm run quickstart -- down" first',
    );
  }
  return address;
}

function configListeningOn(address: string): Buffer {
  const folder = { kind: "folder", name: folderName, children: [] } as const;
  const root = withChild(emptyDocument.root, withFields(folder, { [itemName]: fields.text(address) }));
  return formatConfig({ ...emptyDocument, root });
}

/** What cannot be read, the server itself reports. */
function listenAddressIn(bytes: Uint8Array): string | undefined {
  try {
    const folder = findFolder(parseConfig(bytes).root, folderName);
    const address = folder && findItem(folder, "string", itemName)?.value;
    return address === undefined || /^(|::|0\.0\.0\.0)$/.test(address) ? undefined : address;
  } catch {
    return undefined;
  }
}
