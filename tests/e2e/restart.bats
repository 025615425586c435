#!/usr/bin/env bats
# Restart policies: what ends by itself is started again, what somebody ended is not.

load lib

inspect() { tare inspect --format "$1" "$2"; }
restarts() { inspect '{{.RestartCount}}' "$1"; }
restarted() { [ "$(restarts "$1")" -ge "$2" ]; } # NAME TIMES
state_file() { echo "$STATE/containers/$(readlink "$ROOT/names/$1")/state.json"; }
in_state() { grep -q "$2" "$(state_file "$1")"; } # NAME PATTERN
# The process that waits to start NAME again.
waiter_of() { grep -oE '"monitor":\{"pid":[0-9]+' "$(state_file "$1")" | grep -oE '[0-9]+$'; }
gone_pid() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"; }
kill_waiter() { # NAME
	local waiter
	waiter=$(waiter_of "$1")
	kill -9 "$waiter"
	eventually 5 gone_pid "$waiter"
}
# often_failed NAME…: they end, as if that had happened many times before.
often_failed() {
	local name
	for name; do
		sed -i 's/"paused"/"restartShift":9,"paused"/' "$(state_file "$name")"
		kill -9 "$(pid_of "$name")"
	done
}
# waits NAME…: made to be restarted always, and to wait for most of a minute before that. (A run that lasted, on a slow
# machine, makes it begin anew: then once more.)
waits() {
	local name _
	for name; do background "$name" --restart always --network none; done
	often_failed "$@"
	for name; do
		for _ in 1 2 3 4 5; do
			eventually 10 in_state "$name" '"restartDue"'
			! in_state "$name" '"restartShift":10' || break
			eventually 10 is_state "$name" running
			often_failed "$name"
		done
		is_state "$name" restarting
	done
}

@test "on-failure:N starts a failure again N times, and leaves a success alone; always does not" {
	tare run -d --name s --restart on-failure --network none $B true >/dev/null
	tare run -d --name a --restart always --network none $B true >/dev/null
	tare run -d --name c --restart on-failure:2 --network none $B sh -c 'echo run; exit 3' >/dev/null
	# in the foreground: the first end's exit code; it goes on in the background
	exits 3 tare run --name f --restart on-failure:1 --network none $B sh -c 'echo run; exit 3'
	is run
	eventually 20 restarted a 2
	ok tare stop a
	is_state a exited
	eventually 20 restarted c 2
	eventually 20 is_state c exited
	# the files, the log and the last exit code are kept
	same "$(inspect '{{.RestartCount}} {{.State.ExitCode}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}' c)" '2 3 on-failure 2'
	same "$(tare logs c)" $'run\nrun\nrun'
	# a start by hand counts anew
	ok tare start c
	eventually 20 restarted f 1
	eventually 20 is_state f exited
	same "$(tare logs f)" $'run\nrun'
	same "$(restarts s)" 0
	is_state s exited
	eventually 20 restarted c 2
}

@test "while it waits it says so, and is neither entered, paused, attached to nor removed; and it can be called off" {
	waits c k r s u
	same "$(inspect '{{.State.Status}} {{.State.Running}} {{.State.Restarting}} {{.State.Pid}} {{.State.ExitCode}}' c)" 'restarting true true 0 137'
	ok tare ps --filter name=c --format '{{.Names}} {{.State}}'
	is 'c restarting'
	refused 1 'is restarting' pause c
	refused 125 'is restarting' exec c true
	refused 125 'is restarting' attach c
	refused 1 'is restarting' rm c
	same "$(tare wait c)" 137 # the last end's
	ok tare rename c d
	ok tare start d # it is, as far as the user is concerned
	local waiter
	waiter=$(waiter_of d)
	ok tare stop d
	is_state d exited
	eventually 5 gone_pid "$waiter"
	[ ! -e "$(state_file d)" ]
	same "$(inspect '{{.State.ExitCode}}' d)" 137
	ok tare kill k
	is_state k exited
	waiter=$(waiter_of r)
	ok tare rm -f r
	eventually 5 gone_pid "$waiter"
	ok tare restart -t 5 s
	is_state s running
	same "$(restarts s)" 0
	# a policy that still asks for it changes nothing, one that does not ends the wait
	ok tare update --restart on-failure:5 u
	is_state u restarting
	waiter=$(waiter_of u)
	ok tare update --restart no u
	is_state u exited
	eventually 5 gone_pid "$waiter"
	ok tare system check
}

