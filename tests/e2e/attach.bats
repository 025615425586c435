#!/usr/bin/env bats
# tare attach: coming back to a container, and leaving it alone.

load lib

@test "the output from now on, until the end, and the exit code" {
	background a $B sh -c 'while [ ! -e /go ]; do sleep 0.05; done; echo after; exit 6'
	tare attach a >"$DIR/out" &
	local pid=$!
	sleep 0.3
	tare exec a touch /go
	returns 6 $pid
	same "$(cat "$DIR/out")" after
}

@test "input reaches a container that was started with -i" {
	background a -i $B sh -c 'read x; echo "got $x"'
	echo hello | tare attach a >"$DIR/out"
	same "$(cat "$DIR/out")" 'got hello'
}

@test "--no-stdin sends nothing" {
	background a -i $B sh -c 'echo ready; read x; echo "got $x"'
	echo hello | timeout -s KILL 2 "$BUILD/tare" --root "$ROOT" --state "$STATE" attach --no-stdin a >"$DIR/out" 3>&- 4>&- || true
	is_state a running
}

@test "a terminal shows its last screen at once" {
	background a -it $B sh
	run on_terminal see:'#' type:'echo first$((1+1))\n' see:first2 type:'\x10\x11' -- $TARE attach a
	run on_terminal see:first2 type:'\x10\x11' -- $TARE attach a
	[ "$status" -ne 124 ] || fail "$output"
	is_state a running
}

@test "detach: ctrl-p ctrl-q, other keys, switched off" {
	background a -it $B sh
	run on_terminal see:'#' type:'\x10\x11' -- $TARE attach a
	[ "$status" -lt 124 ] || fail "$output"
	is_state a running
	run on_terminal see:'#' type:'\x18d' -- $TARE attach --detach-keys ctrl-x,d a
	[ "$status" -lt 124 ] || fail "$output"
	is_state a running
	# Switched off: both keys go to the shell, which ends at the ^D that follows.
	run on_terminal see:'#' type:'\x10\x11' type:'\n' type:'exit 3\n' -- $TARE attach --detach-keys '' a
	[ "$status" -eq 3 ] || fail "$output"
	is_state a exited
}

@test "half of the detach keys, then something else, is input" {
	background a -it $B sh -c 'echo ready; cat'
	run on_terminal see:ready type:'\x10abc\n' see:abc type:'\x10\x11' -- $TARE attach a
	[ "$status" -lt 124 ] || fail "$output"
	is_state a running
}

@test "run -it can be left, and the container's own detach keys hold" {
	run on_terminal see:'#' type:'\x1ao' -- $TARE run -it --name own --detach-keys ctrl-z,o $B sh
	[ "$status" -lt 124 ] || fail "$output"
	is_state own running
}

@test "several at once see the same" {
	background a $B sh -c 'while [ ! -e /go ]; do sleep 0.05; done; seq 1 1000'
	local i pids=''
	for i in 1 2 3 4; do
		tare attach a >"$DIR/out$i" &
		pids="$pids $!"
	done
	sleep 0.5
	tare exec a touch /go
	wait $pids
	for i in 1 2 3 4; do same "$(md5sum <"$DIR/out$i")" "$(seq 1 1000 | md5sum)"; done
}

@test "one who doesn't read holds nobody up" {
	background a $B sh -c 'while [ ! -e /go ]; do sleep 0.05; done; i=0; while [ $i -lt 200 ]; do seq 1 1000; i=$((i+1)); done; echo done >/done; sleep 1000'
	mkfifo "$DIR/stuck"
	sleep 1000 <"$DIR/stuck" &
	local reader=$!
	tare attach a >"$DIR/stuck" &
	local client=$!
	sleep 0.3
	tare exec a touch /go
	eventually 20 tare exec a test -e /done
	kill $reader $client
	wait || true
	eventually 10 sh -c "[ \$($TARE logs a | wc -l) -eq 200000 ]"
	rm "$DIR/stuck"
}

@test "killed with -9, the container goes on" {
	background a $B sh -c 'i=0; while :; do echo $i; i=$((i+1)); sleep 0.1; done'
	setsid "$BUILD/tare" --root "$ROOT" --state "$STATE" attach a >/dev/null 2>&1 3>&- 4>&- &
	local pid=$!
	sleep 0.3
	kill -9 $pid
	local n
	n=$(tare logs a | wc -l)
	eventually 10 sh -c "[ \$($TARE logs a | wc -l) -gt $n ]"
}

@test "what doesn't run can't be attached" {
	tare create --name idle $B true >/dev/null
	run --separate-stderr tare attach idle
	[ "$status" -ne 0 ]
	[[ $stderr == *idle* && $stderr == *'not running'* ]] || fail "$stderr"
}

# Rule R5: a title, a cleared screen; and a colour, which is harmless.
tricky='printf "\033]0;x\007\033[2Jplain\033[31mred\033[0m\n"; printf "\033]0;err\007" >&2; printf "\033[3"'
harmless() {
	has plain$'\033[31m'red
	lacks $'\033]'
	lacks $'\033[2J'
	lacks $'\007'
	same "$(grep -o '�' <<<"$output" | wc -l)" 6 # the introducers, the bells, and a colour cut off
}

@test "without -t, run, exec and attach make what reaches a terminal harmless" {
	run on_terminal -- $TARE run --rm $B sh -c "$tricky"
	harmless
	background a -i $B sh -c "read -r go; $tricky"
	run on_terminal -- $TARE exec a sh -c "$tricky"
	harmless
	run on_terminal type:'go\n' -- $TARE attach a
	harmless
}

@test "pipes, files and those with a terminal of their own get every byte" {
	local want
	want=$(sh -c "$tricky" 2>/dev/null | od -c)
	same "$(tare run --rm $B sh -c "$tricky" 2>/dev/null | od -c)" "$want"
	tare run --rm $B sh -c "$tricky" >"$DIR/file" 2>/dev/null
	same "$(od -c <"$DIR/file")" "$want"
	run on_terminal -- $TARE run --rm -t $B sh -c "$tricky"
	has $'\033]0;x\007\033[2J'
}
