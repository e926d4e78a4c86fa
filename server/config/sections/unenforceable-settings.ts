import { namesUserList } from "../../settings/access-rule.ts";
import { readAccessRule } from "./access-rule-config.ts";
import { accessRuleFolders, findHubFolders, hubListName } from "./hub-folders.ts";
import type { ConfigDocument } from "../text/config-node.ts";

/**
 * What a configuration restricts in a way that this server cannot keep to, each with its place in the file and the way out. Such a
 * configuration is not imported; where a server has it all the same, it restricts more than it was meant to. (What would let nobody
 * in at all is told when the settings are read.)
 */
export function unenforceableSettings({ root }: ConfigDocument): string[] {
  return (findHubFolders(root) ?? []).flatMap((hub) =>
    accessRuleFolders(hub).flatMap((folder) => {
      const path = `${hubListName}/${hub.name}/AccessList/${folder.name}`;
      const rule = readAccessRule(folder, path);
      return rule.active && namesUserList(rule)
        ? [
            `${path} names users by a file (include:, exclude:), which is not read here: name a user or a group`,
          ]
        : [];
    }),
  );
}
