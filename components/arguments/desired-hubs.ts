import { createPrivateKey, X509Certificate } from "node:crypto";
import type * as pulumi from "@pulumi/pulumi";
import { checkDesiredState } from "../../server/desired/desired-state.ts";
import type { VpnProof } from "../outputs/vpn-file.ts";
import { ArgumentError } from "./argument-error.ts";
import { isLeftOut, isObject, kindProblems } from "./argument-kind.ts";
import type { HubArgs, HubUserArgs } from "./hub-arguments.ts";
import { nearestName } from "./nearest-name.ts";

type Hub = pulumi.Unwrap<HubArgs>;
type User = pulumi.Unwrap<HubUserArgs>;
type Members = Readonly<Record<string, unknown>>;

/** What the arguments say about hubs, checked. */
export interface DesiredHubs {
  /** Of the desired state that `vpnserver apply` takes; holds secrets. */
  readonly hubs: readonly unknown[];
  /** The users of all hubs, in order. */
  readonly accounts: readonly HubAccount[];
}

export interface HubAccount {
  readonly hub: string;
  readonly user: string;
  /** What the user's `.vpn` file proves; a secret. */
  readonly proof: VpnProof;
}

/**
 * Checks what is desired of the hubs, by the code that the host will check it with.
 *
 * @throws ArgumentError with every problem, its path and the user it is about; no message holds a secret
 */
export function resolveHubs(hubs: readonly Hub[]): DesiredHubs {
  const problems = hubProblems(hubs);
  if (problems.length > 0) throw new ArgumentError(problems);
  const told = (withoutLeftOut(hubs) ?? []) as readonly Hub[];
  return {
    hubs: desiredHubs(told) as readonly unknown[],
    accounts: told.flatMap((hub) =>
      (hub.users ?? []).map((user) => ({ hub: hub.name, user: user.name, proof: proofOf(user) })),
    ),
  };
}

/** Everything that is wrong with what may be hubs, one line each: path, whom it is about, what is allowed. */
export function hubProblems(hubs: unknown): string[] {
  const kind = kindProblems("hubs", hubs, { type: "hubs" });
  if (kind.length > 0 || isLeftOut(hubs)) return kind;
  const told = withoutLeftOut(hubs);
  const { problems } = checkDesiredState({ hubs: desiredHubs(told) });
  return [...problems.map(withNearestName), ...groupProblems(told), ...privateKeyProblems(told)].map(
    (problem) => withNames(problem, told),
  );
}

/** Puts the member that was probably meant behind one that is not known. */
function withNearestName(problem: string): string {
  const [path = "", known] = problem.split(": is not known here; known are ");
  if (known === undefined) return problem;
  const nearest = nearestName(path.split(/\W/).at(-1) ?? "", known.split(", "));
  return nearest === undefined ? problem : `${problem}. Did you mean ${nearest}?`;
}

/** The groups of users that are not among those that their hub declares. */
function groupProblems(hubs: unknown): string[] {
  return at(hubs).flatMap((hub, hubIndex) => {
    const declared = at(hub?.["groups"]).flatMap((group) =>
      typeof group?.["name"] === "string" ? [group["name"]] : [],
    );
    const known = new Set(declared.map((name) => name.toLowerCase()));
    return at(hub?.["users"]).flatMap((user, userIndex) => {
      const group = user?.["group"];
      if (typeof group !== "string" || group === "" || known.has(group.toLowerCase())) return [];
      const nearest = nearestName(group, declared);
      const meant = nearest === undefined ? "" : `; did you mean "${nearest}"?`;
      const listed = declared.slice(0, 20).map((name) => `"${name}"`);
      const wayOut =
        declared.length === 0
          ? `the hub declares none: add groups: [{ name: "${group.slice(0, 64)}" }] to it`
          : `the groups of this hub are ${listed.join(", ")}${meant}`;
      return [`hubs[${hubIndex}].users[${userIndex}].group: "${group.slice(0, 64)}" is no group: ${wayOut}`];
    });
  });
}

