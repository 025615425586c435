#!/usr/bin/env bats
# tare logs: the lines of a container, from a log in the CRI format.

load lib

log_file() { echo "$ROOT/containers/$(tare inspect --format '{{.Id}}' "$1")/log"; }

@test "both streams, each to its own" {
	tare run --name l $B sh -c 'echo out; echo err >&2' >/dev/null 2>&1
	ok tare logs l
	is out
	[ "$stderr" = err ]
}

@test "the file is the CRI format: UTC, nine digits, never decreasing" {
	tare run --name l $B sh -c 'seq 1 500; printf part' >/dev/null
	local f
	f=$(log_file l)
	same "$(grep -cvE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}(Z|\+00:00) (stdout|stderr) [FP] ' "$f")" 0
	cut -d ' ' -f 1 "$f" | sort -c
	same "$(tare logs l | tail -n 1)" part
}

@test "--tail" {
	tare run --name l $B seq 1 100000 >/dev/null
	same "$(tare logs --tail 3 l)" $'99998\n99999\n100000'
	same "$(tare logs -n 1 l)" 100000
	same "$(tare logs --tail 0 l)" ''
	same "$(tare logs --tail all l | wc -l)" 100000
	same "$(tare logs --tail 1000000 l | wc -l)" 100000
}

@test "-t: the time in front" {
	tare run --name l $B echo x >/dev/null
	[[ $(tare logs -t l) =~ ^20[0-9-]+T[0-9:]+\.[0-9]{9}Z\ x$ ]]
}

@test "--since and --until: by time, by duration" {
	tare run --name l $B sh -c 'echo a; sleep 1.2; echo b; sleep 1.2; echo c' >/dev/null
	local b
	b=$(tare logs -t l | sed -n 's/ b$//p')
	same "$(tare logs --since "$b" l)" $'b\nc'
	same "$(tare logs --until "$b" l | head -n 1)" a
	same "$(tare logs --until "$b" l | grep -c c || true)" 0
	same "$(tare logs --since 1h l | wc -l)" 3
	same "$(tare logs --until 1h l)" ''
	same "$(tare logs --since 2001-01-01 l | wc -l)" 3
}

@test "-f follows until the end" {
	background l $B sh -c 'echo one; while [ ! -e /go ]; do sleep 0.05; done; echo two'
	tare logs -f l >"$DIR/out" &
	local pid=$!
	eventually 10 grep -q one "$DIR/out"
	tare exec l touch /go
	wait $pid
	same "$(cat "$DIR/out")" $'one\ntwo'
}

@test "-f --tail starts near the end" {
	background l $B sh -c 'seq 1 100; while [ ! -e /go ]; do sleep 0.05; done; echo end'
	eventually 10 log_has l 100
	tare logs -f --tail 2 l >"$DIR/out" &
	local pid=$!
	eventually 10 grep -q 100 "$DIR/out"
	tare exec l touch /go
	wait $pid
	same "$(cat "$DIR/out")" $'99\n100\nend'
}

@test "a reader that goes away is no error of the container" {
	background l $B sh -c 'while :; do echo y; done'
	tare logs -f l | head -n 1000 >/dev/null
	is_state l running
}

@test "rotation keeps max-file files of about max-size" {
	tare run --name l --log-opt max-size=64k --log-opt max-file=3 $B sh -c 'seq 1 20000' >/dev/null
	local dir total
	dir=$(dirname "$(log_file l)")
	[ "$(ls "$dir" | grep -c '^log')" -le 3 ]
	[ "$(ls "$dir" | grep -c '^log')" -ge 2 ]
	total=$(cat "$dir"/log* | wc -c)
	[ "$total" -le $((3 * 65536 + 4096)) ] || fail "$total bytes"
	same "$(tare logs --tail 1 l)" 20000
	# What is left is without a gap.
	same "$(tare logs l | md5sum)" "$(seq "$(tare logs l | head -n 1)" 20000 | md5sum)"
}

@test "-f goes on across a rotation" {
	background l --log-opt max-size=64k --log-opt max-file=2 $B sh -c 'while [ ! -e /go ]; do sleep 0.05; done; i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo $i $i $i $i $i $i $i $i $i $i $i $i $i $i $i; done; usleep 300000; seq 100001 120000'
	tare logs -f l >"$DIR/out" &
	local pid=$!
	sleep 0.3
	tare exec l touch /go
	wait $pid
	same "$(tail -n 1 "$DIR/out")" 120000
	same "$(head -n 1 "$DIR/out")" '1 1 1 1 1 1 1 1 1 1 1 1 1 1 1'
}

@test "a very long line comes back as one" {
	tare run --name l $B sh -c 'head -c 300000 /dev/zero | tr "\\0" x; echo; echo end' >/dev/null
	same "$(tare logs l | head -n 1 | wc -c)" 300001
	same "$(tare logs l | tail -n 1)" end
}

@test "bytes of every kind come back unchanged into a pipe" {
	tare run --name l $B sh -c 'printf "\\0\\1\\033[31m\\377\\r\\n"' >/dev/null
	same "$(tare logs l | od -An -tx1 | tr -d ' ')" 00011b5b33316dff0d0a
}

@test "a terminal's output is in the log as well" {
	tare run -t --name l $B echo hi >/dev/null
	[[ $(tare logs l) == hi* ]]
}

@test "--log-driver none keeps nothing, and says so" {
	tare run --name l --log-driver none $B echo x >/dev/null
	run tare logs l
	[[ $output != *$'\nx'* ]]
	[ ! -s "$(log_file l)" ]
}

@test "logs of one that never ran are empty; of none at all an error" {
	tare create --name l $B true >/dev/null
	ok tare logs l
	is ''
	run --separate-stderr tare logs nosuch
	[ "$status" -ne 0 ]
	[[ $stderr == *nosuch* ]]
}
