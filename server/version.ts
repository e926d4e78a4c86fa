import { readFileSync } from "node:fs";

/** Set by the build (`tools/build`), absent when the sources run directly. */
declare const VPNSERVER_VERSION: string | undefined;

function versionOfSources(): string {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return manifest.version;
}

/** The server's version, the same as the npm package's, such as `0.1.0`. */
export const version: string = typeof VPNSERVER_VERSION === "string" ? VPNSERVER_VERSION : versionOfSources();

/** The product string of the hello PACK, which tells a health check which version answers. */
export const productName = `pulumi-vpnserver ${version}`;

/**
 * Protocol version and build of the hello PACK. SoftEther clients work around quirks of servers older than 5.01 build
 * 9674, so the server presents itself as that.
 */
export const protocolVersion = { version: 501, build: 9674 } as const;
