#!/usr/bin/env bats
# What volumes are made of (memory, the host's directory, what the image has there) and how they are mounted:
# --mount, -v, --volumes-from.

ATTRIBUTES=1
load lib

inspect() { tare volume inspect --format "$1" "$2"; }
mounts_of() { grep -c " $ROOT/volumes/$1/data " /proc/self/mountinfo || true; }
is_mounted() { [ "$(mounts_of "$1")" -eq "$2" ]; }
kill_all() { # its monitor and its processes, as a power cut would
	local monitor pid
	monitor=$(monitor_of "$1") pid=$(pid_of "$1")
	kill -9 "$monitor" "$pid"
	eventually 5 sh -c "! kill -0 $pid 2>/dev/null || grep -q '^State:.Z' /proc/$pid/status"
}
clear_volumes() { tare volume prune -a -f >/dev/null; }
test_down() {
	leave_nothing
	clear_volumes || true
}

@test "tmpfs: shared while containers run, gone with the last" {
	tare volume create --opt type=tmpfs --opt o=size=1.5m,mode=750,uid=7 t >/dev/null
	is_mounted t 0
	background a -v t:/t
	background b -v t:/t:ro
	tare exec a sh -c 'echo shared >/t/f'
	ok tare exec b cat /t/f
	is shared
	ok tare exec a sh -c 'stat -c "%a %u" /t; df -k /t | tail -n 1'
	has '750 7'
	has ' 1536 '
	is_mounted t 1
	ok tare volume ls --size --filter name=t
	has 'tmpfs*kB*a,b'
	tare rm -f a >/dev/null
	is_mounted t 1
	tare kill b >/dev/null
	eventually 5 is_mounted t 0
	ok tare start b
	exits 1 tare exec b cat /t/f
	tare rm -f b >/dev/null
	is_mounted t 0
	ok tare volume rm t
}

@test "tmpfs: containers that start at once get one between them" {
	tare volume create --opt type=tmpfs t >/dev/null
	local i
	for i in 1 2 3 4 5 6; do tare create --name c$i --init -v t:/t $B sleep 1000 >/dev/null; done
	for i in 1 2 3 4 5 6; do tare start c$i >/dev/null & done
	wait
	is_mounted t 1
	tare exec c1 touch /t/f
	for i in 2 3 4 5 6; do ok tare exec c$i ls /t/f; done
	for i in 1 2 3 4 5 6; do tare rm -f c$i >/dev/null & done
	wait
	eventually 5 is_mounted t 0
}

@test "tmpfs: one whose containers were killed is unmounted by the check and by the next start" {
	tare volume create --opt type=tmpfs t >/dev/null
	background k -v t:/t --network none
	tare exec k touch /t/f
	kill_all k
	is_mounted t 1
	run tare system check
	has 'volumes/t/data'
	ok tare system check --repair
	is_mounted t 0
	ok tare start k
	exits 1 tare exec k ls /t/f
	tare exec k touch /t/f
	kill_all k
	ok tare start k
	is_mounted t 1
	exits 1 tare exec k ls /t/f
	ok tare rm -f k
	is_mounted t 0
}

@test "a directory of the host's under a volume's name" {
	tare volume create --opt type=none --opt o=bind --opt device="$DIR/host" h >/dev/null
	tare volume create --opt type=none --opt o=bind,ro --opt device="$DIR/host" r >/dev/null
	refused 125 "the directory $DIR/host, which does not exist" run --rm -v h:/h $B true
	mkdir "$DIR/host"
	ok tare run --rm -v h:/h $B sh -c 'echo out >/h/f'
	same "$(cat "$DIR/host/f")" out
	ok tare run --rm -v r:/r $B sh -c 'cat /r/f; touch /r/x || echo refused'
	is $'out\nrefused'
	same "$(inspect '{{.Mountpoint}} {{.Kind}}' h)" "$DIR/host bind"
	ln -s host "$DIR/link"
	tare volume create --opt type=none --opt o=bind --opt device="$DIR/link" l >/dev/null
	ok tare volume ls --format '{{.Size}}' --filter 'name=^[hl]$'
	[ "${lines[0]}" = "${lines[1]}" ] && [ "${lines[0]}" != 0B ] || fail "sizes: $output"
	ok tare volume rm l
	ok tare volume rm h r
	same "$(cat "$DIR/host/f")" out # it was never ours
}

