import type { WindowsHost } from "./windows-host.ts";

/** Ends every program of Windows at once, as a power cut does, and boots it again: services start, and nobody logs in. */
export async function reboot(host: WindowsHost): Promise<void> {
  await host.shell(
    "wineserver --kill; wineserver --wait; wineserver --persistent </dev/null >/dev/null 2>&1",
  );
  await host.run("wineboot", []);
}
