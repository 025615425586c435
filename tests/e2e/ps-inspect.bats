#!/usr/bin/env bats
# Looking: ps (list), inspect, their filters and formats.

load lib

@test "a table with Docker's columns; only what runs, -a all" {
	background run1
	tare create --name made $B true >/dev/null
	ok tare ps
	[[ ${lines[0]} =~ ^CONTAINER\ ID\ +IMAGE\ +COMMAND\ +CREATED\ +STATUS\ +PORTS\ +NAMES ]]
	has run1
	lacks made
	ok tare ps -a
	has made
	# the times of two lists are not the same
	same "$(tare list -a | cut -c -40 | awk '{ print $1, $2, $3 }')" "$(tare ps -a | cut -c -40 | awk '{ print $1, $2, $3 }')"
	same "$(tare container ls -a | wc -l)" "$(tare ps -a | wc -l)"
}

@test "an empty list is a header, and with -q nothing" {
	ok tare ps
	same "${#lines[@]}" 1
	ok tare ps -q
	is ''
}

@test "-q --no-trunc -n -l -s" {
	local id
	id=$(tare create --name a $B true)
	tare create --name b $B true >/dev/null
	same "$(tare ps -aq --no-trunc | grep -c "^$id$")" 1
	same "$(tare ps -aq | awk '{ print length($0) }' | sort -u)" 12
	same "$(tare ps -n 1 --format '{{.Names}}')" b
	same "$(tare ps -l --format '{{.Names}}')" b
	ok tare ps -as
	has SIZE
}

@test "states read as Docker writes them" {
	background up
	tare create --name made $B true >/dev/null
	tare run --name done $B sh -c 'exit 3' || true
	background p
	tare pause p
	ok tare ps -a --format '{{.Names}}={{.Status}}'
	has 'up=Up *'
	has made=Created
	has 'done=Exited (3) * ago'
	has 'p=Up *(Paused)'
	same "$(tare ps -a --format '{{.State}}' | sort | tr '\n' ' ')" 'created exited paused running '
}

@test "filters" {
	background up --label tier=front
	tare create --name made --label tier=back $B true >/dev/null
	tare run --name three $B sh -c 'exit 3' || true
	f() { tare ps -a --format '{{.Names}}' "$@" | sort | tr '\n' ' '; }
	same "$(f --filter status=running)" 'up '
	same "$(f -f status=created -f status=exited)" 'made three '
	same "$(f -f name=mad)" 'made '
	same "$(f -f label=tier)" 'made up '
	same "$(f -f label=tier=back)" 'made '
	same "$(f -f exited=3)" 'three '
	same "$(f -f ancestor=busybox)" 'made three up '
	same "$(f -f "id=$(tare inspect --format '{{.Id}}' up)")" 'up '
	same "$(f -f before=three | tr -d ' ')" 'madeup'
	same "$(f -f since=up)" 'made three '
	run --separate-stderr tare ps -f nosuch=1
	[ "$status" -ne 0 ]
	[[ $stderr == *nosuch* ]]
}

@test "formats: json, template, table template" {
	background one --label k=v
	tare ps --format json | python3 -c 'import json,sys; r=[json.loads(l) for l in sys.stdin]; r=r[0] if isinstance(r[0],list) else r; assert r[0]["Names"]=="one", r'
	same "$(tare ps --format '{{.Names}} {{.Image}} {{.State}}')" 'one busybox running'
	same "$(tare ps --format '{{json .Names}}')" '"one"'
	same "$(tare ps --format '{{.Label "k"}}')" v
	ok tare ps --format 'table {{.Names}}\t{{.Image}}'
	[[ ${lines[0]} =~ ^NAMES\ +IMAGE ]]
	tare ps --json | python3 -c 'import json,sys; json.load(sys.stdin)'
	run --separate-stderr tare ps --format '{{.Nosuch'
	[ "$status" -ne 0 ]
}

@test "COMMAND shows where its words end" {
	command_of() { # ARGUMENTS: what ps says about a container with them
		tare create --name said $B "$@" >/dev/null
		tare ps -a --no-trunc --format '{{.Command}}'
		tare rm said >/dev/null
	}
	same "$(command_of sh -c 'read x; echo ok')" "\"sh -c 'read x; echo ok'\""
	same "$(command_of echo '' "it's" 'a"b' 'a\b' $'a\nb' a:b=c)" '"echo '"'' 'it's' 'a"'\"b'"' a"'\\b '"'a"'\nb'"' a:b=c"'"'
}

