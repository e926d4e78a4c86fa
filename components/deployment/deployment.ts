import { AsyncLocalStorage } from "node:async_hooks";
import { X509Certificate } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { ArgumentError } from "../arguments/argument-error.ts";
import type { DeploymentSettings } from "../arguments/deployment-settings.ts";
import { messageOf } from "../ssh/error-message.ts";
import { describeEndpoint } from "../ssh/ssh-connection.ts";
import { SshSession } from "../ssh/ssh-session.ts";
import { transformProblems, type ServerTransforms } from "./child-transform.ts";
import { DeploymentError } from "./deployment-error.ts";
import { isKnown, promiseOf } from "./output-values.ts";

/** The deployment of one server, as its steps see it: whose children they make, and how they tell what goes on and what is wrong. */
export class Deployment {
  /** Name of the component, which the names of its children begin with. */
  readonly name: string;
  readonly server: pulumi.Resource;
  readonly transforms: ServerTransforms;
  readonly #kind: string;
  /** Hooks are called from outside of the program, where messages would reach no engine. */
  readonly #inProgram = AsyncLocalStorage.snapshot();
  readonly #errors = new Map<string, DeploymentError>();
  readonly #checks: Promise<readonly string[]>[] = [];

  /** @param kind of the component, for messages */
  constructor(name: string, server: pulumi.Resource, transforms: ServerTransforms, kind = "VpnServer") {
    this.name = name;
    this.#kind = kind;
    this.server = server;
    this.transforms = transforms;
    const problems = transformProblems(transforms);
    if (problems.length > 0) this.fail(new ArgumentError(problems));
  }

  /** Throws the same object for the same cause, however many outputs fail by it. */
  fail(error: unknown): never {
    const message = `${this.#kind} "${this.name}": ${messageOf(error)}`;
    const known = this.#errors.get(message);
    if (known !== undefined) throw known;
    const made = new DeploymentError(message, this.server, { cause: error });
    this.#errors.set(message, made);
    throw made;
  }

  attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      return this.fail(error);
    }
  }

  /**
   * Checks some of the arguments when they are known. Whatever is wrong with them and with those of the other checks is one error: so none
   * may wait for what another has checked.
   *
   * @param work throws an ArgumentError with what is wrong
   */
  check<Given, Checked>(
    given: pulumi.Output<Given>,
    work: (known: Given) => Checked,
  ): pulumi.Output<Checked> {
    const outcome = given.apply((known): { checked?: Checked; problems: readonly string[] } => {
      try {
        return { checked: work(known), problems: [] };
      } catch (error) {
        if (error instanceof ArgumentError) return { problems: error.problems };
        return this.fail(error);
      }
    });
    this.#checks.push(problemsIn(outcome));
    return outcome.apply(async ({ checked }) => {
      const problems = (await Promise.all(this.#checks)).flat();
      if (problems.length > 0) this.fail(new ArgumentError(problems));
      return checked;
    }) as pulumi.Output<Checked>;
  }

  hook(work: (args: pulumi.ResourceHookArgs) => Promise<void>): pulumi.ResourceHookFunction {
    return (args) => this.#inProgram(() => work(args));
  }

  async withSession<T>(
    { connection, connectTimeoutMs }: DeploymentSettings,
    work: (session: SshSession) => Promise<T>,
  ): Promise<T> {
    const session = await SshSession.connect(connection, {
      deadlineMs: connectTimeoutMs,
      onRetry: (problem, elapsedMs) =>
        this.progress(
          `waiting for ${describeEndpoint(connection)}, ${Math.round(elapsedMs / 1000)} of ${connectTimeoutMs / 1000} s: ${problem}`,
        ),
    });
    try {
      return await work(session);
    } finally {
      session.close();
    }
  }

  warn(message: string): void {
    void pulumi.log.warn(`${this.name}: ${message}`, this.server);
  }

  note(message: string): void {
    void pulumi.log.info(`${this.name}: ${message}`, this.server);
  }

  warnOfCertificate(before: string | undefined, now: string): void {
    if (before === undefined || before === now) return;
    this.warn(
      `the server has another certificate than before (SHA-256 ${new X509Certificate(now).fingerprint256}): the host has lost the ` +
        "former one. The .vpn files that were handed out no longer work: hand out new ones",
    );
  }

  progress(message: string): void {
    void pulumi.log.info(`${this.name}: ${message}`, this.server, undefined, true);
  }
}

/** None, where it is not known in a preview, or fails by something else. */
async function problemsIn(
  outcome: pulumi.Output<{ readonly problems: readonly string[] }>,
): Promise<readonly string[]> {
  try {
    return (await isKnown(outcome)) ? (await promiseOf(outcome)).problems : [];
  } catch {
    return [];
  }
}
