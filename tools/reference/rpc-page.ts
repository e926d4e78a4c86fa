import { rpcs } from "../../server/admin/definitions.ts";
import { accessRpcs } from "../../server/admin/definitions/access-rpcs.ts";
import { accountRpcs } from "../../server/admin/definitions/account-rpcs.ts";
import { bridgeRpcs } from "../../server/admin/definitions/bridge-rpcs.ts";
import { cascadeRpcs } from "../../server/admin/definitions/cascade-rpcs.ts";
import { clusterRpcs } from "../../server/admin/definitions/cluster-rpcs.ts";
import { connectionRpcs } from "../../server/admin/definitions/connection-rpcs.ts";
import { ddnsRpcs } from "../../server/admin/definitions/ddns-rpcs.ts";
import { hubRpcs } from "../../server/admin/definitions/hub-rpcs.ts";
import { layer3Rpcs } from "../../server/admin/definitions/layer3-rpcs.ts";
import { licenseRpcs } from "../../server/admin/definitions/license-rpcs.ts";
import { listenerRpcs } from "../../server/admin/definitions/listener-rpcs.ts";
import { logRpcs } from "../../server/admin/definitions/log-rpcs.ts";
import { secureNatRpcs } from "../../server/admin/definitions/secure-nat-rpcs.ts";
import { serverRpcs } from "../../server/admin/definitions/server-rpcs.ts";
import { sessionRpcs } from "../../server/admin/definitions/session-rpcs.ts";
import { errorTexts } from "../../server/admin/error-texts.ts";
import type { Field, Fields } from "../../server/admin/fields.ts";
import type { RpcDefinition } from "../../server/admin/rpc.ts";
import * as shared from "../../server/admin/shared-fields.ts";
import { protocolErrors, type ProtocolError } from "../../server/wire/protocol-error.ts";

const areas: Readonly<Record<string, Readonly<Record<string, RpcDefinition>>>> = {
  Server: serverRpcs,
  "Listeners, protocols, TLS": listenerRpcs,
  "TCP connections": connectionRpcs,
  "Virtual Hubs": hubRpcs,
  "Users and groups": accountRpcs,
  "Sessions and tables": sessionRpcs,
  "Access list": accessRpcs,
  SecureNAT: secureNatRpcs,
  "Cascade connections": cascadeRpcs,
  "Local bridges": bridgeRpcs,
  "Layer 3 switches": layer3Rpcs,
  Logs: logRpcs,
  Cluster: clusterRpcs,
  Licenses: licenseRpcs,
  "Dynamic DNS and VPN Azure": ddnsRpcs,
};

/** The larger groups stand before those that they contain. */
const groups: Readonly<Record<string, Fields>> = {
  CONNECTION: shared.connectionStatusFields,
  POLICY: shared.policyFields,
  RULE: shared.accessRuleFields,
  "CLIENT OPTION": shared.clientOptionFields,
  NODE: shared.nodeInfoFields,
  "CLIENT AUTHENTICATION": shared.clientAuthenticationFields,
  AUTHENTICATION: shared.authenticationFields,
  TRAFFIC: shared.trafficFields,
  "ITEM TRAFFIC": shared.itemTrafficFields,
  OS: shared.osFields,
  MEMORY: shared.memoryFields,
  "HUB OPTION": shared.hubOptionFields,
};

/**
 * The reference of all methods, made from their definitions.
 *
 * @param supported names of the methods that the server has a handler for
 */
export function rpcPage(supported: ReadonlySet<string>): string {
  return [
    introduction(supported),
    ...Object.entries(areas).map(areaSection),
    groupSection(),
    errorSection(),
  ].join("\n\n");
}

