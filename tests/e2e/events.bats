#!/usr/bin/env bats
# Events: which there are, filters, a command for each, and a log that is rotated meanwhile.

load lib

# all FILTER…: actions of all events so far that pass.
all() {
	local f args=()
	for f; do args+=(--filter "$f"); done
	tare events --no-stream --format '{{.Action}}' "${args[@]}" | tr '\n' ' ' | sed 's/ $//'
}
lines() { [ "$(grep -c . "$1")" -ge "$2" ]; }

@test "a life in Docker's words" {
	tare run -d --name web --label tier=front --label zone=1 --init $B sleep 1000 >/dev/null
	tare exec web true
	tare pause web
	tare unpause web
	tare update --pids-limit 50 web
	tare rename web www
	tare restart -t 0 www
	tare kill www
	tare wait www
	tare rm www
	ok all container=w
	has 'create start exec_create exec_start*exec_die pause unpause update rename *start*restart *destroy'
	# who ends a run and who cleans up after it tell of it in any order
	local action
	for action in kill stop die; do has " $action "; done
	# different keys must all hold, values of one are alternatives, labels must all be there
	same "$(all container=w event=create event=destroy)" 'create destroy'
	same "$(all container=w event=pause type=image)" ''
	same "$(all container=w event=pause type=image type=container)" pause
	same "$(all label=tier=front label=zone event=create)" create
	same "$(all label=tier=front label=zone=2 event=create)" ''
	same "$(all image=busybox event=destroy) $(all image=docker.io/library/busybox:latest event=destroy)" 'destroy destroy'
	same "$(all event=exec_die container=w)" exec_die
	tare create --name v -v vol:/v $B true >/dev/null
	echo x >"$DIR/x"
	tare cp "$DIR/x" v:/x
	tare export -o "$DIR/v.tar" v
	tare start -a v
	tare rm v
	same "$(all container=v)" 'create copy export start die destroy'
	tare import "$DIR/v.tar" imported >/dev/null
	tare save -o "$DIR/i.tar" imported
	tare load -i "$DIR/i.tar"
	tare rmi imported
	same "$(all image=imported)" 'import save load untag'
	rm "$DIR/x" "$DIR/v.tar" "$DIR/i.tar"
	tare volume rm vol
	same "$(all volume=vol)" 'create mount unmount destroy'
	refused 125 'one of container' events --filter type=pod
	refused 125 'keys are' events --filter bogus=1
}

@test "since, until, JSON" { # a filter takes the beginning of an id as well: a name that none can begin with
	tare create --name when $B true
	local made
	made=$(tare events --no-stream --filter container=when --format '{{.timeNano}}')
	tare rm when
	ok tare events --since "${made:0:10}.${made:10:9}" --until 0s --filter container=when --format '{{.Action}}'
	is $'create\ndestroy'
	ok tare events --no-stream --until "${made:0:10}.${made:10:9}" --filter container=when --format '{{.Action}}'
	is create
	ok tare events --json --no-stream --filter event=create --filter container=when
	echo "$output" | python3 -c 'import json,sys; e=json.loads(sys.stdin.readline()); assert e["Actor"]["Attributes"]["name"] == "when" and e["scope"] == "local", e'
	ok tare events --since 1h --until 0s --filter container=nosuch
	is ''
}

@test "--exec gives each event to a command as data, one at a time, and a hanging one stops nothing" {
	# the first one hangs until it may go on; names and labels are no shell text
	cat >"$DIR/hook" <<-'END'
		[ ! -e "$DIR/running" ] || echo two at once >>"$DIR/wrong"
		: >"$DIR/running"
		python3 -c 'import json,sys; e=json.load(sys.stdin); print(e["Action"], e["Actor"]["Attributes"].get("evil"))' >>"$DIR/json"
		echo "$TARE_EVENT_TYPE $TARE_EVENT_ACTION $TARE_EVENT_NAME $TARE_EVENT_EXIT_CODE" >>"$DIR/told"
		until [ -e "$DIR/go" ]; do sleep 0.02; done
		rm "$DIR/running"
		[ "$TARE_EVENT_ACTION" != die ] || exit 7
	END
	tare create --name first $B true
	# shellcheck disable=SC2016
	$TARE events --since 1h --filter container=first --filter event=create --filter event=start --filter event=die --filter event=destroy \
		--format '{{.Action}}' --exec 'sh "$DIR/hook"' >"$DIR/shown" 2>"$DIR/errors" 3>&- 4>&- &
	local watcher=$!
	eventually 20 lines "$DIR/told" 1
	# shellcheck disable=SC2016
	tare rm first
	tare create --name first --label 'evil=$(touch /dev/shm/tare-evil); `id`' $B sh -c 'exit 5'
	exits 5 tare start -a first
	# the watch went on while the command hung
	eventually 20 lines "$DIR/shown" 5
	same "$(cat "$DIR/told")" 'container create first '
	: >"$DIR/go"
	eventually 20 lines "$DIR/told" 5
	same "$(cat "$DIR/told")" $'container create first \ncontainer destroy first \ncontainer create first \ncontainer start first \ncontainer die first 5'
	same "$(tail -n 1 "$DIR/json")" 'die $(touch /dev/shm/tare-evil); `id`'
	[ ! -e /dev/shm/tare-evil ] && [ ! -e "$DIR/wrong" ]
	eventually 20 grep -q 'die first: exit code 7' "$DIR/errors"
	kill "$watcher"
	wait "$watcher" || true
}

@test "a watch survives the rotation of the event log, twice" {
	tare create --name r1 $B true
	$TARE events --since 1h --filter container=r --filter event=create --format '{{.Actor.Attributes.name}}' >"$DIR/seen" 3>&- 4>&- &
	local watcher=$! i
	for i in 1 2; do
		python3 -c 'print("\n".join(["{\"Type\":\"none\",\"timeNano\":1}"] * 40000))' >>"$STATE/events"
		tare create --name "r-turn$i" $B true
		eventually 20 grep -q "r-turn$i" "$DIR/seen"
		[ -e "$STATE/events.1" ] && [ "$(stat -c %s "$STATE/events" 2>/dev/null || echo 0)" -lt 1000000 ]
	done
	tare create --name r-last $B true
	eventually 20 grep -q r-last "$DIR/seen"
	kill "$watcher"
	wait "$watcher" || true
	same "$(all container=r-last)" create
}
