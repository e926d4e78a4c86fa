import type { ResourceValidationPolicy } from "@pulumi/policy";
import { anonymousUsers } from "./anonymous-users.ts";
import { openSsh } from "./open-ssh.ts";
import { unverifiedHost } from "./unverified-host.ts";

/** What must never be. Each looks at a resource before it is made or changed. */
export const policies: ResourceValidationPolicy[] = [openSsh, unverifiedHost, anonymousUsers];
