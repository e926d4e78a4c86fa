/** Name of the service, which a host has once. */
export const serviceName = "vpnserver";

/** Where init systems of scripts look for the one of a service. */
export const scriptFile = `/etc/init.d/${serviceName}`;

export interface ScriptOptions {
  /** Absolute path by way of the `current` link, so that the script stays as it is when the release changes. */
  readonly executable: string;
  readonly stateDirectory: string;
  /** The firewall's rules do not outlast a boot by themselves, so each start opens the ports again. */
  readonly opensFirewall: boolean;
}

const marker = "# Made by `vpnserver install`, which replaces it.";

/**
 * The script of a service for the init of System V, as LSB 5.0 has it (chapter 22), in any POSIX shell.
 *
 * It runs `vpnserver start`, which returns when the server serves or says why it does not, and which no second server comes of. A
 * `start-stop-daemon` would know neither, and not every system has one.
 *
 * `chkconfig` and `description` are for chkconfig, which does not read the rest everywhere.
 */
export function sysvScript(options: ScriptOptions): string {
  return `#!/bin/sh
${marker}
### BEGIN INIT INFO
# Provides:          ${serviceName}
# Required-Start:    $local_fs $remote_fs $network
# Required-Stop:     $local_fs $remote_fs $network
# Should-Start:      $named $syslog $time nftables iptables ufw firewall
# Should-Stop:       $syslog
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: VPN server
# Description:       VPN server that speaks the SoftEther SSL-VPN protocol
### END INIT INFO
# chkconfig: 2345 90 10
# description: VPN server that speaks the SoftEther SSL-VPN protocol

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
# Variables for the server, such as VPNSERVER_NATIVE=off.
set -a
if [ -r /etc/default/${serviceName} ]; then . /etc/default/${serviceName}; fi
set +a
${commonLines(options)}
# On systems of the Red Hat family only what has this file is stopped at power-off.
subsystem=/var/lock/subsys/${serviceName}

start() {
${startLines(options)}
  code=$?
  # It runs already.
  if [ "$code" = 3 ]; then code=0; fi
  if [ "$code" = 0 ] && [ -d "\${subsystem%/*}" ]; then : >"$subsystem"; fi
  return "$code"
}

stop() {
  "$program" stop
  code=$?
  # It does not run.
  if [ "$code" = 4 ]; then code=0; fi
  if [ "$code" = 0 ]; then rm -f "$subsystem"; fi
  return "$code"
}

status() {
  "$program" status
  code=$?
  case $code in
    0) return 0 ;;
    4) return 3 ;;
    *) return 4 ;;
  esac
}

case "$1" in
  start) start ;;
  stop) stop ;;
  restart | force-reload) stop && start ;;
  try-restart | condrestart)
    if status >/dev/null 2>&1; then stop && start; fi
    ;;
  status) status ;;
  reload)
    echo "${serviceName}: a change is in force when it is made; there is nothing to load again" >&2
    exit 3
    ;;
  *)
    echo "usage: $0 start|stop|restart|try-restart|force-reload|status" >&2
    exit 2
    ;;
esac
`;
}

/**
 * The script of a service for OpenRC (openrc-run(8)).
 *
 * It runs `vpnserver start` and not supervise-daemon, which starts again whatever ends: a server that was ended by `vpnserver stop`
 * is to stay so until somebody starts it, as on every other system.
 */
export function openrcScript(options: ScriptOptions): string {
  return `#!/sbin/openrc-run
${marker}

name="VPN server"
description="VPN server that speaks the SoftEther SSL-VPN protocol"
${commonLines(options)}

depend() {
  use net dns logger
  after localmount netmount bootmisc clock ntp-client nftables iptables ip6tables firewall ufw
}

start() {
  ebegin "Starting $name"
${startLines(options)}
  code=$?
  # It runs already.
  if [ "$code" = 3 ]; then code=0; fi
  eend "$code" "$name did not start"
}

stop() {
  ebegin "Stopping $name"
  "$program" stop
  code=$?
  # It does not run.
  if [ "$code" = 4 ]; then code=0; fi
  eend "$code" "$name did not stop"
}

status() {
  if "$program" status; then
    einfo "status: started"
    return 0
  fi
  if service_started "$RC_SVCNAME"; then
    eerror "status: crashed"
    return 32
  fi
  einfo "status: stopped"
  return 3
}
`;
}

/** Whether a script's text was made here, for the installation whose executable that is. */
export function isScriptOf(text: string, executable: string): boolean {
  return isOurScript(text) && text.split("\n").includes(programLine(executable));
}

/** Whether a script's text was made here, for a server whose state is in that folder. */
export function hasState(text: string, stateDirectory: string): boolean {
  return isOurScript(text) && text.split("\n").includes(stateLine(stateDirectory));
}

/** Behind the line that names the interpreter. */
function isOurScript(text: string): boolean {
  return text.split("\n", 2)[1] === marker;
}

function commonLines({ executable, stateDirectory }: ScriptOptions): string {
  return `${programLine(executable)}
${stateLine(stateDirectory)}
export VPNSERVER_STATE_DIR
umask 077
cd /`;
}

/** As the unit of systemd: the firewall first, which may fail, and frames that wait are late for everybody. */
function startLines({ opensFirewall }: ScriptOptions): string {
  const firewall = `  "$program" firewall open || echo "${serviceName}: the firewall was not opened" >&2\n`;
  return `${opensFirewall ? firewall : ""}  renice -n -20 -p $$ >/dev/null 2>&1 || :
  "$program" start`;
}

function programLine(executable: string): string {
  return `program=${quote(executable)}`;
}

function stateLine(stateDirectory: string): string {
  return `VPNSERVER_STATE_DIR=${quote(stateDirectory)}`;
}

/** A path as one word of a shell. */
function quote(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