@test "a stop or a kill is no failure; what ends its process from within is one, and its network comes back" {
	background a --restart always --network none
	background u --restart unless-stopped --network none
	background w --restart on-failure -p 127.0.0.1:8080:80 $B sh -c 'echo up; while :; do sleep 0.1; done'
	eventually 10 log_has w up
	local before
	before=$(pid_of w)
	kill -9 "$before"
	ok tare kill a
	ok tare stop -t 5 u
	ok tare wait a
	is_state a exited
	is_state u exited
	same "$(restarts a)$(restarts u)" 00
	ok tare start a u
	ok tare restart -t 5 a
	is_state a running
	eventually 20 restarted w 1
	eventually 20 is_state w running
	[ "$(pid_of w)" != "$before" ]
	ok tare exec w ip addr show eth0
	has 'inet '
	same "$(tare port w)" '80/tcp -> 127.0.0.1:8080'
	same "$(cat "$STATE"/networks/*/leases | grep -cv '^tare-leases')" 1
}

@test "--rm and a policy exclude each other; an unknown policy is refused" {
	refused 125 'exclude each other' run --rm --restart always $B true
	refused 125 'unknown restart policy' run --restart sometimes $B true
}

@test "who waits may be killed: the next command has another one wait" {
	waits c d e
	background m --restart always --network none
	local before
	before=$(pid_of m)
	kill_waiter c
	kill_waiter d
	kill_waiter e
	# a stop does not need one that lives
	ok tare stop d
	is_state d exited
	# the check finds it
	run tare system check
	has 'nobody waits any more'
	# a monitor that is killed with its container is no obstacle either
	kill -9 "$(monitor_of m)" "$before"
	run tare system check --repair
	ok tare ps -a
	eventually 20 is_state c running
	eventually 20 is_state e running
	same "$(restarts c)$(restarts e)" 11
	runs_anew() { tare ps && is_state m running && [ "$(pid_of m)" != "$before" ]; }
	eventually 20 runs_anew
	same "$(inspect '{{.State.ExitCode}}' m)" 0
}

@test "a restart that fails is tried again, ever less often, until what it lacks is back" {
	background w --restart always --network none
	local dir
	dir=$ROOT/containers/$(readlink "$ROOT/names/w")
	mv "$dir/work" "$DIR/work"
	kill -9 "$(pid_of w)"
	eventually 20 in_state w '"restartShift":[3-9]'
	[ "$(restarts w)" -ge 2 ]
	mv "$DIR/work" "$dir/work"
	eventually 30 is_state w running
	same "$(inspect '{{.State.Error}}' w)" ''
}

@test "on a full disk as well, until there is room" {
	local ROOT=$DIR/small/root dir
	mkdir "$DIR/small"
	mount -t tmpfs -o size=64m tmpfs "$DIR/small"
	background w --restart always --network none
	background v --restart always --network none
	dd if=/dev/zero of="$DIR/small/full" bs=64k >/dev/null 2>&1 || true
	until ! echo full >>"$DIR/small/rest" 2>/dev/null; do :; done
	kill -9 "$(pid_of w)" "$(pid_of v)"
	eventually 20 is_state w restarting
	eventually 20 is_state v restarting
	# a stop says that it cannot be put down, and stops
	exits 1 tare stop v
	is_state v exited
	rm "$DIR/small/full" "$DIR/small/rest"
	eventually 30 is_state w running
	is_state v exited
	ok tare rm -f w v
	# the monitors end a moment after their containers, and let go of everything then
	eventually 20 umount "$DIR/small"
}

# ------------------------------------------------------------------ boot

# reboot NAME…: nothing of them runs any more, and the state directory has survived; it is another boot's.
reboot() {
	local name
	for name; do
		kill -9 "$(monitor_of "$name")" "$(pid_of "$name")"
	done
	for name; do another_boot "$name"; done
}
another_boot() {
	sed -i 's/"boot":"[^"]*"/"boot":"00000000-0000-0000-0000-000000000000"/' "$(state_file "$1")"
	echo 00000000-0000-0000-0000-000000000000 >"$STATE/booted"
}

