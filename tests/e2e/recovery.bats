#!/usr/bin/env bats
# What nobody saw or was cut short: the next command finds out, and puts it in order.

load lib

inspect() { tare inspect --format "$1" "$2"; }

# kill_all NAME: its monitor and its processes, as a power cut would
kill_all() {
	local monitor pid
	monitor=$(monitor_of "$1") pid=$(pid_of "$1")
	kill -9 "$monitor" "$pid"
	eventually 5 sh -c "! kill -0 $pid 2>/dev/null || grep -q '^State:.Z' /proc/$pid/status"
}

process_ended() { [ "$(pid_of "$1")" -gt 0 ] && ! grep -q '^State:.[^Z]' "/proc/$(pid_of "$1")/status"; }

@test "an end that is still being passed on keeps its exit code" {
	# nobody reads the caller's output, there is no log: the monitor waits for the reader
	mkfifo "$DIR/go"
	tare run --name x --log-driver none $B sh -c 'head -c 900000 /dev/zero; exit 7' 2>/dev/null | sh -c "read -r x <$DIR/go" &
	exec 5>"$DIR/go"
	eventually 10 is_state x running
	eventually 10 process_ended x
	is_state x running
	tare stop x 5>&- &
	exec 5>&-
	wait
	same "$(inspect '{{.State.ExitCode}}' x)" 7
	ok tare rm x
}

