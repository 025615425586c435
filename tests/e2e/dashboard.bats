#!/usr/bin/env bats
# The dashboard on real containers, in a real terminal multiplexer.

load lib
load registry

# ------------------------------------------------------------------ a terminal with the dashboard in it

file_up() {
	# under the sanitizers a crash is still the dashboard's to handle
	export ASAN_OPTIONS=${ASAN_OPTIONS:-}:handle_segv=0:handle_abort=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0
	export XDG_CONFIG_HOME=$DIR/config XDG_STATE_HOME=$DIR/xdg-state MUX=$DIR/mux
	mkdir -p "$XDG_STATE_HOME/tare"
	echo 'welcomed = yes' >"$XDG_STATE_HOME/tare/dashboard"
}
file_down() { registries_down; }

mux() { tmux -S "$MUX" -f /dev/null "$@" 3>&- 4>&-; }
# dashboard [ARG…]: in a window of 140x40, started by a shell that says when it is over.
dashboard() {
	mux new-session -d -x 140 -y 40 "sh -c '$TARE $* ; echo ended with \$?; stty -a | grep -o -e -icanon -e icanon; exec sleep 1000'"
	sees Containers
}
test_down() { mux kill-server 2>/dev/null || true; }

screen() { mux capture-pane -p; }
keys() { mux send-keys "$@"; }
shows() { screen | grep -qF -- "$1"; }
hides() { ! shows "$1"; }
sees() { eventually 10 shows "$1" || fail "never on the screen: $1" "$(screen)"; }
loses() { eventually 10 hides "$1" || fail "still on the screen: $1" "$(screen)"; }

# ------------------------------------------------------------------ looking

@test "tare on a terminal is the dashboard; what comes and goes is seen by itself" {
	background first
	dashboard
	sees first
	background second
	sees second
	sees '2/2'
	tare stop -t 0 second >/dev/null
	sees '1/2'
	tare rm second >/dev/null
	loses second
	keys q
	sees 'ended with 0'
	sees icanon
}

@test "the log of the selected container is followed" {
	background talker $B sh -c 'echo the first line; mkfifo /go; cat /go; sleep 1000'
	dashboard tui
	sees 'the first line'
	tare exec talker sh -c 'echo the second line >/go'
	sees 'the second line'
}

@test "hostile output and labels do not reach the terminal" {
	background rude -l "evil=$(printf '\033]0;owned\007')" $B sh -c \
		"printf '\033]0;owned\007\033[2J\033[31mred\033[0m \033]52;c;aGk=\007\033[?1049l end\n'; sleep 1000"
	dashboard tui
	sees red
	sees end
	sees Containers
	same "$(mux display-message -p '#{pane_title}' | grep -c owned)" 0
	same "$(mux display-message -p '#{alternate_on}')" 1
}

@test "what it uses, its processes, its environment, all about it" {
	background busy -e SECRET_TOKEN=hunter2 -e COLOUR=green -m 64m $B sh -c 'while :; do :; done'
	dashboard tui
	sees busy
	keys u
	sees Memory
	sees '64.0M'
	keys P
	sees 'while :'
	keys v
	sees COLOUR
	hides hunter2
	keys i
	sees Config
}

@test "files of a container that runs, and of one that does not" {
	background filed $B sh -c 'mkdir /deep; echo the text inside >/deep/note; sleep 1000'
	dashboard tui
	sees filed
	keys f
	sees deep
	tare stop -t 0 filed >/dev/null
	tare start filed >/dev/null
	tare stop -t 0 filed >/dev/null
	keys 1 f
	sees deep
}

@test "images with their layers, volumes with their users" {
	background owner -v data:/data $B sh -c 'echo x >/data/x; sleep 1000'
	dashboard tui
	sees owner
	keys 2
	sees busybox
	keys L
	sees 'wasted'
	keys 3
	sees data
}

@test "networks: who is in them, a container put into one and taken out, made and removed" {
	ok tare network create --subnet 10.91.0.0/24 front
	background one --network front -p 18080:80 $B sleep 1000
	background two $B sleep 1000
	dashboard tui
	sees one
	keys 4
	sees 10.91.0.0/24
	keys j
	sees 10.91.0.2
	sees 18080
	keys a
	sees 'Connect to front'
	keys two Enter
	sees 'two is in front now'
	sees 10.91.0.3
	ok tare inspect --format '{{range $name, $n := .NetworkSettings.Networks}}{{$name}} {{end}}' two
	has front
	keys m j Enter
	sees 2/2
	keys 4 x
	sees 'Disconnect from front'
	keys two Enter
	sees 'Disconnect two from network front?'
	keys y
	sees 'two is no longer in front'
	loses 10.91.0.3
	tare rm -f one >/dev/null
	loses 10.91.0.2
	keys c
	sees 'Make a network'
	keys back Enter C-s
	sees 'create network back'
	ok tare network inspect --format '{{.Driver}}' back
	is bridge
	tare network rm front back >/dev/null
	loses 10.91.0.0/24
}

