/** Name of the unit, which a host has once. */
export const unitName = "vpnserver.service";

export const unitFile = `/etc/systemd/system/${unitName}`;

export interface UnitOptions {
  /** Absolute path by way of the `current` link, so that the unit stays as it is when the release changes. */
  readonly executable: string;
  readonly stateDirectory: string;
  readonly pidFile: string;
  /** The firewall's rules do not outlast a boot by themselves, so each start opens the ports again. */
  readonly opensFirewall: boolean;
}

const marker = "# Made by `vpnserver install`, which replaces it.";

/**
 * The text of the systemd unit.
 *
 * It is at least as strict as the unit of Debian's softether-vpnserver: nothing but the state directory can be written,
 * and of root's capabilities those for ports below 1024, local bridges and NAT are left. Memory that is writable and executable has to stay
 * allowed (no MemoryDenyWriteExecute), because the JavaScript engine compiles at run time.
 */
export function systemdUnit({ executable, stateDirectory, pidFile, opensFirewall }: UnitOptions): string {
  const program = quoteWord(executable);
  return `${marker}
[Unit]
Description=VPN server (SoftEther SSL-VPN protocol)
After=network.target auditd.service nftables.service

[Service]
Type=forking
PIDFile=${escapeSpecifiers(pidFile)}
${stateLine(stateDirectory)}
${opensFirewall ? `ExecStartPre=-+${program} firewall open\n` : ""}ExecStart=${program} start
ExecStop=-${program} stop
TimeoutStartSec=300
TimeoutStopSec=90
KillMode=mixed
Restart=on-failure
RestartSec=2
UMask=0077
# As the official server's: frames that wait are late for everybody.
Nice=-20

# Hardening
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=${quotePath(stateDirectory)}
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
# For TAPs: of local bridges, and of NAT by the host's kernel.
BindPaths=-/dev/net/tun
DeviceAllow=/dev/net/tun rw
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
# For NAT by the host's kernel, which has to forward.
ReadWritePaths=-/proc/sys/net/ipv4/ip_forward
ProtectProc=invisible
RemoveIPC=yes
# AF_PACKET is for local bridges with interfaces that are there.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK AF_PACKET
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
KeyringMode=private
# For ports below 1024; for interfaces that are bridged; for TAPs, and NAT by the host's kernel.
CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_NET_RAW CAP_NET_ADMIN
AmbientCapabilities=
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}

/** Whether a unit's text was made here, for the installation whose executable that is. */
export function isUnitOf(text: string, executable: string): boolean {
  return text.startsWith(marker) && text.includes(`\nExecStart=${quoteWord(executable)} start\n`);
}

/** Whether a unit's text was made here, for any installation. */
export function isOurUnit(text: string): boolean {
  return text.includes(marker);
}

/** Whether a unit's text was made here, for a server whose state is in that folder. */
export function hasState(text: string, stateDirectory: string): boolean {
  return isOurUnit(text) && text.split("\n").includes(stateLine(stateDirectory));
}

function stateLine(stateDirectory: string): string {
  return `Environment=${quoteWord(`VPNSERVER_STATE_DIR=${stateDirectory}`)}`;
}

/** A word of a command line or of an environment, as systemd.syntax(7) and systemd.service(5) read it. */
function quoteWord(word: string): string {
  return quotePath(word.replaceAll("$", "$$$$"));
}

function quotePath(path: string): string {
  const escaped = escapeSpecifiers(path).replace(/["\\]/g, "\\$&");
  return /[\s"'\\;]/.test(path) ? `"${escaped}"` : escaped;
}

/** `%` begins a specifier (systemd.unit(5)). */
function escapeSpecifiers(text: string): string {
  return text.replaceAll("%", "%%");
}
