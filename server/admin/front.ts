import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "../logger.ts";
import type { Administration } from "./administration.ts";
import { AdminService } from "./admin-service.ts";
import { RpcDispatcher } from "./dispatch.ts";
import { createHandlers } from "./handlers.ts";
import { checkHubRestrictions } from "./hub-restrictions.ts";
import { JsonApi } from "./json-api.ts";
import { PasswordThrottle } from "./password-throttle.ts";

/** The two ways in: for `vpncmd` and its like, and for JSON. */
export interface AdministrationFront {
  readonly service: AdminService;
  readonly api: JsonApi;
}

/** Puts the administration together. */
export function createAdministrationFront({
  administration,
  log,
}: {
  readonly administration: Administration;
  readonly log: Logger;
}): AdministrationFront {
  const securityLog = (hubName: string | undefined) => {
    const live = hubName === undefined ? undefined : administration.hubs.find(hubName);
    return (message: string) => live?.log.security(message);
  };
  const dispatcher = new RpcDispatcher({
    handlers: createHandlers(administration),
    restrict: (method, request, call) =>
      checkHubRestrictions(administration.settings(), method, request, call),
    onChange: ({ administrator, connectionName }, { method, hubName, error }) => {
      const who = administrator.type === "server" ? "server" : `hub "${administrator.hubName}"`;
      const what = `administration: administrator of the ${who} by connection "${connectionName}": ${method}${hubName === "" ? "" : ` of hub "${hubName.slice(0, 255)}"`}: ${error ?? "done"}`;
      log.info(what);
      securityLog(hubName)(what);
    },
    onFault: (method, fault) =>
      log.error(
        `administration: fault in ${method}: ${fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)}`,
      ),
  });
  const service = new AdminService({
    settings: administration.settings,
    dispatcher,
    throttle: new PasswordThrottle({ now: () => performance.now(), delay: (ms) => delay(ms) }),
    log: (hubName) => ({
      info: (message) => {
        log.info(message);
        securityLog(hubName)(message);
      },
      warn: (message) => log.warn(message),
    }),
  });
  return { service, api: new JsonApi(service, dispatcher, administration.now) };
}
