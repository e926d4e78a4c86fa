import type { Administration } from "./administration.ts";
import type { RpcHandlers } from "./definitions.ts";
import { createAbsentHandlers } from "./handlers/absent-handlers.ts";
import { createAccessHandlers } from "./handlers/access-handlers.ts";
import { createAuthorityHandlers } from "./handlers/authority-handlers.ts";
import { createConnectionHandlers } from "./handlers/connection-handlers.ts";
import { createGroupHandlers } from "./handlers/group-handlers.ts";
import { createHubHandlers } from "./handlers/hub-handlers.ts";
import { createHubOptionHandlers } from "./handlers/hub-option-handlers.ts";
import { createListenerHandlers } from "./handlers/listener-handlers.ts";
import { createLocalBridgeHandlers } from "./handlers/local-bridge-handlers.ts";
import { createLogHandlers } from "./handlers/log-handlers.ts";
import { createRevocationHandlers } from "./handlers/revocation-handlers.ts";
import { createSecureNatHandlers } from "./handlers/secure-nat-handlers.ts";
import { createServerHandlers } from "./handlers/server-handlers.ts";
import { createSessionHandlers } from "./handlers/session-handlers.ts";
import { createSourceAddressHandlers } from "./handlers/source-address-handlers.ts";
import { createUserHandlers } from "./handlers/user-handlers.ts";

/** All that answers the administration. */
export function createHandlers(administration: Administration): RpcHandlers {
  return {
    ...createAbsentHandlers(),
    ...createServerHandlers(administration),
    ...createListenerHandlers(administration),
    ...createConnectionHandlers(administration),
    ...createLogHandlers(administration),
    ...createHubHandlers(administration),
    ...createHubOptionHandlers(administration),
    ...createUserHandlers(administration),
    ...createGroupHandlers(administration),
    ...createAuthorityHandlers(administration),
    ...createRevocationHandlers(administration),
    ...createSourceAddressHandlers(administration),
    ...createAccessHandlers(administration),
    ...createSessionHandlers(administration),
    ...createSecureNatHandlers(administration),
    ...createLocalBridgeHandlers(administration),
  };
}
