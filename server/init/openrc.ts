import { lstatSync } from "node:fs";
import { isFirstProcess } from "../platform/first-process.ts";
import type { InitSystemKind } from "./init-system.ts";
import { openrcScript, scriptFile, serviceName } from "./init-script.ts";
import { fileOfServerIn, ScriptService, type ScriptDialect } from "./script-service.ts";

/** Written when OpenRC has booted a host; the run level is in it. */
const sign = "/run/openrc/softlevel";

/** First processes that OpenRC works for: sysvinit, BusyBox, its own, and those of other projects. */
const firstProcesses = ["init", "openrc-init", "runit", "s6-svscan"];

/** Of the services for which a host is there. */
const runlevel = "default";

const dialect: ScriptDialect = {
  text: openrcScript,
  command: (verb) => ["rc-service", serviceName, verb],
  isEnabled: async () => isThere(`/etc/runlevels/${runlevel}/${serviceName}`),
  enabling: () => [["rc-update", "add", serviceName, runlevel]],
  disabling: () => [["rc-update", "--all", "del", serviceName]],
  knowsItRuns: async () => isThere(`/run/openrc/started/${serviceName}`),
  removal: `rc-service ${serviceName} stop; rc-update --all del ${serviceName}; rm ${scriptFile}`,
};

/** In a container the file is often made by hand, to have services of OpenRC started there: what counts is that one boots. */
export const openrc: InitSystemKind = {
  title: "OpenRC",
  sign,
  detect: () => isThere(sign) && isFirstProcess(firstProcesses),
  fileOfServerIn,
  of: (server) => new ScriptService(server, dialect),
};

/** A link to nothing, too. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
