#!/usr/bin/env bats
# Who a container's processes are: --user, --group-add, the image's users.

load lib

@test "root by default, with root's groups" {
	ok tare run --rm $B id -u
	is 0
}

@test "numbers, and numbers that the image doesn't know" {
	ok tare run --rm -u 1000 $B id
	has 'uid=1000 gid=0'
	ok tare run --rm --user 1000:2000 $B id
	has 'uid=1000 gid=2000'
}

@test "names from the image's passwd and group" {
	mkdir -p "$DIR/fs/bin" "$DIR/fs/etc"
	cp /bin/busybox "$DIR/fs/bin/"
	printf 'root:x:0:0::/root:/bin/sh\nann:x:700:701::/home/ann:/bin/sh\n' >"$DIR/fs/etc/passwd"
	printf 'root:x:0:\nann:x:701:\nstaff:x:750:ann,bob\nother:x:760:bob\n' >"$DIR/fs/etc/group"
	u() { tare run --rm --rootfs "$DIR/fs" "$@"; }
	same "$(u -u ann /bin/busybox id -u)" 700
	same "$(u -u ann /bin/busybox id -g)" 701
	same "$(u -u ann /bin/busybox id -G | tr ' ' '\n' | sort | tr '\n' ' ')" '701 750 '
	same "$(u -u ann:other /bin/busybox id -g)" 760
	same "$(u -u 700 /bin/busybox id -g)" 701
	same "$(u -u ann /bin/busybox env | grep ^HOME)" HOME=/home/ann
	same "$(u -u 4711 /bin/busybox env | grep ^HOME)" HOME=/
}

@test "--group-add, by name and by number" {
	ok tare run --rm -u 1000:1000 --group-add 3000 --group-add root $B id -G
	has 3000
	has 1000
	[[ " $output " == *' 0 '* ]]
}

@test "a user that isn't in the image, and broken ones" {
	refused 125 nosuchuser run --rm -u nosuchuser $B true
	refused 125 nosuchgroup run --rm -u 0:nosuchgroup $B true
	local u
	for u in 1000x 0: :0 -1 4294967295 0x10 99999999999 '1 2'; do
		run --separate-stderr tare run --rm "--user=$u" $B true
		[ "$status" -eq 125 ] || fail "user '$u' gave $status: $output"
	done
	same "$(names)" ''
}

@test "a user without rights has no capability, and writes to its output" {
	ok tare run --rm -u 1000 $B sh -c 'grep -E "Cap(Prm|Eff|Inh|Amb)" /proc/self/status; echo fine >/dev/stdout; echo fine >/proc/self/fd/2'
	has fine
	[ "$stderr" = fine ]
	same "$(grep -c 0000000000000000 <<<"$output")" 4
}

@test "a terminal belongs to its user" {
	run on_terminal see:mine -- $TARE run --rm -it -u 1000 $B sh -c 'echo m"in"e >/dev/tty; test -w /dev/stdout && echo mi"ne"'
	[ "$status" -eq 0 ] || fail "$output"
}

@test "a working directory that the user may not enter" {
	run --separate-stderr tare run --rm -u 1000 -w /root $B pwd
	[ "$status" -eq 0 ] || [[ $stderr == *'/root'* ]]
}

@test "a passwd that is a fifo, a device or endless holds nobody up" {
	mkdir -p "$DIR/odd/bin" "$DIR/odd/etc"
	cp /bin/busybox "$DIR/odd/bin/"
	mkfifo "$DIR/odd/etc/passwd"
	run timeout 20 "$BUILD/tare" --root "$ROOT" --state "$STATE" run --rm --rootfs "$DIR/odd" -u ann /bin/busybox true 3>&-
	[ "$status" -eq 125 ] || fail "$status $output"
	rm "$DIR/odd/etc/passwd"
	ln -s /dev/zero "$DIR/odd/etc/passwd"
	run timeout 20 "$BUILD/tare" --root "$ROOT" --state "$STATE" run --rm --rootfs "$DIR/odd" -u ann /bin/busybox true 3>&-
	[ "$status" -eq 125 ] || fail "$status $output"
	rm "$DIR/odd/etc/passwd"
	truncate -s 2G "$DIR/odd/etc/passwd"
	run timeout 20 "$BUILD/tare" --root "$ROOT" --state "$STATE" run --rm --rootfs "$DIR/odd" -u ann /bin/busybox true 3>&-
	[ "$status" -eq 125 ] || fail "$status $output"
	rm "$DIR/odd/etc/passwd"
}
