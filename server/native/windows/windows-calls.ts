import { wordsOf } from "../../error-words.ts";
import { reportToEventLog } from "./event-log.ts";
import { windowsKoffi } from "./library.ts";
import { NativeServiceManager, type ServiceManager } from "./service-manager.ts";
import { runAsService, type ServiceEvents } from "./service-process.ts";
import { WindowsSession } from "./session.ts";
import { Tray, TrayWindows, type TrayEvent, type TrayOptions } from "./tray.ts";

/** Functions of Windows for the parts of one process. */
export interface WindowsCalls {
  readonly session: WindowsSession;
  readonly serviceManager: ServiceManager;
  readonly trayWindows: TrayWindows;
  /** See {@link runAsService}. */
  runAsService(name: string, events: ServiceEvents): Promise<void>;
  /** An icon in the task bar. */
  openTray(options: Omit<TrayOptions, "library">, onEvent: (event: TrayEvent) => void): Tray;
  /** See {@link reportToEventLog}. */
  reportToEventLog(source: string, text: string): void;
}

/** Loads koffi's library for the functions of Windows. Never rejects. */
export async function loadWindowsCalls(
  env: NodeJS.ProcessEnv,
): Promise<{ readonly calls: WindowsCalls } | { readonly reason: string }> {
  const loaded = await windowsKoffi(env);
  if ("reason" in loaded) return loaded;
  const { koffi, file } = loaded;
  try {
    const calls: WindowsCalls = {
      session: new WindowsSession(koffi),
      serviceManager: new NativeServiceManager(koffi),
      trayWindows: new TrayWindows(koffi),
      runAsService: (name, events) => runAsService(koffi, file, name, events),
      openTray: (options, onEvent) => new Tray(koffi, { ...options, library: file }, onEvent),
      reportToEventLog: (source, text) => reportToEventLog(koffi, source, text),
    };
    return { calls };
  } catch (error) {
    return { reason: wordsOf(error) };
  }
}
