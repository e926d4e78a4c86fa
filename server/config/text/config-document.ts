import { findFolder, withChild, type ConfigDocument } from "./config-node.ts";

const header = [
  "# Configuration of the VPN server.",
  "#",
  "# The server keeps what it does not know. Stop it before you edit this file (vpnserver stop).",
  "",
];

/** What a configuration begins with. */
export const emptyDocument: ConfigDocument = {
  header,
  root: {
    kind: "folder",
    name: "root",
    children: [
      { kind: "item", type: "uint", name: "ConfigRevision", value: "1" },
      { kind: "folder", name: "ServerConfiguration", children: [] },
    ],
  },
};

/**
 * The document with a folder `ServerConfiguration`, without which the official server takes nothing of a file
 * (`Cedar/Server.c` SiLoadConfigurationCfg).
 */
export function withServerConfiguration(document: ConfigDocument): ConfigDocument {
  const { root } = document;
  if (findFolder(root, "ServerConfiguration") !== undefined) return document;
  const folder = { kind: "folder", name: "ServerConfiguration", children: [] } as const;
  return { ...document, root: withChild(root, folder) };
}
