import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import type grpc from "@grpc/grpc-js";
import messages from "@pulumi/pulumi/proto/language_pb.js";
import pluginMessages from "@pulumi/pulumi/proto/plugin_pb.js";
import emptyMessages from "google-protobuf/google/protobuf/empty_pb.js";
import { serverStream } from "../plugin/server-stream.ts";
import { StatusError } from "../plugin/status-error.ts";
import { unary, type Cancellable } from "../plugin/unary.ts";
import { PolicyPackFront, portThenOutput } from "./policy-pack-front.ts";
import { listLockedPackages } from "./locked-packages.ts";
import { MemoryFailureWatch, memoryAdvice } from "./memory-failure.ts";
import { findOnPath, locateModule, runProgram, type ProgramOptions } from "./node-program.ts";
import { choosePackageManager, installArguments } from "./package-manager.ts";
import { languageEnvironment, programArguments, programEnvironment } from "./program-run.ts";
import { findRequiredPackages, type Parameterization } from "./required-packages.ts";
import { packageManagers, readRuntimeOptions, type RuntimeOptions } from "./runtime-options.ts";
import { standInVersion } from "./version.ts";

/** Exit code of a program that has told the user what is wrong. */
const toldExitCode = 32;
const versionTimeoutMs = 10_000;

const runFile = promisify(execFile);

export interface LanguageHostOptions {
  /** `host:port` of the engine; it may also come later, with a handshake. */
  readonly engineAddress: string | undefined;
  /** Where spans go to, if anywhere. */
  readonly tracing?: string | undefined;
  /** The environment of programs. */
  readonly environment: NodeJS.ProcessEnv;
  /** Take what programs print. */
  readonly onStdout: ProgramOptions["onStdout"];
  readonly onStderr: ProgramOptions["onStderr"];
}

