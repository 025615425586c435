#!/bin/sh
# The test machine's first process on its real root (run by busybox): the file systems that an init would
# mount, then the command, then power off.
b=/run/boot/busybox
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

$b mkdir -p /dev/pts /dev/shm /dev/mqueue
$b mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
$b mount -t tmpfs -o mode=1777,nosuid,nodev shm /dev/shm
$b mount -t mqueue mqueue /dev/mqueue
$b mount -t securityfs securityfs /sys/kernel/security
$b mount -t bpf bpf /sys/fs/bpf
$b mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 /sys/fs/cgroup
for controller in $($b cat /sys/fs/cgroup/cgroup.controllers); do
	echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
done
for link in fd: stdin:/0 stdout:/1 stderr:/2; do
	$b ln -sf "/proc/self/fd${link#*:}" "/dev/${link%%:*}"
done
$b mount -t ext4 -o noatime /dev/vda /scratch
$b ifconfig lo up
$b hostname tare-vm

# The kernel finds the port a moment after the driver is there.
tries=50
while set -- /dev/vport*p1; [ ! -c "$1" ] && [ $tries -gt 0 ]; do tries=$((tries - 1)); $b sleep 0.1; done
port=$1

# Output through a pipe: a port cannot be opened twice, as a program that opens /dev/stderr would.
$b mkfifo /run/boot.out
$b cat </run/boot.out >"$port" &
copier=$!
$b setsid /bin/sh /run/boot/command </dev/null >/run/boot.out 2>&1 &
wait $!
status=$?
# Whatever the command left behind must not keep the pipe open.
for p in /proc/[0-9]*; do
	p=${p#/proc/}
	[ "$p" -le 1 ] || [ "$p" = $copier ] || ! $b readlink "/proc/$p/exe" >/dev/null || kill -9 "$p"
done 2>/dev/null
wait $copier
echo $status >/run/boot/status
$b sync
$b poweroff -f
