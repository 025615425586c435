#!/usr/bin/env bats
# A container's health: asked by its monitor, on record with what was said, told to who listens, and acted upon.

load lib

inspect() { tare inspect --format "$1" "$2"; }
health_of() { inspect '{{.State.Health.Status}}' "$1"; }
is_health() { [ "$(health_of "$1")" = "$2" ]; }
restarted_again() { [ "$(pid_of "$1")" != "$2" ] && is_state "$1" running; } # NAME OLD-PID
log_length() { [ "$(inspect '{{len .State.Health.Log}}' "$1")" -ge "$2" ]; }
# asked NAME COMMAND OPTION…: asked often
asked() {
	local name=$1 cmd=$2
	shift 2
	background "$name" --network none --health-cmd "$cmd" --health-interval 100ms "$@"
}
# The process of the probe under way; the file goes with it.
probe_file() { echo "$STATE/containers/$(readlink "$ROOT/names/$1")/probe"; }
no_probe() { [ ! -e "$(probe_file "$1")" ]; }
probe_of() { cut -d ' ' -f 1 "$(probe_file "$1")"; }
another_probe() { local now; now=$(probe_of "$1") && [ -n "$now" ] && [ "$now" != "$2" ]; } # NAME OLD-PID
dead() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"; }

@test "starting, healthy, unhealthy after as many failures as are allowed, and healthy again" {
	asked h 'echo looked; [ -e /well ]' --health-retries 2
	is_health h starting
	# failures within the start period do not count, and the first success ends it
	asked p '[ -e /well ]' --health-retries 1 --health-start-period 1h --health-start-interval 100ms
	# what cannot be run is unhealthy and says why; a probe reads nothing
	asked n x --health-retries 1 --health-cmd '["CMD","/no/such"]'
	asked i 'cat; echo end'
	# without one nothing is asked or shown
	background w --network none --no-healthcheck
	ok inspect '{{json .State}} {{json .Config.Healthcheck}}' w
	lacks Health
	has ' {"Test":\["NONE"\]}'
	eventually 20 is_health h unhealthy
	[ "$(inspect '{{.State.Health.FailingStreak}}' h)" -ge 2 ]
	same "$(inspect '{{(index .State.Health.Log 0).ExitCode}} {{(index .State.Health.Log 0).Output}}' h)" $'1 looked'
	ok tare exec h touch /well
	eventually 20 log_length p 3
	same "$(inspect '{{.State.Health.Status}} {{.State.Health.FailingStreak}}' p)" 'starting 0'
	ok tare exec p touch /well
	eventually 20 is_health n unhealthy
	ok inspect '{{(index .State.Health.Log 0).ExitCode}} {{(index .State.Health.Log 0).Output}}' n
	has '127 *no/such'
	eventually 20 is_health i healthy
	eventually 20 is_health h healthy
	same "$(inspect '{{.State.Health.FailingStreak}}' h)" 0
	eventually 20 is_health p healthy
	ok tare exec p rm /well
	eventually 20 log_length h 5
	same "$(inspect '{{len .State.Health.Log}}' h)" 5
	ok tare events --since 1h --until 0s --filter container=h --format '{{.Action}}'
	has 'health_status: unhealthy'
	has 'health_status: healthy'
	ok tare ps --filter name=h --format '{{.Status}}'
	has '(healthy)'
	eventually 20 is_health p unhealthy
	# an image of one has its check
	ok tare commit h checked
	ok tare run -d --name ours --network none checked sleep 1000
	ok tare run -d --name theirs --network none --no-healthcheck checked sleep 1000
	eventually 20 is_health ours healthy
	ok inspect '{{json .State}}' theirs
	lacks Health
}

@test "update: a check that comes, changes and goes while the container runs, and stays on record" {
	background u --network none
	refused 1 'add --health-cmd' update --health-on-failure kill u
	ok tare update --health-cmd '[ -e /well ]' --health-interval 100ms --health-retries 1 u
	eventually 20 is_health u unhealthy
	ok tare update --health-cmd true --health-interval 1h --health-start-interval 100ms --health-start-period 1h --health-on-failure stop u
	eventually 20 is_health u healthy
	ok inspect '{{json .Config.Healthcheck.Test}} {{.Config.Healthcheck.Interval}} {{.Config.Healthcheck.Retries}} {{.Config.HealthcheckOnFailureAction}}' u
	is '["CMD-SHELL","true"] 3600000000000 1 stop'
	# the next one would come in an hour
	ok tare update --health-interval 100ms u
	ok tare update --health-start-period 0s u
	ok inspect '{{json .Config.Healthcheck}}' u
	lacks StartPeriod
	eventually 20 log_length u 3
	tare restart -t 0 u >/dev/null
	eventually 20 is_health u healthy
	ok tare update --no-healthcheck u
	ok inspect '{{json .State}}' u
	lacks Health
}

