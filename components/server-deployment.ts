import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes, X509Certificate } from "node:crypto";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { ApplyResult } from "../server/contract/apply-result.ts";
import type { InstallResult } from "../server/contract/install-result.ts";
import type { Owner } from "../server/contract/owner.ts";
import { ArgumentError, ArgumentProblems } from "./argument-error.ts";
import { findArtifacts, type Artifacts } from "./artifact.ts";
import { commandConnection, describeEndpoint, type SshConnection } from "./connection.ts";
import { DeclaredHubs, describeHubs } from "./declared-hubs.ts";
import { DeploymentError, messageOf } from "./deployment-error.ts";
import type { DeploymentOutcome } from "./deployment-outcome.ts";
import { resolveHubs, type DesiredHubs } from "./desired-hubs.ts";
import { hasRealEngine } from "./engine-support.ts";
import { checkServer, type CheckReport, type CheckResult } from "./health.ts";
import { lookAtHost } from "./host-look.ts";
import { applyCommand, hostScript, scriptCommand, type HostScriptOptions } from "./host-script.ts";
import { deliverRelease, restoreLostServer } from "./release-delivery.ts";
import { removalFailureHook } from "./removal-failure.ts";
import {
  checkAdminPassword,
  checkArgumentNames,
  resolveSettings,
  type ServerSettings,
  type VpnServerArgs,
} from "./server-arguments.ts";
import { resolveCertificate, type ServerCertificate } from "./server-certificate.ts";
import { applyResultIn, installResultIn } from "./server-output.ts";
import { SshSession } from "./ssh-session.ts";

/** What a deployment gives the component's outputs. */
export interface ServerDeployment {
  readonly settings: pulumi.Output<ServerSettings>;
  readonly hubs: pulumi.Output<DesiredHubs>;
  readonly adminPassword: pulumi.Output<string | undefined>;
  readonly report: pulumi.Output<InstallResult>;
  readonly applied: pulumi.Output<ApplyResult>;
  readonly outcome: pulumi.Output<DeploymentOutcome>;
  /** Rejects when the check did not pass. */
  readonly lastCheck: pulumi.Output<CheckReport>;
}

/**
 * Deploys a server, in steps:
 *
 * 1. the arguments are checked, in a preview too;
 * 2. `up` reaches the host and looks whether the server can be deployed there, before any resource is registered: a failed resource
 *    would stop the engine, and with it other hosts, while a failed program only ends the update when all else is done;
 * 3. `-install` puts the server there, `-hubs` applies what is desired;
 * 4. `up` checks the server, each time, since an apply is evaluated when nothing has changed too;
 * 5. `-repair` puts right what the check found. It is a resource, so that nothing is changed where the engine changes nothing: in a
 *    `refresh` that runs the program, and for a server that is no target. Then the check is made again.
 */
export function deployServer(name: string, args: VpnServerArgs, server: pulumi.Resource): ServerDeployment {
  const deployer = new Deployer(name, server);
  const settings = deployer.settings(args);
  const hubs = deployer.hubs(args);
  const adminPassword = deployer.adminPassword(args);
  const owner = deployer.owner();
  const desired = pulumi.secret(
    pulumi
      .all([adminPassword, deployer.certificate(args), hubs])
      .apply(([adminPassword, certificate, { hubs }]) =>
        JSON.stringify({ adminPassword, ...certificate, hubs }),
      ),
  );
  const artifacts = deployer.artifacts();
  const host = pulumi.unsecret(
    pulumi
      .all([settings, owner, artifacts])
      .apply(([{ install, removal }, owner, { releases }]): HostScriptOptions => ({
        install,
        owner,
        releases: releases.map(({ uname, sha256, bytes }) => ({ uname, sha256, bytes })),
        purgeState: removal.purgeState,
      })),
  );
  const reach = deployer.reach({ settings, desired, host });
  const reached = reach.apply(({ settings, problem }) =>
    problem === undefined ? settings : deployer.fail(problem),
  );
  const connection = pulumi.secret(reached.apply((values) => patientConnection(values.connection)));
  const installed = deployer.install({ settings, reached, connection, artifacts, host });
  const report = pulumi.unsecret(installed.stdout).apply(installResultIn);
  const user = pulumi.unsecret(settings.apply(({ connection }) => connection.user));
  const applying = deployer.apply({ reached, connection, artifacts, host, report, user, desired });
  const applied = pulumi.unsecret(applying.stdout).apply(applyResultIn);
  deployer.declare(hubs, applying);
  const outcome = deployer.check({ reach, reached, connection, artifacts, host, desired, report, applied });
  const lastCheck = outcome.apply((result) =>
    result.kind === "passed" ? result.check : deployer.fail(result.problem),
  );
  // Nobody may look at that output, and a check that fails fails the update all the same.
  lastCheck.apply((report) => report);
  return { settings, hubs, adminPassword, report, applied, outcome, lastCheck };
}

