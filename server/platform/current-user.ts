import { userInfo } from "node:os";
import { windowsHost } from "./windows-host.ts";

/** The effective user's id, 0 for root. On Windows, where ids are no numbers, 0 for an administrator and 1 for others. */
export function effectiveUid(): number {
  if (process.platform === "win32") return windowsHost()?.isAdministrator === true ? 0 : 1;
  return process.geteuid?.() ?? 0;
}

/** The effective user. One without a name is told by the id: a container may run as any. */
export function currentUser(): { readonly uid: number; readonly username: string } {
  try {
    const { username } = userInfo();
    return { uid: effectiveUid(), username };
  } catch {
    const uid = effectiveUid();
    return { uid, username: String(uid) };
  }
}