@test "update: what a probe finds that was under way says nothing of the new check" {
	background o --network none --health-cmd 'touch /begun; while [ ! -e /go ]; do sleep 0.1; done; exit 1' --health-interval 100ms \
		--health-retries 1 --health-on-failure kill
	eventually 20 tare exec o test -e /begun
	ok tare update --health-cmd 'touch /asked' --health-interval 1h --health-start-interval 100ms --health-start-period 1h o
	ok tare exec o touch /go
	eventually 20 tare exec o test -e /asked
	eventually 20 is_health o healthy
	same "$(inspect '{{len .State.Health.Log}} {{(index .State.Health.Log 0).ExitCode}}' o)" '1 0'
	is_state o running
	tare rm -f o >/dev/null
}

@test "a probe that floods is cut, and takes nobody's memory" {
	asked f 'yes | head -c 3000000; exit 0'
	eventually 20 is_health f healthy
	same "$(inspect '{{json (index .State.Health.Log 0).Output}}' f | grep -o 'y' | wc -l)" 2048
}

@test "a probe that hangs is killed whole, with all that it started" {
	asked k 'setsid sleep 1234 & (sleep 1234 & exit 0) & yes >/dev/null & cat; sleep 1234' --health-timeout 200ms --health-retries 1 --health-interval 1h --health-start-period 1h --health-start-interval 100ms
	# the next one may have begun: what is there is that one's only, however many there were
	three_timed_out() { [ "$(inspect '{{json .State.Health.Log}}' k | grep -o 'exceeded timeout' | wc -l)" -ge 3 ]; }
	eventually 20 three_timed_out
	same "$(inspect '{{(index .State.Health.Log 0).ExitCode}}' k)" -1
	[ "$(tare exec k ps -o args | grep -cE '^(sleep 1234|yes)')" -le 4 ]
}

# The reaper of a probe lives as long as its probe, and what that has started is its own.
@test "a probe whose health check is killed ends before the next one begins" {
	asked q 'setsid sleep 4321 & sleep 4321' --health-timeout 1h
	local before id
	id=$(readlink "$ROOT/names/q")
	eventually 20 another_probe q ''
	before=$(probe_of q)
	kill -9 "$(pgrep -f "^[^ ]*tare --root $ROOT .*--internal health $id")"
	eventually 20 another_probe q "$before"
	eventually 5 dead "$before"
	at_most_two() { [ "$(tare exec q ps -o args | grep -c '^sleep 4321')" -le 2 ]; }
	eventually 5 at_most_two || fail "$(tare exec q ps -o pid,ppid,args)"
}

@test "paused: it is not asked, nor is a probe that could not go on held against it" {
	asked p 'echo >>/asked'
	# of several tries one is paused while it is asked
	local try frozen=
	for try in 1 2 3 4 5; do
		asked "m$try" 'echo >>/begun; until [ -e /go ]; do sleep 0.02; done' --health-retries 1 --health-timeout 500ms
		eventually 20 another_probe "m$try" ''
		ok tare pause "m$try"
		eventually 20 no_probe "m$try"
		! is_health "m$try" starting || { frozen=m$try && break; }
	done
	[ -n "$frozen" ]
	eventually 20 is_health p healthy
	ok tare pause p
	local before
	before=$(inspect '{{json .State.Health.Log}}' p)
	# as long as another one takes to be asked three times
	asked other true
	eventually 20 log_length other 3
	same "$(inspect '{{json .State.Health.Log}}' p)" "$before"
	ok tare unpause p
	asked_again() { [ "$(inspect '{{json .State.Health.Log}}' p)" != "$before" ]; }
	eventually 20 asked_again
	is_health "$frozen" starting
	same "$(inspect '{{len .State.Health.Log}}' "$frozen")" 0
}

@test "--health-on-failure: kill, restart, stop" {
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
