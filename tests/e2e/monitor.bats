#!/usr/bin/env bats
# A container's monitor: what it survives, and what becomes of its container when it doesn't. The close look is
# in tests/unit/test_monitor_*.c.

load lib

inspect() { tare inspect --format '{{.State.'"$1"'}}' "$2"; }
supervisor() { inspect MonitorPid "$1"; } # 0: there is none
lost() { [ "$(supervisor "$1")" -eq 0 ]; }
looked_after() { [ "$(supervisor "$1")" -gt 0 ]; } # one that is not made yet is not
dead() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"; }
# orphan NAME: its monitor is killed, and dead
orphan() {
	local monitor
	monitor=$(supervisor "$1")
	[ "$monitor" -gt 0 ]
	kill -9 "$monitor"
	eventually 5 dead "$monitor"
}
status_of() { tare ps -a --filter "name=$1" --format '{{.Status}}'; }
log_lines() { [ "$(tare logs "$1" 2>/dev/null | wc -l)" -eq "$2" ]; }

monitors_of() { # how many
	local id p n=0
	id=$(tare inspect --format '{{.Id}}' "$1")
	for p in $(grep -lx tare-monitor /proc/[0-9]*/comm 2>/dev/null); do
		! grep -qzxF "$id" "${p%comm}cmdline" 2>/dev/null || n=$((n + 1))
	done
	echo $n
}