/** The language runtime of Node.js: what the engine calls to run programs, by the names of the service. */
export class LanguageHost {
  readonly #options: LanguageHostOptions;
  #engineAddress: string | undefined;
  readonly #cancelled = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  constructor(options: LanguageHostOptions) {
    this.#options = options;
    this.#engineAddress = options.engineAddress;
  }

  /** Ends whatever runs, and resolves when it has ended. Nothing can be run afterwards. */
  async stop(): Promise<void> {
    this.#cancelled.abort(new StatusError("CANCELLED", "the engine has cancelled the deployment"));
    await Promise.allSettled(this.#running);
  }

  /** The service for a gRPC server. Methods that are not there answer "unimplemented", as the engine expects. */
  service(): grpc.UntypedServiceImplementation {
    return {
      handshake: unary((request: messages.LanguageHandshakeRequest) => {
        this.#engineAddress = request.getEngineAddress();
        return new messages.LanguageHandshakeResponse();
      }),
      getPluginInfo: unary(() => {
        const answer = new pluginMessages.PluginInfo();
        answer.setVersion(standInVersion);
        return answer;
      }),
      getRequiredPackages: unary((request: messages.GetRequiredPackagesRequest) => requiredPackages(request)),
      run: unary((request: messages.RunRequest, call) => this.#run(request, call)),
      runPlugin: serverStream<messages.RunPluginRequest, messages.RunPluginResponse>(
        (request, send, signal) => this.#runPlugin(request, send, signal),
      ),
      installDependencies: serverStream<
        messages.InstallDependenciesRequest,
        messages.InstallDependenciesResponse
      >((request, send, signal) => this.#installDependencies(request, send, signal)),
      runtimeOptionsPrompts: unary((request: messages.RuntimeOptionsRequest) =>
        runtimeOptionPrompts(request),
      ),
      template: unary(() => new messages.TemplateResponse()),
      about: unary((request: messages.AboutRequest) => about(request)),
      getProgramDependencies: unary((request: messages.GetProgramDependenciesRequest) =>
        programDependencies(request),
      ),
      cancel: unary(() => {
        void this.stop();
        return new emptyMessages.Empty();
      }),
      ...officialOnly,
    };
  }

  async #run(request: messages.RunRequest, call: Cancellable): Promise<messages.RunResponse> {
    const gone = new AbortController();
    call.on("cancelled", () => gone.abort(new Error("the engine has cancelled the call")));
    const answer = new messages.RunResponse();
    const watch = new MemoryFailureWatch();
    let code: number;
    try {
      code = await this.#start(request, gone.signal, watch);
    } catch (error) {
      // An answer, not a failed call: the engine shows it as the error of the program.
      answer.setError((error as Error).message);
      return answer;
    }
    if (code === toldExitCode) answer.setBail(true);
    else if (code !== 0) {
      const advice = watch.detected ? `. ${memoryAdvice}` : "";
      answer.setError(`Program exited with non-zero exit code: ${code}${advice}`);
    }
    return answer;
  }

  /** Runs a program to its end, and resolves to its exit code. */
  #start(request: messages.RunRequest, signal: AbortSignal, watch: MemoryFailureWatch): Promise<number> {
    const { directory, options } = programOf(request.getInfo());
    if (this.#engineAddress === undefined) {
      throw new Error(
        "the engine's address is not known: it is the host's argument, or comes with Handshake",
      );
    }
    if (request.getAttachDebugger()) throw new Error(debuggerMissing);
    const { environment, onStdout, onStderr, tracing } = this.#options;
    const runPath = locateModule("@pulumi/pulumi/cmd/run", directory, "pulumi install");
    const context = { runPath, engineAddress: this.#engineAddress, tracing };
    return this.#track("node", programArguments(request, options, context), {
      cwd: process.cwd(),
      env: { ...environment, ...programEnvironment(request, options) },
      signal,
      onStdout,
      onStderr: (chunk) => {
        watch.write(chunk);
        return onStderr(chunk);
      },
    });
  }

  async #runPlugin(
    request: messages.RunPluginRequest,
    send: (response: messages.RunPluginResponse) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const { directory, options } = programOf(request.getInfo());
    if (request.getAttachDebugger()) throw new StatusError("UNIMPLEMENTED", debuggerMissing);
    const isPolicyPack = request.getKind() === "analyzer";
    const runner = isPolicyPack ? "run-policy-pack" : "run-plugin";
    const runPath = locateModule(`@pulumi/pulumi/cmd/${runner}`, directory, `npm install in ${directory}`);
    const part = (set: (answer: messages.RunPluginResponse, chunk: Buffer) => unknown) => (chunk: Buffer) => {
      const answer = new messages.RunPluginResponse();
      set(answer, chunk);
      return send(answer);
    };
    const onStdout = part((answer, chunk) => answer.setStdout(chunk));
    const run: ProgramOptions = {
      cwd: request.getPwd() || directory,
      env: { ...readEnvironment(request.getEnvList()), ...languageEnvironment(options) },
      signal,
      onStdout,
      onStderr: part((answer, chunk) => answer.setStderr(chunk)),
    };
    const node = [...options.nodeArguments, runPath];
    const args = request.getArgsList();
    const code = isPolicyPack
      ? await this.#runPolicyPack([...node, ...args, directory], { ...run, cwd: directory })
      : await this.#track("node", [...node, directory, ...args], run);
    if (code !== 0) throw new Error(`Program exited with non-zero exit code: ${code}`);
  }

  async #runPolicyPack(args: readonly string[], run: ProgramOptions): Promise<number> {
    const front = await PolicyPackFront.open();
    try {
      await run.onStdout(Buffer.from(`${front.port}\n`));
      const signal = AbortSignal.any([run.signal, this.#cancelled.signal]);
      const stack = await front.environment(signal);
      return await this.#track("node", args, {
        ...run,
        env: { ...run.env, ...stack },
        onStdout: portThenOutput(front, run.onStdout),
      });
    } finally {
      await front.close();
    }
  }

  async #installDependencies(
    request: messages.InstallDependenciesRequest,
    send: (response: messages.InstallDependenciesResponse) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const { directory, options } = programOf(request.getInfo());
    const part = (set: (answer: messages.InstallDependenciesResponse, chunk: Buffer) => unknown) => {
      return (chunk: Buffer) => {
        const answer = new messages.InstallDependenciesResponse();
        set(answer, chunk);
        return send(answer);
      };
    };
    const onStdout = part((answer, chunk) => answer.setStdout(chunk));
    const onStderr = part((answer, chunk) => answer.setStderr(chunk));
    const manager = choosePackageManager(options, directory);
    await onStdout(Buffer.from("Installing dependencies...\n\n"));
    const args = installArguments(manager, options.production);
    const env = this.#options.environment;
    const code = await this.#track(manager, args, { cwd: directory, env, signal, onStdout, onStderr });
    if (code !== 0)
      throw new Error(`${manager} ${args.join(" ")} in ${directory} failed with exit code ${code}`);
    await onStdout(Buffer.from("Finished installing dependencies\n\n"));
  }

  /** Runs a program that ends when the call or everything is cancelled, and that {@link stop} waits for. */
  async #track(command: string, args: readonly string[], options: ProgramOptions): Promise<number> {
    const signal = AbortSignal.any([options.signal, this.#cancelled.signal]);
    const running = runProgram(command, args, { ...options, signal });
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }
}

const debuggerMissing =
  "the stand-in of the Node.js language host attaches no debugger: set NODE_OPTIONS=--inspect-brk, which only the " +
  "program gets, or install the official Pulumi";

function officialNeeded(what: string): StatusError {
  return new StatusError(
    "UNIMPLEMENTED",
    `this stand-in of the Node.js language host does not ${what}; the official one does: install Pulumi ` +
      `(https://www.pulumi.com/docs/install/), so that "pulumi" and "pulumi-language-nodejs" are on PATH`,
  );
}

/** What needs Pulumi's generators of code. */
const officialOnly = Object.fromEntries(
  Object.entries({
    generateProgram: "generate programs",
    generateProject: "generate projects",
    generatePackage: "generate packages",
    pack: "pack generated packages",
    link: "add packages to a project",
  }).map(([method, what]) => [method, unary(() => Promise.reject(officialNeeded(what)))]),
);