@test "after a boot: what the policies ask for, in the order of making, and once" {
	background always --restart always --network none
	background stopped --restart always --network none
	background unless --restart unless-stopped --network none
	background unless-not --restart unless-stopped --network none
	background failed --restart on-failure --network none
	background plain --network none
	background bad --restart always --network none
	ok tare create --name never --restart always $B true
	waits waited called-off
	# one that was restarting at the power cut is started by the boot, not by a look
	kill_waiter waited
	another_boot waited
	ok tare ps -a
	is_state waited exited
	ok tare update --restart unless-stopped called-off
	ok tare stop -t 0 stopped unless-not called-off
	reboot always unless failed plain bad
	# one that cannot be started is told, and the others are started
	local dir
	dir=$ROOT/containers/$(readlink "$ROOT/names/bad")
	mv "$dir/work" "$DIR/work"
	exits 1 tare start --boot
	is $'always\nstopped\nunless\nfailed\nwaited'
	[[ $stderr == *'container bad is not started'* ]]
	mv "$DIR/work" "$dir/work"
	ok tare ps -a --format '{{.Names}} {{.State}}'
	same "$(sort <<<"$output" | tr '\n' ' ')" 'always running bad exited called-off exited failed running never created plain exited stopped running unless running unless-not exited waited running '
	same "$(inspect '{{.State.ExitCode}}' plain)" 255
	# done for this boot
	ok tare stop -t 0 always
	ok tare start --boot
	is ''
	is_state always exited
}

@test "before the host goes down: all end in their own time, none as if by hand, and come back" {
	local bye='trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.1; done'
	background unless --restart unless-stopped --network none $B sh -c "$bye"
	background plain --network none $B sh -c "$bye"
	background deaf --restart always --stop-timeout 1 --network none $B sh -c 'trap "" TERM; while :; do sleep 0.1; done'
	background by-hand --restart unless-stopped --network none
	background gone --rm --network none
	waits waited
	ok tare stop -t 0 by-hand
	local name
	for name in unless plain; do eventually 10 sh -c "$TARE logs $name | grep -q up"; done
	ok tare stop --shutdown
	same "$(sort <<<"$output" | tr '\n' ' ')" 'deaf gone plain unless waited '
	ok tare ps -a --format '{{.Names}} {{.State}}'
	[[ $output != *running* && $output != *gone* && $output != *restarting* ]] || fail "$output"
	for name in unless plain; do
		same "$(inspect '{{.State.ExitCode}}' $name)" 3
		tare logs $name | grep -q bye
	done
	same "$(inspect '{{.State.ExitCode}}' deaf)" 137
	# in the same boot as well: a service that is stopped and started
	ok tare start --boot
	same "$(sort <<<"$output" | tr '\n' ' ')" 'deaf unless waited '
	# one that could not be ended, and whose host stayed up, keeps its policy
	: >"$(dirname "$(state_file unless)")/host"
	rm "$STATE/booted"
	ok tare start --boot
	kill -9 "$(pid_of unless)"
	eventually 10 sh -c "[ \$($TARE inspect --format '{{.RestartCount}}' unless) -ge 1 ]"
	ok tare rm -f unless plain deaf by-hand waited
	refused 125 'goes alone' stop --shutdown unless
	refused 125 'operand is missing' stop
}

@test "the units that are installed are such that systemd and OpenRC take them" {
	local from=$BATS_TEST_DIRNAME/../../engine/profiles to=$DIR/units unit
	[ -d "$from" ] || skip 'no sources here'
	mkdir -p "$to/user" "$to/run"
	sed 's,@bindir@,/bin,; s,/bin/tare,/bin/true,' "$from/tare.service" >"$to/tare.service"
	for unit in "$from"/*user*.service; do sed 's,@bindir@,/bin,; s,/bin/tare,/bin/true,' "$unit" >"$to/user/tare.service"; done
	sh -n "$from/tare.openrc"
	if command -v systemd-analyze >/dev/null; then
		ok systemd-analyze verify --man=no "$to/tare.service"
		is ''
		XDG_RUNTIME_DIR=$to/run ok systemd-analyze verify --user --man=no "$to/user/tare.service"
		is ''
	fi
	rm -r "$to"
}
