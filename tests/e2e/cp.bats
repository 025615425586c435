#!/usr/bin/env bats
# Copies: files out of containers and into them, by Docker's rules, whatever a container does meanwhile.

# shellcheck disable=SC2154 # bats sets stderr
ATTRIBUTES=1
load lib

test_down() {
	# One that a failed test left would keep its container locked.
	[ ! -e "$DIR/w/under-way" ] || xargs kill -KILL <"$DIR/w/under-way" 2>/dev/null || true
	leave_nothing
	tare volume rm vol other >/dev/null 2>&1 || true
	rm -rf "$DIR/w"
}

setup() {
	mkdir -p "$DIR/w"
	cd "$DIR/w" || return
}

# What is in a directory, with what it is: "d a", "f a/b".
listed() { (cd "$1" && find . -mindepth 1 -printf '%y %P\n' | sort | tr '\n' ' ' | sed 's/ $//'); }
never() { if "$@"; then return 1; fi; }
inside() { tare exec c sh -c "$1"; }
canary() { # a directory of the host that nothing may write to or read from
	mkdir -p "$DIR/w/host"
	echo HOST >"$DIR/w/host/secret"
}
unharmed() { same "$(find "$DIR/w/host" -printf '%y %P\n' | sort | tr '\n' ' ')" 'd  f secret '; same "$(cat "$DIR/w/host/secret")" HOST; }

@test "what goes where: files and directories, trailing slashes, what is there and what is not" {
	background c
	mkdir -p d/sub
	echo one >f
	echo two >d/sub/g
	inside 'mkdir -p /in/there; echo old >/in/old'
	# A file.
	tare cp f c:/in/new
	tare cp f c:in/old
	tare cp f c:/in/there
	tare cp ./f c:/in/there/
	ok inside 'cat /in/new /in/old /in/there/f'
	is $'one\none\none'
	refused 125 'no such directory' cp f c:/in/none/
	refused 125 'there is no directory /in/none; make it first' cp f c:/in/none/x
	refused 125 'is not a directory' cp f c:/in/old/
	refused 125 'f/ is not a directory' cp f/ c:/in
	# A directory: its name, or what is in it.
	tare cp d c:/in/d1
	tare cp d c:/in/there
	mkdir e
	tare cp d/. c:/in/there/.
	ok inside 'cd /in; find d1 there | sort'
	is $'d1\nd1/sub\nd1/sub/g\nthere\nthere/d\nthere/d/sub\nthere/d/sub/g\nthere/f\nthere/sub\nthere/sub/g'
	refused 125 'over the file' cp d c:/in/old
	inside 'mkdir /in/there/d/f'
	refused 125 'it is a directory, and what would replace it is not' cp f c:/in/there/d
	# Out again.
	tare cp c:/in/d1 o1
	tare cp c:/in/d1/. e
	tare cp c:/in/d1/ e
	tare cp c:/in/new .
	same "$(listed o1)" 'd sub f sub/g'
	same "$(listed e)" 'd d1 d d1/sub d sub f d1/sub/g f sub/g'
	same "$(cat new)" one
	refused 125 'over the file' cp c:/in/d1 f
	refused 125 'there is no directory' cp c:/in/new none/x
	refused 125 'cannot open c:/none: No such file' cp c:/none .
	refused 125 'neither is in a container' cp f g
	refused 125 'both are in containers' cp c:/in c:/out
	refused 125 'lacks a path' cp f c:
	refused 125 'no such container' cp nobody:/x .
	# Names with a colon.
	echo colon >a:b
	tare cp ./a:b c:/in/
	tare cp "$DIR/w/a:b" c:/in/x:y
	ok inside 'cat /in/a:b /in/x:y'
	is $'colon\ncolon'
}

