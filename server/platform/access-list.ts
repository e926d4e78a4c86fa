/**
 * Judges the access list of a folder of Windows, in the security descriptor definition language.
 *
 * Source: learn.microsoft.com, "Security Descriptor Definition Language", "ACE Strings", "File Access Rights Constants".
 */

/** Users and groups that may do anything on the host anyway, as the language abbreviates them or by their identifiers. */
const trusted: ReadonlySet<string> = new Set([
  "SY",
  "S-1-5-18",
  "BA",
  "S-1-5-32-544",
  "LA",
  "DA",
  // Nobody but who owns it, whoever that is: judged by itself.
  "CO",
  "OW",
  "S-1-3-0",
  "S-1-3-4",
  // TrustedInstaller, which owns the folders of Windows itself.
  "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
]);

const rightsOf: Readonly<Record<string, number>> = {
  CC: 0x1,
  DC: 0x2,
  LC: 0x4,
  SW: 0x8,
  RP: 0x10,
  WP: 0x20,
  DT: 0x40,
  LO: 0x80,
  CR: 0x100,
  SD: 0x1_0000,
  RC: 0x2_0000,
  WD: 0x4_0000,
  WO: 0x8_0000,
  GA: 0x1000_0000,
  GX: 0x2000_0000,
  GW: 0x4000_0000,
  GR: 0x8000_0000,
  FA: 0x1f_01ff,
  FR: 0x12_0089,
  FW: 0x12_0116,
  FX: 0x12_00a0,
};

/** To put another folder or file in the place of one in it: FILE_DELETE_CHILD, DELETE, WRITE_DAC, WRITE_OWNER, GENERIC_ALL. */
const replaces = 0x40 + 0x1_0000 + 0x4_0000 + 0x8_0000 + 0x1000_0000;
/** To make files and folders in it, and what follows from that: FILE_ADD_FILE, FILE_ADD_SUBDIRECTORY, GENERIC_WRITE. */
const adds = 0x2 + 0x4 + 0x4000_0000;

export interface AccessJudgement {
  /** Who else owns it; undefined for somebody who is trusted. */
  readonly foreignOwner: string | undefined;
  /** Somebody else who could put other files and folders in the place of those in it, or change the list. */
  readonly replacer: string | undefined;
  /** Somebody else who could make files in it. */
  readonly writer: string | undefined;
  /** Whether it takes nothing from the folder above. */
  readonly isProtected: boolean;
}

/**
 * @param descriptor owner and access list, such as `O:BAD:PAI(A;OICI;FA;;;SY)`
 * @param userSid is trusted too
 */
export function judgeAccess(descriptor: string, userSid: string): AccessJudgement {
  const isTrusted = (sid: string) => trusted.has(sid) || sid === userSid;
  const owner = /^O:(S-[\d-]+|[A-Z]{2})/.exec(descriptor)?.[1] ?? "nobody";
  const list = /D:([A-Z_]*)((?:\([^()]*(?:\([^()]*\)[^()]*)*\))*)/.exec(descriptor);
  const entries =
    list === null || list[1] === "NO_ACCESS_CONTROL" ? ["A;;GA;;;WD"] : entriesOf(list[2] ?? "");
  const allowed = entries.flatMap((entry) => {
    const [kind = "", flags = "", rights = "", , , sid = ""] = entry.split(";");
    // Inherit-only entries hold for what is in it; its own lists are asked then. What denies only narrows.
    if (kind.includes("D") || flags.match(/../g)?.includes("IO") === true || isTrusted(sid)) return [];
    return [{ sid, rights: maskOf(rights) }];
  });
  const whoMay = (mask: number) => allowed.find(({ rights }) => (rights & mask) !== 0)?.sid;
  return {
    foreignOwner: isTrusted(owner) ? undefined : owner,
    replacer: whoMay(replaces),
    writer: whoMay(replaces + adds),
    isProtected: list?.[1]?.startsWith("P") === true,
  };
}

function entriesOf(list: string): string[] {
  return [...list.matchAll(/\(([^()]*)/g)].map(([, entry = ""]) => entry);
}

/** What is not known here is taken for everything. */
function maskOf(rights: string): number {
  if (/^0x[0-9a-f]{1,8}$/i.test(rights)) return Number(rights) | 0;
  let mask = 0;
  for (const name of rights.match(/..?/g) ?? []) mask |= rightsOf[name] ?? -1;
  return mask;
}

/** What a service's programs have: whoever may do anything may change them, and every user may run them. */
export function sharedAccessList(): string {
  // FILE_GENERIC_READ and FILE_GENERIC_EXECUTE, for all that is in it.
  return "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)";
}

/**
 * What the server's own folder has: all rights for its user, for administrators and the system, for all that is in it, and for nobody else.
 * An administrator has them as one of those: a service runs as another user, who trusts no single one.
 */
export function privateAccessList({
  userSid,
  isAdministrator,
}: {
  readonly userSid: string;
  readonly isAdministrator: boolean;
}): string {
  const entry = (sid: string) => `(A;OICI;FA;;;${sid})`;
  return `D:P${entry("SY")}${entry("BA")}${isAdministrator ? "" : entry(userSid)}`;
}
