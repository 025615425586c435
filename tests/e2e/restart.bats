#!/usr/bin/env bats
# Restart policies: what ends by itself is started again, what somebody ended is not.

load lib

inspect() { tare inspect --format "$1" "$2"; }
restarts() { inspect '{{.RestartCount}}' "$1"; }
restarted() { [ "$(restarts "$1")" -ge "$2" ]; } # NAME TIMES
state_file() { echo "$STATE/containers/$(inspect '{{.Id}}' "$1")/state.json"; }
# The process that waits to start NAME again.
waiter_of() { grep -oE '"monitor":\{"pid":[0-9]+' "$(state_file "$1")" | grep -oE '[0-9]+$'; }
gone_pid() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"; }
# waits NAME…: made to be restarted always, and to wait for most of a minute before that, as after many failures. (A
# run that lasted, on a slow machine, makes it begin anew: then once more.)
waits() {
	local name tries
	for name; do background "$name" --restart always --network none; done
	for name; do
		for tries in 1 2 3 4 5; do
			sed -i 's/"paused"/"restartShift":9,"paused"/' "$(state_file "$name")"
			kill -9 "$(pid_of "$name")"
			eventually 10 grep -q '"restartDue"' "$(state_file "$name")"
			! grep -q '"restartShift":10' "$(state_file "$name")" || break
			eventually 10 is_state "$name" running
		done
		is_state "$name" restarting
	done
}

@test "on-failure:N starts a failure again N times, and keeps the files, the log and the last exit code" {
	tare run -d --name c --restart on-failure:2 --network none $B sh -c 'echo run; exit 3' >/dev/null
	eventually 20 restarted c 2
	eventually 20 is_state c exited
	same "$(restarts c)" 2
	same "$(inspect '{{.State.ExitCode}}' c)" 3
	same "$(tare logs c)" $'run\nrun\nrun'
	same "$(inspect '{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}' c)" 'on-failure 2'
	# a start by hand counts anew
	ok tare start c
	eventually 20 restarted c 2
}

@test "on-failure leaves a success alone; always does not" {
	tare run -d --name s --restart on-failure --network none $B true >/dev/null
	tare run -d --name a --restart always --network none $B true >/dev/null
	eventually 20 restarted a 2
	same "$(restarts s)" 0
	is_state s exited
	ok tare stop a
	is_state a exited
}

@test "while it waits it says so, and is neither entered, paused, attached to nor removed" {
	waits c
	same "$(inspect '{{.State.Status}} {{.State.Running}} {{.State.Restarting}} {{.State.Pid}} {{.State.ExitCode}}' c)" 'restarting true true 0 137'
	ok tare ps --format '{{.Names}} {{.State}}'
	has 'c restarting'
	refused 1 'is restarting' pause c
	refused 125 'is restarting' exec c true
	refused 125 'is restarting' attach c
	refused 1 'is restarting' rm c
	ok tare rename c d
	ok tare start d # it is, as far as the user is concerned
	local waiter
	waiter=$(waiter_of d)
	ok tare stop d
	is_state d exited
	eventually 5 gone_pid "$waiter"
	[ ! -e "$STATE/containers/$(inspect '{{.Id}}' d)" ]
	same "$(inspect '{{.State.ExitCode}}' d)" 137
}

@test "kill, rm -f and restart of one that waits" {
	waits k r s
	ok tare kill k
	is_state k exited
	local waiter
	waiter=$(waiter_of r)
	ok tare rm -f r
	eventually 5 gone_pid "$waiter"
	ok tare restart -t 5 s
	is_state s running
	same "$(restarts s)" 0
}

@test "a stop or a kill is no failure" {
	background a --restart always
	background u --restart unless-stopped
	ok tare kill a
	ok tare stop -t 5 u
	ok tare wait a
	is_state a exited
	is_state u exited
	same "$(restarts a)$(restarts u)" 00
	ok tare start a u
	ok tare restart -t 5 a
	is_state a running
}

@test "what ends its process from within is one, and its network comes back" {
	background w --restart on-failure -p 127.0.0.1:8080:80 $B sh -c 'echo up; while :; do sleep 0.1; done'
	eventually 10 log_has w up
	local before
	before=$(pid_of w)
	kill -9 "$before"
	eventually 20 restarted w 1
	eventually 20 is_state w running
	[ "$(pid_of w)" != "$before" ]
	ok tare exec w ip addr show eth0
	has 'inet '
	same "$(tare port w)" '80/tcp -> 127.0.0.1:8080'
	same "$(cat "$STATE"/networks/*/leases | grep -cv '^tare-leases')" 1
}