/** The values of one server's deployment, some of which hold secrets. */
interface Values {
  readonly settings: pulumi.Output<ServerSettings>;
  readonly hubs: pulumi.Output<DesiredHubs>;
  readonly owner: pulumi.Output<Owner>;
  readonly artifacts: pulumi.Output<Artifacts>;
  /** What the host's script is made of. */
  readonly host: pulumi.Output<HostScriptOptions>;
  readonly reach: pulumi.Output<{ readonly settings: ServerSettings; readonly problem?: string }>;
  /** The settings of a host that the server can be deployed to; rejects otherwise. */
  readonly reached: pulumi.Output<ServerSettings>;
  readonly connection: pulumi.Output<CommandConnection>;
  /** Standard input of `vpnserver apply`. */
  readonly desired: pulumi.Output<string>;
  readonly report: pulumi.Output<InstallResult>;
  readonly applied: pulumi.Output<ApplyResult>;
  /** User of the connection. */
  readonly user: pulumi.Output<string>;
}

type CommandConnection = ReturnType<typeof patientConnection>;

/**
 * The connection in the form of `@pulumi/command`, with little patience: a host is waited for before. When a resource is deleted,
 * nobody has waited, and a host that is gone is told of in half a minute.
 */
function patientConnection(connection: SshConnection) {
  const patience = { dialErrorLimit: 2, perDialTimeout: 8 };
  const { proxy, ...endpoint } = commandConnection(connection);
  return { ...endpoint, ...patience, ...(proxy && { proxy: { ...proxy, ...patience } }) };
}

/** The steps of {@link deployServer}. */
class Deployer {
  readonly #name: string;
  readonly #server: pulumi.Resource;
  /** Hooks are called from outside of the program, where messages would reach no engine. */
  readonly #inProgram = AsyncLocalStorage.snapshot();
  readonly #errors = new Map<string, DeploymentError>();

  constructor(name: string, server: pulumi.Resource) {
    this.#name = name;
    this.#server = server;
  }

