#!/usr/bin/env bats
# tare run: what comes out, what goes in, what is left.

load lib

@test "prints what the command prints, on the same streams" {
	ok tare run --rm $B sh -c 'echo out; echo err >&2'
	is out
	[ "$stderr" = err ]
}

@test "passes the exit code on" {
	exits 7 tare run --rm $B sh -c 'exit 7'
	exits 0 tare run --rm $B true
	exits 1 tare run --rm $B false
}

@test "128+n when the command dies of a signal" {
	# By --init: to process 1 itself the kernel delivers no signal that its own namespace sends.
	exits 137 tare run --rm --init $B sh -c 'kill -9 $$'
	exits 139 tare run --rm --init $B sh -c 'kill -SEGV $$'
}

@test "options end at the first operand" {
	ok tare run --rm $B echo --rm -d --name x
	is '--rm -d --name x'
}

@test "the image by flag: the operands are the command" {
	ok tare run --rm --image $B echo a b
	is 'a b'
	ok tare run --rm --image $B:latest true
}

@test "--rm leaves nothing, without it the container stays" {
	ok tare run --rm --name gone $B true
	same "$(names)" ''
	ok tare run --name kept $B true
	same "$(names)" kept
	same "$(state_of kept)" exited
}

@test "-d prints the id and nothing else, and returns while it runs" {
	ok tare run -d --name d $B sleep 1000
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	[ -z "$stderr" ]
	same "$(tare inspect --format '{{.Id}}' d)" "$output"
	is_state d running
}

@test "-i: standard input reaches the command, and its end too" {
	same "$(printf 'one\ntwo\n' | tare run --rm -i $B cat)" $'one\ntwo'
	same "$(head -c 3000000 /dev/zero | tare run --rm -i $B wc -c)" 3000000
}

@test "without -i standard input is empty" {
	same "$(echo secret | tare run --rm $B cat)" ''
}

@test "large output arrives whole, and in the log too" {
	same "$(tare run --name big $B sh -c 'i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done' | md5sum)" \
		"$(i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done | md5sum)"
	same "$(tare logs big | wc -l)" 20000
}

@test "binary output arrives unchanged" {
	head -c 300000 /dev/urandom >"$DIR/noise"
	same "$(tare run --rm -i $B cat <"$DIR/noise" | md5sum)" "$(md5sum <"$DIR/noise")"
}

@test "output without a newline at its end arrives" {
	same "$(tare run --rm $B printf abc)" abc
}

@test "-t gives a terminal of the caller's size, and follows it" {
	# (who attaches makes the size another one for a moment, so that programs draw anew)
	run on_terminal see:80 type:'\n' size:40x100 see:'40 100' -- $TARE run --rm -it $B \
		sh -c 'tty; until stty size | grep 24; do sleep 0.1; done; read x; until stty size | grep 40; do sleep 0.1; done'
	[ "$status" -eq 0 ] || fail "$output"
	has /dev/pts/0
	has '24 80'
	has '40 100'
}

@test "-it: keys reach the command, interrupts its process" {
	run on_terminal see:'/ #' type:'echo $((40+2))\n' see:42 type:'echo s$((1+1)); sleep 1000\n' see:s2 pause:0.5 type:'\x03' see:'/ #' \
		type:'exit 5\n' -- $TARE run --rm -it $B sh
	[ "$status" -eq 5 ] || fail "$output"
}

@test "-t without a terminal on this side still gives one inside" {
	ok tare run --rm -t $B sh -c 'test -t 0 && test -t 1 && test -t 2 && echo yes'
	has yes
}

@test "-it with standard input that is no terminal is refused as Docker does" {
	run -1 --separate-stderr bash -c "echo | $TARE run --rm -it $B sh" || true
	[ "$status" -ne 0 ]
	[[ $stderr == *'not a terminal'* || $stderr == *'not a TTY'* ]] || fail "$stderr"
}

@test "signals to the command line reach the container" {
	tare run --rm --name sig $B sh -c 'trap "echo got term; exit 9" TERM; echo ready; while :; do sleep 0.1; done' >"$DIR/out" &
	local pid=$!
	eventually 10 grep -q ready "$DIR/out"
	pkill -TERM -P $pid -x tare || kill -TERM $pid
	returns 9 $pid
	same "$(cat "$DIR/out")" $'ready\ngot term'
}

@test "--sig-proxy=false: the signal ends the command line, not the container" {
	tare run --sig-proxy=false --name nosig $B sh -c 'echo ready; sleep 1000' >"$DIR/out" &
	local pid=$!
	eventually 10 grep -q ready "$DIR/out"
	pkill -TERM -P $pid -x tare || kill -TERM $pid
	wait $pid || true
	is_state nosig running
}

@test "environment: image, -e, -e from here, --env-file; nothing else" {
	printf '# a comment\nFROM_FILE=f\nA=overridden\nPASSED\n' >"$DIR/env"
	export PASSED=here SECRET=1
	ok tare run --rm --env-file "$DIR/env" -e A=1 --env B='two words' -e PASSED $B env
	has $'\nA=1'
	has 'B=two words'
	has FROM_FILE=f
	has PASSED=here
	has PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	has HOME=/root
	has HOSTNAME=
	lacks SECRET
	lacks TERM=
	ok tare run --rm -t $B env
	has TERM=xterm
}