/** The folder of a program and its options in Pulumi.yaml. */
function programOf(info: messages.ProgramInfo | undefined): { directory: string; options: RuntimeOptions } {
  const directory = info?.getProgramDirectory();
  if (!directory) throw new StatusError("INVALID_ARGUMENT", "the request names no program directory");
  return { directory, options: readRuntimeOptions(info?.getOptions()?.toJavaScript() ?? {}) };
}

function readEnvironment(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    list.map((entry) => {
      const end = entry.indexOf("=");
      return [entry.slice(0, end), entry.slice(end + 1)];
    }),
  );
}

function requiredPackages(
  request: messages.GetRequiredPackagesRequest,
): messages.GetRequiredPackagesResponse {
  const answer = new messages.GetRequiredPackagesResponse();
  const { directory } = programOf(request.getInfo());
  const write = (from: Parameterization | undefined) => {
    if (from === undefined) return undefined;
    const to = new pluginMessages.PackageParameterization();
    to.setName(from.name);
    to.setVersion(from.version);
    to.setValue(from.value);
    return to;
  };
  answer.setPackagesList(
    findRequiredPackages(directory).map(({ name, version, server, parameterization, extension }) => {
      const dependency = new pluginMessages.PackageDependency();
      dependency.setName(name);
      dependency.setKind("resource");
      dependency.setVersion(version);
      dependency.setServer(server ?? "");
      dependency.setParameterization(write(parameterization));
      dependency.setExtension$(write(extension));
      return dependency;
    }),
  );
  return answer;
}

/** What `pulumi new` asks: the package manager, those that are installed first. */
function runtimeOptionPrompts(request: messages.RuntimeOptionsRequest): messages.RuntimeOptionsResponse {
  const answer = new messages.RuntimeOptionsResponse();
  const options = request.getInfo()?.getOptions()?.toJavaScript() ?? {};
  if ("packagemanager" in options) return answer;
  const installed = (name: string) => findOnPath(name) !== undefined;
  const { RuntimeOptionPrompt } = messages;
  const { STRING } = RuntimeOptionPrompt.RuntimeOptionType;
  const choice = (name: string, displayName = "") => {
    const value = new RuntimeOptionPrompt.RuntimeOptionValue();
    value.setPrompttype(STRING);
    value.setStringvalue(name);
    value.setDisplayname(displayName);
    return value;
  };
  const prompt = new RuntimeOptionPrompt();
  prompt.setKey("packagemanager");
  prompt.setDescription("The package manager to use for installing dependencies");
  prompt.setPrompttype(STRING);
  prompt.setChoicesList([
    ...packageManagers.filter(installed).map((name) => choice(name, name)),
    ...packageManagers.filter((name) => !installed(name)).map((name) => choice(name, `${name} [not found]`)),
  ]);
  prompt.setDefault(choice("npm"));
  answer.setPromptsList([prompt]);
  return answer;
}

async function about(request: messages.AboutRequest): Promise<messages.AboutResponse> {
  const { directory, options } = programOf(request.getInfo());
  const manager = choosePackageManager(options, directory);
  const node = findOnPath("node");
  if (node === undefined) throw new Error("could not find node on the $PATH: install it");
  const versionOf = (command: string) =>
    runFile(command, ["--version"], { cwd: directory, timeout: versionTimeoutMs }).then(
      ({ stdout }) => stdout.trim(),
      () => "",
    );
  const [nodeVersion, managerVersion] = await Promise.all([versionOf(node), versionOf(manager)]);
  const answer = new messages.AboutResponse();
  answer.setExecutable(node);
  answer.setVersion(nodeVersion);
  const metadata = answer.getMetadataMap();
  metadata.set("packagemanager", manager);
  metadata.set("packagemanagerVersion", managerVersion);
  const typescript = typescriptVersion(directory);
  if (typescript !== undefined) metadata.set("typescriptVersion", typescript);
  return answer;
}

/** The version of TypeScript that a program in a folder would load. */
function typescriptVersion(directory: string): string | undefined {
  try {
    const load = createRequire(join(directory, "program.js"));
    return (load("typescript/package.json") as { version: string }).version;
  } catch {
    return undefined;
  }
}

function programDependencies(
  request: messages.GetProgramDependenciesRequest,
): messages.GetProgramDependenciesResponse {
  const { directory, options } = programOf(request.getInfo());
  const manager = choosePackageManager(options, directory);
  if (manager !== "npm") throw officialNeeded(`read the lock file of ${manager}`);
  const answer = new messages.GetProgramDependenciesResponse();
  answer.setDependenciesList(
    listLockedPackages(directory, request.getTransitivedependencies()).map(({ name, version }) => {
      const dependency = new messages.DependencyInfo();
      dependency.setName(name);
      dependency.setVersion(version);
      return dependency;
    }),
  );
  return answer;
}
