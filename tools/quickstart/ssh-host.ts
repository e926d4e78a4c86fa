import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  identifyProcess,
  isRunning,
  type ProcessIdentity,
} from "../../server/supervisor/process-identity.ts";
import { startSshServer } from "../setup/ssh-server.ts";
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

/** Starts the SSH server, with its former keys and port where it ran before, or finds it running. */
export async function ensureSshHost(workspace: Workspace): Promise<SshHost> {
  const { ssh } = await workspace.recall();
  if (ssh !== undefined && isRunning(ssh.process)) {
    const hostKey = await readFile(join(workspace.sshDirectory, "host_ed25519_key.pub"), "utf8");
    return {
      host: "127.0.0.1",
      port: ssh.port,
      user: userInfo().username,
      privateKeyFile: join(workspace.sshDirectory, "user_key"),
      hostKey: hostKey.trim().split(" ").slice(0, 2).join(" "),
      found: true,
    };
  }
  const server = await start(workspace, ssh?.port);
  const process = identifyProcess(server.pid);
  if (process === undefined) throw new Error("the OpenSSH server ended right after its start");
  await workspace.remember({ ssh: { port: server.port, process } });
  const { host, port, user, privateKeyPath: privateKeyFile } = server;
  return { host, port, user, privateKeyFile, hostKey: server.hostKeys.ed25519, found: false };
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
  const { ssh } = await workspace.recall();
  if (ssh !== undefined) await endProcess(ssh.process);
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