function introduction(supported: ReadonlySet<string>): string {
  const names = Object.keys(rpcs);
  const unsupported = names.filter((name) => !supported.has(name));
  return `# Methods of the administration

<!-- Made from server/admin/definitions by "npm run reference"; changes here are lost. -->

The ${names.length} methods of the administration. \`vpncmd\` calls them over the VPN protocol, scripts over HTTP:

    curl -k -H "X-VPNADMIN-PASSWORD: $PASSWORD" https://HOST:5555/api/ \\
      -d '{"jsonrpc":"2.0","id":"1","method":"EnumUser","params":{"HubName_str":"DEFAULT"}}'

With \`X-VPNADMIN-HUBNAME: HUB\` the administrator of a hub logs in. HTTP basic authentication does the same, with \`administrator\` or
the hub as the user. Names of methods do not depend on case.

Request and reply have the same fields; a reply repeats the fields of the request that it does not set. A field that is missing in a
request is zero. In JSON, the kind of a field follows its name:

| kind | JSON | PACK |
|---|---|---|
| u32 | \`Name_u32\`: a number | INT |
| u64 | \`Name_u64\`: a number up to 2^53 - 1 | INT64 |
| bool | \`Name_bool\` | INT, 0 or 1 |
| time | \`Name_dt\`: \`"2026-01-31T12:00:00.000Z"\`; none is \`"1970-01-01T09:00:00.000Z"\` | INT64, milliseconds since 1970-01-01 09:00 |
| str | \`Name_str\` | STR |
| utf | \`Name_utf\` | UNISTR |
| bin | \`Name_bin\`: base64 | DATA |
| ip | \`Name_ip\`: an IPv4 or IPv6 address | four elements |
| kind[] | an array | one element with several values |
| Name { … } | \`Name\`: an array of objects | each field an element with a value per object |

A reply never repeats *secret* values of its request, and no log has them. Names in capitals stand for the
[groups of fields](#groups-of-fields) at the end.

The column *who* says who may call a method: *any* administrator, the one of the *server* alone, or also the one of the *hub* that the
request names. Others get error 52. The last column has the numbers of other [errors](#errors); every method can also answer 23, 33
and 38.

This server does not support these, and answers them with 33: ${unsupported.map((name) => `\`${name}\``).join(", ")}.`;
}

function areaSection([title, definitions]: [string, Readonly<Record<string, RpcDefinition>>]): string {
  const rows = Object.entries(definitions).map(([name, definition]) => {
    const { summary, right, hubField, errors, fields } = definition;
    const who = hubField === undefined ? right : `${right} (\`${hubField}\`)`;
    const numbers = errors.map((error) => protocolErrors[error]).sort((one, other) => one - other);
    return `| \`${name}\` | ${summary} | ${who} | ${fieldList(fields)} | ${numbers.join(" ")} |`;
  });
  return [
    `## ${title}`,
    "",
    "| method | what it does | who | fields | errors |",
    "|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

function groupSection(): string {
  const rows = Object.entries(groups).map(([name, fields]) => `| ${name} | ${fieldList(fields, name)} |`);
  return ["## Groups of fields", "", "| group | fields |", "|---|---|", ...rows].join("\n");
}

function errorSection(): string {
  const rows = (Object.entries(protocolErrors) as [ProtocolError, number][]).map(
    ([error, number]) => `| ${number} | ${errorTexts[error]} |`,
  );
  return ["## Errors", "", "| number | meaning |", "|---|---|", ...rows].join("\n") + "\n";
}

/** Fields with their kinds; those of a group by its name, unless it is that of `within`. */
function fieldList(fields: Fields, within?: string): string {
  const left = new Map(Object.entries(fields));
  const groupAt = new Map<string, string>();
  for (const [group, members] of Object.entries(groups)) {
    const names = Object.keys(members);
    if (group === within || !names.every((name) => fields[name] !== undefined)) continue;
    const rest = names.filter((name) => left.has(name) && !groupAt.has(name));
    // A group within a group that is there already.
    if (rest.length < names.length / 2) continue;
    for (const name of rest) if (name !== rest[0]) left.delete(name);
    groupAt.set(rest[0] ?? "", group);
  }
  return [...left].map(([name, field]) => groupAt.get(name) ?? told(name, field)).join(", ");
}

function told(name: string, field: Field): string {
  if (field.type === "list") return `\`${name}\` { ${fieldList(field.fields)} }`;
  if (field.type === "values") return `\`${name}\` ${field.kind}[]`;
  return `\`${name}\` ${field.kind}${field.secret === true ? " *secret*" : ""}`;
}
