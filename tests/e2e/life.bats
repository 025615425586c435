#!/usr/bin/env bats
# The life of a container: create start stop restart kill pause unpause rm rename wait.

load lib

@test "create prints the id; nothing runs until start" {
	ok tare create --name c $B sh -c 'echo hello; exit 3'
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	is_state c created
	ok tare start c
	is c
	ok tare wait c
	is 3
	is_state c exited
	same "$(tare logs c)" hello
}

@test "start -a: its output and its exit code" {
	tare create --name c $B sh -c 'echo hello; exit 3' >/dev/null
	exits 3 tare start -a c
	is hello
}

@test "start -a -i: its input too" {
	tare create -i --name c $B cat >/dev/null
	same "$(echo in | tare start -a -i c)" in
}

@test "start again: the same container, its files kept, a second log" {
	tare run --name again $B sh -c 'echo x >>/count; cat /count' >/dev/null
	exits 0 tare start -a again
	is $'x\nx'
	same "$(tare logs again | wc -l)" 3
	same "$(tare inspect --format '{{.RestartCount}}' again)" 0
}

@test "start of a running container is no error" {
	background r
	local pid
	pid=$(pid_of r)
	ok tare start r
	same "$(pid_of r)" "$pid"
}

@test "stop sends the stop signal, then kills" {
	background polite $B sh -c 'trap "echo bye; exit 0" TERM; echo ready; while :; do sleep 0.1; done'
	eventually 10 log_has polite ready
	ok tare stop polite
	is polite
	same "$(tare inspect --format '{{.State.ExitCode}}' polite)" 0
	has polite
	same "$(tare logs polite)" $'ready\nbye'

	background deaf $B sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
	eventually 10 log_has deaf ready
	ok tare stop -t 1 deaf
	same "$(tare inspect --format '{{.State.ExitCode}}' deaf)" 137
}

@test "--stop-signal and --stop-timeout are the container's own" {
	background s --stop-signal USR1 --stop-timeout 60 $B sh -c 'trap "exit 4" USR1; echo ready; while :; do sleep 0.1; done'
	eventually 10 log_has s ready
	ok tare stop s
	same "$(tare inspect --format '{{.State.ExitCode}}' s)" 4
	same "$(tare inspect --format '{{.Config.StopSignal}} {{.Config.StopTimeout}}' s)" 'USR1 60'
}

@test "stop -s" {
	background s $B sh -c 'trap "exit 6" HUP; echo ready; while :; do sleep 0.1; done'
	eventually 10 log_has s ready
	ok tare stop -s HUP -t 60 s
	same "$(tare inspect --format '{{.State.ExitCode}}' s)" 6
}

@test "stop of a stopped one is no error; several at once" {
	background a
	background b
	ok tare stop a b
	is $'a\nb'
	ok tare stop a
	is_state a exited
	is_state b exited
}

@test "restart: a new process, the same container" {
	background r
	local pid
	pid=$(pid_of r)
	ok tare restart -t 5 r
	is r
	is_state r running
	[ "$(pid_of r)" != "$pid" ]
	ok tare stop -t 5 r
	ok tare restart r
	is_state r running
}

@test "kill: by default SIGKILL, or any signal by name or number" {
	background k1
	ok tare kill k1
	is k1
	ok tare wait k1
	is 137
	background k2
	ok tare kill -s TERM k2
	ok tare wait k2
	is 143
	background k3 $B sh -c 'trap "echo usr1" USR1; echo ready; while :; do sleep 0.1; done'
	eventually 10 log_has k3 ready
	ok tare kill --signal SIGUSR1 k3
	eventually 10 log_has k3 usr1
	ok tare kill -s 9 k3
	eventually 10 is_state k3 exited
	run tare kill k3
	[ "$status" -ne 0 ]
}

@test "a signal that is sent reaches process 1 only once" {
	background once $B sh -c 'trap "echo usr2" USR2; echo ready; while :; do sleep 0.1; done'
	eventually 10 log_has once ready
	tare kill -s USR2 once
	eventually 10 log_has once usr2
	same "$(tare logs once | grep -c usr2)" 1
}

@test "pause freezes, unpause goes on" {
	background p $B sh -c 'i=0; while :; do echo $i; i=$((i+1)); sleep 0.05; done'
	eventually 10 log_has p 3
	ok tare pause p
	is p
	is_state p paused
	local before
	before=$(tare logs p | wc -l)
	sleep 0.5
	# One line may have been on its way.
	[ $(($(tare logs p | wc -l) - before)) -le 1 ]
	ok tare unpause p
	is_state p running
	eventually 10 sh -c "[ \$($TARE logs p | wc -l) -gt $((before + 3)) ]"
}

