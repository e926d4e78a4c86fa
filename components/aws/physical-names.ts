/** Names of load balancers and target groups have 32 characters, of which AWS takes 26 to tell them apart. */
const loadBalancerPrefix = 6;
/** Names of buckets have 63 characters, of which AWS takes 26. */
const bucketPrefix = 37;
/** What is made up behind a prefix. */
const uniqueCharacters = 26;
/** Longer beginnings tell nobody more. */
const longestPrefix = 99;
/** What the provider puts behind the name of a resource to make that of the thing: a hyphen, and seven digits. */
const autoNameCharacters = 8;

/** What AWS takes for a name. */
interface NameRule {
  readonly most: number;
  /** A character that it does not take. */
  readonly refused: RegExp;
}

const iamCharacter = /[^\w+=,.@-]/gu;

/** Of the kinds whose names may be their resources' names, as a rule. Letters are those of ASCII. */
const nameRules = {
  securityGroup: { most: 255, refused: /[^A-Za-z0-9 ._:/()#,@[\]+=&;{}!$*-]/gu },
  keyPair: { most: 255, refused: /[^\x20-\x7e]/gu },
  role: { most: 64, refused: iamCharacter },
  rolePolicy: { most: 128, refused: iamCharacter },
  instanceProfile: { most: 128, refused: iamCharacter },
  launchTemplate: { most: 125, refused: /[^A-Za-z0-9().\-/_]/gu },
  group: { most: 255, refused: /[^\x20-\x39\x3b-\x7e]/gu },
  secret: { most: 512, refused: /[^A-Za-z0-9/_+=.@-]/gu },
} as const satisfies Readonly<Record<string, NameRule>>;

/**
 * The beginning of a thing's name where AWS would not take the name of its resource, which the provider takes otherwise: that is too long, has
 * a character that AWS does not know there, or a beginning that AWS keeps for itself.
 *
 * @param resourceName such as `edge-role`
 */
export function namePrefixWhereNeeded(
  kind: keyof typeof nameRules,
  resourceName: string,
): { readonly prefix?: string } {
  const { most, refused } = nameRules[kind];
  // The ids of security groups begin so.
  const isTaken = kind === "securityGroup" && /^sg-/i.test(resourceName);
  const plain = resourceName.replace(refused, "-");
  if (plain === resourceName && !isTaken && plain.length + autoNameCharacters <= most) return {};
  const text = (isTaken ? `vpn-${plain}` : plain).slice(
    0,
    Math.min(most - uniqueCharacters, longestPrefix) - 1,
  );
  return { prefix: `${text}-` };
}

/** The same, as an argument of all kinds but key pairs. */
export function nameWhereNeeded(
  kind: Exclude<keyof typeof nameRules, "keyPair">,
  resourceName: string,
): { readonly namePrefix?: string } {
  const { prefix } = namePrefixWhereNeeded(kind, resourceName);
  return prefix === undefined ? {} : { namePrefix: prefix };
}

/** A description as a security group has it, which knows as many characters as its name. */
export function securityGroupDescription(text: string): string {
  const { most, refused } = nameRules.securityGroup;
  return text.replace(refused, "-").slice(0, most);
}

/** A description as a role has it: in the characters of Latin-1. */
export function roleDescription(text: string): string {
  return text.replace(/[^\x20-\x7e\xa1-\xff]/gu, "-").slice(0, 1000);
}

/** The beginning of a load balancer's or a target group's name; its tag `Name` has all of it. */
export function loadBalancerNamePrefix(component: string): string {
  return lowerCasePrefix(component, loadBalancerPrefix);
}

/** The beginning of a bucket's name, without dots, with which TLS would not know the bucket by its name. */
export function bucketNamePrefix(component: string): string {
  return lowerCasePrefix(component, bucketPrefix);
}

/** Letters, digits and single hyphens between them, and one at the end. */
function lowerCasePrefix(component: string, most: number): string {
  const plain = component
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "")
    .join("-")
    .slice(0, most - 1)
    .replace(/-$/, "");
  return `${plain === "" ? "vpn" : plain}-`;
}
