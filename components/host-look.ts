import {
  hostScript,
  parseAnswers,
  scriptCommand,
  type HostScriptOptions,
  type ServerOwner,
} from "./host-script.ts";
import { failureOf, notRun } from "./release-delivery.ts";
import type { SshSession } from "./ssh-session.ts";

const commandTimeoutMs = 30_000;

/**
 * Looks at a host before anything is changed there.
 *
 * @throws Error when the server cannot be deployed there: what is in the way, and the way out
 */
export async function lookAtHost(session: SshSession, options: HostScriptOptions): Promise<void> {
  const result = await session.run(scriptCommand("look"), {
    stdin: hostScript(options),
    timeoutMs: commandTimeoutMs,
  });
  const answers = parseAnswers(result.stdout);
  const platform = answers.get("platform");
  if (platform === undefined) throw new Error(notRun(result));
  if (result.code !== 0) throw new Error(`the host could not be looked at: ${failureOf(result)}`);
  const known = options.releases.map(({ uname }) => uname);
  if (!known.includes(platform)) {
    throw new Error(`the host is "${platform}", and the server is built for ${known.join(" and ")} only`);
  }
  const problem = problemOfOwner(ownerOf(answers.get("manifest")), options);
  if (problem !== undefined) throw new Error(problem);
}

function ownerOf(manifest: string | undefined): ServerOwner | undefined {
  if (manifest === undefined) return undefined;
  try {
    return (JSON.parse(manifest) as { owner?: ServerOwner }).owner;
  } catch {
    // What `install` makes of it, it says itself.
    return undefined;
  }
}

/** What `vpnserver install` would refuse, said before the deployment begins, so that the other hosts of a fleet go on. */
function problemOfOwner(
  present: ServerOwner | undefined,
  { owner, install: { adopt } }: HostScriptOptions,
): string | undefined {
  if (present === undefined || present.id === owner.id || adopt) return undefined;
  // A resource that got another name.
  if (present.stack === owner.stack && present.name !== owner.name) return undefined;
  return (
    `the server on the host belongs to "${present.name}" of another deployment, the stack ${present.stack}: two deployments of one ` +
    `host would undo each other's changes. Take it out of the one that is to let go of it, or set adopt: true on the one that is ` +
    "to have it"
  );
}
