#!/usr/bin/env bats
# Binds, volumes, tmpfs, devices: -v, --mount, --tmpfs, --volumes-from, --device, --read-only.

load lib

file_up() {
	mkdir "$DIR/src"
	echo content >"$DIR/src/file"
}

@test "-v: a host directory, both ways; ro" {
	ok tare run --rm -v "$DIR/src:/mnt" $B sh -c 'cat /mnt/file; echo new >/mnt/new'
	is content
	same "$(cat "$DIR/src/new")" new
	rm "$DIR/src/new"
	exits 1 tare run --rm -v "$DIR/src:/mnt:ro" $B touch /mnt/x
	[[ $stderr == *'Read-only'* ]]
	[ ! -e "$DIR/src/x" ]
}

@test "-v: a host file" {
	ok tare run --rm -v "$DIR/src/file:/etc/motd:ro" $B cat /etc/motd
	is content
}

@test "--mount type=bind, with readonly" {
	ok tare run --rm --mount "type=bind,source=$DIR/src,target=/mnt" $B cat /mnt/file
	is content
	ok tare run --rm --mount "type=bind,src=$DIR/src,dst=/mnt,readonly" $B sh -c 'touch /mnt/x || echo refused'
	has refused
}

@test "read-only holds for mounts beneath as well" {
	mkdir -p "$DIR/deep/sub"
	mount -t tmpfs none "$DIR/deep/sub"
	run tare run --rm -v "$DIR/deep:/mnt:ro" $B touch /mnt/sub/x
	umount "$DIR/deep/sub"
	[ "$status" -ne 0 ]
	has Read-only
}

@test "a mount that appears on the host later is not seen (rprivate)" {
	mkdir -p "$DIR/deep/later"
	background p -v "$DIR/deep:/mnt" --init $B sleep 1000
	mount -t tmpfs none "$DIR/deep/later"
	touch "$DIR/deep/later/x"
	run tare exec p ls /mnt/later
	umount "$DIR/deep/later"
	lacks x
}

@test "rslave: it is seen" {
	mkdir -p "$DIR/slave"
	mount -t tmpfs none "$DIR/slave"
	mount --make-shared "$DIR/slave"
	mkdir "$DIR/slave/later"
	background p -v "$DIR/slave:/mnt:rslave" --init $B sleep 1000
	mount -t tmpfs none "$DIR/slave/later"
	touch "$DIR/slave/later/x"
	run tare exec p ls /mnt/later
	umount "$DIR/slave/later" "$DIR/slave"
	has x
}

@test "a bind source that is missing is an error, for both spellings" {
	refused 125 "$DIR/nosuch" run --rm -v "$DIR/nosuch:/mnt" $B true
	refused 125 "$DIR/nosuch" run --rm --mount "type=bind,source=$DIR/nosuch,target=/mnt" $B true
	[ ! -e "$DIR/nosuch" ]
	same "$(names)" ''
}

@test "a named volume is made on first use, keeps, is shared" {
	ok tare run --rm -v data:/data $B sh -c 'echo kept >/data/f'
	ok tare run --rm --mount type=volume,source=data,target=/d $B cat /d/f
	is kept
	[ -d "$ROOT/volumes/data/data" ]
}

@test "a volume that is new is filled from the image; nocopy isn't" {
	ok tare run --rm -v fill:/bin $B sh -c 'ls /bin | wc -l'
	[ "$output" -gt 10 ]
	mkdir -p "$DIR/tools"
	ok tare run --rm -v empty:/etc:nocopy $B sh -c 'ls /etc'
	lacks passwd
}

@test "an anonymous volume goes with its container by rm -v" {
	tare run --name a -v /data $B sh -c 'echo x >/data/f'
	local before
	before=$(ls "$ROOT/volumes" | wc -l)
	tare rm -v a
	same "$(ls "$ROOT/volumes" | wc -l)" $((before - 1))
	before=$(ls "$ROOT/volumes" | wc -l)
	tare run --rm -v /data $B true
	same "$(ls "$ROOT/volumes" | wc -l)" "$before"
}

@test "--volumes-from" {
	tare create --name from -v shared:/s -v "$DIR/src:/b" $B true >/dev/null
	ok tare run --rm --volumes-from from $B sh -c 'echo x >/s/x; cat /b/file'
	is content
	ok tare run --rm --volumes-from from:ro $B sh -c 'cat /s/x; touch /b/x || echo refused'
	has x
	has refused
}

@test "--tmpfs, with size and mode; --mount type=tmpfs" {
	ok tare run --rm --tmpfs /t:size=1m,mode=700,noexec $B sh -c 'grep " /t " /proc/mounts; stat -c %a /t; df -k /t | tail -n 1'
	has tmpfs
	has noexec
	has nosuid
	has $'\n700'
	has ' 1024 '
	ok tare run --rm --mount type=tmpfs,destination=/t,tmpfs-size=2m,tmpfs-mode=1770 $B sh -c 'stat -c %a /t; df -k /t | tail -n 1'
	has 1770
	has ' 2048 '
}