/** What `vpnserver apply` takes: without the private keys, which are for the `.vpn` files, and with numbers as it has them. */
function desiredHubs(hubs: unknown): unknown {
  return mapList(hubs, (hub) => ({
    ...hub,
    ...("users" in hub && { users: mapList(hub["users"], ({ privateKey: _, ...user }) => user) }),
    ...("accessList" in hub && { accessList: mapList(hub["accessList"], withNumbers) }),
  }));
}

/** Hubs are not that deep; a value that holds itself is. */
const deepest = 16;

/** The same without members that are left out: the check takes each that is there for one that is told. */
function withoutLeftOut(value: unknown, depth = 0): unknown {
  if (depth > deepest) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => withoutLeftOut(item, depth + 1));
  if (!isObject(value) || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => !isLeftOut(member))
      .map(([name, member]) => [name, withoutLeftOut(member, depth + 1)]),
  );
}

/** What is of another kind goes through, for the check to find it. */
function mapList(list: unknown, map: (members: Members) => unknown): unknown {
  if (!Array.isArray(list)) return list;
  return list.map((item: unknown) => (isObject(item) ? map(item) : item));
}

/** Protocols are names or numbers there, ports are texts; a stack's configuration makes a number of either. */
function withNumbers(rule: Members): unknown {
  const { protocol } = rule;
  const ports = ["sourcePorts", "destinationPorts"].filter((name) => typeof rule[name] === "number");
  return {
    ...rule,
    ...(typeof protocol === "string" && /^\d{1,3}$/.test(protocol) && { protocol: Number(protocol) }),
    ...Object.fromEntries(ports.map((name) => [name, String(rule[name])])),
  };
}

function privateKeyProblems(hubs: unknown): string[] {
  return at(hubs).flatMap((hub, hubIndex) =>
    at(hub?.["users"]).flatMap((user, userIndex) => {
      if (user?.["privateKey"] === undefined) return [];
      const problem = privateKeyProblem(user["certificate"], user["privateKey"]);
      return problem === undefined ? [] : [`hubs[${hubIndex}].users[${userIndex}].privateKey: ${problem}`];
    }),
  );
}

function privateKeyProblem(certificate: unknown, privateKey: unknown): string | undefined {
  if (typeof certificate !== "string") return "is of no use without certificate";
  let parsed: X509Certificate;
  try {
    parsed = new X509Certificate(certificate);
  } catch {
    return undefined; // The certificate's own problem.
  }
  try {
    const belongs = parsed.checkPrivateKey(createPrivateKey(String(privateKey)));
    return belongs ? undefined : "is not the key of certificate";
  } catch {
    return "is no private key in PEM without passphrase";
  }
}

/** Puts the names beside the numbers of `hubs[0].users[1]`. */
function withNames(problem: string, hubs: unknown): string {
  const found = /^hubs\[(\d+)\](?:\.(user|group)s\[(\d+)\])?[^:]*/.exec(problem);
  if (found === null) return problem;
  const [path, hubIndex, kind, index] = found;
  const hub = at(hubs)[Number(hubIndex)];
  const member = kind === undefined ? undefined : at(hub?.[`${kind}s`])[Number(index)];
  const names = [
    ...(typeof member?.["name"] === "string" ? [`${kind} "${member["name"]}"`] : []),
    ...(typeof hub?.["name"] === "string" ? [`hub "${hub["name"]}"`] : []),
  ];
  return names.length === 0 ? problem : `${path} (${names.join(" of ")})${problem.slice(path.length)}`;
}

function at(list: unknown): readonly (Members | undefined)[] {
  return Array.isArray(list) ? list.map((item: unknown) => (isObject(item) ? item : undefined)) : [];
}

function proofOf({ password, certificate, privateKey }: User): VpnProof {
  if (password !== undefined) return { type: "password", password };
  if (certificate !== undefined && privateKey !== undefined) {
    return { type: "certificate", certificate, privateKey };
  }
  return { type: "anonymous" };
}
