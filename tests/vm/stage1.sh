#!/bin/busybox sh
# shellcheck shell=dash
# The test machine's first process, in the initramfs: makes the host's root, read-only, into our own.
# The name in the first line is where the initramfs has its one program; everything below runs by it.
b=/bin/busybox
dead() { echo "stage1: $*" >/dev/console; $b poweroff -f; }

$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs dev /dev
while read -r module; do $b insmod "/modules/$module" || echo "stage1: no $module" >/dev/console; done </modules/order

share() { $b mount -t 9p -o "trans=virtio,version=9p2000.L,msize=524288,$3" "$1" "$2" || dead "cannot mount $1"; }
share host /host ro,cache=loose
share kernel /kernel ro,cache=loose
share run /run rw,cache=none

$b mount -t tmpfs -o size=75%,mode=755 layer /layer
$b mkdir /layer/upper /layer/work
$b mount -t overlay -o lowerdir=/kernel:/host,upperdir=/layer/upper,workdir=/layer/work root /new || dead "no overlay"
count=0
while IFS= read -r d; do
	$b mkdir -p /kept/$count
	$b mount --bind "/new$d" /kept/$count || dead "no $d"
	count=$((count + 1))
done </run/keep
for d in proc sys dev run tmp scratch; do $b mkdir -p /new/$d; done
for d in proc sys dev; do $b mount --move /$d /new/$d; done
$b mount -t tmpfs -o mode=755,nosuid,nodev run /new/run
$b mount -t tmpfs -o mode=1777,nosuid,nodev tmp /new/tmp
$b mkdir -p /new/run/lock /new/run/boot
count=0
while IFS= read -r d; do
	$b mkdir -p "/new$d"
	$b mount --move /kept/$count "/new$d"
	count=$((count + 1))
done </run/keep
$b mount --move /run /new/run/boot
exec $b switch_root /new /run/boot/busybox sh /run/boot/stage2.sh
