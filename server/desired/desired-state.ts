import { ServerError } from "../errors.ts";
import { byPriority, type AccessRule } from "../settings/access-rule.ts";
import {
  anonymous,
  defaultHubLog,
  defaultHubOptions,
  packetLogKinds,
  type HubLogSettings,
  type HubOptions,
  type PacketLogKind,
  type PacketLogLevel,
} from "../settings/hub-settings.ts";
import {
  defaultPolicy,
  policyNames,
  policyRanges,
  type Policy,
  type PolicyName,
} from "../settings/policy.ts";
import { sortedInSteps } from "../long-lists.ts";
import { atOnce, mapped, type Steps } from "../turns.ts";
import { groupNameProblem, hubNameProblem, userNameProblem } from "../settings/names.ts";
import { localBridgeLimits, loginLimits, nameLimits } from "../limits.ts";
import { checkCertificate } from "./desired-certificate.ts";
import { checkIdentity, identityLimits, type IdentityPem } from "../identity/identity-check.ts";
import { checkAccessRule } from "./desired-access-rule.ts";
import { checkBridge, type DesiredBridge } from "./desired-bridge.ts";
import { checkSecureNat, type DesiredSecureNat } from "./desired-secure-nat.ts";
import { ObjectCheck, Problems, type Member } from "./value-check.ts";

/** What the server is to be, as `vpnserver apply` takes it in JSON. What is not told is undefined, and left as it is. */
export interface DesiredState {
  /** Of the server's administrator. */
  readonly adminPassword: string | undefined;
  /** Certificate of the server with its chain, and its key. */
  readonly identity: IdentityPem | undefined;
  readonly hubs: readonly DesiredHub[];
}

export interface DesiredHub {
  readonly name: string;
  /** Where it is, for messages. */
  readonly path: string;
  readonly online: boolean | undefined;
  readonly maxSessions: number | undefined;
  readonly message: string | undefined;
  readonly adminPassword: string | undefined;
  readonly users: readonly DesiredUser[];
  readonly groups: readonly DesiredGroup[];
  /** DER. */
  readonly trustedAuthorities: readonly Uint8Array[] | undefined;
  readonly accessList: readonly AccessRule[] | undefined;
  readonly options: Partial<HubOptions>;
  readonly log: DesiredHubLog;
  readonly secureNat: DesiredSecureNat | undefined;
  readonly localBridges: readonly DesiredBridge[] | undefined;
}

export interface DesiredHubLog {
  readonly saveSecurityLog: boolean | undefined;
  readonly savePacketLog: boolean | undefined;
  readonly packetLog: Partial<HubLogSettings["packetLog"]>;
}

export interface DesiredUser {
  readonly name: string;
  readonly realName: string;
  readonly note: string;
  readonly group: string | undefined;
  /** Unix time in milliseconds. */
  readonly expiresAt: number | undefined;
  readonly policy: Policy | undefined;
  readonly authentication: DesiredAuthentication;
}

export type DesiredAuthentication =
  | { readonly type: "anonymous" }
  | { readonly type: "password"; readonly password: string }
  | { readonly type: "certificate"; readonly certificate: Uint8Array }
  | { readonly type: "signed-certificate"; readonly commonName: string; readonly serial: Uint8Array };

export interface DesiredGroup {
  readonly name: string;
  readonly realName: string;
  readonly note: string;
  readonly policy: Policy | undefined;
}

/** `Cedar/Cedar.h` MAX_HUBS and its like. */
const limits = {
  hubs: 4_096,
  accounts: 10_000,
  authorities: 4_096,
  accessRules: 32_768,
  messageCharacters: 20_000,
  serialBytes: 64,
} as const;
const uint32 = 0xffff_ffff;

/** Users and their like, each of which may have a certificate, that are checked in one step. */
const membersPerStep = 8;

/** Names that are compared with each other in one step. */
const namesPerStep = 1_024;

/** Problems that one message lists. */
const mostProblems = 50;

/** A desired state that was looked at; only without a problem is it complete. */
interface CheckedState {
  readonly desired: DesiredState;
  readonly problems: readonly string[];
}

/**
 * Checks a desired state completely.
 *
 * @param value what JSON.parse gave
 * @throws {ServerError} USAGE with every problem and its path; no message holds a password
 */
export function parseDesiredState(value: unknown): DesiredState {
  return atOnce(parseDesiredStateInSteps(value));
}

/** Like {@link parseDesiredState}. */
export function* parseDesiredStateInSteps(value: unknown): Steps<DesiredState> {
  const { desired, problems } = yield* checkInSteps(value);
  throwProblems(problems);
  return desired;
}

/** The same for those who tell the problems in words of their own. */
export function checkDesiredState(value: unknown): CheckedState {
  return atOnce(checkInSteps(value));
}