@test "links: copied as links, followed where they are named with a slash or -L, and only within the root" {
	canary
	background c
	ln -s f l
	echo hi >f
	inside "mkdir /real /d; echo r >/real/r; ln -s /real /abs; ln -s $DIR/w/host /evil; ln -s ../../../../../../$DIR/w/host /d/up
		ln -s /real/new /dangling; ln -s /abs/r /two; ln -s loop /loop"
	tare cp l c:/real/
	tare cp c:/two two
	tare cp -L c:/two r
	tare cp -L l c:/real/followed
	tare cp c:/abs lnk
	tare cp c:/abs/ copy
	tare cp c:/abs/r r2
	same "$(readlink two) $(readlink lnk) $(cat r) $(cat r2)" '/abs/r /real r r'
	same "$(listed copy)" 'f followed f r l l'
	# In.
	tare cp f c:/abs/x
	tare cp f c:/dangling
	tare cp f c:/abs
	ok inside 'cat /real/x /real/new /real/f; readlink /dangling; readlink /real/l'
	is $'hi\nhi\nhi\n/real/new\nf'
	refused 125 'Too many levels' cp f c:/loop
	# Out of the root is within it.
	refused 125 'there is no directory' cp f c:/evil/x
	refused 125 'No such file' cp -L c:/evil .
	refused 125 'No such file' cp c:/evil/secret .
	refused 125 'No such file' cp c:/d/up/secret .
	tare cp c:/evil .
	same "$(readlink evil)" "$DIR/w/host"
	# What was copied as a link is not followed by the next copy.
	inside 'rm /evil; mkdir /evil; echo bad >/evil/secret'
	refused 125 'it is no directory' cp c:/evil .
	unharmed
}

@test "owners: root's inside and ours outside, or with -a as they are; set-id bits, capabilities and devices stay inside" {
	background c
	inside 'mkdir /d; cp /bin/busybox /d/su; cp /bin/busybox /d/cap; chown 7:8 /d/su /d; chmod 4755 /d/su; mknod -m 666 /d/disk b 8 0; mkfifo /d/fifo'
	setcap cap_setuid+ep "/proc/$(pid_of c)/root/d/cap"
	ok tare cp c:/d d
	[[ $stderr == *'"disk": it is a device, which only -a copies'* ]]
	same "$(stat -c '%a %u %g' d d/su d/fifo | tr '\n' ' ')" '755 0 0 755 0 0 644 0 0 '
	same "$(getcap d/cap)" ''
	[ ! -e d/disk ]
	ok tare cp -a c:/d a
	same "$(stat -c '%a %u %g %F' a/su a/disk)" $'4755 7 8 regular file\n666 0 0 block special file'
	[[ $(getcap a/cap) == *cap_setuid=ep* ]]
	# In: who owned a set-id program is not who runs it now.
	chown 5:6 a/su
	chmod 6755 a/su
	tare cp a c:/b
	tare cp -a a c:/aa
	ok inside 'stat -c "%a %u %g" /b/su /aa/su'
	is $'755 0 0\n6755 5 6'
	# Times, holes, hard links and attributes come along either way.
	truncate -s 3G hole
	echo end >>hole
	ln hole again
	touch -d @1000000000.123456789 hole
	setfattr -n user.x -v y hole
	mkdir h
	mv hole again h
	tare cp h c:/h
	tare cp c:/h h2
	same "$(stat -c '%h %s %.9Y' h2/hole)" '2 3221225476 1000000000.123456789'
	[ "$(du -k h2 | cut -f1)" -lt 100 ]
	same "$(getfattr --only-values -n user.x h2/again)" y
}

@test "tar archives out and in" {
	background c
	inside 'mkdir -p /d/e; echo x >/d/e/f; ln -s f /d/e/l; chown 5:6 /d/e/f'
	tare cp c:/d - >d.tar
	same "$(tar -tf d.tar | sort | tr '\n' ' ')" 'd/ d/e/ d/e/f d/e/l '
	same "$(tare cp c:/d/. - | tar -t | sort | tr '\n' ' ')" './ ./e/ ./e/f ./e/l '
	same "$(tare cp c:/d/e/f - | tar -xO)" x
	tare cp - c:/tmp <d.tar
	gzip -c d.tar | tare cp -a - c:/home
	ok inside 'stat -c "%u %g" /tmp/d/e/f /home/d/e/f; readlink /tmp/d/e/l; stat -c %a /tmp'
	is $'0 0\n5 6\nf\n1777'
	exits 125 tare cp - c:/d/e/f <d.tar
	[[ $stderr == *'is not a directory'* ]]
	exits 125 tare cp - c:/none <d.tar
	[[ $stderr == *'no such directory; make it first'* ]]
	exits 125 tare cp - c:/ <<<'no archive at all'
	[[ $stderr == *'this is no tar archive'* ]]
	head -c 1500 d.tar | exits 125 tare cp - c:/
	run on_terminal -- "$BUILD/tare" --root "$ROOT" --state "$STATE" cp c:/d -
	has 'standard output is a terminal'
	run on_terminal -- "$BUILD/tare" --root "$ROOT" --state "$STATE" cp - c:/d
	has 'standard input is a terminal'
}

