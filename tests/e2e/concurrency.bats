#!/usr/bin/env bats
# Many at once, and processes that die at the worst moment.

load lib

all_count() { tare ps -aq | wc -l; }

@test "fifty at the same time" {
	local i
	for i in {1..50}; do
		tare run -d --name "c$i" --init $B sleep 1000 >/dev/null 2>"$DIR/err$i" &
	done
	wait
	cat "$DIR"/err*
	same "$(tare ps -q | wc -l)" 50
	tare stop -t 5 $(tare ps -q) >/dev/null
	same "$(tare ps -q | wc -l)" 0
	tare rm --all >/dev/null
	same "$(all_count)" 0
}

@test "one name, twenty takers: one gets it" {
	local i won
	for i in {1..20}; do
		tare create --name same $B true >"$DIR/won$i" 2>"$DIR/lost$i" &
	done
	wait
	won=$(cat "$DIR"/won* | wc -l)
	same "$won" 1
	same "$(cat "$DIR"/lost* | grep -c 'same')" 19
	same "$(all_count)" 1
}

@test "prune that sees a create without its record looks again when it has the lock" {
	local before
	slowly() { # SYSTEM-CALL MICROSECONDS ARGUMENT…: tare, waiting before each such call
		strace -f -o /dev/null -e trace="$1" -e inject="$1:delay_enter=$2" \
			"$BUILD/tare" --root "$ROOT" --state "$STATE" "${@:3}" 3>&- 4>&- >/dev/null
	}
	before=$(ls "$ROOT/containers" 2>/dev/null | wc -l)
	slowly symlinkat 400000 create --name slow $B true &
	eventually 10 sh -c "[ \$(ls $ROOT/containers | wc -l) -gt $before ]"
	slowly flock 1000000 prune -f
	wait
	ok tare inspect slow
}

@test "prune beside creates takes none of them for debris" {
	local i
	while [ ! -e "$DIR/enough" ]; do tare prune -f >/dev/null; done &
	for i in {1..40}; do ok tare create --name "p$i" -v "v$i:/v" $B true; done
	touch "$DIR/enough"
	wait
	same "$(all_count)" 40
	rm -rf "$DIR/enough"
}

@test "one container, many verbs: every answer is one of the right ones" {
	background busy
	local i
	for i in {1..10}; do
		tare restart -t 2 busy >/dev/null 2>&1 &
		tare exec busy true >/dev/null 2>&1 &
		tare inspect busy >/dev/null 2>&1 &
		tare ps >/dev/null &
	done
	wait
	is_state busy running
	ok tare exec busy true
}

@test "stop and rm from several sides" {
	local i
	background both
	for i in 1 2 3 4 5; do
		tare stop -t 2 both >/dev/null 2>&1 &
		tare rm -f both >/dev/null 2>&1 &
	done
	wait
	eventually 5 sh -c "[ -z \"\$($TARE ps -aq)\" ]"
}

@test "the command line killed at any moment of a run leaves nothing that rm can't take" {
	local i pid
	for i in 0 1 2 3 4 5 6 8 10 15 20 30; do
		setsid "$BUILD/tare" --root "$ROOT" --state "$STATE" run --rm --name "k$i" $B sleep 1000 >/dev/null 2>&1 3>&- 4>&- </dev/null &
		pid=$!
		sleep "0.0$(printf %02d "$i")"
		kill -9 $pid 2>/dev/null || true
		wait $pid 2>/dev/null || true
	done
	ok tare ps -a
	tare rm -f --all >/dev/null
	tare prune -f >/dev/null
	same "$(all_count)" 0
	eventually 10 sh -c "[ -z \"\$(ls $STATE/containers $ROOT/names 2>/dev/null | grep -v :)\" ]"
	# Each name is free again.
	ok tare create --name k5 $B true
}

@test "the monitor killed: seen, and the container can still be stopped and removed" {
	background m
	local mon
	mon=$(monitor_of m)
	same "$(cat "/proc/$mon/comm" | cut -c 1-12)" tare-monitor
	kill -9 "$mon"
	eventually 5 sh -c "! kill -0 $mon"
	ok tare ps
	has m
	ok tare exec m true
	ok tare stop -t 5 m
	eventually 5 is_state m exited
	ok tare rm m
}

@test "process 1 killed while its monitor is dead: the next look sees it" {
	background m
	local mon pid
	mon=$(monitor_of m) pid=$(pid_of m)
	kill -9 "$mon"
	kill -9 "$pid"
	eventually 5 sh -c "! kill -0 $pid"
	eventually 5 sh -c "[ \"\$($TARE inspect --format '{{.State.Running}}' m)\" = false ]"
	ok tare start m
	is_state m running
}

@test "twenty short ones with --rm, all at once, leave nothing" {
	local i
	for i in {1..20}; do tare run --rm $B echo "$i" >"$DIR/o$i" 2>&1 & done
	wait
	for i in {1..20}; do same "$(cat "$DIR/o$i")" "$i"; done
	eventually 5 sh -c "[ -z \"\$(ls $STATE/containers $ROOT/containers | grep -v :)\" ]"
}

@test "an image may be taken into use while it is loaded for the first time, by many" {
	local i
	for i in {1..8}; do
		"$BUILD/tare" --root "$DIR/root2" --state "$DIR/state2" run --rm $B echo ok >"$DIR/i$i" 2>&1 3>&- &
	done
	wait
	for i in {1..8}; do same "$(cat "$DIR/i$i")" ok; done
	rm -rf "$DIR/root2" "$DIR/state2"
}
