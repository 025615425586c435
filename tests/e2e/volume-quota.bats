#!/usr/bin/env bats
# vm
# volume create --opt size=: project quotas, on a file system that has them.

load lib

file_up() {
	local PATH=$PATH:/usr/sbin:/sbin module
	for module in loop quota_v2; do modprobe -q $module || true; done
	truncate -s 96M "$DIR/disk"
	mkdir "$DIR/quota"
	# -F: what is a file is meant
	mkfs.ext4 -q -F -b 4096 -O quota,project -E quotatype=prjquota "$DIR/disk" || rm "$DIR/disk"
}

# After each test the library unmounts what is mounted here.
setup() {
	export ROOT=$DIR/quota/root
	mount -o loop,prjquota "$DIR/disk" "$DIR/quota" 2>/dev/null || skip "this kernel has no project quotas (CONFIG_QFMT_V2)"
}

test_down() {
	leave_nothing
	tare volume prune -a -f >/dev/null 2>&1 || true
}

limits() { python3 - "$ROOT/volumes" <<-'PY'
	# id and limit of all projects, by Q_GETNEXTQUOTA
	import ctypes, os, struct, sys
	libc = ctypes.CDLL(None, use_errno=True)
	fd = os.open(sys.argv[1], os.O_RDONLY)
	at = 1
	while True:
	    b = ctypes.create_string_buffer(72)
	    if libc.syscall(443, fd, ctypes.c_int((0x800009 << 8 | 2) - (1 << 32) if (0x800009 << 8 | 2) >> 31 else 0x800009 << 8 | 2), at, b) != 0:
	        break
	    v = struct.unpack("8Q2I", b.raw)
	    if v[0]:
	        print(v[9], v[0])
	    at = v[9] + 1
	PY
}

@test "a volume holds what its size says, and the container is told" {
	ok tare volume create --opt size=8m q
	ok tare run --rm -v q:/q $B sh -c 'stat -f -c "%b blocks of %s" /q; dd if=/dev/zero of=/q/f bs=1M count=20 2>&1; [ $(stat -c %s /q/f) -le 8388608 ] && echo limited'
	has '2048 blocks of 4096'
	has limited
	ok tare volume ls --size --filter name=q
	has '8.*MB'
	ok tare volume inspect --format '{{.Quota}} {{.Options.size}}' q
	is '8388608 8m'
	# without quotactl_fd (Linux 5.14) by the block device
	ok "$BUILD/e2e/older" quotactl_fd -- $TARE --root "$ROOT" volume create --opt size=3m old
	same "$(limits | cut -d ' ' -f 2 | sort -n | tr '\n' ' ')" '3072 8192 '
	ok tare run --rm --mount type=volume,src=r,dst=/r,volume-opt=size=1m $B sh -c 'dd if=/dev/zero of=/r/f bs=64k count=100 2>/dev/null; [ $(stat -c %s /r/f) -le 1048576 ] && echo limited'
	is limited
}

@test "each volume has a limit of its own, also when they are made at once, and its removal frees it" {
	local i
	for i in 1 2 3 4 5 6 7 8 9 10; do tare volume create --opt size=${i}m q$i >/dev/null & done
	wait
	same "$(tare volume ls -q | wc -l)" 10
	same "$(limits | cut -d ' ' -f 2 | sort -n | tr '\n' ' ')" '1024 2048 3072 4096 5120 6144 7168 8192 9216 10240 '
	same "$(limits | cut -d ' ' -f 1 | sort -u | wc -l)" 10
	ok tare volume rm q1 q2 q3 q4 q5 q6 q7 q8 q9
	same "$(limits | wc -l)" 1
	ok tare volume prune -a -f
	same "$(limits | wc -l)" 0
}

@test "a limit that a crash left is found and freed" {
	ok tare volume create --opt size=2m q
	rm -r "$ROOT/volumes/q"
	run tare system check
	has 'a limit that no volume has'
	ok tare system check --repair
	same "$(limits | wc -l)" 0
	ok tare system check
}

@test "a volume that is filled from the image stays within its limit: one clear line" {
	tare volume create --opt size=64k small >/dev/null
	refused 125 'cannot copy' run --rm -v small:/bin $B true
}

@test "a restore stays within the volume's limit, and what was there stays" {
	tare volume create big >/dev/null
	head -c 4000000 /dev/urandom >"$ROOT/volumes/big/data/f"
	ok tare volume backup big "$DIR/quota/big.tar"
	ok tare volume backup big --to "$DIR/quota/repo"
	tare volume create --opt size=1m small >/dev/null
	echo old >"$ROOT/volumes/small/data/old"
	refused 125 '' volume restore small "$DIR/quota/big.tar"
	refused 125 '' volume restore small "$DIR/quota/repo@$(tare volume backups -q "$DIR/quota/repo")"
	same "$(cat "$ROOT/volumes/small/data/old")" old
	same "$(limits | wc -l)" 1
	# and so does cp
	refused 125 '' cp --volume "$ROOT/volumes/big/data/f" small:/f
}
