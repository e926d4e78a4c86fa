import { readFileSync } from "node:fs";
import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import * as provider from "@pulumi/pulumi/provider/index.js";
import type { AwsVpnServer } from "./aws/aws-vpn-server.ts";
import type { AwsVpnFleet } from "./aws/fleet/aws-vpn-fleet.ts";
import { explainMissingPackage } from "./missing-package.ts";
import { servedByPlugin } from "./deployment/removal-failure.ts";
import { VpnFleet, VpnServer } from "./index.ts";

interface Schema {
  readonly version: string;
  readonly resources: Readonly<Record<string, { readonly properties: Readonly<Record<string, unknown>> }>>;
}

type ComponentConstructor = new (
  name: string,
  args: never,
  opts: pulumi.ComponentResourceOptions,
) => pulumi.ComponentResource;

/** Each is loaded when it is wanted: not everybody has what those on AWS need. */
const components: Readonly<Record<string, () => Promise<ComponentConstructor>>> = {
  "vpnserver:index:VpnServer": () => Promise.resolve(VpnServer),
  "vpnserver:index:VpnFleet": () => Promise.resolve(VpnFleet),
  "vpnserver:index:AwsVpnServer": loadAwsVpnServer,
  "vpnserver:index:AwsVpnFleet": loadAwsVpnFleet,
};

async function loadAwsVpnServer(): Promise<typeof AwsVpnServer> {
  return (await withAws("AwsVpnServer", () => import("./aws/aws-vpn-server.ts"))).AwsVpnServer;
}

async function loadAwsVpnFleet(): Promise<typeof AwsVpnFleet> {
  return (await withAws("AwsVpnFleet", () => import("./aws/fleet/aws-vpn-fleet.ts"))).AwsVpnFleet;
}

/** @throws Error with what to install when it is missing */
async function withAws<T>(component: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw explainMissingPackage(error, component, join(import.meta.dirname, "..", "..", ".."));
  }
}

/**
 * Serves the components to programs in any Pulumi language, until the engine ends this process.
 *
 * The schema was inferred by the build (`tools/build/schema.ts`) and lies beside the compiled package: serving needs
 * neither a compiler nor the sources, unlike `componentProviderHost`.
 *
 * @param args what the engine starts a plugin with: its own address
 */
export function servePlugin(args: string[]): Promise<void> {
  servedByPlugin();
  const text = readFileSync(join(import.meta.dirname, "..", "schema.json"), "utf8");
  const schema = JSON.parse(text) as Schema;
  return provider.main(
    {
      version: schema.version,
      schema: text,
      async construct(name, type, inputs, options) {
        const load = components[type];
        const description = schema.resources[type];
        if (load === undefined || description === undefined) {
          throw new Error(`there is no ${type}; there are ${Object.keys(components).join(" and ")}`);
        }
        const component = await load();
        const resource = new component(name, inputs as never, options);
        const outputs = resource as unknown as Readonly<Record<string, unknown>>;
        const names = Object.keys(description.properties);
        return { urn: resource.urn, state: Object.fromEntries(names.map((key) => [key, outputs[key]])) };
      },
    },
    args,
  );
}
