import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { writeFileAtomically } from "../../server/platform/atomic-file.ts";
import { isRunning, type ProcessIdentity } from "../../server/platform/process-identity.ts";
import { startSshServer } from "../setup/ssh-server.ts";
import { processesWhere } from "./own-processes.ts";
import type { Workspace } from "./workspace.ts";

/** The host that quickstart deploys to: this machine, through an SSH server of the current user. */
export interface SshHost {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privateKeyFile: string;
  readonly hostKey: string;
  /** Whether it was running already. */
  readonly found: boolean;
}

const endTimeoutMs = 5_000;

/** The name of the host in the client's configuration. */
export const sshHostName = "quickstart";

/** Starts the SSH server, with its former keys and port where it ran before, or finds it running. */
export async function ensureSshHost(workspace: Workspace): Promise<SshHost> {
  const host = (await findSshHost(workspace)) ?? (await startSshHost(workspace));
  await writeClientFiles(workspace, host);
  return host;
}

async function findSshHost(workspace: Workspace): Promise<SshHost | undefined> {
  const { sshPort } = await workspace.recall();
  const running = await findSshProcesses(workspace);
  if (sshPort !== undefined && running.length > 0) {
    const hostKey = await readFile(join(workspace.sshDirectory, "host_ed25519_key.pub"), "utf8");
    return {
      host: "127.0.0.1",
      port: sshPort,
      user: userInfo().username,
      privateKeyFile: join(workspace.sshDirectory, "user_key"),
      hostKey: hostKey.trim().split(" ").slice(0, 2).join(" "),
      found: true,
    };
  }
  // Of a run that was killed before it could note the port.
  for (const process of running) await endProcess(process);
  return undefined;
}

async function startSshHost(workspace: Workspace): Promise<SshHost> {
  const server = await start(workspace, (await workspace.recall()).sshPort);
  await workspace.remember({ sshPort: server.port });
  const { host, port, user, privateKeyPath: privateKeyFile } = server;
  return { host, port, user, privateKeyFile, hostKey: server.hostKeys.ed25519, found: false };
}

/** What OpenSSH's client needs to log in, whatever the user has set for it elsewhere. */
async function writeClientFiles(workspace: Workspace, host: SshHost): Promise<void> {
  const knownHosts = join(workspace.sshDirectory, "known_hosts");
  const configuration = [
    `Host ${sshHostName}`,
    `  HostName ${host.host}`,
    `  Port ${host.port}`,
    `  User ${host.user}`,
    `  IdentityFile ${host.privateKeyFile}`,
    "  IdentitiesOnly yes",
    "  IdentityAgent none",
    `  HostKeyAlias ${sshHostName}`,
    `  UserKnownHostsFile ${knownHosts}`,
    "  StrictHostKeyChecking yes",
  ];
  await writeFileAtomically(knownHosts, `${sshHostName} ${host.hostKey}\n`, { mode: 0o600 });
  await writeFileAtomically(workspace.sshClientConfig, `${configuration.join("\n")}\n`, { mode: 0o600 });
}

async function start(workspace: Workspace, formerPort: number | undefined) {
  const options = {
    directory: workspace.sshDirectory,
    detached: true,
    // Whoever logs in finds a home of its own: what is deployed stays below the folder of quickstart.
    configuration: [`SetEnv HOME=${workspace.home}`, `Subsystem sftp internal-sftp -d ${workspace.home}`],
  };
  if (formerPort !== undefined) {
    try {
      return await startSshServer({ ...options, port: formerPort });
    } catch (error) {
      if (!(error as Error).message.includes("the port is in use")) throw error;
    }
  }
  return startSshServer(options);
}

/** Ends the SSH server with the sessions that it serves. Does nothing when it is gone. */
export async function endSshHost(workspace: Workspace): Promise<void> {
  for (const process of await findSshProcesses(workspace)) await endProcess(process);
}

/** The server that runs with the configuration of this workspace, by its command line, which no other program has. */
function findSshProcesses(workspace: Workspace): Promise<ProcessIdentity[]> {
  const configuration = join(workspace.sshDirectory, "sshd_config");
  return processesWhere(async (process) => {
    const commandLine = (await readFile(join(process, "cmdline"), "latin1")).replaceAll("\0", " ");
    return /^(sshd: )?\S*sshd /.test(commandLine) && commandLine.includes(`-f ${configuration} `);
  });
}

/** Ends exactly this process: TERM, and KILL where that is not enough. */
export async function endProcess(identity: ProcessIdentity): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (!isRunning(identity)) return;
    process.kill(identity.pid, signal);
    const deadline = Date.now() + endTimeoutMs;
    while (isRunning(identity) && Date.now() < deadline) await delay(20);
  }
  if (isRunning(identity)) throw new Error(`process ${identity.pid} does not end`);
}
