#!/usr/bin/env bats
# The house: version, info, help, completion, events, system df, prune.

load lib

@test "version: one line, and Docker's fields by template" {
	ok tare --version
	[[ $output =~ [0-9]+\.[0-9]+\.[0-9]+ ]]
	ok tare version
	[[ $output =~ [0-9]+\.[0-9]+\.[0-9]+ ]]
	tare version --json | python3 -m json.tool >/dev/null
	same "$(tare version --format '{{.Server.Version}} {{.Client.Version}} {{.Server.Os}}')" \
		"$(tare --version | cut -d' ' -f3) $(tare --version | cut -d' ' -f3) linux"
}

@test "info tells of this host" {
	background i
	ok tare info
	has "$(uname -r)"
	has "$ROOT"
	tare info --format json | python3 -m json.tool >/dev/null
	same "$(tare info --format '{{.ContainersRunning}}')" 1
	# For people as Docker prints it: sizes in words, lists indented, nothing that is empty.
	ok tare info
	has $'Containers: 1\n Running: 1\n Paused: 0\n'
	has $'\nTotal Memory: '[0-9]*iB$'\n'
	has $'\nSecurity Options:\n seccomp\n'
	lacks 'Warnings:'
}

@test "help: for the whole, for a command, as a flag; on standard output" {
	ok tare help
	has run
	has inspect
	ok tare run --help
	has --memory
	local first=$output
	ok tare help run
	is "$first"
	ok tare
	has help
}

@test "every command has a help that names it" {
	local c
	for c in run create start stop restart kill pause unpause rm rename wait attach exec logs top stats ps inspect \
		events prune images rmi tag import save load info version completion; do
		ok tare $c --help
		has "$c"
	done
	ok tare system df --help
}

# What bash offers after this line
completed() {
	eval "$(tare completion bash)"
	COMP_LINE=$1 COMP_POINT=${#1}
	_tare
	echo "${COMPREPLY[*]}"
}

@test "completion for bash, zsh, fish is code that they read" {
	ok tare completion bash
	bash -n <<<"$output"
	has --memory
	ok tare completion zsh
	has '#compdef'
	ok tare completion fish
	has 'complete -c tare'
	ok tare network create shop
	ok tare create --name one $B true
	same "$(completed 'tare network connect s')" shop
	same "$(completed 'tare network connect shop ')" one
	same "$(completed 'tare network connect --alias x shop ')" one
	tare rm one
	ok tare network rm shop
	run tare completion nosuchshell
	[ "$status" -ne 0 ]
}

@test "events: a life, in order, filtered, as JSON" {
	tare run --name life $B true
	tare rm life
	ok tare events --since 1h --until 0s --filter container=life --format '{{.Action}}'
	local all=" ${lines[*]} "
	[[ $all == *create*start*die*destroy* ]] || fail "$all"
	tare events --since 1h --until 0s --format json | python3 -c 'import json,sys; [json.loads(l) for l in sys.stdin]'
	ok tare events --since 1h --until 0s --filter event=die --filter container=life
	same "${#lines[@]}" 1
	has exitCode=0
}

@test "events follow" {
	tare events --format '{{.Action}} {{.Actor.Attributes.name}}' >"$DIR/ev" &
	local pid=$!
	sleep 0.5
	tare run --rm --name followed $B true
	eventually 10 grep -q 'die followed' "$DIR/ev"
	pkill -P $pid || kill $pid
	wait $pid || true
}

@test "system df" {
	background d
	tare exec d sh -c 'dd if=/dev/zero of=/big bs=1M count=3 2>/dev/null'
	ok tare system df
	has Images
	has Containers
	has Volumes
	tare system df --format json | python3 -c 'import json,sys; [json.loads(l) for l in sys.stdin.read().strip().splitlines()]'
}

@test "container prune takes the stopped; prune only what no container owns" {
	background r
	tare run --name done $B true
	tare create --name made $B true >/dev/null
	ok tare prune -f
	same "$(names)" 'done made r'
	ok tare container prune -f
	same "$(names)" r
	ok tare exec r true
}

@test "prune --dry-run says what would go, and takes nothing" {
	tare run --name done -v /data $B sh -c 'dd if=/dev/zero of=/f bs=1024 count=100; echo x >/data/x' 2>/dev/null
	background r -v named:/n
	local volume
	volume=$(tare inspect --format '{{(index .Mounts 0).Name}}' done)
	ok tare container prune --dry-run
	has done
	has 'Would delete Containers:'
	lacks 'Deleted Containers'
	has 'Would be reclaimed: 10'
	lacks "r
"
	ok tare volume prune -a --dry-run
	lacks named
	lacks "$volume" # as long as the container is there
	ok tare image prune -a --dry-run
	lacks $B
	# the containers would go first
	ok tare system prune -a --volumes --dry-run
	has done
	has "$volume"
	lacks named
	ok tare --json container prune --dry-run
	[ "$(python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["Removed"], d["SpaceReclaimed"] >= 102400)' <<<"$output")" = "['done'] True" ] || fail "$output"
	same "$(names)" 'done r'
	tare stop -t 0 r >/dev/null
	ok tare system prune -a --dry-run
	has busybox
	ok tare images
	has busybox
	ok tare container prune -f
	ok tare volume prune -a -f
	has "$volume"
}

# An id that no container has, and where the kernel keeps the cgroup of one.
made_up() { printf "$1%.0s" {1..32}; }
cgroup_of() { if cgroup_v2; then echo "/sys/fs/cgroup/tare/$1"; else echo "/sys/fs/cgroup/pids/tare/$1"; fi; }

@test "prune takes what a crash left behind" {
	mkdir -p "$ROOT/containers/$(made_up ab)/upper" "$STATE/containers/$(made_up cd)" \
		"$ROOT/containers/.rm-$(made_up ef)/upper" "$ROOT/volumes/.rm-data/data" "$ROOT/volumes/.new-0/data"
	ln -s "$(made_up 12)" "$ROOT/names/nobody"
	mkdir -p "$(cgroup_of "$(made_up cd)")" "$(cgroup_of "$(made_up ef)")"
	ok tare prune -f
	same "$(ls -A "$ROOT/containers" "$STATE/containers" "$ROOT/volumes" "$ROOT/names" | grep -v :)" ''
	[ ! -e "$(cgroup_of "$(made_up cd)")" ]
	[ ! -e "$(cgroup_of "$(made_up ef)")" ]
}

@test "prune leaves alone what another root may be starting" {
	local other
	other=$(cgroup_of "$(made_up 56)")
	mkdir -p "$other"
	ok tare prune -f
	rmdir "$other"
	background there
	ok "$BUILD/tare" --root "$DIR/root2" --state "$STATE" prune -f
	rm -rf "$DIR/root2"
	ok tare exec there true
}

@test "a container whose record is damaged: prune sets it aside, its name is free, images can be pruned" {
	local id
	id=$(tare create --name broken $B true)
	: >"$ROOT/containers/$id/container.json"
	ok tare image prune -f
	ok tare prune -f
	has ".damaged-$id"
	[ -s "$ROOT/containers/.damaged-$id/reason" ]
	ok tare create --name broken $B true
	ok tare prune -f
	[ -d "$ROOT/containers/.damaged-$id/upper" ]
	rm -rf "$ROOT/containers/.damaged-$id"
}

@test "a container whose record is damaged: rm -f by name, id and start of the id" {
	local id ref text
	for ref in name id start; do
		for text in '' '{"name"'; do
			id=$(tare create --name broken $B true)
			printf '%s' "$text" >"$ROOT/containers/$id/container.json"
			refused 1 'rm -f' rm "$id"
			case $ref in
			name) ok tare rm -f broken ;;
			id) ok tare rm -f "$id" ;;
			start) ok tare rm -f "${id:0:12}" ;;
			esac
			[ -s "$ROOT/containers/.damaged-$id/reason" ]
			[ ! -e "$ROOT/names/broken" ]
			rm -rf "$ROOT/containers/.damaged-$id"
		done
	done
}