@test "a hostile archive stays in the container's root" {
	canary
	background c
	inside "mkdir /x; ln -s $DIR/w/host /x/out; ln -s ../../../../../../../../$DIR/w/host /x/up; ln -s /etc /x/etc"
	python3 - "$DIR/w/host" <<'PY'
import io, sys, tarfile
host = sys.argv[1]
def archive(name, *entries):
    with tarfile.open(name, "w") as t:
        for path, kind, link in entries:
            m = tarfile.TarInfo(path)
            m.type, m.linkname, m.size = kind, link, 4 if kind == tarfile.REGTYPE else 0
            t.addfile(m, io.BytesIO(b"BAD\n"))
F, L, H = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
archive("dots.tar", ("../../../.." + host + "/secret", F, ""))
archive("absolute.tar", (host + "/secret", F, ""))
archive("link.tar", ("l", L, host), ("l/secret", F, ""))
archive("hard.tar", ("h", H, host + "/secret"))
archive("there.tar", ("out/secret", F, ""))
archive("up.tar", ("up/secret", F, ""))
archive("good.tar", ("etc/from-tar", F, ""))
PY
	local t
	for t in dots absolute link hard there up; do
		tare cp - c:/x <$t.tar >/dev/null 2>&1 || true
		tare cp - c:/ <$t.tar >/dev/null 2>&1 || true
	done
	unharmed
	inside 'test ! -e /h'
	# An absolute link is one within the root (and not within the directory).
	tare cp - c:/x <good.tar
	ok inside 'cat /etc/from-tar'
	is BAD
}

@test "a stopped container: its root, volumes and binds, and those of one that never ran" {
	mkdir bind
	echo b >bind/b
	echo f >f
	tare create --name c -v vol:/data -v "$DIR/w/bind:/bind" -v other:/ro:ro --tmpfs /scratch -v vol:/bind/nested $B true >/dev/null
	tare cp f c:/data/f
	tare cp f c:/bind/f
	tare cp f c:/root/f
	tare cp f c:/bind/nested/n
	same "$(cat bind/f "$ROOT/volumes/vol/data/f" "$ROOT/volumes/vol/data/n")" $'f\nf\nf'
	same "$(tare cp c:/bind - | tar -t | sort | tr '\n' ' ')" 'bind/ bind/b bind/f bind/nested/ bind/nested/f bind/nested/n '
	refused 125 'is mounted read-only' cp f c:/ro/
	refused 125 'mounted at /scratch is only there while container c runs' cp f c:/scratch/
	refused 125 'mounted at /dev is only there' cp f c:/dev/shm/x
	refused 125 'mounted at /proc is only there' cp c:/proc/1/status .
	refused 125 'mounted at /etc/hosts is only there' cp f c:/etc/hosts
	tare start c
	tare wait c >/dev/null
	ok tare diff c
	is $'C /root\nA /root/f'
	tare cp c:/root/f g
	same "$(cat g)" f
	refused 125 'it is mounted there' cp f c:/etc/hosts
	# What a start would fill is filled.
	tare rm -v c >/dev/null
	tare volume rm vol >/dev/null
	tare create --name c -v vol:/etc $B true >/dev/null
	tare cp c:/etc/passwd .
	grep -q root passwd
}

@test "a read-only root is refused, running or not; a volume in it is not" {
	tare run -d --name c --read-only -v vol:/data $B sleep 1000 >/dev/null
	echo f >f
	local state
	for state in running exited; do
		is_state c $state
		refused 125 'the root of container c is read-only; copy into a volume' cp f c:/root/
		tare cp f c:/data/$state
		tare cp c:/data/$state back
		tare stop -t 0 c >/dev/null
	done
	same "$(ls "$ROOT/volumes/vol/data")" $'exited\nrunning'
}