# ------------------------------------------------------------------ acting

@test "stop, start, pause and restart by key; the action log tells the commands" {
	background web
	dashboard tui
	sees web
	keys s
	eventually 10 is_state web exited
	sees '0/1'
	keys S
	eventually 10 is_state web running
	keys p
	eventually 10 is_state web paused
	keys p
	eventually 10 is_state web running
	keys '!'
	sees ' stop web'
	sees ' pause web'
}

@test "several marked ones with one confirmation that names them" {
	background one
	background two
	background three
	dashboard tui
	sees three
	keys Space j Space d
	sees 'Kill and remove with volumes'
	keys Enter
	sees 'with all that was written in them'
	sees two
	keys y
	eventually 10 sh -c "[ \"\$($TARE ps -aq | wc -l)\" = 1 ]" || fail "$(screen)"
}

@test "rename, and a signal from the picker" {
	background old $B sh -c 'trap "echo got it" USR1; while :; do sleep 0.05; done'
	dashboard tui
	sees old
	keys R
	sees Rename
	keys C-u new Enter
	eventually 10 sh -c "$TARE inspect new"
	keys K
	sees USR1
	keys USR1 Enter
	sees 'got it'
}

@test "a shell in a pane, that stays alive while one looks elsewhere" {
	background host
	dashboard tui
	sees host
	keys e
	sees '/ #'
	keys 'echo in the shell $((40+2))' Enter
	sees 'in the shell 42'
	keys 'C-]' q
	keys 2
	sees busybox
	keys 6
	sees 'in the shell 42'
	keys Enter
	keys 'exit 3' Enter
	sees 'exit code 3'
}

@test "a new one from the form" {
	background first
	dashboard tui
	sees first
	keys c
	sees Image
	keys busybox
	sleep 0.3
	keys C-s
	eventually 10 sh -c "[ \"\$($TARE ps -aq | wc -l)\" = 2 ]" || fail "$(screen)"
}

@test "prune shows first what it frees" {
	tare create --name gone1 $B true >/dev/null
	tare create --name gone2 $B true >/dev/null
	background stays
	dashboard tui
	sees stays
	keys b
	sees 'Prune containers'
	keys 'Prune cont' Enter
	sees 'removes 2'
	[ "$(tare ps -aq | wc -l)" = 3 ]
	keys y
	eventually 10 sh -c "[ \"\$($TARE ps -aq | wc -l)\" = 1 ]" || fail "$(screen)"
}

@test "vi, less and top in a pane" {
	background host $B sh -c 'seq 1 500 >/numbers; sleep 1000'
	dashboard tui
	sees host
	keys e
	sees '/ #'
	keys 'vi /numbers' Enter
	sees '/numbers 1/500'
	keys 'G' 'o' 'written by hand'
	sees 'written by hand'
	keys Escape
	sleep 0.5 # else it is the key Alt and what follows
	keys ':wq' Enter
	loses '/numbers 1/500'
	eventually 10 sh -c "$TARE exec host grep -q 'written by hand' /numbers" || fail "$(screen)"
	keys 'less /numbers' Enter
	sees '/numbers'
	keys G
	sees 'written by hand'
	keys q
	keys 'top -d 1' Enter
	sees 'Load average'
	keys q
	keys 'echo back $((40+2))' Enter
	sees 'back 42'
	keys 'exit 3' Enter
	sees 'exit code 3'
}

@test "a hundred that are started meanwhile all appear" {
	background first
	dashboard tui
	sees '1/1'
	local i
	for i in $(seq 1 100); do tare run -d --name "many$i" $B sleep 1000 >/dev/null; done
	sees '101/101'
	tare rm -f --all >/dev/null
	sees 'Containers 0'
}

@test "one that dies with a code is on the list and raises an alert" {
	background mortal $B sh -c 'sleep 2; exit 7'
	dashboard tui
	sees mortal
	eventually 10 is_state mortal exited
	sees '! 1'
	keys 5
	sees die
}

# ------------------------------------------------------------------ images from and to elsewhere

image_is_there() { "$BUILD/tare" --root "$ROOT" --state "$STATE" image inspect "$1" >/dev/null 2>&1; }

