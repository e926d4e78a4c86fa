import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import grpc from "@grpc/grpc-js";
import services from "@pulumi/pulumi/proto/language_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/language_pb.js";
import structMessages from "google-protobuf/google/protobuf/struct_pb.js";
import type { LanguageHostProgram } from "./language-hosts.ts";

type Client = InstanceType<typeof services.LanguageRuntimeClient>;
type Unary<Request, Response> = (
  request: Request,
  callback: (error: grpc.ServiceError | null, response: Response) => void,
) => unknown;

const startDeadlineMs = 30_000;

/** What a stream of output carried, and how it ended. */
export interface Streamed {
  readonly stdout: string;
  readonly stderr: string;
  readonly error: string | undefined;
}

/** A language host, started as the engine does. */
export class LanguageHostProcess {
  readonly client: Client;
  readonly #child: ChildProcess;
  readonly #output = { stdout: "", stderr: "" };

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.client = new services.LanguageRuntimeClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    child.stdout?.on("data", (chunk: Buffer) => (this.#output.stdout += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (this.#output.stderr += chunk.toString()));
  }

  static async start(
    program: LanguageHostProgram,
    environment: NodeJS.ProcessEnv,
  ): Promise<LanguageHostProcess> {
    // Nobody listens at the engine's address; nothing here needs it to answer.
    const child = spawn(program.path, ["127.0.0.1:1"], {
      stdio: ["ignore", "pipe", "pipe"],
      env: environment,
      // A process group of its own, which is ended as a whole, as the engine does.
      detached: true,
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), startDeadlineMs);
    try {
      const lines = createInterface(child.stdout);
      const [line] = (await Promise.race([once(lines, "line"), once(child, "close")])) as unknown[];
      if (typeof line !== "string" || !/^\d+$/.test(line)) {
        throw new Error(`${program.path} told no port but ${String(line)}`);
      }
      lines.close();
      child.stdout.resume();
      return new LanguageHostProcess(child, Number(line));
    } finally {
      clearTimeout(timer);
    }
  }

  /** What it has passed on from programs. */
  get output(): Readonly<{ stdout: string; stderr: string }> {
    return this.#output;
  }

  /** Calls a method by its name in the client. */
  call<Request, Response>(method: keyof Client, request: Request): Promise<Response> {
    const send = (this.client[method] as unknown as Unary<Request, Response>).bind(this.client);
    return new Promise((resolve, reject) => {
      send(request, (error, response) => (error ? reject(error) : resolve(response)));
    });
  }

  /** Reads a stream of output to its end. */
  async read(
    call: grpc.ClientReadableStream<messages.RunPluginResponse | messages.InstallDependenciesResponse>,
    onStdout: (text: string) => void = () => undefined,
  ): Promise<Streamed> {
    let [stdout, stderr] = ["", ""];
    try {
      for await (const answer of call as AsyncIterable<messages.RunPluginResponse>) {
        stdout += Buffer.from(answer.getStdout_asU8()).toString();
        stderr += Buffer.from(answer.getStderr_asU8()).toString();
        onStdout(stdout);
      }
      return { stdout, stderr, error: undefined };
    } catch (error) {
      return { stdout, stderr, error: (error as grpc.ServiceError).details };
    }
  }

  /** Ends it as the engine does: an interrupt for the whole process group. */
  async stop(): Promise<void> {
    this.client.close();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    const timer = setTimeout(() => process.kill(-this.#child.pid!, "SIGKILL"), 10_000);
    process.kill(-this.#child.pid!, "SIGINT");
    await ended;
    clearTimeout(timer);
  }
}

/** The description of a program in a folder. */
export function programInfo(
  directory: string,
  options: Readonly<Record<string, structMessages.JavaScriptValue>> = {},
): messages.ProgramInfo {
  const info = new messages.ProgramInfo();
  info.setRootDirectory(directory);
  info.setProgramDirectory(directory);
  info.setEntryPoint(".");
  info.setOptions(structMessages.Struct.fromJavaScript(options));
  return info;
}
