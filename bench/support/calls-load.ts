// Makes every call of the administration once, as the server's administrator on its host, and prints for each how long it took and how
// long the server's thread was held at most. Arguments: state directory, socket of the probe, sessions, round.
import { spawn } from "node:child_process";
import { appendFile } from "node:fs/promises";
import { request as requestHttps } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { RpcConnection } from "../../attack/support/rpc-connection.ts";
import { rpcs, type RpcName } from "../../server/admin/definitions.ts";
import { messageToJson } from "../../server/admin/json-messages.ts";
import { zeroMessage } from "../../server/admin/zero-value.ts";
import { openTcp, probeListener } from "../../server/client/probe.ts";
import { encodeKeepAlive } from "../../server/wire/block-stream.ts";
import { Pack } from "../../server/wire/pack.ts";
import { largest, userName } from "./large-configuration.ts";
import type { Held } from "./thread-probe.ts";
import { login } from "./vpn-client.ts";

/** What one call cost. */
export interface CallCost extends Held {
  readonly name: string;
  readonly tookMs: number;
  /** Of the answer, where it was no reply. */
  readonly error?: string;
}

const [stateDirectory = "", probeSocket = "", sessionCount = "", round = ""] = process.argv.slice(2);
const address = "127.0.0.1";
const port = 5555;
const answersMs = 60_000;
const loginsAtOnce = 16;
/** Parts of the sessions that show a sign of life in turn. */
const [keepAliveParts, keepAliveMs] = [100, 100];
/** Calls whose large requests or answers go over both forms. */
const overPack: readonly RpcName[] = ["EnumUser", "EnumSession", "EnumAccess", "EnumHub", "GetConfig"];

const rulesHub = { HubName_str: largest.rules };
const scratchHub = { HubName_str: `scratch-${round}` };
const scratchUser = { Name_str: `scratch-${round}` };
const certificate = Buffer.from("bm9uZQ==", "base64").toString("base64");

/** What a call is given besides zeros, which many are answered an error for. */
const requests: Partial<Record<RpcName, object>> = {
  SetAccessList: rulesHub,
  EnumAccess: rulesHub,
  AddAccess: {
    ...rulesHub,
    AccessListSingle: [{ Priority_u32: 16_000, Active_bool: true, Note_utf: `of round ${round}` }],
  },
  DeleteAccess: { ...rulesHub, Id_u32: 16_000 },
  SetHub: { Online_bool: true },
  SetHubOnline: { HubName_str: largest.users, Online_bool: true },
  SetHubMsg: { Msg_bin: Buffer.from(`round ${round}`).toString("base64") },
  SetHubLog: { SaveSecurityLog_bool: Number(round) % 2 === 1 },
  CreateHub: { ...scratchHub, Online_bool: true },
  DeleteHub: scratchHub,
  CreateUser: { ...scratchUser },
  SetUser: { ...scratchUser, Note_utf: "changed" },
  GetUser: { Name_str: userName(5_000) },
  DeleteUser: scratchUser,
  CreateGroup: scratchUser,
  SetGroup: scratchUser,
  DeleteGroup: scratchUser,
  CreateListener: { Port_u32: 15_555, Enable_bool: true },
  DeleteListener: { Port_u32: 15_555 },
  AddCa: { Cert_bin: certificate },
  AddCrl: { CommonName_utf: `round ${round}` },
  SetKeep: { KeepConnectInterval_u32: 50 },
  SetHubExtOptions: { AdminOptionList: [{ Name_str: "NoArpPolling", Value_u32: Number(round) % 2 }] },
  SetHubAdminOptions: { AdminOptionList: [{ Name_str: "max_users", Value_u32: 20_000 + Number(round) }] },
  SetAcList: { ACList: [{ Priority_u32: 1, Deny_bool: true, IpAddress_ip: `192.0.2.${round}` }] },
  ReadLogFile: { FilePath_str: "server_log/vpn_20200101.log", Offset_u32: 50_000_000 },
  RenameLink: { HubName_str: largest.users },
};
/** Whatever ends the server or its sessions is no part of it, or comes last. */
const last: readonly RpcName[] = ["SetServerPassword", "SetServerCert", "RegenerateServerCert"];
const never: readonly RpcName[] = ["RebootServer", "SetConfig", "Crash", ...last];

function held(): Promise<Held> {
  return text(connect(probeSocket)).then((line) => JSON.parse(line) as Held);
}

/** With `BENCH_CALLS=Set,apply` only those are made whose names hold one of these. */
const wanted = (process.env["BENCH_CALLS"] ?? "").split(",");

async function measure(name: string, work: () => Promise<string | undefined>): Promise<void> {
  if (!wanted.some((part) => name.includes(part))) return;
  await held();
  const began = performance.now();
  let error: string | undefined;
  try {
    error = await work();
  } catch (failure) {
    error = (failure as Error).message;
  }
  const tookMs = performance.now() - began;
  const cost: CallCost = { name, tookMs, ...(error !== undefined && { error }), ...(await held()) };
  console.log(JSON.stringify(cost));
}