# links of both kinds, holes, owners, modes and attributes; and a link where the image has the volume (attack 38)
make_image() {
	python3 - "$DIR/image.tar" /bin/busybox <<-'PY'
		import io, sys, tarfile
		t = tarfile.open(sys.argv[1], "w", format=tarfile.PAX_FORMAT)
		def add(name, kind=tarfile.REGTYPE, data=b"", mode=0o644, link="", uid=0, gid=0, pax=None):
		    i = tarfile.TarInfo(name)
		    i.type, i.mode, i.linkname, i.uid, i.gid, i.size, i.mtime = kind, mode, link, uid, gid, len(data), 1600000000
		    i.pax_headers = pax or {}
		    t.addfile(i, io.BytesIO(data))
		for d in ("bin", "etc", "srv"): add(d, tarfile.DIRTYPE, mode=0o755)
		add("bin/busybox", data=open(sys.argv[2], "rb").read(), mode=0o755)
		for w in ("sh", "cat", "ls", "true", "stat", "du", "readlink", "sleep"): add("bin/" + w, tarfile.SYMTYPE, link="busybox")
		add("etc/inside", data=b"the image's own\n")
		add("data", tarfile.SYMTYPE, link="/etc")
		add("up", tarfile.SYMTYPE, link="../../../../../../../../etc")
		add("srv/d", tarfile.DIRTYPE, mode=0o2751, uid=11, gid=12)
		add("srv/d/a", data=b"one file\n", mode=0o4711, uid=21, gid=22)
		add("srv/d/b", tarfile.LNKTYPE, link="srv/d/a")
		add("srv/d/sub", tarfile.DIRTYPE, mode=0o700)
		add("srv/d/sub/c", tarfile.LNKTYPE, link="srv/d/a")
		add("srv/d/link", tarfile.SYMTYPE, link="/etc/shadow")
		add("srv/d/x", data=b"x", pax={"SCHILY.xattr.user.note": "kept"})
		add("srv/d/fifo", tarfile.FIFOTYPE, mode=0o622)
		t.close()
	PY
	tare import --change 'VOLUME /data' "$DIR/image.tar" full >/dev/null
}

@test "a new volume is filled from the image: owners, modes, links, attributes; nothing from outside" {
	make_image
	local d=$ROOT/volumes
	tare volume create made >/dev/null # no difference to one that is made on its first use
	tare volume create --opt type=none --opt o=bind --opt device="$DIR/backed" backed >/dev/null
	mkdir "$DIR/backed"
	ok tare run --rm -v made:/srv/d full stat -c '%a %u %g %h' /srv/d /srv/d/a /srv/d/fifo
	is $'2751 11 12 3\n4711 21 22 3\n622 0 0 1'
	same "$(stat -c '%i %Y' "$d/made/data/a")" "$(stat -c '%i %Y' "$d/made/data/sub/c")"
	same "$(stat -c %Y "$d/made/data/b")" 1600000000
	same "$(readlink "$d/made/data/link")" /etc/shadow
	same "$(python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "user.note"))' "$d/made/data/x")" "b'kept'"
	ok tare run --rm -v backed:/srv/d full true
	same "$(cat "$DIR/backed/a")" 'one file'
	# the anonymous volume of the image, and two named ones, at links
	ok tare run --name link -v named:/up full cat /up/inside /data/inside
	is $'the image\'s own\nthe image\'s own'
	local files
	files=$(ls -A "$d/named/data" "$d/$(tare volume ls -q | grep -E '^[0-9a-f]{64}$')/data")
	[[ $files == *inside* && $files != *shadow* && $files != *passwd* ]] || fail "$files"
}

@test "holes stay holes when a volume is filled" {
	mkdir -p "$DIR/rootfs/bin" "$DIR/rootfs/d"
	cp /bin/busybox "$DIR/rootfs/bin/"
	truncate -s 64M "$DIR/rootfs/d/holes"
	printf end | dd of="$DIR/rootfs/d/holes" bs=1 seek=40000000 conv=notrunc status=none
	ok tare run --rm --rootfs "$DIR/rootfs" -v holes:/d /bin/busybox true
	cmp "$DIR/rootfs/d/holes" "$ROOT/volumes/holes/data/holes"
	[ "$(stat -c %b "$ROOT/volumes/holes/data/holes")" -lt 100 ]
}

@test "--mount: a part of a volume, which nothing in the volume leads out of" {
	tare run --rm -v v:/v $B sh -c 'mkdir -p /v/sub/dir; echo in >/v/sub/f; ln -s sub /v/in; ln -s / /v/out; ln -s ../.. /v/up'
	local m=type=volume,src=v,dst=/m,volume-subpath
	ok tare run --rm --mount $m=sub $B cat /m/f
	is in
	ok tare run --rm --mount $m=sub/f,readonly $B cat /m
	is in
	ok tare run --rm --mount $m=in $B cat /m/f
	is in
	refused 125 'leads out of the volume' run --rm --mount $m=out $B true
	refused 125 'leads out of the volume' run --rm --mount $m=up/etc $B true
	refused 125 'volume v has no directory "none"' run --rm --mount $m=none $B true
	refused 125 'must stay within the volume' run --rm --mount $m=../v $B true
	refused 125 'must stay within the volume' run --rm --mount $m=/sub $B true
	# filled, too, where it is empty
	ok tare run --rm --mount type=volume,src=v,dst=/bin,volume-subpath=sub/dir $B ls /bin/sh
	# started again, and in another's company, it is the same part
	tare run --name again --mount $m=sub $B cat /m/f >/dev/null
	ok tare start -a again
	is in
	ok tare run --rm --volumes-from again $B ls /m
	has f
}

