#!/usr/bin/env bats
# tare exec: a process more in a running container.

load lib

file_up() { background box; }
# The one container serves all tests of this file.
leave_nothing() { [ "${BATS_TEST_NAME:-}" ] || tare rm -f --all >/dev/null 2>&1 || true; }

@test "prints, passes input and the exit code" {
	ok tare exec box echo hi
	is hi
	exits 9 tare exec box sh -c 'exit 9'
	exits 137 tare exec box sh -c 'kill -9 $$'
	same "$(echo in | tare exec -i box cat)" in
	same "$(echo in | tare exec box cat)" ''
	ok tare exec box sh -c 'echo out; echo err >&2'
	is out
	[ "$stderr" = err ]
}

@test "options end at the container: the command's own are its own" {
	ok tare exec box ls -la /
	has bin
}

@test "-it: a terminal, keys, its size and its exit code" {
	run on_terminal see:'/ #' type:'tty; stty size\n' see:'/dev/pts/' see:'24 80' size:33x99 type:'stty size\n' see:'33 99' \
		type:'exit 4\n' -- $TARE exec -it box sh
	[ "$status" -eq 4 ] || fail "$output"
}

@test "-d returns at once, the process goes on" {
	ok tare exec -d box sh -c 'sleep 0.2; touch /from-d'
	is ''
	eventually 10 tare exec box test -e /from-d
}

# Its terminal's other end stays open in a process that has nothing else of the caller's.
@test "-d -t: the process keeps its terminal" {
	# from a place where a service manager would look for what to kill
	local unified service
	unified=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	service=$unified/tare-e2e-$$
	mkdir "$service"
	ok bash -c "echo \$\$ >$service/cgroup.procs && exec $TARE exec -d -t box sh -c 'sleep 0.3; tty >/from-dt; echo \$\$ >/pid-dt; echo shown; touch /still-there; exec sleep 1234'"
	is ''
	eventually 10 tare exec box test -e /still-there
	ok tare exec box cat /from-dt
	has /dev/pts/
	local reader
	reader=$(own_processes | grep 'exec -d -t' | cut -d ' ' -f 1)
	same "$(cd "/proc/$reader/fd" && readlink * | sort | uniq -c | tr -s ' ' | tr '\n' ,)" ' 3 /dev/null, 1 /dev/pts/ptmx,'
	same "$(grep ^0: "/proc/$reader/cgroup")" 0::/tare/monitors
	rmdir "$service"
	tare exec box sh -c 'kill $(cat /pid-dt)'
	eventually 10 gone_process "$reader"
}
gone_process() { [ ! -e "/proc/$1" ]; }

@test "-e -w -u" {
	ok tare exec -e X=1 --env Y=2 -w /tmp box sh -c 'echo $X$Y; pwd'
	is $'12\n/tmp'
	ok tare exec -u 1234:2345 box id
	has 'uid=1234 gid=2345'
	ok tare exec -u 1234 box id
	has 'uid=1234 gid=0'
}

@test "sees the container: processes, files, host name, namespaces" {
	ok tare exec box sh -c 'echo 1 >/f; hostname; ls -d /proc/[0-9]* | wc -l'
	local ns
	for ns in mnt pid uts ipc net cgroup; do
		same "$(tare exec box readlink /proc/self/ns/$ns)" "$(readlink "/proc/$(pid_of box)/ns/$ns")"
	done
}

@test "is no more privileged than the container" {
	local key
	for key in CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp; do
		same "$(tare exec box grep "^$key:" /proc/self/status)" "$(tare exec box grep "^$key:" /proc/1/status)"
	done
}

@test "is in the container's cgroups" {
	same "$(tare exec box cat /proc/self/cgroup)" "$(tare exec box cat /proc/1/cgroup)"
	tare exec box sh -c 'sleep 1234 & wait' &
	eventually 10 sh -c "$TARE top box | grep -q 1234"
	local pid
	pid=$(pgrep -f '^sleep 1234$')
	same "$(sed 's/^.*://' "/proc/$pid/cgroup" | sort -u)" "$(sed 's/^.*://' "/proc/$(pid_of box)/cgroup" | sort -u)"
	kill $pid
	wait
}

@test "command not found 127, not executable 126, not running refused" {
	refused 127 nosuch exec box nosuch
	refused 126 /etc exec box /etc
	tare create --name idle $B true >/dev/null
	run --separate-stderr tare exec idle true
	[ "$status" -ne 0 ]
	[[ $stderr == *'not running'* ]] || fail "$stderr"
	tare rm idle
}

@test "a bad user and a bad directory" {
	refused 125 nosuchuser exec -u nosuchuser box true
	local u
	for u in 1000x 0: :0 -1 4294967295 0x10; do
		run --separate-stderr tare exec "--user=$u" box true
		[ "$status" -eq 125 ] || fail "user '$u' gave $status: $output"
	done
}

@test "no descriptor of ours gets in" {
	exec 9</etc/hostname
	ok tare exec box sh -c 'ls /proc/self/fd'
	exec 9<&-
	is $'0\n1\n2\n3' # 3 is the directory that ls reads
}

@test "no environment of ours gets in" {
	SECRET=1 ok tare exec box env
	lacks SECRET
	has PATH=
	has HOME=/root
}

@test "the end of the command line's input does not end the container" {
	echo | tare exec -i box cat >/dev/null
	is_state box running
}

@test "a hundred one after the other leave nothing" {
	local i before
	before=$(tare exec box ls /proc | grep -c '^[0-9]')
	for i in {1..100}; do tare exec box true; done
	[ "$(tare exec box ls /proc | grep -c "^[0-9]")" -le "$before" ]
}

@test "--privileged has all the capabilities that there are" {
	ok tare exec --privileged box grep CapEff /proc/self/status
	same "${output##*	}" "$(awk '/CapBnd/ { print $2 }' /proc/self/status)"
}

@test "detach keys leave the process running" {
	run on_terminal see:'#' type:'while :; do sleep 0.1; done\n' pause:0.3 type:'\x10\x11' -- $TARE exec -it box sh
	[ "$status" -lt 124 ] || fail "$output"
	eventually 5 sh -c "$TARE top box | grep -q 'sh$'"
}

@test "exit codes are told to a caller that ignores SIGCHLD, too" {
	background a
	ignoring() { python3 -c 'import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])' "$BUILD/tare" --root "$ROOT" --state "$STATE" "$@" 3>&- 4>&-; }
	run ignoring exec a sh -c 'exit 3'
	[ "$status" -eq 3 ] || fail "$status: $output"
	run ignoring run --rm --network none $B sh -c 'exit 4'
	[ "$status" -eq 4 ] || fail "$status: $output"
}