@test "an image is pulled by key, pushed where a login is wanted, and the password is nowhere to be seen" {
	docker_registry 5000
	htpasswd -Bbn -C 4 me geheim >"$DIR/htpasswd"
	docker_registry 5001 "auth: {htpasswd: {realm: there, path: $DIR/htpasswd}}"
	image kinds --layers 3 --push http://127.0.0.1:5000/kinds:v1 >/dev/null
	export REGISTRY_AUTH_FILE=$DIR/auth.json # not before: docker-registry takes REGISTRY_… for itself
	dashboard tui
	keys 2
	sees 'P push'
	keys p
	sees 'Pull an image'
	keys 127.0.0.1:5000/kinds:v1 Enter
	sees 'pulled 127.0.0.1:5000/kinds:v1'
	image_is_there 127.0.0.1:5000/kinds:v1
	sees 'Images 2' # the list has it, not the action's line alone
	keys g P
	sees 'Push 127.0.0.1:5000/kinds:v1 to'
	keys C-u 127.0.0.1:5001/kinds:copy Enter
	sees 'Log in to a registry'
	sees '127.0.0.1:5001'
	keys me Tab geheim
	sees '••••••'
	keys Enter
	sees 'pushed 127.0.0.1:5001/kinds:copy'
	hides geheim
	same "$(curl -s -u me:geheim http://127.0.0.1:5001/v2/kinds/tags/list)" '{"name":"kinds","tags":["copy"]}'
	keys '!'
	sees 'login --username me --password-stdin 127.0.0.1:5001'
	hides geheim
}

@test "a pull shows each layer, is cancelled and tried again by key" {
	image large --layers 3 --kib 1024 --files 8 >/dev/null
	hostile large
	rules large '[{"match": "GET .*/blobs/", "slow": 200000}]'
	dashboard tui
	keys 2
	sees 'P push'
	keys p
	sees 'Pull an image'
	keys "127.0.0.1:$PORT/large" Enter
	sees 'on the way: 1'
	sees '1 job'
	keys '!'
	sees ' done '
	keys Enter
	sees downloading
	sees 'K/s'
	same "$(screen | grep -c downloading)" 3
	keys x
	sees cancelled
	rules large '[]'
	keys r
	sees 'pulled 127.0.0.1'
	keys Escape
	image_is_there "127.0.0.1:$PORT/large"
	sees "127.0.0.1:$PORT/large"
}

@test "an image is made of a container by key" {
	background web $B sh -c 'echo written >/note; sleep 1000'
	dashboard tui
	sees web
	keys W
	sees 'Make an image of a container'
	keys snapshot:1 C-s
	sees 'made snapshot:1 of web'
	ok tare run --rm snapshot:1 cat /note
	is written
}

@test "the form runs what is not here: it is pulled first" {
	docker_registry 5002
	image shellful --layers 1 --busybox /bin/busybox --push http://127.0.0.1:5002/shellful:v1 >/dev/null
	dashboard tui
	keys c
	sees 'Run a container'
	keys 127.0.0.1:5002/shellful:v1
	sees 'pulled first'
	keys Tab fetched Tab 'sleep 1000'
	sees 'sleep 1000'
	keys C-s
	eventually 10 is_state fetched running
	image_is_there 127.0.0.1:5002/shellful:v1
}

# ------------------------------------------------------------------ leaving

@test "SIGKILL leaves no process behind, and the containers run on" {
	background box
	dashboard tui
	sees box
	keys e
	sees '/ #'
	kill -KILL "$(pgrep -f "tare-tui.*$STATE" | head -n 1)"
	sees 'ended with 137'
	gone_too() { ! pgrep -f "tare (exec|--root $ROOT.* exec).*box" >/dev/null; }
	eventually 10 gone_too || fail "$(pgrep -af "$STATE")"
	is_state box running
}

@test "the terminal is as before after SIGTERM, SIGHUP and a crash" {
	background box
	local sig
	for sig in TERM HUP SEGV ABRT; do
		dashboard tui
		sees box
		kill -$sig "$(pgrep -f "tare-tui.*$STATE" | head -n 1)"
		sees 'ended with'
		sees icanon
		same "$(mux display-message -p '#{alternate_on} #{mouse_any_flag} #{cursor_flag}')" '0 0 1'
		mux kill-server
		MUX=$DIR/mux-after-$sig # the old server may still be on its way out
	done
}

@test "without a terminal it says so, and tare alone prints the list" {
	background box
	refused 2 'needs a terminal' tui
	ok tare
	has box
}
