/** What a host is booted by. */
export type BootSystem = "systemd" | "sysv" | "openrc";

interface BootSystemSetup {
  /** Debian packages, besides those of every host. */
  readonly packages: readonly string[];
  /** What mmdebstrap does to the image at its end. */
  readonly hooks: readonly string[];
  /** A shell command that waits, if it can, and prints `up` when all that is started at boot was. */
  readonly isUp: string;
  /** A shell command that begins an orderly end, and returns. */
  readonly goDown: (how: "reboot" | "poweroff") => string;
  /** How the rules of /etc/nftables.conf are loaded at boot. */
  readonly nftables: {
    /** Files of the host, by path. */
    readonly files: Readonly<Record<string, string>>;
    /** A shell command on the disk, before the first boot. */
    readonly prepare: string;
    /** A shell command that fails unless they are loaded. */
    readonly check: string;
  };
}

/** Housekeeping that would run in the middle of a claim. */
const maskedUnits = [
  "apt-daily.timer",
  "apt-daily-upgrade.timer",
  "console-getty.service",
  "dpkg-db-backup.timer",
  "e2scrub_all.timer",
  "e2scrub_reap.service",
  "fstrim.timer",
];

/** There are no terminals to log in at. */
const withoutTerminals = `--customize-hook=sed -i -E 's/^([1-6]:.*getty)/#\\1/' "$1/etc/inittab"`;

const areRulesLoaded = "nft list table inet filter >/dev/null";

export const bootSystems: Readonly<Record<BootSystem, BootSystemSetup>> = {
  systemd: {
    packages: ["dbus", "iptables", "libpam-systemd", "systemd", "systemd-sysv", "tcsh", "ufw"],
    hooks: [`--customize-hook=systemctl --root="$1" --quiet mask ${maskedUnits.join(" ")}`],
    isUp: "systemctl is-system-running --wait | grep -qxE 'running|degraded' && echo up",
    goDown: (how) => `systemctl --no-block ${how}`,
    nftables: {
      files: {},
      prepare: "systemctl --quiet enable nftables.service",
      check: "systemctl is-active --quiet nftables.service",
    },
  },
  sysv: {
    packages: ["initscripts", "insserv", "netbase", "sysv-rc", "sysvinit-core"],
    hooks: [withoutTerminals],
    isUp: `[ "$(runlevel)" = 'N 2' ] && ! pgrep -x rc >/dev/null && echo up`,
    goDown,
    nftables: {
      files: {
        "etc/init.d/nftables": `#!/bin/sh
### BEGIN INIT INFO
# Provides:          nftables
# Required-Start:    $local_fs
# Required-Stop:     $local_fs
# Default-Start:     S
# Default-Stop:
# Short-Description: Rules of the administrator
### END INIT INFO
if [ "$1" = start ]; then /usr/sbin/nft -f /etc/nftables.conf; fi
`,
      },
      prepare: "chmod 755 /etc/init.d/nftables && update-rc.d nftables defaults",
      check: areRulesLoaded,
    },
  },
  openrc: {
    packages: ["initscripts", "netbase", "openrc", "sysvinit-core"],
    hooks: [withoutTerminals],
    isUp: `[ "$(cat /run/openrc/softlevel)" = default ] && ! pgrep -x openrc >/dev/null && echo up`,
    goDown,
    nftables: {
      files: {
        "etc/init.d/nftables": `#!/sbin/openrc-run
depend() { before net ssh; }
start() { /usr/sbin/nft -f /etc/nftables.conf; }
`,
      },
      prepare: "chmod 755 /etc/init.d/nftables && rc-update add nftables default",
      check: areRulesLoaded,
    },
  },
};

/** By the program of sysvinit, which tells init and returns. */
function goDown(how: "reboot" | "poweroff"): string {
  return `shutdown ${how === "reboot" ? "-r" : "-h -P"} now >/dev/null 2>&1 </dev/null`;
}
