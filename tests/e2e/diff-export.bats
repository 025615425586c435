#!/usr/bin/env bats
# What a container has changed, and its whole root as an archive.

load lib

test_down() {
	leave_nothing
	tare image prune -a -f >/dev/null 2>&1 || true
	rm -rf "$DIR/w"
}

setup() {
	mkdir -p "$DIR/w"
	cd "$DIR/w" || return
}

ran() { # NAME [OPTION…] SCRIPT: a container that ran SCRIPT
	local name=$1
	shift
	tare run --name "$name" --network none "${@:1:$#-1}" $B sh -c "${*: -1}"
}

@test "diff: added, changed, deleted, sorted, and every directory above a change" {
	ran c 'echo x >/etc/x; echo >>/etc/passwd; rm /bin/ls; mkdir -p /new/deep; echo >/new/deep/f; chmod 700 /home; ln -s x /l'
	ok tare diff c
	is $'C /bin\nD /bin/ls\nC /etc\nC /etc/passwd\nA /etc/x\nC /home\nA /l\nA /new\nA /new/deep\nA /new/deep/f'
	ok tare container diff --format '{{.Type}}:{{.Path}}' c
	same "${lines[1]}" D:/bin/ls
	ok tare --json diff c
	same "$(jq -c '.[1:3]' <<<"$output")" '[{"Path":"/bin/ls","Kind":2},{"Path":"/etc","Kind":0}]'
	refused 1 'no such container' diff nobody || refused 125 'no such container' diff nobody
}

@test "diff: nothing that a start makes for its mounts, nor what was only passed through" {
	mkdir bind
	echo >file
	ran c -v vol:/data -v "$DIR/w/bind:/a/b/c" -v "$DIR/w/file:/etc/app/conf" --tmpfs /scratch 'true'
	ok tare diff c
	is ''
	# Copied up on the way, and taken back.
	ran d 'echo >/usr/x; rm /usr/x; touch -r /bin /tmp/t; rm /tmp/t'
	ok tare diff d
	lacks /usr/x
	lacks /tmp/t
	tare volume rm -f vol >/dev/null 2>&1 || true
}

@test "diff: directories made anew, files in the place of directories and the other way round" {
	mkdir -p root/d/sub root/e root/keep
	touch root/d/one root/d/sub/two root/f root/keep/k
	tar -C root -c . | tare import - base >/dev/null
	tare run --name c --network none -v "$(command -v busybox):/bin/busybox:ro" base /bin/busybox sh -c '
		b=/bin/busybox; $b rm -r /d; $b mkdir /d; $b touch /d/new; $b rm -r /e; $b touch /e; $b rm /f; $b mkdir /f; $b touch /f/in'
	ok tare diff c
	is $'C /d\nA /d/new\nD /d/one\nD /d/sub\nC /e\nC /f\nA /f/in'
}

@test "export: running and stopped, and imported again the same tree" {
	tare run -d --name c --network none --init -v vol:/data -v "$PWD:/etc/place" $B sh -c '
		echo x >/x; ln /x /y; ln -s x /s; chown 7:8 /x; mkfifo /p; mknod /n c 1 5; cp /bin/busybox /su; chmod 4755 /su; touch -d @1000000000 /old
		echo v >/data/v; truncate -s 100M /hole; sleep 1000' >/dev/null
	eventually 5 tare exec c test -e /hole
	tare export c >running.tar
	tare stop -t 0 c >/dev/null
	ok tare export -o stopped.tar c
	is ''
	cmp running.tar stopped.tar
	[ "$(stat -c %s stopped.tar)" -lt 20000000 ]
	same "$(tar -tf stopped.tar | grep -E '^\./(data|proc|dev|sys|etc/place|etc/hosts)' | tr '\n' ' ')" './data/ ./dev/ ./etc/hosts ./etc/place/ ./proc/ ./sys/ '
	tare import stopped.tar copy >/dev/null
	tare run -d --name d --network none --init copy /bin/sleep 1000 >/dev/null
	listing='cd /; find . -xdev ! -path "./dev*" ! -path ./proc ! -path ./sys ! -path ./etc ! -path . | sort | xargs stat -c "%n %F %a %u %g %h %s %Y" | grep -vE "^./etc/(hosts|hostname|resolv.conf|place) |directory"'
	tare run --rm --network none copy /bin/sh -c "$listing" >one
	tare export d | tare import - again >/dev/null
	tare run --rm --network none again /bin/sh -c "$listing" >two
	cmp one two
	grep -q '^./su regular file 4755 0 0 1 ' one
	grep -q '^./x regular file 644 7 8 2 2 ' one
	grep -q '^./hole regular file 644 0 0 1 104857600 ' one
	grep -q '^./old regular empty file 644 0 0 1 0 1000000000$' one
	tare rm -f c d >/dev/null
	tare volume rm vol >/dev/null 2>&1 || true
}

@test "export: a cut one never stands under its name, a terminal is refused, an end in the middle does no harm" {
	background c
	tare exec c sh -c 'head -c 30000000 /dev/zero >/big'
	echo old >out.tar
	"$BUILD/tare" --root "$ROOT" --state "$STATE" export -o /dev/full c 2>err && false
	grep -q 'No space' err
	(
		ulimit -f 1000
		trap '' XFSZ
		! tare export -o out.tar c 2>err
	)
	same "$(cat out.tar)" old
	same "$(ls -A | tr '\n' ' ')" 'err out.tar '
	refused 125 'No such file' export -o none/x c
	run on_terminal -- "$BUILD/tare" --root "$ROOT" --state "$STATE" export c
	has 'standard output is a terminal'
	# It ends while it is read: what it had written is still there.
	mkfifo pipe
	"$BUILD/tare" --root "$ROOT" --state "$STATE" export c >pipe 3>&- 4>&- &
	local pid=$!
	exec 8<pipe
	head -c 1000 <&8 >/dev/null
	tare kill c >/dev/null
	tare wait c >/dev/null
	cat <&8 >/dev/null
	exec 8<&-
	returns 0 $pid
}
