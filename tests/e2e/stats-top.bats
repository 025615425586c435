#!/usr/bin/env bats
# vm
# What a container uses: stats, top.

load lib

# a machine that is busy with others gives it little in one second
is_busy() { tare stats --no-stream --format '{{.CPUPerc}}' s | python3 -c 'import sys; sys.exit(float(sys.stdin.read().strip().rstrip("%")) <= 10)'; }

@test "stats --no-stream: Docker's columns" {
	background s --memory 64m
	ok tare stats --no-stream
	[[ ${lines[0]} =~ CONTAINER\ ID.*NAME.*CPU\ %.*MEM\ USAGE\ /\ LIMIT.*MEM\ %.*NET\ I/O.*BLOCK\ I/O.*PIDS ]] || fail "$output"
	has s
	has '64MiB'
}

@test "stats counts memory and processes" {
	background s $B sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=20 2>/dev/null; sleep 1001 & sleep 1002 & echo ready; wait'
	eventually 20 log_has s ready
	tare stats --no-stream --format '{{json .}}' s >"$DIR/stats"
	python3 - "$DIR/stats" <<'E'
import json, re, sys
d = json.load(open(sys.argv[1]))
assert int(d["PIDs"]) == 3, d
value, unit = re.match(r"([0-9.]+)([A-Za-z]+)", d["MemUsage"]).groups()
assert unit == "MiB" and 20 <= float(value) < 60, d
E
}

@test "stats sees a busy processor" {
	background s $B sh -c 'while :; do :; done'
	sleep 0.5
	eventually 20 is_busy
}

@test "stats of named ones, of a stopped one, of none" {
	background a
	background b
	same "$(tare stats --no-stream --format '{{.Name}}' b)" b
	tare stop a
	same "$(tare stats --no-stream --format '{{.Name}}')" b
	run tare stats --no-stream nosuch
	[ "$status" -ne 0 ]
}

@test "stats streams until interrupted" {
	background s
	env --default-signal=INT "$BUILD/tare" --root "$ROOT" --state "$STATE" stats s >"$DIR/out" 3>&- 4>&- &
	shown_twice() { [ "$(grep -c ' s ' "$DIR/out")" -ge 2 ]; }
	eventually 10 shown_twice
	kill -INT $!
	wait $! || true
	[ "$(grep -c CONTAINER "$DIR/out")" -ge 1 ]
}

@test "top lists all processes, also those in a session of their own" {
	background t $B sh -c 'sleep 1001 & setsid sleep 1002 & echo ready; wait'
	eventually 10 log_has t ready
	eventually 10 sh -c "$TARE top t | grep -q 'sleep 1002'"
	ok tare top t
	has 'sleep 1001'
	same "$(tare top t | tail -n +2 | wc -l)" 3
}

@test "the ring of past stats has a fixed size" {
	background r
	local f
	f=$STATE/containers/$(tare inspect --format '{{.Id}}' r)/stats
	eventually 15 test -s "$f"
	[ "$(stat -c %s "$f")" -lt 131072 ]
}

@test "the dashboard shows pressure and memory events, where the kernel tells them" {
	mux() { tmux -S "$DIR/mux" -f /dev/null "$@" 3>&- 4>&-; }
	shows() { mux capture-pane -p | grep -qE "$1"; }
	background s --memory 64m
	mkdir -p "$DIR/xdg/tare"
	echo 'welcomed = yes' >"$DIR/xdg/tare/dashboard"
	XDG_STATE_HOME=$DIR/xdg mux new-session -d -x 160 -y 45 "$TARE tui"
	eventually 20 shows 'busybox'
	mux send-keys u
	eventually 20 shows 'Memory events' || fail "$(mux capture-pane -p)"
	if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
		eventually 20 shows 'reclaimed +[0-9]' || fail "$(mux capture-pane -p)"
		eventually 20 shows 'memory +[0-9]+\.[0-9]' || fail "$(mux capture-pane -p)"
	else
		eventually 20 shows 'reclaimed +-' || fail "$(mux capture-pane -p)"
	fi
	mux send-keys Q
	eventually 20 sh -c "! tmux -S '$DIR/mux' has-session 2>/dev/null"
}
