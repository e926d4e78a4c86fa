import { wordsOf } from "../error-words.ts";
import { WindowsHostCalls } from "../native/windows/host.ts";
import { windowsKoffi } from "../native/windows/library.ts";
import { provideWindowsHost, type ProvidedWindowsHost } from "../platform/windows-host.ts";

/** On Windows: loads what the commands have to ask of the system, before any of them runs. Never rejects. */
export async function prepareWindows(env: NodeJS.ProcessEnv): Promise<void> {
  provideWindowsHost(await hostOf(env));
}

async function hostOf(env: NodeJS.ProcessEnv): Promise<ProvidedWindowsHost> {
  const loading = await windowsKoffi(env);
  if ("reason" in loading) return loading;
  try {
    return new WindowsHostCalls(loading.koffi);
  } catch (error) {
    return { reason: wordsOf(error) };
  }
}