# printer NAME: prints as many lines of 1000 bytes as each line of the FIFO $DIR/in/go says, then makes
# $DIR/in/done.N, and ends with 9 at the FIFO's end.
# shellcheck disable=SC2016
printer() {
	local name=$1
	shift
	mkdir -p "$DIR/in"
	rm -f "$DIR"/in/*
	mkfifo "$DIR/in/go"
	tare run -d --name "$name" -v "$DIR/in:/in" "$@" $B sh -c '
		line=$(printf %0999d 7)
		while read -r n; do
			i=0; while [ $i -lt $n ]; do echo "$line"; i=$((i + 1)); done
			: >/in/done.$n
		done </in/go
		exit 9' >/dev/null
}

@test "without its monitor a container is listed as such, and every command works" {
	background a
	orphan a
	[[ $(status_of a) == *'monitor'* ]]
	exits 1 tare system check
	has 'container a   its monitor is gone   found'
	ok tare logs a
	ok tare stats --no-stream a
	ok tare top a
	lost a # looking changes nothing
	ok tare exec a echo hello
	is hello
	looked_after a
	[[ $(status_of a) != *'monitor'* ]]
	local before
	before=$(supervisor a)
	ok tare exec a true
	same "$(supervisor a)" "$before"
	orphan a
	ok tare pause a
	orphan a
	ok tare unpause a
	orphan a
	ok tare kill -s CONT a
	orphan a
	ok tare stop -t 5 a
	is_state a exited
	ok tare rm a
}

@test "what is printed while nobody looks after a container is not lost, nor its exit code" {
	printer p
	exec 5>"$DIR/in/go"
	echo 100 >&5
	eventually 10 log_lines p 100
	orphan p
	echo 300 >&5 # a third of what the pipe holds
	echo 7 >&5
	eventually 10 test -e "$DIR/in/done.7"
	log_lines p 100
	ok tare start p # success for what runs
	eventually 10 log_lines p 407
	echo 20 >&5
	exec 5>&-
	same "$(tare wait p)" 9
	same "$(tare logs p 2>/dev/null | uniq -c | awk '{ print $1, length($2) }')" '427 999'
	same "$(inspect ExitCode p)" 9
	same "$(tare logs -t p | cut -c 1-30 | sort -c && echo sorted)" sorted
	ok tare rm p
}

@test "system check --repair gives a container a new monitor, which cleans up" {
	background r --rm
	orphan r
	ok tare system check --repair
	has 'container r   its monitor is gone   repaired'
	looked_after r
	ok tare system check
	ok tare exec r kill -TERM 1
	eventually 10 sh -c "[ -z \"\$($TARE ps -aq)\" ]"
}

@test "several commands at once give a container one monitor" {
	background m
	orphan m
	for _ in 1 2 3 4 5 6; do
		$TARE exec m true 3>&- 4>&- &
	done
	wait
	ok tare exec m true
	same "$(monitors_of m)" 1
	ok tare rm -f m
}

@test "removal by force and waiting need no monitor" {
	background x
	orphan x
	ok tare rm -f x
	# who was attached is told how to be that again
	timeout 20 $TARE run --name g $B sleep 1000 2>"$DIR/told" 3>&- 4>&- &
	local foreground=$!
	eventually 10 looked_after g
	orphan g
	returns 125 "$foreground"
	grep -q 'runs on; go back to it with: tare attach g' "$DIR/told"
	ok tare rm -f g
	printer y
	exec 5>"$DIR/in/go"
	orphan y
	(timeout 20 $TARE wait y 3>&- 4>&- 5>&- >"$DIR/code") &
	eventually 10 looked_after y
	orphan y # the second one, too, while somebody waits
	exec 5>&-
	wait
	[ -s "$DIR/code" ]
	ok tare rm y
}

@test "a log that is followed goes on with the next monitor" {
	printer f
	exec 5>"$DIR/in/go"
	orphan f
	timeout 20 $TARE logs -f f 3>&- 4>&- 5>&- >"$DIR/followed" &
	eventually 10 looked_after f
	echo 3 >&5
	exec 5>&-
	wait $!
	same "$(wc -l <"$DIR/followed")" 3
	ok tare rm f
}

@test "a container with a terminal ends with its monitor" {
	# most processes end by the hang-up, as tare-init does
	background h --init -t
	orphan h
	eventually 5 is_state h exited
	# process 1 of a container does not hear it
	background t -t $B sleep 1000
	orphan t
	[[ $(status_of t) == *'monitor'* ]]
	exits 125 tare exec t true
	[[ $stderr == *'container t has lost its terminal with its monitor, and has ended with them'* ]]
	[[ $stderr == *'container t is not running'* ]]
	is_state t exited
	same "$(inspect ExitCode t)" 137
	ok tare rm h t
}

@test "a published port is held again" {
	background n -p 127.0.0.1:18765:80
	orphan n
	ok tare exec n true
	run python3 -c 'import socket; socket.socket().bind(("127.0.0.1", 18765))'
	[ "$status" -ne 0 ]
	ok tare rm -f n
}

# Row 46 of the checklist: a container that sees the host's processes kills its supervisor.
# shellcheck disable=SC2016
@test "a container that kills its monitor is found out" {
	mkdir -p "$DIR/go"
	ok tare run -d --name k --pid host --cap-add KILL -v "$DIR/go:/go" $B sh -c \
		'read -r _ _ _ parent _ </proc/self/stat; until [ -e /go/now ]; do sleep 0.02; done; kill -9 $parent; sleep 1000'
	looked_after k
	: >"$DIR/go/now"
	eventually 10 lost k
	[[ $(status_of k) == *'monitor'* ]]
	ok tare stop -t 1 k
	is_state k exited
	same "$(inspect ExitCode k)" 143
	ok tare rm k
}

@test "restarts go on with the next monitor" {
	ok tare run -d --name l --restart always $B sh -c 'exec sleep 1000'
	local before
	before=$(pid_of l)
	orphan l
	ok tare exec l true
	kill -9 "$before"
	other_process() { local now; now=$(pid_of l) && [ "$now" -gt 0 ] && [ "$now" != "$before" ]; }
	eventually 20 other_process
	looked_after l
	ok tare rm -f l
}

started_or_gone() { is_state s running || [ -z "$(own_processes)" ]; }

# The command is killed after so many of its system calls; what it had started is whole, or gone.
@test "killing the command that starts a container leaves it looked after or not running" {
	local n
	ok tare create --name s $B sleep 1000
	for n in clone:1 clone3:1 clone3:2 read:40 close:60 exit_group:1; do
		timeout 20 strace -qq -o /dev/null -e "trace=${n%:*}" -e "inject=${n%:*}:signal=KILL:when=${n#*:}" $TARE start s 3>&- 4>&- >/dev/null 2>&1 || true
		eventually 2 started_or_gone || true
		if is_state s running; then
			eventually 5 looked_after s
			ok tare exec s true
			ok tare stop -t 0 s
		fi
		ok tare system check --repair
	done
	ok tare start s
	looked_after s
	ok tare rm -f s
}