function* checkInSteps(value: unknown): Steps<CheckedState> {
  const problems = new Problems();
  const members = ["adminPassword", "certificate", "privateKey", "hubs"];
  const root = new ObjectCheck({ value, path: "" }, members, problems);
  const adminPassword = root.text("adminPassword", {
    least: 1,
    most: loginLimits.passwordCharacters,
  });
  if (adminPassword === "")
    root.report("adminPassword", "is empty; leave it out to leave the password as it is");
  if (!root.has("hubs")) root.report("hubs", "is missing; a list of hubs, which may be empty, is expected");
  const hubs: DesiredHub[] = [];
  for (const member of root.list("hubs", limits.hubs) ?? []) hubs.push(yield* checkHub(member, problems));
  yield* checkNames(hubs, "hubs", problems);
  const identity = checkServerIdentity(root);
  return { desired: { adminPassword, identity, hubs }, problems: problems.texts };
}

/** Both of certificate and key, or neither. */
function checkServerIdentity(root: ObjectCheck): IdentityPem | undefined {
  const [certificatePem, keyPem] = (["certificate", "privateKey"] as const).map((name) =>
    root.text(name, { least: 1, most: identityLimits.pemCharacters }),
  );
  for (const [name, other] of [
    ["certificate", "privateKey"],
    ["privateKey", "certificate"],
  ] as const) {
    if (root.has(name) && !root.has(other)) root.report(other, `is missing; it goes with ${name}`);
  }
  if (certificatePem === undefined || keyPem === undefined) return undefined;
  const { identity, problems } = checkIdentity({ certificatePem, keyPem });
  for (const { member, problem } of problems) root.report(member, problem);
  return identity;
}

/** @throws {ServerError} USAGE when there is a problem */
export function throwProblems(problems: readonly string[]): void {
  if (problems.length === 0) return;
  const listed = problems.slice(0, mostProblems).map((problem) => `\n  ${problem}`);
  const more = problems.length > mostProblems ? `\n  and ${problems.length - mostProblems} more` : "";
  throw new ServerError(
    "USAGE",
    `the desired state cannot be applied, and nothing was changed:${listed.join("")}${more}`,
  );
}

const hubMembers = [
  "name",
  "online",
  "maxSessions",
  "message",
  "adminPassword",
  "users",
  "groups",
  "trustedAuthorities",
  "accessList",
  "options",
  "log",
  "secureNat",
  "localBridges",
] as const satisfies readonly (keyof DesiredHub)[];

function* checkHub(member: Member, problems: Problems): Steps<DesiredHub> {
  const hub = new ObjectCheck(member, hubMembers, problems);
  const name = checkName(hub, hubNameProblem);
  const each = <T>(members: keyof DesiredHub, most: number, check: (member: Member, index: number) => T) =>
    mapped(hub.list(members, most) ?? [], check, membersPerStep);
  const users = yield* each("users", limits.accounts, (user) => checkUser(user, problems));
  const groups = yield* each("groups", limits.accounts, (group) => checkGroup(group, problems));
  const authorities = yield* each("trustedAuthorities", limits.authorities, (authority) =>
    checkCertificate(authority, problems),
  );
  const rules = yield* each("accessList", limits.accessRules, (rule, index) =>
    checkAccessRule(rule, index + 1, problems),
  );
  yield* checkNames(users, `${hub.path}.users`, problems);
  yield* checkNames(groups, `${hub.path}.groups`, problems);
  return {
    name,
    path: hub.path,
    online: hub.bool("online"),
    maxSessions: hub.integer("maxSessions", { least: 0, most: uint32 }),
    message: hub.text("message", { most: limits.messageCharacters }),
    adminPassword: hub.text("adminPassword", { least: 1, most: loginLimits.passwordCharacters }),
    users,
    groups,
    trustedAuthorities: hub.has("trustedAuthorities")
      ? authorities.filter((authority) => authority !== undefined)
      : undefined,
    accessList: hub.has("accessList") ? yield* sortedInSteps(rules, byPriority) : undefined,
    options: checkOptions(hub.object("options", Object.keys(defaultHubOptions))),
    log: checkLog(hub.object("log", Object.keys(defaultHubLog))),
    secureNat: checkSecureNat(hub.member("secureNat"), problems),
    localBridges: checkBridges(hub, problems),
  };
}

function checkBridges(hub: ObjectCheck, problems: Problems): DesiredBridge[] | undefined {
  const bridges = hub.list("localBridges", localBridgeLimits.bridges);
  return bridges && [...bridges].flatMap((bridge) => checkBridge(bridge, problems) ?? []);
}

/** @returns the name; empty when it is not allowed */
function checkName(object: ObjectCheck, problemOf: (name: string) => string | undefined): string {
  if (!object.has("name")) object.report("name", "is missing");
  const name = object.text("name", { least: 1, most: nameLimits.nameCharacters });
  if (name === undefined) return "";
  const problem = problemOf(name);
  if (problem === undefined) return name;
  object.report("name", problem);
  return "";
}

function* checkNames(
  named: readonly { readonly name: string }[],
  path: string,
  problems: Problems,
): Steps<void> {
  const seen = new Set<string>();
  for (const [index, { name }] of named.entries()) {
    if (index % namesPerStep === namesPerStep - 1) yield;
    const key = name.toLowerCase();
    if (key !== "" && seen.has(key)) {
      problems.add(`${path}[${index}].name`, `"${name}" is there twice; names differ by more than case`);
    }
    seen.add(key);
  }
}

