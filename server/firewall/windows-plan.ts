/** Arguments of one call of `netsh`. */
export type NetshCommand = readonly string[];

/** Name of our rule in the Windows firewall. */
export const ruleName = "SoftEther VPN Server (vpnserver)";

/**
 * Lets other hosts reach TCP `ports` of a program. It has no rule of ours yet: netsh would add another of the same name.
 *
 * @param program path of the executable; what else listens on these ports stays as it is
 */
export function planOpening(program: string, ports: readonly number[]): NetshCommand {
  return [
    ...["advfirewall", "firewall", "add", "rule", `name=${ruleName}`, "dir=in", "action=allow", "enable=yes"],
    ...["profile=any", "protocol=TCP", `localport=${ports.join()}`, `program=${program}`],
    "description=Made by vpnserver, which takes it away when it is uninstalled",
  ];
}

/** Takes all rules of ours away. */
export const closingCommand: NetshCommand = ["advfirewall", "firewall", "delete", "rule", `name=${ruleName}`];

/** Shows our rules; netsh ends with 1 where there is none. */
export const showCommand: NetshCommand = [
  ...["advfirewall", "firewall", "show", "rule", `name=${ruleName}`],
  "verbose",
];

/**
 * Ports that our rule opens, by what netsh shows of it. The names of the lines are in the language of Windows; a list of ports is
 * the only value that is made of numbers and commas, and follows the line of the protocol.
 */
export function portsOfRule(shown: string): number[] {
  const ports = new Set<number>();
  for (const line of shown.split("\n")) {
    const [, list] = /:\s*(\d{1,5}(?:,\d{1,5})*)\s*$/.exec(line) ?? [];
    for (const port of list?.split(",").map(Number) ?? []) if (port >= 1 && port <= 65_535) ports.add(port);
  }
  return [...ports].sort((a, b) => a - b);
}

/** Whether a rule that netsh shows is of this program. */
export function isOfProgram(shown: string, program: string): boolean {
  return shown.toLowerCase().includes(program.toLowerCase());
}