@test "in the foreground: the first end's exit code; it goes on in the background" {
	exits 3 tare run --name f --restart on-failure:1 --network none $B sh -c 'echo run; exit 3'
	is run
	eventually 20 restarted f 1
	eventually 20 is_state f exited
	same "$(tare logs f)" $'run\nrun'
}

@test "--rm and a policy exclude each other; an unknown policy is refused" {
	refused 125 'exclude each other' run --rm --restart always $B true
	refused 125 'unknown restart policy' run --restart sometimes $B true
}

@test "who waits may be killed: the next command has another one wait" {
	waits c d e
	local waiter
	waiter=$(waiter_of c)
	kill -9 "$waiter"
	eventually 5 gone_pid "$waiter"
	ok tare ps -a
	eventually 20 is_state c running
	same "$(restarts c)" 1
	# a stop does not need one that lives
	waiter=$(waiter_of d)
	kill -9 "$waiter"
	ok tare stop d
	is_state d exited
	# and the check finds it
	waiter=$(waiter_of e)
	kill -9 "$waiter"
	eventually 5 gone_pid "$waiter"
	run tare system check
	has 'nobody waits any more'
	run tare system check --repair
	eventually 20 is_state e running
}

@test "a monitor that is killed with its container: started again by the next command" {
	background m --restart always
	before=$(pid_of m)
	kill -9 "$(monitor_of m)"
	kill -9 "$before"
	runs_anew() { tare ps && is_state m running && [ "$(pid_of m)" != "$before" ]; }
	eventually 20 runs_anew
	same "$(inspect '{{.State.ExitCode}}' m)" 0
}

@test "a restart that fails is tried again, until what it lacks is back" {
	background w --restart always
	local dir pid
	dir=$ROOT/containers/$(inspect '{{.Id}}' w)
	pid=$(pid_of w)
	mv "$dir/work" "$DIR/work"
	kill -9 "$pid"
	eventually 20 is_state w restarting
	eventually 20 restarted w 2
	mv "$DIR/work" "$dir/work"
	eventually 30 is_state w running
	same "$(inspect '{{.State.Error}}' w)" ''
}

# ------------------------------------------------------------------ boot

# reboot NAME…: nothing of them runs any more, and the state directory has survived; it is another boot's.
reboot() {
	local name
	for name; do
		kill -9 "$(monitor_of "$name")" "$(pid_of "$name")"
	done
	for name; do
		sed -i 's/"boot":"[^"]*"/"boot":"00000000-0000-0000-0000-000000000000"/' "$(state_file "$name")"
	done
	echo 00000000-0000-0000-0000-000000000000 >"$STATE/booted"
}

@test "after a boot: what the policies ask for, in the order of making, and once" {
	background always --restart always --network none
	background stopped --restart always --network none
	background unless --restart unless-stopped --network none
	background unless-not --restart unless-stopped --network none
	background failed --restart on-failure --network none
	background plain --network none
	ok tare create --name never --restart always $B true
	ok tare stop -t 0 stopped unless-not
	reboot always unless failed plain
	ok tare start --boot
	is $'always\nstopped\nunless\nfailed'
	is_state always running
	is_state stopped running
	is_state unless running
	is_state unless-not exited
	is_state failed running
	is_state plain exited
	is_state never created
	same "$(inspect '{{.State.ExitCode}}' plain)" 255
	# done for this boot
	ok tare stop -t 0 always
	ok tare start --boot
	is ''
	is_state always exited
}

@test "after a boot: one that cannot be started is told, and the others are" {
	background bad --restart always --network none
	background good --restart always --network none
	local dir
	dir=$ROOT/containers/$(inspect '{{.Id}}' bad)
	reboot bad good
	mv "$dir/work" "$DIR/work"
	exits 1 tare start --boot
	is good
	[[ $stderr == *'container bad is not started'* ]]
	mv "$DIR/work" "$dir/work"
	is_state good running
}

@test "what was restarting at a power cut is started by the boot, not by a look" {
	waits c
	local waiter
	waiter=$(waiter_of c)
	kill -9 "$waiter"
	eventually 5 gone_pid "$waiter"
	sed -i 's/"boot":"[^"]*"/"boot":"00000000-0000-0000-0000-000000000000"/' "$(state_file c)"
	rm -f "$STATE/booted"
	ok tare ps -a
	is_state c exited
	ok tare start --boot
	is c
	is_state c running
}
