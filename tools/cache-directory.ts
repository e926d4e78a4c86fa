import { homedir } from "node:os";
import { join } from "node:path";

/** The user's cache, kept from build to build. */
export function defaultCacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "pulumi-vpnserver");
}