@test "a starter that is killed after the launch leaves no process behind" {
	ok tare create --name k $B sleep 1000
	run strace -f -qq -o "$DIR/trace" -P "$STATE/containers/$(inspect '{{.Id}}' k)" \
		-e trace=renameat -e inject=renameat:signal=KILL:when=1 $TARE start k
	[ "$status" -ne 0 ]
	local id
	id=$(inspect '{{.Id}}' k)
	[ -z "$(find /sys/fs/cgroup -path "*/tare/$id/*" -name cgroup.procs -exec cat {} + 2>/dev/null)" ]
	ok tare start k
	is_state k running
	ok tare rm -f k
}

@test "after a restart of the host: 255, and --rm is honoured" {
	background stays --network none # a network's state would be gone, too
	background goes --rm --network none
	local ids
	ids="$(inspect '{{.Id}}' stays) $(inspect '{{.Id}}' goes)"
	kill_all stays
	kill_all goes
	(cd "$STATE/containers" && rm -r $ids)
	same "$(names)" stays
	same "$(inspect '{{.State.ExitCode}}' stays)" 255
	[[ $(inspect '{{.State.FinishedAt}}' stays) != 0001* ]]
	ok tare start stays
	is_state stays running
	ok tare rm -f stays
}

@test "a state from another boot is not believed" {
	background b
	local id
	id=$(inspect '{{.Id}}' b)
	kill_all b
	# its number now belongs to somebody else who started at the same tick: only the boot id tells
	sed -i 's/"boot":"[^"]*"/"boot":"00000000-0000-0000-0000-000000000000"/' "$STATE/containers/$id/state.json"
	is_state b exited
	ok tare rm b
}

@test "a pause that a signal ended is on record" {
	background p
	ok tare pause p
	run timeout -s INT 1 $TARE stop -t 30 --signal WINCH p
	is_state p running
	ok tare exec p true
	ok tare rm -f p
}

@test "restart of a --rm container keeps it this once" {
	background r --rm
	local before
	before=$(pid_of r)
	ok tare restart -t 2 r
	is_state r running
	[ "$(pid_of r)" != "$before" ]
	ok tare stop -t 2 r
	same "$(names)" ''
}

@test "a bind whose path looks like a volume's is no volume" {
	mkdir -p "$DIR/volumes/foo/data"
	ok tare create --name v -v "$DIR/volumes/foo/data:/x" $B true
	same "$(inspect '{{(index .Mounts 0).Type}}' v)" bind
	ok tare rm v
}

@test "a failed start keeps the last run's start time" {
	ok tare run --name f $B true
	local before
	before=$(inspect '{{.State.StartedAt}}' f)
	mv "$ROOT/containers/$(inspect '{{.Id}}' f)/work" "$DIR/work"
	run tare start f
	[ "$status" -ne 0 ]
	same "$(inspect '{{.State.StartedAt}}' f)" "$before"
	mv "$DIR/work" "$ROOT/containers/$(inspect '{{.Id}}' f)/work"
	ok tare rm f
}

@test "a record that can't be read is shown, set aside with its reason, and deleted only by who says so" {
	ok tare create --name d -v vol:/v $B true
	local id
	id=$(inspect '{{.Id}}' d)
	: >"$ROOT/containers/$id/container.json"
	ok tare ps -a --no-trunc --format '{{.ID}} {{.Names}} {{.State}} {{.Status}}'
	has "$id d dead Dead (damaged)"
	ok tare ps -aq --no-trunc --filter status=damaged
	is "$id"
	refused 1 'rm -f' rm d
	refused 1 'cannot be read*to set it aside: tare rm -f d' start d
	exits 1 tare inspect d
	[[ $stderr == *'cannot be read'*'tare rm -f d'* ]] || fail "$stderr"
	exits 1 tare system check
	has 'its record cannot be read'
	ok tare system check --repair
	ok tare system check
	[ -s "$ROOT/containers/.damaged-$id/reason" ]
	ok tare ps -a --no-trunc --format '{{.ID}} {{.State}}'
	has "$id dead"
	refused 125 'was set aside: *to remove its files: tare rm -f' logs "${id:0:12}"
	# its name is free, what it used is not
	ok tare create --name d $B true
	ok tare rm d
	refused 1 "${id:0:12}" volume rm vol
	ok tare volume prune -a -f
	ok tare container prune -f
	ok tare rm -f --all
	[ -d "$ROOT/volumes/vol" ]
	[ -s "$ROOT/containers/.damaged-$id/reason" ]
	refused 1 "set aside" rm "${id:0:12}"
	ok tare rm -f "${id:0:12}"
	[ ! -e "$ROOT/containers/.damaged-$id" ]
	ok tare volume rm vol
}

@test "layers stay while a container that can't be read may need them" {
	ok tare create --name d $B true
	local id
	id=$(inspect '{{.Id}}' d)
	head -c 40 "$ROOT/containers/$id/container.json" >"$DIR/half"
	cp "$DIR/half" "$ROOT/containers/$id/container.json"
	ok tare rm -f d
	ok tare rmi -f $B
	ok tare image prune -a -f
	[ -n "$(ls "$ROOT/layers/sha256")" ]
	ok tare rm -f "$id"
	ok tare image prune -a -f
	[ -z "$(ls "$ROOT/layers/sha256")" ]
}

# mended TEXT: `system check` says it, a repair mends it, and then all is in order
mended() {
	exits 1 tare system check
	has "$1"
	ok tare system check --repair
	ok tare system check
}

@test "system check mends what a kill can leave of containers" {
	ok tare create --name n -v data:/v $B true
	local id
	id=$(inspect '{{.Id}}' n)
	rm "$ROOT/names/n"
	mended 'its name does not lead to it'
	same "$(inspect '{{.Id}}' n)" "$id"
	# a cgroup that clean-up could not remove
	for top in /sys/fs/cgroup/tare /sys/fs/cgroup/*/tare; do
		[ ! -d "$top" ] || mkdir "$top/$id"
	done
	mended 'its cgroup is left'
	[ -z "$(find /sys/fs/cgroup -maxdepth 3 -name "$id")" ]
	# drafts of records that nobody is writing any more
	: >"$ROOT/containers/$id/.tmp-0123456789abcdef"
	: >"$ROOT/networks/.tmp-0123456789abcdef"
	: >"$ROOT/.tmp-0123456789abcdef"
	: >"$ROOT/layers/sha256/.tmp-0123456789abcdef"
	: >"$STATE/networks/.tmp-0123456789abcdef"
	eventually 10 sh -c "$TARE system check | grep -q 'writing was cut short'"
	eventually 10 sh -c "$TARE system check --repair >/dev/null; ! find $ROOT $STATE -maxdepth 3 -name '.tmp-*' | grep -q ."
	ok tare system check
	# a spec that cannot be read is told, and stays as it is
	mv "$ROOT/containers/$id/config.json" "$DIR/config"
	: >"$ROOT/containers/$id/config.json"
	exits 1 tare system check --repair
	has 'config.json'
	ok tare ps -a
	refused 1 config.json start n
	mv "$DIR/config" "$ROOT/containers/$id/config.json"
	ok tare rm n
	ok tare volume rm data
}

@test "system check sees ends that nobody saw, and pauses that are not as they are on record" {
	background p --network none
	local state
	state=$STATE/containers/$(inspect '{{.Id}}' p)/state.json
	sed -i 's/"paused":false/"paused":true/' "$state"
	mended 'paused on record'
	ok tare exec p true
	kill_all p
	mended 'nobody saw the end'
	is_state p exited
	ok tare rm p
}

dies() { grep -F "$1" "$STATE/events" | grep -c '"Action":"die"'; }

@test "an end is told once, though a clean-up was killed after it had told, and each run's end is told" {
	background p --network none
	local id
	id=$(inspect '{{.Id}}' p)
	kill_all p
	cp -a "$STATE/containers/$id" "$DIR/kept"
	ok tare ps -a
	same "$(dies "$id")" 1
	# the state as a clean-up has it that was killed at its last step
	chmod a-w "$DIR/kept/state.json"
	mv "$DIR/kept" "$STATE/containers/$id"
	ok tare ps -a
	is_state p exited
	[ ! -e "$STATE/containers/$id" ]
	same "$(dies "$id")" 1
	ok tare start p
	ok tare stop -t 0 p
	same "$(dies "$id")" 2
	ok tare rm p
}

@test "blobs and layers of no image are found and removed" {
	ok tare create --name i $B true
	mkdir -p "$ROOT/blobs/sha256" "$ROOT/layers/tmp-left"
	echo x >"$ROOT/blobs/sha256/$(printf '%064d' 1)"
	mkdir "$ROOT/layers/sha256/$(printf '%064d' 2)"
	ok tare system check # a pull that was cut may go on with them
	touch -d '8 days ago' "$ROOT/blobs/sha256/$(printf '%064d' 1)"
	mended 'no image needs them'
	[ ! -e "$ROOT/blobs/sha256/$(printf '%064d' 1)" ]
	[ ! -e "$ROOT/layers/sha256/$(printf '%064d' 2)" ]
	[ ! -e "$ROOT/layers/tmp-left" ]
	ok tare start -a i
	ok tare rm i
}

# cut_off FILE: a power cut took its content, then half of it; nothing crashes, and what has nothing to do with it works
cut_off() {
	local whole=$DIR/whole half
	cp "$1" "$whole"
	half=$(($(stat -c %s "$whole") / 2))
	for size in 0 $half; do
		head -c "$size" "$whole" >"$1"
		run tare system check
		[ "$status" -le 1 ] || [ "$status" -eq 125 ] || fail "check ends with $status: $output"
		[ "$status" -ne 0 ] || fail "nothing is said of $1 with $size bytes"
		ok tare ps -a
	done
	cp "$whole" "$1"
}

@test "a store whose format, layout file or names a power cut emptied works, or is mended" {
	ok tare create --name n $B true
	local id file
	id=$(inspect '{{.Id}}' n)
	: >"$ROOT/format"
	ok tare ps -a
	same "$(cat "$ROOT/format")" 1
	echo '?' >"$ROOT/format"
	refused 125 'echo 1 >' ps -a
	echo 1 >"$ROOT/format"
	# what other programs know the store by
	file=$(cat "$ROOT/oci-layout")
	for text in "" '{"image'; do
		printf '%s' "$text" >"$ROOT/oci-layout"
		mended 'oci-layout was cut short'
		same "$(cat "$ROOT/oci-layout")" "$file"
	done
	# names that lead nowhere: of a container, and of none
	rm "$ROOT/names/n"
	: >"$ROOT/names/n"
	: >"$ROOT/names/nobody"
	mended 'no container bears it'
	same "$(inspect '{{.Id}}' n)" "$id"
	[ ! -e "$ROOT/names/nobody" ]
	: >"$ROOT/names/nobody"
	ok tare create --name nobody $B true
	ok tare rm n nobody
}

@test "records of each kind that a power cut emptied are told, and the rest works" {
	ok tare create --name pc -v cutvol:/v $B true
	ok tare network create cutnet
	local id
	id=$(inspect '{{.Id}}' pc)
	cut_off "$ROOT/containers/$id/container.json"
	cut_off "$ROOT/containers/$id/config.json"
	cut_off "$ROOT/volumes/cutvol/volume.json"
	cut_off "$ROOT/networks/cutnet.json"
	cut_off "$ROOT/index.json"
	ok tare system check
	ok tare start -a pc
	ok tare rm pc
	ok tare volume rm cutvol
	ok tare network rm cutnet
}