@test "--hostname, and the short id when there is none" {
	ok tare run --rm --hostname box $B sh -c 'hostname; cat /etc/hostname'
	is $'box\nbox'
	ok tare run --name h $B hostname
	same "$(tare inspect --format '{{.Id}}' h | cut -c 1-12)" "$output"
}

@test "--workdir: made when missing" {
	ok tare run --rm -w /tmp $B pwd
	is /tmp
	ok tare run --rm --workdir /new/place $B pwd
	is /new/place
}

@test "--entrypoint replaces the image's, and may be emptied" {
	ok tare run --rm --entrypoint echo $B a b
	is 'a b'
	ok tare run --rm --entrypoint '' $B echo c
	is c
}

@test "--rootfs: a directory as root, never written" {
	mkdir -p "$DIR/fs/bin" "$DIR/fs/tmp"
	cp /bin/busybox "$DIR/fs/bin/" && ln -s busybox "$DIR/fs/bin/sh" && ln -s busybox "$DIR/fs/bin/touch"
	(cd "$DIR/fs" && find . | sort) >"$DIR/before"
	ok tare run --rm --rootfs "$DIR/fs" /bin/sh -c 'echo hi >/new; touch /bin/x; cat /new 2>/dev/null || /bin/busybox cat /new'
	is hi
	(cd "$DIR/fs" && find . | sort) | diff "$DIR/before" -
}

@test "--name, --label, --label-file, --annotation show in inspect" {
	printf 'x=y\n' >"$DIR/labels"
	ok tare create --name meta --label a=b -l c --label-file "$DIR/labels" --annotation k=v $B true
	same "$(tare inspect --format '{{index .Config.Labels "a"}}{{index .Config.Labels "x"}}' meta)" by
	same "$(tare inspect --format '{{index .Config.Labels "c"}}' meta)" ''
}

@test "--cidfile" {
	ok tare run -d --cidfile "$DIR/cid" --name c $B sleep 1000
	same "$(cat "$DIR/cid")" "$output"
	refused 125 "$DIR/cid" run --rm --cidfile "$DIR/cid" $B true
}

@test "--init: a reaper is process 1 and passes signals on" {
	ok tare run --rm --init $B sh -c 'cat /proc/1/comm; ps -o pid,args | head -3'
	lacks $'^sh'
	tare run -d --name reap --init $B sh -c '(sleep 0.1 &); sleep 1000' >/dev/null
	eventually 10 sh -c "! $TARE exec reap ps | grep -q Z"
	ok tare stop -t 5 reap
	same "$(tare inspect --format '{{.State.ExitCode}}' reap)" 143
}

@test "--add-host, --dns, --dns-search, --dns-option" {
	ok tare run --rm --network none --add-host db:10.1.2.3 --dns 9.9.9.9 --dns-search corp.example --dns-option ndots:3 $B cat /etc/hosts /etc/resolv.conf
	has $'10.1.2.3*db'
	has 'nameserver 9.9.9.9'
	has 'search corp.example'
	has 'options ndots:3'
}

@test "--network none has lo only; host has the host's; container:NAME shares" {
	ok tare run --rm --network none $B ip -o link
	[ "${#lines[@]}" -eq 1 ]
	has LOOPBACK,UP
	ok tare run --rm --network host $B readlink /proc/self/ns/net
	is "$(readlink /proc/self/ns/net)"
	background n1
	ok tare run --rm --network container:n1 $B readlink /proc/self/ns/net
	is "$(readlink "/proc/$(pid_of n1)/ns/net")"
}

@test "--ulimit, --shm-size, --sysctl, --oom-score-adj" {
	ok tare run --rm --ulimit nofile=512:1024 --ulimit core=0 $B sh -c 'ulimit -Sn; ulimit -Hn; ulimit -c'
	is $'512\n1024\n0'
	# Without CAP_SYS_RESOURCE no limit goes above our own: the warning says which one, in words.
	ok setpriv --bounding-set -sys_resource $TARE run --rm --ulimit nofile=-1 $B sh -c 'ulimit -Hn'
	is "$(ulimit -Hn)"
	same "$stderr" "tare: warning: ulimit nofile: unlimited is more than the $(ulimit -Hn) that this process may give without CAP_SYS_RESOURCE; using $(ulimit -Hn)"
	ok tare run --rm --shm-size 8m $B sh -c 'df -k /dev/shm | tail -1'
	has ' 8192 '
	ok tare run --rm --sysctl net.ipv4.ip_forward=1 $B cat /proc/sys/net/ipv4/ip_forward
	is 1
	ok tare run --rm --oom-score-adj 500 $B cat /proc/self/oom_score_adj
	is 500
}

@test "a run that fails to start with --rm leaves nothing" {
	refused 127 nosuch run --rm $B nosuch
	same "$(names)" ''
	same "$(ls "$STATE/containers")" ''
}

@test "many runs one after the other" {
	local i
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		same "$(tare run --rm $B echo $i)" $i
	done
}

@test "the caller gone: the container runs on and its output is kept" {
	setsid "$BUILD/tare" --root "$ROOT" --state "$STATE" run --name orphan $B sh -c 'echo one; while [ ! -e /go ]; do sleep 0.1; done; echo two; sleep 1000' \
		>/dev/null 2>&1 3>&- 4>&- </dev/null &
	local pid=$!
	eventually 10 log_has orphan one
	kill -KILL $pid
	wait $pid || true
	tare exec orphan touch /go
	eventually 10 log_has orphan two
	is_state orphan running
}
