import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { FleetMember, HubArgs } from "../../components/index.ts";
import { writeFileAtomically } from "../../server/platform/atomic-file.ts";
import { buildAll } from "../build/build.ts";
import { defaultCacheDirectory } from "../cache-directory.ts";
import { step, type Log } from "../build/step.ts";
import { ensureDebianPackages } from "../setup/debian-packages.ts";
import { hasSshServer } from "../setup/ssh-server.ts";
import { ensureToolchain } from "../setup/toolchain.ts";
import { decideListenAddress } from "./listen-address.ts";
import { choosePort, findFreePort, isPortTaken } from "./listeners.ts";
import { processesBelow } from "./own-processes.ts";
import { describeServer } from "./report.ts";
import { ensureSshHost, type SshHost } from "./ssh-host.ts";
import { Stack } from "./stack.ts";
import { root, type Workspace } from "./workspace.ts";

const serverName = "quickstart";
const hubName = "DEFAULT";
const userName = "quickstart";

export interface UpOptions {
  readonly workspace: Workspace;
  /** Whether the server listens on every address of this machine, and not on loopback alone. */
  readonly everyAddress: boolean;
  /** What a person types, in the folder that he is in, to run an npm script of this checkout. */
  readonly npmRun: string;
  readonly log: Log;
}

/**
 * Deploys a server to this machine, or updates the one that is there.
 *
 * @throws Error that says why it did not get there; another run goes on from where this one ended
 */
export async function up({ workspace, everyAddress, npmRun, log }: UpOptions): Promise<void> {
  await workspace.create();
  const listenAddress = await decideListenAddress(workspace.serverConfig, everyAddress);
  if (!hasSshServer()) {
    await ensureDebianPackages(["openssh-server"], { purpose: "the SSH server of quickstart", log });
  }
  const toolchain = await ensureToolchain({ pulumiHome: workspace.pulumiHome, log });
  await buildAll({
    root,
    cacheDirectory: defaultCacheDirectory(),
    platforms: ["linux-x64"],
    library: false,
    log,
  });
  const host = await step("SSH server of the current user", log, () => ensureSshHost(workspace));
  log(`it listens on ${host.host}:${host.port}${host.found ? ", as before" : ""}`);
  const listeners = await decideListeners(workspace, listenAddress, log);

  const stack = new Stack(workspace, toolchain);
  await step("stack of the fleet program", log, async () => {
    await stack.prepare();
    await stack.configure({ hosts: [describeHost(host, listeners)] });
    await stack.configureSecret("hubs", await describeHubs(workspace, listenAddress !== undefined));
  });
  log("pulumi up");
  const done = await stack.up();
  const { server, vpnFile, password } = await findServer(stack);
  if (vpnFile !== undefined) await writeFileAtomically(workspace.vpnFile, vpnFile, { mode: 0o600 });
  if (password !== undefined) await writeFileAtomically(workspace.passwordFile, password, { mode: 0o600 });
  if (server !== undefined) {
    const commands = { npmRun, hasPulumi: isOnPath("pulumi") };
    console.log(`\n${describeServer(server, { workspace, listenAddress, ...commands })}\n`);
  }
  if (!done || server?.passedLastCheck !== true) {
    throw new Error(
      "pulumi up did not succeed; the lines above say why. Run the same command again when that is mended: " +
        'it goes on from here. "npm run quickstart -- down" removes everything',
    );
  }
}

/** A server that runs keeps its listeners; for a new one the port is looked at. */
async function decideListeners(
  workspace: Workspace,
  address: string | undefined,
  log: Log,
): Promise<readonly number[]> {
  const former = (await workspace.recall()).listeners;
  if (former !== undefined && (await processesBelow(workspace.home)).length > 0) return former;
  const { port, note } = await choosePort(
    (port) => isPortTaken(port, address),
    () => findFreePort(address),
  );
  if (note !== undefined) log(note);
  await workspace.remember({ listeners: [port] });
  return [port];
}

function describeHost(host: SshHost, listeners: readonly number[]) {
  return {
    name: serverName,
    host: host.host,
    port: host.port,
    user: host.user,
    privateKeyFile: host.privateKeyFile,
    hostKey: host.hostKey,
    mode: "user",
    listeners,
  };
}

/** One hub with one user, whose password is made up once. */
async function describeHubs(workspace: Workspace, isForThisMachine: boolean): Promise<HubArgs[]> {
  const password = (await workspace.recall()).vpnPassword ?? randomBytes(18).toString("base64url");
  await workspace.remember({ vpnPassword: password });
  // A client on this machine asks the name servers that it has, as does the server for its clients: neither may ask the other.
  const secureNat = isForThisMachine ? { nameServers: [] } : true;
  return [{ name: hubName, users: [{ name: userName, password }], secureNat }];
}

interface Outputs {
  readonly servers?: Record<string, FleetMember>;
  readonly vpnFiles?: Record<string, Record<string, Record<string, string>>>;
  readonly adminPasswords?: Record<string, string>;
}

/** What the program says about the server, as far as it got. */
async function findServer(
  stack: Stack,
): Promise<{ server?: FleetMember; vpnFile?: string; password?: string }> {
  const { servers, vpnFiles, adminPasswords } = (await stack.outputs()) as Outputs;
  const server = servers?.[serverName];
  const vpnFile = vpnFiles?.[serverName]?.[hubName]?.[userName];
  const password = adminPasswords?.[serverName];
  return {
    ...(server && { server }),
    ...(vpnFile !== undefined && { vpnFile }),
    ...(password !== undefined && { password }),
  };
}

function isOnPath(program: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, program)));
}