@test "--mount: volumes with options and labels, other keys, and wrong ones" {
	ok tare run --rm --mount "type=volume,src=t,dst=/m,volume-opt=type=tmpfs,\"volume-opt=o=size=1m,mode=700\",volume-label=a=b" \
		$B stat -c %a /m
	is 700
	same "$(inspect '{{json .Labels}} {{.Options.o}}' t)" '{"a":"b"} size=1m,mode=700'
	ok tare run --rm --mount type=volume,dst=/etc,volume-nocopy,volume-driver=local $B ls /etc
	lacks passwd
	ok tare run --rm --mount "type=bind,src=$DIR/fresh/dir,dst=/m,bind-create-src" $B touch /m/f
	[ -f "$DIR/fresh/dir/f" ]
	mkdir -p "$DIR/top/below"
	mount -t tmpfs none "$DIR/top/below"
	ok tare run --rm --mount "type=bind,src=$DIR/top,dst=/m,ro,bind-recursive=writable" $B sh -c 'touch /m/x || touch /m/below/x'
	run tare run --rm --mount "type=bind,src=$DIR/top,dst=/m,ro,bind-recursive=readonly" $B touch /m/below/y
	umount "$DIR/top/below"
	has Read-only
	refused 125 'add readonly' run --rm --mount "type=bind,src=$DIR/top,dst=/m,bind-recursive=readonly" $B true
	refused 125 'did you mean volume-subpath?' run --rm --mount type=volume,src=v,dst=/m,volume-subpat=x $B true
	refused 125 'did you mean bind-propagation?' run --rm --mount "type=bind,src=$DIR,dst=/m,bind-propagaton=x" $B true
	refused 125 'belongs to type=volume' run --rm --mount "type=bind,src=$DIR,dst=/m,volume-nocopy" $B true
	refused 125 'belongs to type=bind' run --rm --mount type=tmpfs,dst=/m,bind-propagation=rslave $B true
	refused 125 'unknown type "npipe"' run --rm --mount type=npipe,src=x,dst=/m $B true
	refused 125 '"tpe"; did you mean type?' run --rm --mount type=volume,dst=/m,volume-opt=tpe=tmpfs $B true
	tare volume create plain >/dev/null
	refused 125 'there is a volume plain already, with other options' run --rm --mount type=volume,src=plain,dst=/m,volume-opt=type=tmpfs $B true
	refused 125 'volume-opt takes KEY=VALUE' run --rm --mount type=volume,dst=/m,volume-opt=tmpfs $B true
	refused 125 'unknown option "rp"; one of ro' run --rm -v v:/v:rp $B true
}

@test "-v with U gives the files to the container's user" {
	tare run --rm -v u:/u $B sh -c 'mkdir /u/d; touch /u/d/f; ln -s /etc/passwd /u/l'
	ok tare run --rm --user 1000:1001 -v u:/u:U,z $B stat -c '%u:%g' /u /u/d /u/d/f /u/l
	is $'1000:1001\n1000:1001\n1000:1001\n1000:1001'
	refused 125 'cannot be given' run --rm -v /etc:/e:U $B true
	ln -s /etc "$DIR/etc"
	refused 125 'cannot be given' run --rm -v "$DIR/etc:/e:U" $B true
	tare volume create --opt type=none --opt o=bind --opt device="$DIR/etc" etc >/dev/null
	refused 125 'cannot be given' run --rm -v etc:/e:U $B true
	same "$(stat -c %u /etc/passwd)" 0
}

@test "--volumes-from: volumes of all kinds, binds, as they are mounted there" {
	mkdir -p "$DIR/b"
	echo bound >"$DIR/b/f"
	tare volume create --opt type=tmpfs t >/dev/null
	tare volume create --opt type=none --opt o=bind --opt device="$DIR/b" h >/dev/null
	background from -v n:/n -v t:/t -v h:/h:ro -v "$DIR/b:/b:ro" -v /anonymous --tmpfs /own
	tare exec from sh -c 'echo x >/n/f; echo x >/t/f; echo x >/anonymous/f'
	ok tare run --rm --volumes-from from $B sh -c 'cat /n/f /t/f /h/f /b/f /anonymous/f; touch /h/x /b/x; [ -d /own ] || echo none'
	is $'x\nx\nbound\nbound\nx\nnone'
	[ ! -e "$DIR/b/x" ]
	ok tare run --rm --volumes-from from:ro $B sh -c 'touch /n/y /t/y /anonymous/y || echo refused'
	is refused
	same "$(tare volume ls -q | grep -cE '^[0-9a-f]{64}$')" 1 # --rm took no volume of another's
	refused 125 'the mode is ro or rw' run --rm --volumes-from from:rx $B true
	refused 125 nosuch run --rm --volumes-from nosuch $B true
}
