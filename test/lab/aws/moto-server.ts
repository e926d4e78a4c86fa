import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { ensureMoto } from "../../../tools/setup/moto.ts";

const startDeadlineMs = 60_000;

/** A moto server on this machine's loopback, which ends with this process at the latest. */
export class MotoServer {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  static async start(): Promise<MotoServer> {
    const program = await ensureMoto((line) => console.error(`lab: ${line}`));
    const child = spawn(
      "setpriv",
      ["--pdeathsig", "KILL", program, "--host", "127.0.0.1", "--port", "0"],
      // Policies that AWS keeps itself are not loaded unless asked for.
      {
        stdio: ["ignore", "ignore", "pipe"],
        env: { ...process.env, MOTO_IAM_LOAD_MANAGED_POLICIES: "true" },
      },
    );
    const lines: string[] = [];
    const timer = setTimeout(() => child.kill("SIGKILL"), startDeadlineMs);
    try {
      for await (const line of createInterface(child.stderr)) {
        const port = /Running on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1];
        if (port !== undefined) {
          // It reports every request; nobody listens.
          child.stderr.resume();
          return new MotoServer(child, Number(port));
        }
        lines.push(line);
      }
    } finally {
      clearTimeout(timer);
    }
    throw new Error(`moto does not start:\n${lines.slice(-10).join("\n")}`);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
  }
}
