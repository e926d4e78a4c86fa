/** Name under which the host has the volume's script and its unit. */
const volumeProgram = "/usr/local/sbin/vpnserver-volume";
const volumeUnit = "vpnserver-volume.service";

/** How long cloud-init may take for the first boot. */
const cloudInitSeconds = 600;
/** How long a volume that is being attached may take to appear. */
const deviceSeconds = 120;
/** How long the device of a volume that has grown may take to show it. */
const growthSeconds = 30;

export interface FirstBootOptions {
  /** Id of the volume that holds the state, such as `vol-0123456789abcdef0`. */
  readonly volumeId: string;
  /** Its size, so that the file system grows when the volume has grown. */
  readonly volumeGiB: number;
  /** Where the server has its state; an absolute path. */
  readonly stateDirectory: string;
}

/** The command that runs the script on its standard input. */
export const firstBootCommand = "sh -s";

/**
 * The script that makes a new instance ready for its server: waits until cloud-init is done, and has the volume with the state mounted
 * now and at each boot. It may run at any time again.
 */
export function firstBootScript(options: FirstBootOptions): string {
  return `set -eu
umask 022

fail() { printf 'vpnserver: %s\\n' "$1" >&2; exit 1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

await_cloud_init() {
  if ! command -v cloud-init >/dev/null 2>&1; then return 0; fi
  code=0
  said=$(timeout ${cloudInitSeconds} cloud-init status --wait --long 2>&1) || code=$?
  case $code in
    0) return 0 ;;
    2) printf 'vpnserver: cloud-init is done, with errors that it could get over: %s\\n' "$said" >&2; return 0 ;;
    124) how="did not end within ${cloudInitSeconds} s" ;;
    *) how="failed (exit code $code)" ;;
  esac
  log=$(as_root tail -n 30 /var/log/cloud-init-output.log 2>&1 || true)
  fail "the first boot of the instance $how: $said
Last lines of /var/log/cloud-init-output.log:
$log"
}

mount_state() {
  as_root tee ${volumeProgram} >/dev/null <<'END_OF_PROGRAM'
${volumeScript(options)}END_OF_PROGRAM
  as_root chmod 755 ${volumeProgram}
  as_root tee /etc/systemd/system/${volumeUnit} >/dev/null <<'END_OF_UNIT'
${unit(options)}END_OF_UNIT
  as_root ${volumeProgram}
  as_root systemctl daemon-reload
  as_root systemctl -q enable ${volumeUnit}
  as_root systemctl start ${volumeUnit}
}

main() {
  await_cloud_init
  mount_state
}
main </dev/null
`;
}

/** Finds the volume and mounts it; makes a file system only on a volume that is blank. */
export function volumeScript({ volumeId, volumeGiB, stateDirectory }: FirstBootOptions): string {
  const directory = quote(stateDirectory);
  return `#!/bin/sh
# Mounts the volume ${volumeId} (${volumeGiB} GiB) with the state of the VPN server.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
fail() { printf 'vpnserver-volume: %s\\n' "$1" >&2; exit 1; }

# By its id where the device is NVMe, else by the name that it was attached under.
find_device() {
  for device in /dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${volumeId.replaceAll("-", "")} /dev/sdf /dev/xvdf; do
    if [ -b "$device" ]; then return 0; fi
  done
  return 1
}
waited=0
until find_device; do
  if [ "$waited" -ge ${deviceSeconds} ]; then fail "the volume ${volumeId} did not appear within ${deviceSeconds} s"; fi
  sleep 1
  waited=$((waited + 1))
done

is_blank() { [ "$(head -c 1048576 "$device" | wc -c)" = 1048576 ] && cmp -s -n 1048576 "$device" /dev/zero; }

if ! mountpoint -q ${directory}; then
  code=0
  kind=$(blkid -p -s TYPE -o value "$device") || code=$?
  case $code:$kind in
    0:ext4) e2fsck -p "$device" || [ $? -lt 4 ] || fail "the file system of the volume ${volumeId} is damaged: see e2fsck" ;;
    2:)
      if ! is_blank; then fail "the volume ${volumeId} is neither blank nor ext4, and is left as it is"; fi
      mkfs.ext4 -q -L vpnserver "$device"
      ;;
    *) fail "the volume ${volumeId} holds \${kind:-something else than ext4}, and is left as it is" ;;
  esac
  mkdir -p ${directory}
  mount -o noatime "$device" ${directory}
  chmod 700 ${directory}
fi
waited=0
while [ "$(blockdev --getsize64 "$device")" -lt ${volumeGiB * 1024 ** 3} ] && [ "$waited" -lt ${growthSeconds} ]; do
  sleep 1
  waited=$((waited + 1))
done
resize2fs "$device" 2>/dev/null || echo "vpnserver-volume: the file system did not grow to the size of the volume" >&2
`;
}

/** The server does not start without its state: it would make another certificate, which its clients do not take. */
function unit({ stateDirectory }: FirstBootOptions): string {
  return `[Unit]
Description=State of the VPN server
After=local-fs.target
Before=vpnserver.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${volumeProgram}
ExecStop=-/bin/umount ${stateDirectory}
TimeoutStartSec=${deviceSeconds + 180}

[Install]
RequiredBy=vpnserver.service
`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