@test "a paused container can be stopped, killed, and removed by force" {
	background p1
	tare pause p1
	ok tare stop -t 5 p1
	is_state p1 exited
	background p2
	tare pause p2
	ok tare kill p2
	eventually 10 is_state p2 exited
	background p3
	tare pause p3
	ok tare rm -f p3
	same "$(names)" 'p1 p2'
}

@test "exec in a paused container is refused; pausing twice too" {
	background p
	tare pause p
	run tare exec p true
	[ "$status" -ne 0 ]
	has paused
	run tare pause p
	[ "$status" -ne 0 ]
	has paused
}

@test "rm: refuses a running one, -f doesn't; prints what it removed" {
	background r
	run tare rm r
	[ "$status" -ne 0 ]
	has running
	ok tare rm -f r
	is r
	same "$(names)" ''
	tare create --name a $B true >/dev/null
	tare create --name b $B true >/dev/null
	ok tare rm a b
	is $'a\nb'
}

@test "rm --all: the stopped; with -f all" {
	background run1
	tare create --name made $B true >/dev/null
	tare run --name done $B true
	ok tare rm --all
	same "$(names)" run1
	ok tare rm --all -f
	same "$(names)" ''
}

@test "rm goes on after one that is not there, and says so" {
	tare create --name a $B true >/dev/null
	run --separate-stderr tare rm nosuch a
	[ "$status" -ne 0 ]
	is a
	[[ $stderr == *nosuch* ]]
	same "$(names)" ''
}

@test "rename: the new name counts, the old is free" {
	background old
	ok tare rename old new
	is ''
	same "$(names)" new
	ok tare exec new true
	background old
	run tare rename old new
	[ "$status" -ne 0 ]
	has new
	same "$(names)" 'new old'
}

@test "wait: for one, for several, and for one that has ended" {
	background w $B sh -c 'while [ ! -e /go ]; do sleep 0.05; done; exit 12'
	tare wait w >"$DIR/code" &
	tare exec w touch /go
	wait $!
	same "$(cat "$DIR/code")" 12
	ok tare wait w
	is 12
	tare create --name never $B true >/dev/null
	tare run --name five $B sh -c 'exit 5' || true
	ok tare wait w five
	is $'12\n5'
}

@test "ids may be shortened while they stay unique; names win" {
	local id
	id=$(tare run -d --name x --init $B sleep 1000)
	ok tare inspect --format '{{.Name}}' "${id:0:12}"
	has x
	ok tare inspect --format '{{.Name}}' "${id:0:4}"
	tare create --name "${id:0:6}" $B true >/dev/null
	ok tare inspect --format '{{.State.Status}}' "${id:0:6}"
	is created
}

@test "names are made up, and differ" {
	tare create $B true >/dev/null
	tare create $B true >/dev/null
	same "$(tare ps -a --format '{{.Names}}' | sort -u | wc -l)" 2
}

@test "--rm -d: gone by itself at its end" {
	tare run -d --rm --name brief $B true >/dev/null
	eventually 10 sh -c "[ -z \"\$($TARE ps -aq)\" ]"
	eventually 5 sh -c "[ -z \"\$(ls $STATE/containers)\" ]"
	eventually 5 sh -c "[ -z \"\$(ls $ROOT/containers)\" ]"
}

@test "kill -9 of process 1 from outside is seen" {
	background v
	kill -9 "$(pid_of v)"
	ok tare wait v
	is 137
	eventually 10 is_state v exited
	same "$(tare inspect --format '{{.State.OOMKilled}}' v)" false
}

# The clean-up falls between the two looks of `wait`, at the record and at the state.
@test "an exit code is not lost to a clean-up in the middle of a look" {
	background v
	local id pid
	id=$(tare inspect --format '{{.Id}}' v) pid=$(pid_of v)
	{ sleep 0.2 && kill -9 "$pid"; } &
	run strace -qq -o /dev/null -P "$STATE/containers/$id" -e trace=openat -e inject=openat:delay_enter=800000:when=1 \
		$TARE wait v
	wait
	is 137
}

@test "all processes of a container end with its process 1" {
	background tree $B sh -c 'sleep 1001 & sleep 1002 & (setsid sleep 1003 &) ; echo ready; wait'
	eventually 10 log_has tree ready
	eventually 10 sh -c "$TARE top tree | grep -q 1003"
	local pids p
	pids=$(cat "/proc/$(pid_of tree)/task/"*/children)
	kill -9 "$(pid_of tree)"
	tare wait tree
	for p in $pids; do eventually 10 sh -c "! kill -0 $p"; done
}