const proofs = ["password", "certificate", "anonymous", "signedCertificate"] as const;

function checkUser(member: Member, problems: Problems): DesiredUser {
  const names = ["name", "realName", "note", "group", "expires", "policy", ...proofs];
  const user = new ObjectCheck(member, names, problems);
  const name = checkName(user, userNameProblem);
  return {
    name,
    realName: user.text("realName", { most: nameLimits.textCharacters }) ?? "",
    note: user.text("note", { most: nameLimits.textCharacters }) ?? "",
    group: user.text("group", { least: 1, most: nameLimits.nameCharacters }),
    expiresAt: user.parsed(
      "expires",
      64,
      parseTime,
      "is no ISO 8601 time with a time zone from 2000 to 2099, such as 2030-01-31T12:00:00Z",
    ),
    policy: checkPolicy(user.object("policy", policyNames)),
    authentication: checkAuthentication(user, problems),
  };
}

/** Times that the configuration can hold, with a zone so that they are the same everywhere. */
function parseTime(text: string): number | undefined {
  if (!/^20\d\d-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/.test(text)) return undefined;
  const unixMs = Date.parse(text);
  return Number.isNaN(unixMs) ? undefined : unixMs;
}

function checkAuthentication(user: ObjectCheck, problems: Problems): DesiredAuthentication {
  const given = proofs.filter((proof) => user.has(proof));
  const [proof] = given;
  if (given.length !== 1) {
    const found = given.length === 0 ? "nothing tells" : `${given.join(" and ")} both tell`;
    problems.add(user.path, `${found} how the user logs in: give one of ${proofs.join(", ")}`);
  }
  switch (proof) {
    case undefined:
      break;
    case "anonymous":
      if (user.bool("anonymous") === false) {
        user.report("anonymous", "is false, and nothing else tells how the user logs in");
      }
      break;
    case "password": {
      const password = user.text("password", { least: 1, most: loginLimits.passwordCharacters });
      return password === undefined ? anonymous : { type: "password", password };
    }
    case "certificate": {
      const certificate = checkCertificate(user.member("certificate"), problems, "rsa");
      return certificate === undefined ? anonymous : { type: "certificate", certificate };
    }
    case "signedCertificate": {
      const signed = user.object("signedCertificate", ["commonName", "serial"]);
      return {
        type: "signed-certificate",
        commonName: signed?.text("commonName", { most: nameLimits.textCharacters }) ?? "",
        serial:
          signed?.parsed(
            "serial",
            limits.serialBytes * 3,
            parseSerial,
            "is no serial number in hexadecimal, such as 0A:1B:2C",
          ) ?? new Uint8Array(),
      };
    }
  }
  return anonymous;
}

function parseSerial(text: string): Uint8Array | undefined {
  const digits = text.replace(/[: ]/g, "");
  if (!/^(?:[0-9a-f]{2})+$/i.test(digits)) return undefined;
  return Uint8Array.from(Buffer.from(digits, "hex"));
}

function checkGroup(member: Member, problems: Problems): DesiredGroup {
  const group = new ObjectCheck(member, ["name", "realName", "note", "policy"], problems);
  return {
    name: checkName(group, groupNameProblem),
    realName: group.text("realName", { most: nameLimits.textCharacters }) ?? "",
    note: group.text("note", { most: nameLimits.textCharacters }) ?? "",
    policy: checkPolicy(group.object("policy", policyNames)),
  };
}

/** What is not told of a policy is as in the default. */
function checkPolicy(policy: ObjectCheck | undefined): Policy | undefined {
  if (policy === undefined) return undefined;
  const entries = policyNames.map((name): [PolicyName, boolean | number | undefined] => {
    const range = policyRanges.get(name);
    if (range === undefined) return [name, policy.bool(name)];
    const { least, most, zero } = range;
    return [name, policy.integer(name, { least: zero ? 0 : least, most })];
  });
  return { ...defaultPolicy, ...told<Policy>(entries) };
}

function checkOptions(options: ObjectCheck | undefined): Partial<HubOptions> {
  if (options === undefined) return {};
  const names = Object.keys(defaultHubOptions) as (keyof HubOptions)[];
  const range = { least: 0, most: uint32 };
  return told<HubOptions>(
    names.map((name) => [
      name,
      typeof defaultHubOptions[name] === "boolean" ? options.bool(name) : options.integer(name, range),
    ]),
  );
}

function checkLog(log: ObjectCheck | undefined): DesiredHubLog {
  const packetLog = log?.object("packetLog", packetLogKinds);
  const level = (kind: PacketLogKind) =>
    packetLog?.integer(kind, { least: 0, most: 2 }) as PacketLogLevel | undefined;
  return {
    saveSecurityLog: log?.bool("saveSecurityLog"),
    savePacketLog: log?.bool("savePacketLog"),
    packetLog: told<HubLogSettings["packetLog"]>(packetLogKinds.map((kind) => [kind, level(kind)])),
  };
}

function told<T>(entries: readonly (readonly [string, unknown])[]): Partial<T> {
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Partial<T>;
}