  /** Throws the same object for the same cause, however many outputs fail by it. */
  fail(error: unknown): never {
    const message = `VpnServer "${this.#name}": ${messageOf(error)}`;
    const known = this.#errors.get(message);
    if (known !== undefined) throw known;
    const made = new DeploymentError(message, this.#server, { cause: error });
    this.#errors.set(message, made);
    throw made;
  }

  settings(args: VpnServerArgs): Values["settings"] {
    const problems = new ArgumentProblems();
    problems.add(...checkArgumentNames(args));
    // Apart from the rest: what is secret may be unknown in a preview.
    const { hubs: _, adminPassword: __, certificate: ___, privateKey: ____, ...others } = args;
    return pulumi.output(others).apply((values) =>
      this.#attempt(() => {
        const settings = problems.collect(() => resolveSettings(values));
        problems.throwIfAny();
        return settings as ServerSettings;
      }),
    );
  }

  hubs({ hubs = [] }: VpnServerArgs): Values["hubs"] {
    return pulumi.secret(pulumi.output(hubs).apply((values) => this.#attempt(() => resolveHubs(values))));
  }

  artifacts(): Values["artifacts"] {
    return pulumi.output(null).apply(() => this.#attempt(() => findArtifacts()));
  }

  /** Made once: what it was first stays in the state, also where the stack or the project gets another name. */
  owner(): Values["owner"] {
    const id = this.#keep("id", randomBytes(12).toString("hex"));
    return id.apply((id): Owner => ({ id, stack: stackLabel(), name: this.#name }));
  }

  /** The one that was given, or one that is made once; none where the former one of an import stays. */
  adminPassword({ adminPassword, importFrom }: VpnServerArgs): pulumi.Output<string | undefined> {
    if (adminPassword !== undefined) {
      return pulumi.secret(
        pulumi.output(adminPassword).apply((password) => {
          const problem = checkAdminPassword(password);
          return problem === undefined ? password : this.fail(new ArgumentError([problem]));
        }),
      );
    }
    if (importFrom !== undefined) return pulumi.secret(undefined);
    return this.#keep("admin-password", pulumi.secret(randomBytes(18).toString("base64url")));
  }

  /** The server's own certificate, where one is given. */
  certificate({ certificate, privateKey }: VpnServerArgs): pulumi.Output<ServerCertificate | undefined> {
    return pulumi.secret(
      pulumi
        .output({ certificate, privateKey })
        .apply((values) => this.#attempt(() => resolveCertificate(values))),
    );
  }

  reach({ settings, desired, host }: Pick<Values, "settings" | "desired" | "host">): Values["reach"] {
    if (pulumi.runtime.isDryRun()) return settings.apply((settings) => ({ settings }));
    return pulumi.all([settings, host, desired]).apply(async ([settings, host]) => {
      const problem = await this.#withSession(settings, (session) => lookAtHost(session, host)).then(
        () => undefined,
        messageOf,
      );
      return { settings, ...(problem !== undefined && { problem }) };
    });
  }

  install(
    values: Pick<Values, "settings" | "reached" | "connection" | "artifacts" | "host">,
  ): command.remote.Command {
    const { settings, connection, host } = values;
    const deliver = this.#delivery(values);
    const tell = this.#hook(async ({ newOutputs }) => {
      const { warnings } = installResultIn(await plain(newOutputs, "stdout"));
      for (const warning of warnings) this.#warn(warning);
    });
    const removalFailure = removalFailureHook();
    return new command.remote.Command(
      `${this.#name}-install`,
      {
        connection,
        create: scriptCommand("install"),
        update: scriptCommand("install"),
        // Without this command the resource is deleted without a word to the host.
        delete: pulumi.unsecret(
          settings.apply(({ removal }) => (removal.uninstall ? scriptCommand("uninstall") : undefined)),
        ) as pulumi.Output<string>,
        stdin: host.apply(hostScript),
        addPreviousOutputInEnv: false,
        logging: "stderr",
      },
      {
        parent: this.#server,
        ...hooks({
          beforeCreate: [deliver],
          beforeUpdate: [deliver],
          afterCreate: [tell],
          afterUpdate: [tell],
          ...(removalFailure && { onError: [removalFailure] }),
        }),
      },
    );
  }

  apply(
    values: Pick<Values, "reached" | "connection" | "artifacts" | "host" | "report" | "user" | "desired">,
  ): command.remote.Command {
    const { reached, connection, artifacts, host, report, user, desired } = values;
    const target = promiseOf(pulumi.all([reached, artifacts, host]));
    target.catch(() => {});
    // Nothing about the installation need have changed here, and it may be gone there.
    const restore = this.#hook(async () => {
      const [settings, { releases }, host] = await target;
      await this.#withSession(settings, (session) =>
        restoreLostServer(session, {
          script: hostScript(host),
          artifacts: releases,
          installTimeoutMs: settings.install.healthTimeoutSeconds * 1000,
          progress: (message) => this.#progress(message),
        }),
      ).catch((error: unknown) => this.fail(error));
    });
    const tell = this.#hook(async ({ oldOutputs, newOutputs }) => {
      const before = await formerCertificate(oldOutputs);
      const now = applyResultIn(await plain(newOutputs, "stdout"));
      if (!now.changes.some((change) => change.startsWith("certificate of the server"))) {
        this.#warnOfCertificate(before, now.certificate);
      }
    });
    return new command.remote.Command(
      `${this.#name}-hubs`,
      {
        connection,
        create: pulumi.all([report, user]).apply(([installed, user]) => applyCommand(installed, user)),
        stdin: desired,
        addPreviousOutputInEnv: false,
        logging: "stderr",
      },
      { parent: this.#server, ...hooks({ beforeUpdate: [restore], afterUpdate: [tell] }) },
    );
  }

  declare(hubs: Values["hubs"], applying: pulumi.Resource): void {
    const description = pulumi.unsecret(hubs).apply(({ hubs }) => describeHubs(hubs));
    // What is declared is on the host then, and what could not be applied shows in the next preview again.
    new DeclaredHubs(`${this.#name}-declared-hubs`, description, {
      parent: this.#server,
      dependsOn: [applying],
    });
  }

  check(
    values: Pick<
      Values,
      "reach" | "reached" | "connection" | "artifacts" | "host" | "desired" | "report" | "applied"
    >,
  ): pulumi.Output<DeploymentOutcome> {
    const { reach, reached, artifacts, desired, report, applied } = values;
    const check = () =>
      pulumi
        .all([reached, artifacts, desired, report, applied])
        .apply(([{ connection, install }, { version }, desired, installed]) =>
          checkServer({
            connection,
            installed,
            version,
            desired,
            timeoutMs: install.healthTimeoutSeconds * 1000,
            warn: (message) => this.#warn(message),
          }).catch((error: unknown) => ({ kind: "unreachable" as const, problem: messageOf(error) })),
        );
    const first = pulumi.runtime.isDryRun() ? unknown<ExtendedResult>() : check();
    const repair = this.#repair({ ...values, first });
    const last = pulumi
      .all([first, pulumi.unsecret(repair.urn), applied])
      .apply(([result, , { certificate }]): pulumi.Output<ExtendedResult> => {
        if (pulumi.runtime.isDryRun() || result.kind !== "unwell") return pulumi.output(result);
        return check().apply((again) => {
          if (again.kind === "well") this.#warnOfCertificate(certificate, again.certificate);
          return again;
        });
      });
    return pulumi.unsecret(
      reach.apply(({ problem }): pulumi.Output<DeploymentOutcome> => {
        if (problem !== undefined) return pulumi.output({ kind: "untouched" as const, problem });
        return last.apply((result) => outcomeOf(result));
      }),
    );
  }

  /**
   * The resource by which a server that is not well is put right. As a rule nothing about it changes, whatever its inputs are; what
   * the check found makes it run.
   */
  #repair(
    values: Pick<Values, "reached" | "connection" | "artifacts" | "host" | "desired"> & {
      readonly first: pulumi.Output<ExtendedResult>;
    },
  ): command.remote.Command {
    const { connection, host, desired, first } = values;
    const problem = pulumi.runtime.isDryRun()
      ? Promise.resolve(undefined)
      : promiseOf(first).then((result) => (result.kind === "unwell" ? result.problem : undefined));
    problem.catch(() => {});
    const found = <T>(value: T): Promise<T | undefined> =>
      problem.then((problem) => (problem === undefined ? undefined : value));
    const deliver = this.#delivery(values);
    const announce = this.#hook(async () => {
      this.#warn(`${await problem}; putting it right`);
    });
    return new command.remote.Command(
      `${this.#name}-repair`,
      {
        connection,
        // Inputs that wait for the check, so the resource is registered after it.
        update: found(`${scriptCommand("repair")} ${new Date().toISOString()}`) as Promise<string>,
        stdin: pulumi.secret(
          pulumi
            .all([host, desired])
            .apply(([host, desired]) => found(hostScript({ ...host, desired }))) as pulumi.Output<string>,
        ),
        addPreviousOutputInEnv: false,
        logging: "stderr",
      },
      {
        parent: this.#server,
        ignoreChanges: ["connection", "stdin", "update"],
        ...hooks({ beforeUpdate: [announce, deliver] }),
        ...(hasRealEngine() && {
          transforms: [
            async ({ props, opts }: pulumi.ResourceTransformArgs) =>
              (await problem) === undefined ? undefined : { props, opts: { ...opts, ignoreChanges: [] } },
          ],
        }),
      },
    );
  }

  /** A hook that puts the executable on the host. */
  #delivery({ reached, artifacts }: Pick<Values, "reached" | "artifacts">): pulumi.ResourceHookFunction {
    const target = promiseOf(pulumi.all([reached, artifacts]));
    target.catch(() => {});
    return this.#hook(async ({ newInputs }) => {
      const [settings, { releases }] = await target;
      const script = await plain(newInputs, "stdin");
      await this.#withSession(settings, (session) =>
        deliverRelease(session, {
          script,
          artifacts: releases,
          progress: (message) => this.#progress(message),
        }),
      ).catch((error: unknown) => this.fail(error));
    });
  }

  #hook(work: (args: pulumi.ResourceHookArgs) => Promise<void>): pulumi.ResourceHookFunction {
    return (args) => this.#inProgram(() => work(args));
  }

  async #withSession<T>(
    { connection, connectTimeoutMs }: ServerSettings,
    work: (session: SshSession) => Promise<T>,
  ): Promise<T> {
    const session = await SshSession.connect(connection, {
      deadlineMs: connectTimeoutMs,
      onRetry: (problem, elapsedMs) =>
        this.#progress(
          `waiting for ${describeEndpoint(connection)}, ${Math.round(elapsedMs / 1000)} of ${connectTimeoutMs / 1000} s: ${problem}`,
        ),
    });
    try {
      return await work(session);
    } finally {
      session.close();
    }
  }

  /** A value that is made once: later ones are left out of account. */
  #keep(what: string, value: pulumi.Input<string>): pulumi.Output<string> {
    const stash = new pulumi.Stash(
      `${this.#name}-${what}`,
      { input: value },
      { parent: this.#server, ignoreChanges: ["input"] },
    );
    return stash.output as pulumi.Output<string>;
  }

  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      return this.fail(error);
    }
  }

  #warnOfCertificate(before: string | undefined, now: string): void {
    if (before === undefined || before === now) return;
    this.#warn(
      `the server has another certificate than before (SHA-256 ${new X509Certificate(now).fingerprint256}): the host has lost the ` +
        "former one. The .vpn files that were handed out no longer work: hand out new ones",
    );
  }

  #warn(message: string): void {
    void pulumi.log.warn(`${this.#name}: ${message}`, this.#server);
  }

  #progress(message: string): void {
    void pulumi.log.info(`${this.#name}: ${message}`, this.#server, undefined, true);
  }
}