@test "--read-only: the root can't be written, volumes and /dev/shm can" {
	ok tare run --rm --read-only -v rw:/rw --tmpfs /tmp $B sh -c 'touch /x || echo no; touch /rw/x /tmp/x /dev/shm/x && echo yes'
	is $'no\nyes'
}

@test "mounting over / and on relative paths is refused" {
	refused 125 / run --rm -v "$DIR/src:/" $B true
	refused 125 / run --rm --mount "type=bind,source=$DIR/src,target=/" $B true
	refused 125 / run --rm --tmpfs / $B true
	refused 125 rel run --rm -v "$DIR/src:rel" $B true
}

@test "a mount target can't lead out of the root" {
	mkdir -p "$DIR/evil/bin" "$DIR/victim"
	cp /bin/busybox "$DIR/evil/bin/"
	ln -s "$DIR/victim" "$DIR/evil/link"
	ln -s ../../../../../../.."$DIR/victim" "$DIR/evil/up"
	tare run --rm --rootfs "$DIR/evil" -v "$DIR/src:/link/made" /bin/busybox true || true
	tare run --rm --rootfs "$DIR/evil" -v "$DIR/src:/up/made" /bin/busybox true || true
	tare run --rm --rootfs "$DIR/evil" -w /link/cwd /bin/busybox true || true
	same "$(ls -A "$DIR/victim")" ''
}

@test "/etc files that are links in the image don't lead out either" {
	mkdir -p "$DIR/evil2/bin" "$DIR/evil2/etc"
	cp /bin/busybox "$DIR/evil2/bin/"
	echo original >"$DIR/host-file"
	local f
	for f in resolv.conf hosts hostname passwd; do ln -s ../../../../../../../.."$DIR/host-file" "$DIR/evil2/etc/$f"; done
	tare run --rm --rootfs "$DIR/evil2" /bin/busybox sh -c 'echo overwritten >/etc/hosts' || true
	same "$(cat "$DIR/host-file")" original
}

@test "two mounts on the same target are refused" {
	refused 125 /mnt run --rm -v "$DIR/src:/mnt" -v "$DIR/src:/mnt" $B true
}

@test "mounts in each other's directories, in any order" {
	ok tare run --rm -v "$DIR/src:/a/b/c" --tmpfs /a $B sh -c 'cat /a/b/c/file; grep -c " /a" /proc/mounts'
	is $'content\n2'
}

@test "--device" {
	ok tare run --rm --device /dev/zero:/dev/nothing $B sh -c 'head -c 3 /dev/nothing | wc -c'
	is 3
	ok tare run --rm --device /dev/kmsg:/dev/k:r $B sh -c 'test -c /dev/k && echo there'
	is there
	refused 125 nosuch run --rm --device /dev/nosuch $B true
}

@test "the container's overlay is nowhere in the host's mounts" {
	background o
	! grep -q "$ROOT" /proc/self/mountinfo || fail "$(grep "$ROOT" /proc/self/mountinfo)"
	local id
	id=$(tare inspect --format '{{.Id}}' o)
	! grep -q "$id" /proc/self/mountinfo
}

@test "a full disk: one clear line, nothing half made" {
	local small=$DIR/small
	mkdir "$small"
	mount -t tmpfs -o size=8m none "$small"
	"$BUILD/tare" --root "$small/root" --state "$STATE" run --rm $B true 3>&- || true
	dd if=/dev/zero of="$small/fill" bs=4k 2>/dev/null || true
	run --separate-stderr "$BUILD/tare" --root "$small/root" --state "$STATE" run --name x $B true
	local left
	left=$(ls -A "$small/root/containers" | wc -l)
	eventually 10 umount "$small" # the monitor lets go of the layer when it ends, a moment later
	[ "$status" -eq 125 ] || fail "$status: $output $stderr"
	[[ ${stderr_lines[0]} == 'tare: '*'o space'* ]] || fail "$stderr"
	same "$left" 0
}

@test "a container whose layer is full lives and can be removed" {
	local small=$DIR/small2
	mkdir "$small"
	mount -t tmpfs -o size=16m none "$small"
	run "$BUILD/tare" --root "$small/root" --state "$STATE" run --name full $B sh -c 'dd if=/dev/zero of=/fill bs=64k 2>&1; echo still alive'
	has 'still alive'
	run "$BUILD/tare" --root "$small/root" --state "$STATE" rm full
	eventually 10 umount "$small" # the monitor lets go of the layer when it ends, a moment later
	[ "$status" -eq 0 ] || fail "$output"
}

# The mark that a killed fill leaves; what is in the volume is half of it.
@test "a volume whose first filling was cut short is filled by the next container" {
	tare run --rm -v cut:/new $B true
	local data=$ROOT/volumes/cut/data
	touch "$data/half"
	python3 -c 'import os, sys; os.setxattr(sys.argv[1], "trusted.tare.filling", b"1")' "$data"
	ok tare run --rm -v cut:/bin $B sh -c 'ls /bin | grep -c -e "^half$" -e "^busybox$"; [ -x /bin/busybox ]'
	is 1
	touch "$data/mine"
	ok tare run --rm -v cut:/bin $B ls /bin/mine
}