interface Answer {
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** The answer as it came: to parse it would take this process longer than the server took. */
function ask(body: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = requestHttps(
      {
        ...{ host: address, port, path: "/api/", method: "POST", rejectUnauthorized: false, agent: false },
        headers: {
          "Content-Type": "application/json",
          "Content-Length": Buffer.byteLength(body),
          "X-VPNADMIN-PASSWORD": "",
        },
      },
      (response) => void text(response).then(resolve, reject),
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

function bodyOf(method: RpcName, given: object): string {
  const { fields } = rpcs[method];
  const zeros = messageToJson(fields, zeroMessage(fields) as never);
  const hub = "HubName" in fields ? { HubName_str: largest.users } : {};
  return JSON.stringify({ jsonrpc: "2.0", id: "1", method, params: { ...zeros, ...hub, ...given } });
}

/** @returns the error of the answer */
async function call(method: RpcName, given: object = requests[method] ?? {}): Promise<string | undefined> {
  const answer = await ask(bodyOf(method, given));
  return /^\{"error":\{"code":(\d+)/.exec(answer)?.[1];
}

async function callPack(connection: RpcConnection, method: RpcName, pack: Pack): Promise<string | undefined> {
  const error = await connection.call(method, pack);
  return error === 0 ? undefined : String(error);
}

async function resultOf(method: RpcName, given: object): Promise<Readonly<Record<string, unknown>>> {
  const { result, error } = JSON.parse(await ask(bodyOf(method, given))) as Answer;
  if (result === undefined) throw new Error(error?.message);
  return result;
}

async function openSessions(count: number): Promise<TLSSocket[]> {
  const sockets: TLSSocket[] = [];
  let [next, failed] = [0, 0];
  const openNext = async () => {
    while (next < count && failed < loginsAtOnce) {
      const user = userName(next++);
      const account = { address, hub: largest.users, user, password: largest.password };
      const socket = await login(account).catch(() => undefined);
      if (socket === undefined) failed++;
      else sockets.push(socket.on("error", () => undefined).resume());
    }
  };
  await Promise.all(Array.from({ length: loginsAtOnce }, openNext));
  return sockets;
}

/** The desired state of as many users as the configuration has besides. */
function desiredState(): string {
  const hubs = Array.from({ length: 10 }, (_, hub) => ({
    name: `APPLIED-${hub}`,
    users: Array.from({ length: 10_000 }, (_, index) => ({
      name: userName(index),
      note: `user ${index} of round ${round}`,
      anonymous: true,
    })),
  }));
  return JSON.stringify({ hubs });
}

/** @returns what it said where it failed */
async function apply(desired: string, ...options: readonly string[]): Promise<string | undefined> {
  const program = fileURLToPath(new URL("../../server/main.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    [
      "--disable-warning=ExperimentalWarning",
      program,
      "--state-dir",
      stateDirectory,
      "apply",
      "--json",
      ...options,
    ],
    { stdio: ["pipe", "ignore", "pipe"] },
  );
  child.stdin.end(desired);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const told = await text(child.stderr);
  return (await ended) === 0 ? undefined : told.slice(-300);
}

/** Resolves when the server shakes hands. */
async function answers(): Promise<void> {
  for (const deadline = performance.now() + answersMs; ; await delay(100, undefined)) {
    try {
      await probeListener(() => openTcp(address, port, 1_000), { timeoutMs: 5_000 });
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
  }
}

await answers();
const sockets = await openSessions(Number(sessionCount));
let part = 0;
const keepAlives = setInterval(() => {
  for (let at = part; at < sockets.length; at += keepAliveParts) {
    sockets[at]?.write(encodeKeepAlive(new Uint8Array()));
  }
  part = (part + 1) % keepAliveParts;
}, keepAliveMs);
console.error(`round ${round}: ${sockets.length} sessions`);

await measure("(nothing)", () => delay(2_000, undefined));
const { AccessList: rules } = await resultOf("EnumAccess", rulesHub);
const rpc = await RpcConnection.open({ address }, "", "");
for (const method of Object.keys(rpcs) as RpcName[]) {
  if (never.includes(method)) continue;
  const more = method === "SetAccessList" ? { AccessList: rules } : {};
  await measure(method, () => call(method, { ...requests[method], ...more }));
  if (!overPack.includes(method)) continue;
  const hub = new Pack().addStr("HubName", method === "EnumAccess" ? largest.rules : largest.users);
  await measure(`${method}, as PACK`, () => callPack(rpc, method, hub));
}
await measure("Flush, after all", async () => {
  await call("CreateUser", { Name_str: `flushed-${round}` });
  return call("Flush");
});
await measure("file changed from outside, and CreateUser", async () => {
  // As an editor would: with what the journal holds in it, a line more.
  await call("Flush");
  await appendFile(join(stateDirectory, "vpn_server.config"), `# round ${round}\n`);
  return call("CreateUser", { Name_str: `outside-${round}` });
});
const desired = desiredState();
await measure("vpnserver apply --dry-run, 100,000 users", () => apply(desired, "--dry-run"));
if (round === "1") {
  await measure("vpnserver apply of one hub, 10,000 users", () => {
    const { hubs } = JSON.parse(desired) as { hubs: unknown[] };
    return apply(JSON.stringify({ hubs: hubs.slice(0, 1) }));
  });
}
await measure("vpnserver apply, nothing", () => apply('{"hubs":[]}'));
for (const method of last) await measure(method, () => call(method));
const { FileData_bin: file } = await resultOf("GetConfig", {});
const bytes = Buffer.from(file as string, "base64");
const damaged = Buffer.concat([bytes, Buffer.from("}\n")]);
// What cannot be used is read to its end as well, and the server goes on.
const config = new Pack().addStr("FileName", "vpn_server.config").addData("FileData", damaged);
await measure("SetConfig of a damaged file, as PACK", () => callPack(rpc, "SetConfig", config));
const config64 = damaged.toString("base64");
await measure("SetConfig of a damaged file", () => call("SetConfig", { FileData_bin: config64 }));
rpc.socket.destroy();
await measure("SetConfig", () => call("SetConfig", { FileData_bin: file as string }));
clearInterval(keepAlives);
for (const socket of sockets) socket.destroy();