@test "nothing of a stopped container is mounted on the host, during the copy or after SIGKILL, and it starts again" {
	mkdir shared
	mount -t tmpfs -o size=1m shared shared
	mount --make-shared shared
	# What it shares with the host on purpose is no reason for a copy to.
	tare create --name c --mount "type=bind,source=$DIR/w/shared,target=/s,bind-propagation=rshared" -v vol:/s/vol $B cat /x /s/vol/v >/dev/null
	mkfifo pipe
	local mounts pid
	mounts=$(host_mounts)
	"$BUILD/tare" --root "$ROOT" --state "$STATE" cp - c:/ <pipe 3>&- 4>&- &
	pid=$!
	exec 8>pipe
	eventually 5 waits_in_namespace $pid
	echo "$pid $(pgrep -P $pid)" >under-way
	same "$(host_mounts)" "$mounts"
	# It can't be started while its root is written to.
	exits 124 timeout 0.3 "$BUILD/tare" --root "$ROOT" --state "$STATE" start c
	kill -KILL $(pgrep -P $pid) $pid
	wait $pid || true
	exec 8>&-
	rm under-way
	same "$(host_mounts)" "$mounts"
	echo x >x
	echo v >v
	tare cp x c:/x
	tare cp v c:/s/vol/
	same "$(host_mounts)" "$mounts"
	ok tare start -a c
	is $'x\nv'
	umount -l shared
}
waits_in_namespace() { # PID: its worker has a mount namespace of its own, and the overlay in it
	local p
	p=$(pgrep -P "$1")
	grep -q ' - overlay ' "/proc/$p/mountinfo" && [ "$(readlink "/proc/$p/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]
}

@test "devices, fifos, sockets and what the kernel makes up" {
	background c
	inside 'mkfifo /fifo /d; rm /d; mkdir /d; mkfifo /d/fifo; mknod /d/kmsg c 1 11; (nc -l -p 1 -U /d/sock || nc -lU /d/sock) 2>/dev/null & sleep 0'
	echo f >f
	ok timeout 5 "$BUILD/tare" --root "$ROOT" --state "$STATE" cp c:/fifo .
	same "$(stat -c %F fifo)" fifo
	ok timeout 5 "$BUILD/tare" --root "$ROOT" --state "$STATE" cp c:/d .
	ok timeout 5 "$BUILD/tare" --root "$ROOT" --state "$STATE" cp c:/dev dev
	refused 125 'is a device, fifo or socket' cp f c:/fifo
	refused 125 'is a device, fifo or socket' cp f c:/dev/null
	refused 125 'is a device, fifo or socket' cp c:/bin/sh fifo
	refused 125 'is a device, which only -a copies' cp c:/dev/null devn
	refused 125 'is a device, which only -a copies' cp c:/dev/null -
	refused 125 'belongs to the kernel' cp c:/proc/1/status .
	refused 125 'belongs to the kernel' cp c:/sys/kernel .
	refused 125 'belongs to the kernel' cp f c:/proc/sys/kernel/hostname
	refused 125 'belongs to the kernel' cp f c:/sys/
	# All of it, without what is made up.
	ok timeout 20 "$BUILD/tare" --root "$ROOT" --state "$STATE" cp -q c:/ all
	[ -x all/bin/busybox ] && [ ! -e all/proc/1 ]
	# What is mounted on a name keeps its place.
	refused 125 'it is mounted there' cp f c:/etc/hosts
	ok inside 'grep -c " /etc/hosts " /proc/self/mountinfo'
	is 1
}

@test "a directory that becomes a link and back, as fast as a process can: nothing of the host is read or written" {
	canary
	background c -v "$BUILD/e2e:/tools:ro"
	inside "mkdir -p /t/dir; echo inside >/t/dir/secret; ln -s $DIR/w/host /t/link"
	tare exec -d c /tools/flip /t/dir /t/link
	echo BAD >secret
	mkdir tree
	echo BAD >tree/secret
	local i
	for ((i = 0; i < 6; i++)); do
		rm -rf got out
		tare cp c:/t/dir/secret got >/dev/null 2>&1 || true
		tare cp c:/t out >/dev/null 2>&1 || true
		tare cp secret c:/t/dir/secret >/dev/null 2>&1 || true
		tare cp tree/. c:/t/link >/dev/null 2>&1 || true
		tar -c secret | tare cp - c:/t/dir >/dev/null 2>&1 || true
		tare cp -L c:/t/dir - 2>/dev/null | tar -xO 2>/dev/null >>streamed || true
		cat got out/dir/secret out/link/secret >>seen 2>/dev/null || true
		unharmed
	done
	never grep -q HOST streamed
	# A link that was copied as one leads where it leads; it is not what was read.
	find out -type f -exec cat {} + >>files 2>/dev/null || true
	never grep -q HOST files
	never grep -q HOST got 2>/dev/null
}

