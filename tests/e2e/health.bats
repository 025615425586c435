#!/usr/bin/env bats
# A container's health: asked by its monitor, on record with what was said, told to who listens, and acted upon.

load lib

inspect() { tare inspect --format "$1" "$2"; }
health_of() { inspect '{{.State.Health.Status}}' "$1"; }
is_health() { [ "$(health_of "$1")" = "$2" ]; }
restarted_again() { [ "$(pid_of "$1")" != "$2" ] && is_state "$1" running; } # NAME OLD-PID
streak() { [ "$(inspect '{{.State.Health.FailingStreak}}' "$1")" -ge "$2" ]; }
# asked NAME COMMAND OPTION…: asked often, with a sign that the test can set: the file /sick
asked() {
	local name=$1 cmd=$2
	shift 2
	background "$name" --network none --health-cmd "$cmd" --health-interval 100ms "$@"
}

@test "starting, healthy, unhealthy after as many failures as are allowed, and healthy again" {
	asked h 'echo looked; [ -e /well ]' --health-retries 2
	is_health h starting
	eventually 20 is_health h unhealthy
	streak h 2
	same "$(inspect '{{(index .State.Health.Log 0).ExitCode}} {{(index .State.Health.Log 0).Output}}' h)" $'1 looked'
	ok tare exec h touch /well
	eventually 20 is_health h healthy
	same "$(inspect '{{.State.Health.FailingStreak}}' h)" 0
	asked_five() { [ "$(inspect '{{len .State.Health.Log}}' h)" = 5 ]; }
	eventually 20 asked_five
	ok tare events --since 1h --until 0s --format '{{.Action}}'
	has 'health_status: unhealthy'
	has 'health_status: healthy'
	ok tare ps --format '{{.Status}}'
	has '(healthy)'
}

@test "failures within the start period do not count, and the first success ends it" {
	asked p '[ -e /well ]' --health-retries 1 --health-start-period 1h --health-start-interval 100ms
	asked_thrice() { [ "$(inspect '{{len .State.Health.Log}}' p)" -ge 3 ]; }
	eventually 20 asked_thrice
	is_health p starting
	same "$(inspect '{{.State.Health.FailingStreak}}' p)" 0
	ok tare exec p touch /well
	eventually 20 is_health p healthy
	ok tare exec p rm /well
	eventually 20 is_health p unhealthy
}

@test "a probe that floods is cut, and takes nobody's memory" {
	asked f 'yes | head -c 3000000; exit 0'
	eventually 20 is_health f healthy
	same "$(inspect '{{json (index .State.Health.Log 0).Output}}' f | grep -o 'y' | wc -l)" 2048
}

@test "a probe that hangs is killed whole, with all that it started" {
	asked k 'setsid sleep 1234 & (sleep 1234 & exit 0) & yes >/dev/null & cat; sleep 1234' --health-timeout 300ms --health-retries 1 --health-interval 1h --health-start-period 1h --health-start-interval 100ms
	timed_out() { inspect '{{json .State.Health.Log}}' k | grep -q 'exceeded timeout'; }
	eventually 20 timed_out
	same "$(inspect '{{(index .State.Health.Log 0).ExitCode}}' k)" -1
	# the next one may have begun: what is there is that one's only, however many there were
	three_timed_out() { [ "$(inspect '{{json .State.Health.Log}}' k | grep -o 'exceeded timeout' | wc -l)" -ge 3 ]; }
	eventually 20 three_timed_out
	[ "$(tare exec k ps -o args | grep -cE '^(sleep 1234|yes)')" -le 4 ]
}

@test "what cannot be run is unhealthy and says why; a probe reads nothing" {
	asked n x --health-retries 1 --health-cmd '["CMD","/no/such"]'
	eventually 20 is_health n unhealthy
	ok inspect '{{(index .State.Health.Log 0).ExitCode}} {{(index .State.Health.Log 0).Output}}' n
	has '127 *no/such'
	asked i 'cat; echo end'
	eventually 20 is_health i healthy
}

@test "paused: it is not asked" {
	asked p 'date +%N >>/asked'
	eventually 20 is_health p healthy
	ok tare pause p
	local before
	before=$(inspect '{{json .State.Health.Log}}' p)
	sleep 0.5
	same "$(inspect '{{json .State.Health.Log}}' p)" "$before"
	ok tare unpause p
	asked_again() { [ "$(inspect '{{json .State.Health.Log}}' p)" != "$before" ]; }
	eventually 20 asked_again
}

@test "--health-on-failure: kill, restart, stop" {
	refused 125 'add --health-cmd' create --health-on-failure kill $B true
	asked k false --health-retries 1 --health-on-failure kill
	asked s false --health-retries 1 --health-on-failure stop
	asked r '[ ! -e /sick ]' --health-retries 1 --health-on-failure restart
	local before
	before=$(pid_of r)
	eventually 20 is_state k exited
	same "$(inspect '{{.State.ExitCode}}' k)" 137
	eventually 20 is_state s exited
	same "$(inspect '{{.State.ExitCode}}' s)" 143
	eventually 20 is_health r healthy
	ok tare exec r touch /sick
	eventually 20 restarted_again r "$before"
	ok tare rm -f r
}

@test "without one nothing is asked or shown" {
	background w --network none --no-healthcheck
	ok inspect '{{json .State}}' w
	lacks Health
	same "$(inspect '{{json .Config.Healthcheck}}' w)" '{"Test":["NONE"]}'
}
