import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { carriedKoffi } from "../koffi-file.ts";
import { loadKoffiFrom, type KoffiLoading } from "../koffi-loading.ts";
import { nativeSwitch } from "../native.ts";

let loading: Promise<KoffiLoading> | undefined;

/**
 * The library for native calls on Windows, of this process: from its file beside the executable, else from one in the user's own
 * profile. Loads it when it is called for the first time; never rejects.
 */
export function windowsKoffi(env: NodeJS.ProcessEnv): Promise<KoffiLoading> {
  return (loading ??= load(env));
}

async function load(env: NodeJS.ProcessEnv): Promise<KoffiLoading> {
  const off = nativeSwitch(env);
  if (off !== undefined) return { reason: off };
  const beside = dirname(process.execPath);
  const profile = env["LOCALAPPDATA"];
  const own = profile === undefined ? [] : [{ path: join(profile, "vpnserver"), write: true }];
  for (const { path } of own) await mkdir(path, { recursive: true }).catch(() => {});
  return loadKoffiFrom(
    [{ path: beside, write: false }, { path: beside, write: true }, ...own],
    carriedKoffi(),
  );
}