function hooks(binding: pulumi.ResourceHookBinding): Pick<pulumi.CustomResourceOptions, "hooks"> {
  return hasRealEngine() ? { hooks: binding } : {};
}

/** `organization/project/stack`. Mocks of a user's test know no organization. */
function stackLabel(): string {
  const organization = hasRealEngine() ? [pulumi.getOrganization()] : [];
  return [...organization, pulumi.getProject(), pulumi.getStack()].join("/");
}

/** The host may have gone while it was being checked. */
type ExtendedResult = CheckResult | { readonly kind: "unreachable"; readonly problem: string };

function outcomeOf(result: ExtendedResult): DeploymentOutcome {
  switch (result.kind) {
    case "well":
      return { kind: "passed", check: result.report, certificate: result.certificate };
    case "unwell":
      return { kind: "failed", problem: `${result.problem}${result.log && `. ${result.log}`}` };
    case "unreachable":
      return { kind: "failed", problem: result.problem };
  }
}

/** A preview dials nobody, so it knows nothing of the server. */
function unknown<T>(): pulumi.Output<T> {
  return pulumi.output(pulumi.unknown as unknown as T) as pulumi.Output<T>;
}

/** Never resolves in a preview that does not know the value. */
function promiseOf<T>(output: pulumi.Output<T>): Promise<T> {
  // Every Output has it, though the declarations leave it out.
  return (output as unknown as { promise(): Promise<T> }).promise();
}

/** The certificate that the state knows of; a later release may have written it in a form that is not known here. */
async function formerCertificate(outputs: unknown): Promise<string | undefined> {
  const stdout = await plain(outputs, "stdout");
  try {
    return applyResultIn(stdout).certificate;
  } catch {
    return undefined;
  }
}

/** A text among the properties that a hook is given. */
function plain(properties: unknown, name: string): Promise<string> {
  const value = (properties as Record<string, unknown> | undefined)?.[name];
  return promiseOf(pulumi.output((value ?? "") as string));
}