@test "no program and no library of the container is used" {
	background c
	inside 'mkdir -p /lib/x86_64-linux-gnu; for n in files dns compat; do echo evil >/lib/x86_64-linux-gnu/libnss_$n.so.2; done; printf "#!/bin/sh\n" >/bin/tar; chmod 755 /bin/tar; chown 4242:4242 /bin/tar'
	ok strace -f -o trace -e trace=execve,chroot,setns,pivot_root,openat "$BUILD/tare" --root "$ROOT" --state "$STATE" cp -a c:/bin/tar .
	grep -q tare-transfer trace
	never grep -E 'chroot\(|setns\(|pivot_root\(|libnss' trace
	same "$(grep -c 'execve(' trace)" 2
}

@test "a container that ends in the middle: one clear line" {
	background c
	inside 'head -c 20000000 /dev/zero >/big'
	mkfifo pipe
	"$BUILD/tare" --root "$ROOT" --state "$STATE" cp c:/big - >pipe 2>err 3>&- 4>&- &
	local pid=$!
	exec 8<pipe
	head -c 1000 <&8 >/dev/null
	tare kill c >/dev/null
	tare wait c >/dev/null
	cat <&8 >/dev/null
	exec 8<&-
	returns 125 $pid
	grep -q 'container c ended meanwhile' err
	same "$(wc -l <err)" 1
}

@test "an interrupted copy leaves no half of a file" {
	background c
	inside 'mkdir /in; echo old >/in/f'
	head -c 4000000 /dev/zero | tr '\0' x >f
	tar -cf a.tar f
	local sig pid older
	for sig in TERM KILL OLDER; do
		mkfifo pipe
		older=
		[ $sig != OLDER ] || { older="$BUILD/e2e/older nameless_file --" sig=TERM; }
		$older "$BUILD/tare" --root "$ROOT" --state "$STATE" cp - c:/in <pipe 2>/dev/null 3>&- 4>&- &
		pid=$!
		exec 8>pipe
		head -c 2000000 a.tar >&8
		eventually 5 writes_in $pid /in
		echo "$pid $(pgrep -P $pid)" >under-way
		kill -$sig $(pgrep -P $pid)
		wait $pid || true
		exec 8>&-
		rm under-way pipe
		# what was cut by SIGKILL has a name at the most where the file system has no files without one
		[ $sig = TERM ] || nameless "/proc/$(pid_of c)/root" || inside 'rm -f /in/.tare-????????????????'
		ok inside 'cd /in; ls -A; cat f'
		is $'f\nold'
	done
	tare cp - c:/in <a.tar
	ok inside 'cd /in; ls -A; wc -c <f'
	is $'f\n4000000'
}
writes_in() { ls -l /proc/"$(pgrep -P "$1")"/fd | grep -q " -> $2/"; } # PID DIRECTORY: its worker has a file there

@test "a volume is not restored while files go into it by way of a container that does not run" {
	tare create --name c -v vol:/v $B true >/dev/null
	echo one >one
	tare cp one c:/v/
	tare volume backup vol vol.tar >/dev/null
	tar -cf a.tar one --transform s/one/two/
	mkfifo pipe
	"$BUILD/tare" --root "$ROOT" --state "$STATE" cp - c:/v <pipe 3>&- 4>&- &
	local pid=$!
	exec 8>pipe
	eventually 5 has_volume_at $pid /v
	echo "$pid $(pgrep -P $pid)" >under-way
	exits 124 timeout 0.3 "$BUILD/tare" --root "$ROOT" --state "$STATE" volume restore vol vol.tar
	cat a.tar >&8
	exec 8>&-
	wait $pid
	rm under-way
	same "$(ls -A "$ROOT/volumes/vol/data" | tr '\n' ' ')" 'one two '
	ok tare volume restore vol vol.tar
	same "$(ls -A "$ROOT/volumes/vol/data")" one
}
has_volume_at() { grep -q " $2 " "/proc/$(pgrep -P "$1")/mountinfo"; } # PID PATH: its worker has it mounted there

@test "a volume that nobody uses, and a directory that would be copied into itself" {
	tare volume create vol >/dev/null
	mkdir -p d/e
	echo x >d/e/f
	tare cp --volume d vol:/
	tare cp --volume vol:/d/e/f .
	same "$(cat f)" x
	refused 125 'no such volume' cp --volume nope:/ .
	background c -v "$DIR/w/d:/data"
	ok tare cp d c:/data
	[[ $stderr == *'it is where the copy goes'* ]]
	same "$(listed d)" 'd d d d/e d e f d/e/f f e/f'
}
