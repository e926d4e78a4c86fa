import { isOwner, type Owner } from "../../server/contract/owner.ts";
import { decideOwner } from "../../server/install/owner.ts";
import type { SshSession } from "../ssh/ssh-session.ts";
import { hostScript, parseAnswers, scriptCommand, type HostScriptOptions } from "./host-script.ts";
import { failureOf, notRun } from "./release-delivery.ts";

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
  const obstacle = answers.get("obstacle");
  if (obstacle !== undefined) throw new Error(`the server cannot run on this host: ${obstacle}`);
  const manifest = answers.get("manifest");
  if (manifest === undefined) return;
  // What `install` would refuse is said before the deployment begins, so that the other hosts of a fleet go on.
  decideOwner({
    installed: true,
    present: ownerOf(manifest),
    wanted: options.owner,
    adopt: options.install.adopt,
  });
}

function ownerOf(manifest: string): Owner | undefined {
  try {
    const { owner } = JSON.parse(manifest) as { owner?: unknown };
    return isOwner(owner) ? owner : undefined;
  } catch {
    // What is wrong with it, `install` says.
    return undefined;
  }
}
