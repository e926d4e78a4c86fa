import {
  anonymous,
  authenticationNumbers,
  ntLmHashFrom,
  type Authentication,
  type GroupSettings,
  type UserSettings,
} from "../../settings/hub-settings.ts";
import {
  defaultPolicy,
  policyNames,
  policyRanges,
  type Policy,
  type PolicyName,
} from "../../settings/policy.ts";
import { hashPassword, sha0Bytes } from "../../wire/sha0.ts";
import { emptyFolder, FieldReader, fields, withFields, type Field } from "../text/config-fields.ts";
import { findFolder, named, type ConfigFolder } from "../text/config-node.ts";

type PasswordAuthentication = Extract<Authentication, { readonly type: "password" }>;

/** What is kept of a user's password; not the NT hash, which only clients send. */
export function passwordAuthentication(password: string, userName: string): PasswordAuthentication {
  const hashedKey = Uint8Array.from(hashPassword(password, userName));
  return { type: "password", hashedKey, ntLmHash: ntLmHashFrom() };
}

/**
 * A user, from its folder in `SecurityAccountDatabase/UserList`, whose name is the user's. Source: `Cedar/Server.c`
 * SiLoadUserCfg.
 *
 * @throws {ConfigFieldError}
 */
export function readUser(folder: ConfigFolder, path: string): UserSettings {
  const reader = new FieldReader(folder, path);
  const createdAt = reader.time("CreatedTime") ?? 0;
  return {
    name: folder.name,
    realName: reader.text("RealName"),
    note: reader.text("Note"),
    group: reader.text("GroupName") || undefined,
    authentication: readAuthentication(reader),
    expiresAt: reader.time("ExpireTime"),
    policy: readPolicy(reader.folder("Policy")),
    createdAt,
    updatedAt: reader.time("UpdatedTime") ?? createdAt,
  };
}

/** The folder of a user. What `former` holds besides, such as the number of logins, is kept. */
export function writeUser(user: UserSettings, former: ConfigFolder | undefined): ConfigFolder {
  const counters = { LastLoginTime: fields.time(undefined), NumLogin: fields.uint(0) };
  const folder = former ?? withFields(emptyFolder(user.name), counters);
  return withFields(named(folder, user.name), {
    ...writeAuthentication(user.authentication),
    CreatedTime: fields.time(user.createdAt),
    ExpireTime: fields.time(user.expiresAt),
    GroupName: user.group === undefined ? undefined : fields.text(user.group),
    Note: fields.text(user.note),
    RealName: fields.text(user.realName),
    UpdatedTime: fields.time(user.updatedAt),
    Policy: writePolicy(user.policy, folder),
  });
}

/**
 * A group, from its folder in `SecurityAccountDatabase/GroupList`, whose name is the group's.
 *
 * @throws {ConfigFieldError}
 */
export function readGroup(folder: ConfigFolder, path: string): GroupSettings {
  const reader = new FieldReader(folder, path);
  return {
    name: folder.name,
    realName: reader.text("RealName"),
    note: reader.text("Note"),
    policy: readPolicy(reader.folder("Policy")),
  };
}

/** The folder of a group. What `former` holds besides is kept. */
export function writeGroup(group: GroupSettings, former: ConfigFolder | undefined): ConfigFolder {
  const folder = former ?? emptyFolder(group.name);
  return withFields(named(folder, group.name), {
    Note: fields.text(group.note),
    RealName: fields.text(group.realName),
    Policy: writePolicy(group.policy, folder),
  });
}

/** A user whose proof is missing, or of the wrong size, stays one that nobody can log in as. */
function readAuthentication(reader: FieldReader): Authentication {
  const number = reader.uint("AuthType");
  switch (number) {
    case authenticationNumbers.anonymous:
      return anonymous;
    case authenticationNumbers.password:
      return {
        type: "password",
        hashedKey: ofSize(reader.bytes("AuthPassword"), sha0Bytes),
        ntLmHash: ntLmHashFrom(reader.bytes("AuthNtLmSecureHash")),
      };
    case authenticationNumbers.certificate:
      return { type: "certificate", certificate: reader.bytes("AuthUserCert") };
    case authenticationNumbers["signed-certificate"]:
      return {
        type: "signed-certificate",
        commonName: reader.text("AuthCommonName"),
        serial: reader.bytes("AuthSerial"),
      };
    case authenticationNumbers.radius:
      return { type: "radius", name: reader.text("AuthRadiusUsername") };
    case authenticationNumbers["nt-domain"]:
      return { type: "nt-domain", name: reader.text("AuthNtUserName") };
    default:
      throw reader.error("AuthType", `is ${number}, which is no way to log in that is known here`);
  }
}

function ofSize(bytes: Uint8Array, size: number): Uint8Array {
  return bytes.length === size ? bytes : new Uint8Array(size);
}

function writeAuthentication(authentication: Authentication): Record<string, Field | undefined> {
  const bytes = (value: Uint8Array) => (value.length === 0 ? undefined : fields.bytes(value));
  const none = {
    AuthPassword: undefined,
    AuthNtLmSecureHash: undefined,
    AuthUserCert: undefined,
    AuthCommonName: undefined,
    AuthSerial: undefined,
    AuthRadiusUsername: undefined,
    AuthNtUserName: undefined,
    AuthType: fields.uint(authenticationNumbers[authentication.type]),
  };
  switch (authentication.type) {
    case "anonymous":
      return none;
    case "password": {
      const { hashedKey, ntLmHash } = authentication;
      const hasNtLmHash = ntLmHash.some((byte) => byte !== 0);
      return {
        ...none,
        AuthPassword: fields.bytes(hashedKey),
        AuthNtLmSecureHash: hasNtLmHash ? fields.bytes(ntLmHash) : undefined,
      };
    }
    case "certificate":
      return { ...none, AuthUserCert: bytes(authentication.certificate) };
    case "signed-certificate": {
      const { commonName, serial } = authentication;
      const AuthCommonName = commonName === "" ? undefined : fields.text(commonName);
      return { ...none, AuthCommonName, AuthSerial: bytes(serial) };
    }
    case "radius":
      return { ...none, AuthRadiusUsername: fields.text(authentication.name) };
    case "nt-domain":
      return { ...none, AuthNtUserName: fields.text(authentication.name) };
  }
}

/** A limit that is not allowed becomes the nearest that is; one that is not there is 0, as the official server has it. */
function readPolicy(reader: FieldReader | undefined): Policy | undefined {
  if (reader === undefined) return undefined;
  const entries = policyNames.map((name): [PolicyName, boolean | number] => {
    const range = policyRanges.get(name);
    if (range === undefined) return [name, reader.bool(name)];
    const value = reader.uint(name);
    if (value === 0 && range.zero) return [name, 0];
    return [name, Math.min(Math.max(value, range.least), range.most)];
  });
  return { ...defaultPolicy, ...(Object.fromEntries(entries) as Partial<Policy>) };
}

function writePolicy(policy: Policy | undefined, owner: ConfigFolder): ConfigFolder | undefined {
  if (policy === undefined) return undefined;
  return withFields(
    findFolder(owner, "Policy") ?? emptyFolder("Policy"),
    Object.fromEntries(
      policyNames.map((name) => {
        const value = policy[name];
        return [name, typeof value === "boolean" ? fields.bool(value) : fields.uint(value)];
      }),
    ),
  );
}