@test "a damaged container that runs is ended by rm -f, and left alone by prune" {
	local id pid
	background broken
	id=$(tare inspect --format '{{.Id}}' broken) pid=$(pid_of broken)
	: >"$ROOT/containers/$id/container.json"
	ok tare prune -f
	kill -0 "$pid"
	ok tare rm -f broken
	eventually 10 sh -c "! kill -0 $pid"
	[ ! -e "$STATE/containers/$id" ]
	[ ! -e "$(cgroup_of "$id")" ]
	rm -rf "$ROOT/containers/.damaged-$id"
}

@test "image prune and volume data" {
	tare run --rm $B true
	ok tare tag busybox other:1
	ok tare images
	has other
	ok tare rmi other:1
	ok tare image prune -f
	ok tare images
	has busybox
}

@test "a newer format of the store is refused" {
	tare ps >/dev/null
	cp "$ROOT/format" "$DIR/format"
	echo 99 >"$ROOT/format"
	run --separate-stderr tare ps
	cp "$DIR/format" "$ROOT/format"
	[ "$status" -ne 0 ]
	[[ $stderr == *99* || $stderr == *newer* ]] || fail "$stderr"
}

@test "without root and without a directory of one's own: says what is missing" {
	run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups env -u XDG_RUNTIME_DIR "$BUILD/tare" ps
	[ "$status" -ne 0 ]
	[[ $stderr == 'tare: XDG_RUNTIME_DIR is not set'* ]] || [[ $stderr == *ermission* ]] || fail "$stderr"
}

@test "runs after installation, by its own paths" {
	# From a copy: other files are running the programs that another PREFIX would make anew.
	local f usr=$DIR/pkg/usr
	mkdir "$DIR/build"
	for f in "$BUILD"/{.flags,.paths,*.a,tare*,obj,resident,trap,images,profiles}; do
		[ ! -e "$f" ] || cp -a "$f" "$DIR/build/"
	done
	# With the compiler that made it: all would be made anew otherwise.
	ok make -s -C "$BATS_TEST_DIRNAME/../.." B="$DIR/build" CC="$(sed 's/ -D_GNU_SOURCE .*//' "$DIR/build/.flags")" install PREFIX="$usr" 3>&- 4>&-
	rm -rf "$DIR/build"
	[ -s "$usr/share/man/man1/tare.1" ]
	same "$("$usr/bin/tare" --version)" "$(tare --version)"
	ok "$usr/bin/tare" --root "$ROOT" --state "$STATE" run --rm $B echo works 3>&- 4>&-
	is works
	strace -f -e trace=execve,openat,open_tree -o "$DIR/trace" \
		"$usr/bin/tare" --root "$ROOT" --state "$STATE" run --rm $B true 3>&- 4>&-
	grep -qF "$usr/libexec/tare/tare-init" "$DIR/trace"
	grep -qF "$usr/share/tare/profiles/" "$DIR/trace"
}
