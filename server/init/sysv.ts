import { readdir } from "node:fs/promises";
import { statSync } from "node:fs";
import { isFirstProcess } from "../platform/first-process.ts";
import { isOnHost } from "../platform/run-program.ts";
import type { InitSystemKind } from "./init-system.ts";
import { scriptFile, serviceName, sysvScript } from "./init-script.ts";
import { fileOfServerIn, ScriptService, type HostCommand, type ScriptDialect } from "./script-service.ts";

/** The pipe by which init is spoken to, where it is now and where it was before Debian 8 and its like. */
const initPipes = ["/run/initctl", "/dev/initctl"];

/** Of the run levels in which a host serves. */
const runlevelFolders = [2, 3, 4, 5].flatMap((level) => [`/etc/rc${level}.d`, `/etc/rc.d/rc${level}.d`]);

interface Registrar {
  readonly program: string;
  readonly enabling: readonly HostCommand[];
  readonly disabling: readonly HostCommand[];
}

/**
 * The programs that make the links of the run levels, each of one family of distributions; Debian's comes first, since it calls
 * insserv itself. The links are not made by hand: their names are numbers which a distribution gives out by rules of its own.
 */
const registrars: readonly Registrar[] = [
  {
    program: "update-rc.d",
    // The first does nothing where there are links, the second undoes a `disable`.
    enabling: [
      ["update-rc.d", serviceName, "defaults"],
      ["update-rc.d", serviceName, "enable"],
    ],
    disabling: [["update-rc.d", "-f", serviceName, "remove"]],
  },
  {
    program: "chkconfig",
    enabling: [
      ["chkconfig", "--add", serviceName],
      ["chkconfig", serviceName, "on"],
    ],
    disabling: [["chkconfig", "--del", serviceName]],
  },
  {
    program: "insserv",
    enabling: [["insserv", serviceName]],
    disabling: [["insserv", "--remove", serviceName]],
  },
];

const dialect: ScriptDialect = {
  text: sysvScript,
  command: (verb) => [scriptFile, verb],
  isEnabled: hasStartLink,
  enabling: () => registrar()?.enabling ?? [],
  disabling: () => registrar()?.disabling ?? [],
  async knowsItRuns() {
    const [folder, file] = ["/var/lock/subsys", `/var/lock/subsys/${serviceName}`];
    const has = (path: string) => statSync(path, { throwIfNoEntry: false }) !== undefined;
    return !has(folder) || has(file);
  },
  removal: `${scriptFile} stop; update-rc.d -f ${serviceName} remove, or chkconfig --del ${serviceName}; rm ${scriptFile}`,
};

/** The init of System V, as sysvinit has it; not BusyBox's, which has neither run levels nor such a pipe. */
export const sysv: InitSystemKind = {
  title: "SysV init",
  sign: `${initPipes.join(" or ")} with ${registrars.map(({ program }) => program).join(", ")}`,
  detect: () => initPipes.some(isPipe) && isFirstProcess(["init"]) && registrar() !== undefined,
  fileOfServerIn,
  of: (server) => new ScriptService(server, dialect),
};

function registrar(): Registrar | undefined {
  return registrars.find(({ program }) => isOnHost(program));
}

function isPipe(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFIFO() ?? false;
}

async function hasStartLink(): Promise<boolean> {
  const link = new RegExp(`^S\\d\\d${serviceName}$`);
  for (const folder of runlevelFolders) {
    const names = await readdir(folder).catch(() => []);
    if (names.some((name) => link.test(name))) return true;
  }
  return false;
}
