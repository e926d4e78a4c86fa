import { InvalidArgumentError, type Command } from "commander";
import { wordsOf } from "../error-words.ts";
import { errorCodes } from "../errors.ts";
import { addressToProbe, loopbackAddress } from "../client/probe-address.ts";
import type { CheckResult, ListenerCheck } from "../contract/check-result.ts";
import { jsonLine } from "../contract/json-format.ts";
import type { ListenerStatus } from "../contract/listener-status.ts";
import { notRunning } from "../supervisor/instance-errors.ts";
import { version } from "../version.ts";
import type { CliContext } from "./context.ts";
import { describeListener, describePlace } from "./describe-listener.ts";

const handshakeMs = 10_000;

/** `check`: a handshake of the VPN protocol with each listener. */
export function addCheckCommand(program: Command, context: CliContext): void {
  program
    .command("check")
    .description("do a handshake of the VPN protocol with each listener")
    .option("--json", "print JSON")
    .option("--host <host>", "where to connect to (default: the listener's own address, or 127.0.0.1)")
    .option("--port <port...>", "ports to check, instead of those of the running server", addPort)
    .action(async (options: { json?: true; host?: string; port?: number[] }) => {
      const listeners = options.port ?? (await listenersOfServer(context));
      const found = await Promise.all(
        listeners.map((listener) =>
          typeof listener === "number"
            ? shakeHands(options.host ?? loopbackAddress, { port: listener })
            : checkListener(options.host, listener),
        ),
      );
      const checks = await withFull(context, found);
      const serves = (check: ListenerCheck) => check.ok || check.full === true;
      // A port that cannot be opened is no fault as long as another serves: that is user mode.
      const ok = checks.some(serves) && checks.every((check) => serves(check) || check.state === "Error");
      const result: CheckResult = { ok, listeners: checks };
      if (options.json) context.print(jsonLine(version, result));
      else for (const check of checks) context.print(describe(check));
      if (!ok) process.exitCode = errorCodes.UNHEALTHY.exitCode;
    });
}

async function listenersOfServer(context: CliContext): Promise<readonly ListenerStatus[]> {
  const paths = context.statePaths();
  const { readStatus } = await import("../supervisor/control.ts");
  const status = await readStatus(paths);
  if (status === undefined) throw notRunning(paths.stateDirectory);
  return status.listeners.filter((listener) => listener.state !== "Stopped");
}

/** Tells the listeners that did not answer because the server is full; its own ones alone, as nobody knows of others. */
async function withFull(context: CliContext, checks: readonly ListenerCheck[]): Promise<ListenerCheck[]> {
  const isSilent = ({ ok, state }: ListenerCheck) => !ok && state === "Listening";
  if (!checks.some(isSilent)) return [...checks];
  const { readStatus } = await import("../supervisor/control.ts");
  const status = await readStatus(context.statePaths()).catch(() => undefined);
  return checks.map((check) => (isSilent(check) && status?.full === true ? { ...check, full: true } : check));
}

async function checkListener(host: string | undefined, listener: ListenerStatus): Promise<ListenerCheck> {
  if (listener.state !== "Listening") return { ...listener, ok: false };
  return shakeHands(host ?? addressToProbe(listener), listener);
}

async function shakeHands(
  host: string,
  known: Pick<ListenerCheck, "port" | "address" | "state">,
): Promise<ListenerCheck> {
  const { port } = known;
  const { openTcp, probeListener } = await import("../client/probe.ts");
  try {
    const { product, tlsVersion, certificateFingerprint, roundTripMs } = await probeListener(
      () => openTcp(host, port, handshakeMs),
      { timeoutMs: handshakeMs },
    );
    return { ...known, ok: true, product, tlsVersion, certificateFingerprint, roundTripMs };
  } catch (error) {
    return { ...known, ok: false, error: wordsOf(error) };
  }
}

function describe(check: ListenerCheck): string {
  const place = describePlace(check);
  if (check.ok) {
    return `${place}: answers (${check.product}, ${check.tlsVersion}, ${check.roundTripMs?.toFixed(1)} ms)`;
  }
  if (check.full) return `${place}: the server is full, and runs: ${check.error}`;
  if (check.error !== undefined) return `${place}: does not answer: ${check.error}`;
  return describeListener({ ...check, state: check.state ?? "Error" });
}

function addPort(text: string, ports: number[] = []): number[] {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) {
    throw new InvalidArgumentError("A port is a number between 1 and 65535.");
  }
  return [...ports, port];
}
