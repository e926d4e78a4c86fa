import assert from "node:assert/strict";
import type { HubSettings, UserSettings } from "../../../server/settings/hub-settings.ts";
import type { Policy } from "../../../server/settings/policy.ts";
import {
  admit,
  type Admission,
  type AdmissionContext,
  type OpenSession,
} from "../../../server/access/admission.ts";
import { credentialOf } from "../../../server/access/standing.ts";
import type { EntryRequest } from "../../../server/access/entry-request.ts";
import { hubOf, nodeId, now, policyWith, requestOf, userOf } from "./login-fixture.ts";

export interface Case {
  readonly hub?: HubSettings;
  readonly user?: UserSettings | "administrator";
  readonly request?: Partial<EntryRequest>;
  readonly context?: Partial<AdmissionContext>;
}

export function decide({ hub = hubOf(), user = userOf("Alice"), request, context }: Case = {}) {
  const users =
    user === "administrator" ? hub.users : new Map([...hub.users, [user.name.toLowerCase(), user]]);
  return admit(
    { ...hub, users },
    requestOf(request),
    { user, credential: credentialOf(hub, user) },
    {
      now,
      address: "192.0.2.9",
      hubSessions: [],
      serverSessionCount: 0,
      siteSessionCount: 0,
      hubCount: 1,
      ...context,
    },
  );
}

export function admitted(of: Case = {}): Admission {
  const result = decide(of);
  assert.ok(result.type === "admitted", JSON.stringify(result));
  return result;
}

/** What the client is told, or that it is let in. */
export function answer(of: Case): string {
  const result = decide(of);
  return result.type === "refused" ? result.error : result.type;
}

export const withPolicy = (changed: Partial<Policy>) => userOf("alice", { policy: policyWith(changed) });
let sessionCount = 0;
export const sessionOf = (userName: string, changed: Partial<OpenSession> = {}): OpenSession => ({
  name: `SID-${userName.toUpperCase()}-${++sessionCount}`,
  userName,
  nodeUniqueId: nodeId(9),
  connections: 1,
  bridges: false,
  ...changed,
});
