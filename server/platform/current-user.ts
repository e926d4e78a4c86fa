import { userInfo } from "node:os";

/** The effective user. One without a name is told by the id: a container may run as any. */
export function currentUser(): { readonly uid: number; readonly username: string } {
  try {
    const { uid, username } = userInfo();
    return { uid, username };
  } catch {
    const uid = process.geteuid?.() ?? 0;
    return { uid, username: String(uid) };
  }
}
