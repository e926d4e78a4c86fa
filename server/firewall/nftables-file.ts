import { ownComment, type OpeningRule } from "./nftables-plan.ts";

/** Our own file, which the host's nftables configuration includes. */
export const ownRulesFile = "/etc/vpnserver.nft";

// As a pattern, because an include of a file that is not there would make the host's whole configuration fail to load.
const includeLine = `include "/etc/vpnserver.nf[t]" # ${ownComment}`;

// Where the configuration ends without a line break, the one before our line is ours too; nft wants one at the end.
const includeAfterLineBreak = `\n${includeLine}, with the line break before it\n`;

/**
 * The text of {@link ownRulesFile}. It cannot keep the host's configuration from loading: tables and chains are named
 * again first, which changes nothing where they are and leaves an unused one where they are not.
 */
export function ownRulesText(rules: readonly OpeningRule[]): string {
  const chains = [...new Set(rules.map(({ family, table, chain }) => `${family} ${table} ${chain}`))];
  const tables = [...new Set(rules.map(({ family, table }) => `${family} ${table}`))];
  return [
    "# TCP ports of the VPN server. Made by vpnserver, which takes it away when it is uninstalled.",
    ...tables.map((table) => `add table ${table}`),
    ...chains.map((chain) => `add chain ${chain}`),
    ...rules.map(
      ({ family, table, chain, port, place }) =>
        `${place === "top" ? "insert" : "add"} rule ${family} ${table} ${chain} ` +
        `tcp dport ${port} accept comment "${ownComment}"`,
    ),
    "",
  ].join("\n");
}

/**
 * Whether the host's configuration can carry the rule: it must itself make the chain, and the names must be ones that it
 * can spell.
 */
export function isMadeBy(configuration: string, { family, table, chain }: OpeningRule): boolean {
  const spelled = /^[A-Za-z_][\w/\\.-]*$/;
  if (!spelled.test(table) || !spelled.test(chain)) return false;
  const familyPart = family === "ip" ? "(?:ip[ \\t]+)?" : `${family}[ \\t]+`;
  const code = configuration.replace(/#.*/g, "");
  return (
    new RegExp(`\\btable[ \\t]+${familyPart}${escape(table)}(?![\\w/\\\\.-])`).test(code) &&
    new RegExp(`\\bchain[ \\t]+(?:[\\w/\\\\.-]+[ \\t]+)*${escape(chain)}(?![\\w/\\\\.-])`).test(code)
  );
}

export function includesOwnRules(configuration: string): boolean {
  return withoutInclude(configuration) !== configuration;
}

/** The configuration with our include line at its end. */
export function withInclude(configuration: string): string {
  if (includesOwnRules(configuration)) return configuration;
  return configuration === "" || configuration.endsWith("\n")
    ? `${configuration}${includeLine}\n`
    : `${configuration}${includeAfterLineBreak}`;
}

/** The configuration without our include line; all else byte for byte as it was. */
export function withoutInclude(configuration: string): string {
  const without = configuration.replace(includeAfterLineBreak, "");
  return without
    .split("\n")
    .filter((line) => line !== includeLine)
    .join("\n");
}

function escape(text: string): string {
  return text.replace(/[.\\/-]/g, "\\$&");
}