@test "a container that has written nothing has no size; what it wrote counts" {
	tare run --name small $B mkdir -p /a/b/c
	same "$(tare ps -as --format '{{.Size}}' | cut -d' ' -f1)" 0B
	same "$(tare inspect -s --format '{{.SizeRw}}' small)" 0
	ok tare system df --format '{{.Type}} {{.Size}}'
	has 'Containers 0B'
	tare run --name big $B dd if=/dev/zero of=/x bs=1024 count=64
	[ "$(tare inspect -s --format '{{.SizeRw}}' big)" -ge 65536 ]
}

@test "inspect: Docker's document" {
	background i --hostname h --label a=b -e X=1 -w /tmp --memory 64m -v vol:/v
	tare inspect i >"$DIR/i.json"
	python3 - "$DIR/i.json" <<'E'
import json, sys
d = json.load(open(sys.argv[1]))
assert isinstance(d, list) and len(d) == 1
d = d[0]
assert len(d["Id"]) == 64
assert d["Name"].lstrip("/") == "i"
assert d["State"]["Status"] == "running" and d["State"]["Running"] is True and d["State"]["Pid"] > 0
assert d["State"]["StartedAt"].startswith("20")
assert d["Config"]["Hostname"] == "h" and d["Config"]["Labels"]["a"] == "b"
assert "X=1" in d["Config"]["Env"] and d["Config"]["WorkingDir"] == "/tmp"
assert d["Config"]["Image"] == "busybox" and d["Image"].startswith("sha256:")
assert d["HostConfig"]["Memory"] == 64 << 20
assert [m for m in d["Mounts"] if m["Destination"] == "/v" and m["Type"] == "volume" and m["Name"] == "vol"]
assert d["Path"] == "sleep" or d["Args"]
E
}

@test "inspect: several, templates, functions, what isn't there" {
	tare create --name a -e X=1 $B true >/dev/null
	tare create --name b $B true >/dev/null
	same "$(tare inspect a b | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))')" 2
	same "$(tare inspect --format '{{.Name}}' a b | tr -d / | tr '\n' ' ')" 'a b '
	same "$(tare inspect -f '{{json .State.Status}}' a)" '"created"'
	same "$(tare inspect -f '{{if .State.Running}}yes{{else}}no{{end}}' a)" no
	same "$(tare inspect -f '{{range .Config.Env}}{{.}} {{end}}' a | grep -c X=1)" 1
	same "$(tare inspect -f '{{join .Config.Cmd ","}}' a)" true
	same "$(tare inspect -f '<{{.NetworkSettings.IPAddress}}>' a)" '<>'
	same "$(tare inspect -f '{{slice .Id 0 12}}' a)" "$(tare ps -aqf name=a)"
	run --separate-stderr tare inspect nosuch
	[ "$status" -ne 0 ]
	[[ $stderr == *nosuch* ]]
}

@test "into a pipe there is no colour; NO_COLOR holds on a terminal" {
	background c
	[[ $(tare ps) != *$'\e'* ]]
	run on_terminal -- env NO_COLOR=1 $TARE ps
	has c
	[[ $output != *$'\e[3'* ]] || fail "$output"
}

@test "on a terminal the table fits its width" {
	background with-a-name-that-is-long-enough-to-make-the-row-wider-than-the-terminal-is-really
	run on_terminal -- env NO_COLOR=1 $TARE ps
	local line
	while IFS= read -r line; do
		line=${line%$'\r'}
		[ "${#line}" -le 80 ] || fail "${#line} columns: $line"
	done <<<"$output"
}

@test "a container's text can't speak to the terminal" {
	tare create --name esc --label $'x=\e]0;title\a' $B echo $'\e[31mred\e]52;c;aGk=\a' >/dev/null
	run on_terminal -- $TARE ps -a --no-trunc
	has esc
	[[ $output != *$'\e]'* ]] || fail "an escape came through"
	[[ $output != *$'\a'* ]]
}

@test "top lists the processes with the host's numbers" {
	background t
	ok tare top t
	[[ ${lines[0]} == *PID* ]]
	has sleep
	has "$(pid_of t)"
	refused 125 'one operand too many, "aux": tare top CONTAINER' top t aux
	run tare top nosuch
	[ "$status" -ne 0 ]
}
