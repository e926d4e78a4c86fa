/** What gets a name, or a number in the place of one, by an RPC. */
export type Kind = "hub" | "user" | "group" | "bridge" | "tap" | "listener";

interface Call {
  readonly method: string;
  readonly params: object;
  /** The field of the reply that says what it was called. */
  readonly field?: string;
  /** Takes it away again, so that the next name meets the same server. */
  readonly undo: { readonly method: string; readonly params: object };
}

export const hub = "NAMES";
const HubName_str = hub;

const make: Readonly<Record<Kind, (name: string) => Call>> = {
  hub: (name) => ({
    method: "CreateHub",
    params: { HubName_str: name, HubType_u32: 0, AdminPasswordPlainText_str: "x", Online_bool: true },
    field: "HubName_str",
    undo: { method: "DeleteHub", params: { HubName_str: name.trim() } },
  }),
  user: (name) => ({
    method: "CreateUser",
    params: { HubName_str, Name_str: name, AuthType_u32: 1, Auth_Password_str: "x" },
    field: "Name_str",
    undo: { method: "DeleteUser", params: { HubName_str, Name_str: name.trim() } },
  }),
  group: (name) => ({
    method: "CreateGroup",
    params: { HubName_str, Name_str: name },
    field: "Name_str",
    undo: { method: "DeleteGroup", params: { HubName_str, Name_str: name.trim() } },
  }),
  bridge: (name) => bridge(name, false),
  tap: (name) => bridge(name, true),
  listener: (name) => ({
    method: "CreateListener",
    params: { Port_u32: Number(name), Enable_bool: false },
    undo: { method: "DeleteListener", params: { Port_u32: Number(name) } },
  }),
};

function bridge(DeviceName_str: string, TapMode_bool: boolean): Call {
  const params = { DeviceName_str, HubNameLB_str: hub, TapMode_bool };
  return { method: "AddLocalBridge", params, undo: { method: "DeleteLocalBridge", params } };
}

/** Every ASCII character, in the middle of a name. */
const ascii = Array.from({ length: 127 }, (_, index) => `a${String.fromCharCode(index + 1)}b`);

const names = [
  ...ascii,
  ...[
    "",
    " ",
    "a",
    "a b",
    " a",
    "a ",
    "  a  ",
    "\ta",
    "a\n",
    ".",
    ".a",
    "a.",
    "a..b",
    "-",
    "_",
    "@",
    "*",
    "**",
  ],
  ...["x".repeat(254), "x".repeat(255), "x".repeat(256), "x".repeat(300)],
  // Latin, Japanese, Cyrillic, Arabic, an emoji, a combining accent, a digit and a letter of full width.
  ...["ä", "aäb", "日本", "иван", "علي", "😀", "e\u0301", "１", "ａ"],
  // Blanks that are none in ASCII, inside and around; what is not seen; and half of a pair.
  ...["a\u00a0b", "\u00a0a", "a\u3000", "\u2003a", "\ufeffa", "a\u200bb", "a\u202eb", "a\u0085"],
  // By another case they would be names of ASCII: the sign for Kelvin, a long s, a dotless and a dotted i.
  ...["\u212aelvin", "\u017f", "\u0131", "\u0130"],
  ...["administrator", "Administrator", "ADMINISTRATOR", "administrator ", "administrators", "secureNAT"],
  ...["link", "LINK", "linked", "cascade", "Cascade", "localbridge", "Local Bridge", "localbridge2"],
  ...["l3sw_", "L3SW_a", "l3sw", "L3SWa", "bridge", "root", "default", "DEFAULT", hub, hub.toLowerCase()],
];

const devices = [
  ...[
    "",
    " ",
    "lo",
    "none0",
    "x".repeat(15),
    "x".repeat(16),
    "x".repeat(300),
    "a b",
    "a/b",
    "a:b",
    ".",
    "..",
  ],
  ...["ä", "日本", "tap_x", "%d", "a\tb", "-", "a'b", '"', "a;b"],
];

const ports = ["0", "1", "65535", "65536", "4294967295", "7443"];

/** Each name, of each kind that may have it. */
export const cases: readonly { readonly kind: Kind; readonly name: string }[] = [
  ...(["hub", "user", "group"] as const).flatMap((kind) => names.map((name) => ({ kind, name }))),
  ...(["bridge", "tap"] as const).flatMap((kind) => devices.map((name) => ({ kind, name }))),
  ...ports.map((name) => ({ kind: "listener", name }) as const),
];

export function callOf({ kind, name }: (typeof cases)[number]): Call {
  return make[kind](name);
}
