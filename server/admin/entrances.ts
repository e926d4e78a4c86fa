import type { HubEvent, LineAsItIs } from "../hub/hub-log.ts";
import type { ServerLog } from "../server-log.ts";
import type { Administration } from "./administration.ts";
import { AdminService, type AdminServiceOptions } from "./admin-service.ts";
import { RpcDispatcher } from "./dispatch.ts";
import { createHandlers } from "./handlers.ts";
import { checkHubRestrictions } from "./hub-restrictions.ts";
import { JsonApi } from "./json-api.ts";
import { PasswordThrottle } from "../access/password-throttle.ts";

/** The two ways in: for `vpncmd` and its like, and for JSON. */
export interface AdministrationEntrances {
  readonly service: AdminService;
  readonly api: JsonApi;
}

/** Puts the administration together. */
export function createEntrances({
  administration,
  admits,
  log,
}: {
  readonly administration: Administration;
  /** See {@link AdminServiceOptions.admits}. */
  readonly admits: AdminServiceOptions["admits"];
  readonly log: ServerLog;
}): AdministrationEntrances {
  /** To the hub's security log, where one is concerned, and to the server log. */
  const tell = (hubName: string, text: string, event: HubEvent | LineAsItIs) => {
    const live = hubName === "" ? undefined : administration.hubs.find(hubName);
    if (live === undefined) log.event(text, event);
    else live.log.security(text, event);
  };
  const dispatcher = new RpcDispatcher({
    handlers: createHandlers(administration),
    restrict: (method, request, call) =>
      checkHubRestrictions(administration.settings(), method, request, call),
    onChange: ({ administrator, connectionName, peerAddress }, { method, hubName, about, error }) => {
      const who = administrator.type === "server" ? "server" : `hub "${administrator.hubName}"`;
      const where = hubName === "" ? "" : ` of hub "${hubName.slice(0, 255)}"`;
      const what = Object.entries(about).map(([name, value]) => `, ${name} "${value}"`);
      const result = error ?? "done";
      tell(
        hubName,
        `administration: administrator of the ${who} by connection "${connectionName}": ${method}${where}${what.join("")}: ${result}`,
        {
          event: "administration",
          method,
          ...about,
          hub: hubName === "" ? undefined : hubName,
          administrator: administrator.type === "server" ? "server" : `hub ${administrator.hubName}`,
          peer: peerAddress,
          connection: connectionName,
          result,
        },
      );
    },
    onFault: (method, fault) =>
      log.error(
        `administration: fault in ${method}: ${fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)}`,
      ),
  });
  const service = new AdminService({
    settings: administration.settings,
    dispatcher,
    admits,
    throttle: new PasswordThrottle(),
    tell,
  });
  return { service, api: new JsonApi(service, dispatcher, administration) };
}
