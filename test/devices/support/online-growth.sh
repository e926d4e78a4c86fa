#!/bin/sh
# The first process of a User-mode Linux whose root folder is this machine's, read-only.
#
# In its environment, by the kernel's command line:
#   folder   has bin/, programs that go before those of the machine, and former.sh and larger.sh, what is run on an instance before and
#            after its volume has grown
#   loop     the module for loop devices
export PATH="$folder/bin:/usr/sbin:/usr/bin:/sbin:/bin"
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs state /run
mkdir -p /run/etc /run/sbin
mount --bind /run/etc /etc/systemd/system
mount --bind /run/sbin /usr/local/sbin
insmod "$loop"
state=/run/vpnserver-state
size() { df --block-size=1M --output=size $state | tail -n 1; }

truncate --size 1G /run/volume
losetup /dev/loop0 /run/volume
ln -s loop0 /dev/sdf
sh "$folder/former.sh"
echo secret >$state/server.key
exec 3>>$state/server.log
size
truncate --size 2G /run/volume
losetup --set-capacity /dev/loop0
sh "$folder/larger.sh"
echo "written by who had it open" >&3
size
cat $state/server.key $state/server.log
echo done
# Nothing but the end of the machine ends its first process: reboot(2) with LINUX_REBOOT_CMD_POWER_OFF.
exec perl -e 'syscall(169, 0xfee1dead, 672274793, 0x4321fedc, 0)'
