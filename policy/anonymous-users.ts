import type { ResourceValidationPolicy } from "@pulumi/policy";
import { isPublicHost } from "./public-host.ts";
import { listOf, look, membersOf, textOf } from "./known-value.ts";

type Properties = Readonly<Record<string, unknown>>;

/** A server, as far as its resources tell. */
interface ToldServer {
  readonly host: string | undefined;
  /** `user of hub` each, of those who prove nothing. */
  readonly anonymous: readonly string[];
}

/** The parent of what deploys a server. */
const serverParent = /[:$]vpnserver:index:VpnServer::/;

/** A user proves nothing, and the Internet can reach the server. */
export const anonymousUsers: ResourceValidationPolicy = {
  name: "anonymous-user-on-a-public-server",
  displayName: "User without proof on a public server",
  description: "On a server that the Internet can reach every user proves who it is.",
  severity: "high",
  remediationSteps:
    "Give the user a password or a certificate; where only a network of your own reaches the server by its name, name it in privateHosts.",
  configSchema: {
    properties: {
      privateHosts: {
        type: "array",
        items: { type: "string" },
        default: [],
        description: "Host names that the Internet cannot reach; .example.org stands for all that end in it.",
      },
    },
  },
  validateResource: (resource, report) => {
    const server = toldServer(resource.type, resource.props, resource.opts.parent);
    if (server?.host === undefined || server.anonymous.length === 0) return;
    const { privateHosts = [] } = resource.getConfig<{ privateHosts?: readonly string[] }>();
    if (!isPublicHost(server.host, privateHosts)) return;
    report(
      `on ${server.host} nothing is asked of ${server.anonymous.join(", ")}: anybody could be in the hub's network`,
    );
  },
};

/** What is declared shows in a preview; what is applied is looked at before it is. */
function toldServer(type: string, props: Properties, parent: string | undefined): ToldServer | undefined {
  if (type === "vpnserver:index:DeclaredHubs") {
    const hubs = membersOf(() => props["hubs"]);
    return {
      host: textOf(() => props["publicHost"]),
      anonymous: Object.keys(hubs).flatMap((hub) => declaredIn(hub, hubs)),
    };
  }
  if (type !== "command:remote:Command" || !serverParent.test(parent ?? "")) return undefined;
  const { hubs } = desiredState(textOf(() => props["stdin"]));
  const connection = membersOf(() => props["connection"]);
  return {
    host: textOf(() => connection["host"]),
    anonymous: listOf(() => hubs).flatMap((hub) => {
      const { name, users } = membersOf(() => hub);
      return listOf(() => users)
        .map((user) => membersOf(() => user))
        .filter(({ anonymous }) => anonymous === true)
        .map((user) => `${String(user["name"])} of ${String(name)}`);
    }),
  };
}

function declaredIn(hub: string, hubs: Properties): string[] {
  const users = membersOf(() => membersOf(() => hubs[hub])["users"]);
  return Object.keys(users)
    .filter((user) => look(() => membersOf(() => users[user])["anonymous"]) === true)
    .map((user) => `${user} of ${hub}`);
}

/** What `vpnserver apply` reads; other commands read scripts. */
function desiredState(stdin: string | undefined): Properties {
  if (stdin === undefined || !stdin.startsWith("{")) return {};
  try {
    return membersOf(() => JSON.parse(stdin) as unknown);
  } catch {
    return {};
  }
}
