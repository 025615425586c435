#!/usr/bin/env bats
# login and logout: credentials are checked at Debian's docker-registry, kept where podman and docker find them, and never
# seen elsewhere.

load lib
load registry
load login

file_up() { registries_up; }
file_down() { registries_down; }
setup() { own_home; }

# A credential helper that keeps one file per server in $BATS_TEST_TMPDIR/kept and notes how it was called.
make_helper() { # NAME
	mkdir -p "$BATS_TEST_TMPDIR/kept"
	cat >"$BATS_TEST_TMPDIR/bin/docker-credential-$1" <<-'HELPER'
		#!/bin/sh
		d=$(dirname "$0")/../kept
		{ echo "$0 $*"; tr '\0' ' ' </proc/$$/cmdline; } >>"$d/.calls"
		case $1 in
		store) in=$(cat); s=$(echo "$in" | jq -r .ServerURL); echo "$in" >"$d/$(echo "$s" | tr / _)" ;;
		get) read -r s; cat "$d/$(echo "$s" | tr / _)" 2>/dev/null || { echo 'credentials not found in native keychain'; exit 1; } ;;
		erase) read -r s; rm "$d/$(echo "$s" | tr / _)" ;;
		list) echo '{}' ;;
		esac
	HELPER
	chmod +x "$BATS_TEST_TMPDIR/bin/docker-credential-$1"
}

@test "a right password is kept, and used by pull and by podman's tools" {
	ok log_in
	same "$output" "Login Succeeded; stored in $AUTH"
	same "$(stat -c %a "$AUTH")" 600
	same "$(jq -r '.auths | keys[]' "$AUTH")" "$R"
	same "$(jq -r ".auths[\"$R\"].auth" "$AUTH" | base64 -d)" "me:$SECRET"
	image app --push http://127.0.0.1:5001/app:v1 >/dev/null
	ok skopeo copy -q --dest-authfile "$AUTH" --src-tls-verify=false --dest-tls-verify=false docker://127.0.0.1:5001/app:v1 docker://$R/app:v1
	ok tare pull -q $R/app:v1
	tare rmi $R/app:v1
	ok tare login --get-login $R
	same "$output" me
	ok tare login $R </dev/null
	[[ $stderr == 'tare: logged in as me already'* ]]
	ok tare --json login $R </dev/null
	same "$(jq -r .Username <<<"$output")" me
}

@test "a wrong password is not kept, and nothing tells it" {
	fails log_in_with "wrong-$SECRET"
	tells 'has not accepted this user and password'
	nowhere "$SECRET"
	nowhere 'log in first'
	nowhere 'cannot speak to'
	[ ! -e "$AUTH" ]
	fails tare login --get-login $R
	tells "not logged in to $R"
}

@test "a password on the command line is warned of" {
	ok tare login -u me -p "$SECRET" $R
	tells '--password-stdin'
	nowhere "$SECRET"
}

@test "a file of one's own, by flag and by environment" {
	ok log_in --authfile "$BATS_TEST_TMPDIR/own/auth.json"
	[ -s "$BATS_TEST_TMPDIR/own/auth.json" ] && [ ! -e "$AUTH" ]
	REGISTRY_AUTH_FILE=$BATS_TEST_TMPDIR/own/auth.json ok tare login --get-login $R
	same "$output" me
	fails tare login --get-login --authfile "$BATS_TEST_TMPDIR/none.json" $R
	tells none.json
}

@test "logout forgets, and leaves the rest" {
	log_in
	jq '.auths["quay.io"] = {auth: "YTpi"} | .other = [1]' "$AUTH" >"$AUTH.new" && mv "$AUTH.new" "$AUTH"
	ok tare logout $R
	same "$output" "Removed login credentials for $R"
	same "$(jq -c . "$AUTH")" '{"auths":{"quay.io":{"auth":"YTpi"}},"other":[1]}'
	fails tare logout $R
	tells "not logged in to $R"
	ok tare logout --all
	same "$(jq -c .auths "$AUTH")" '{}'
	fails tare logout --all
}

@test "what docker stored is used and not touched" {
	mkdir "$HOME/.docker"
	printf '{"auths":{"http://%s/v1/":{"auth":"%s"}},"HttpHeaders":{"A":"b"}}' $R "$(printf 'me:%s' "$SECRET" | base64)" >"$HOME/.docker/config.json"
	ok tare login $R </dev/null
	has "$HOME/.docker/config.json"
	fails tare logout $R
	tells "$HOME/.docker/config.json"
	same "$(jq -c .HttpHeaders "$HOME/.docker/config.json")" '{"A":"b"}'
}

@test "a helper keeps them: no file and no argument has the password" {
	make_helper fake
	mkdir "$XDG_RUNTIME_DIR/containers"
	printf '{"credHelpers":{"%s":"fake"}}' $R >"$AUTH"
	ok log_in
	same "$output" 'Login Succeeded; stored in docker-credential-fake'
	[ -s "$BATS_TEST_TMPDIR/kept/$R" ]
	! grep -q "$SECRET" "$AUTH" "$BATS_TEST_TMPDIR/kept/.calls" || fail "the password was kept"
	ok tare login $R </dev/null
	has docker-credential-fake
	ok tare logout $R
	[ ! -e "$BATS_TEST_TMPDIR/kept/$R" ]
}

@test "the password is in no argument, log or temporary file" {
	mkdir "$BATS_TEST_TMPDIR/trace"
	echo "$SECRET" | strace -f -qq -s 4096 -e trace=execve,write,openat,rename -o "$BATS_TEST_TMPDIR/trace/t" \
		"$BUILD/tare" --root "$ROOT" --state "$STATE" --log-level debug login -u me --password-stdin $R 3>&- 4>&- 2>"$BATS_TEST_TMPDIR/err"
	! grep -q "$SECRET" "$BATS_TEST_TMPDIR/trace/t" "$BATS_TEST_TMPDIR/err" || fail "the password can be seen"
	# its base64 is written once, into the file that is renamed
	same "$(grep -c "$(printf 'me:%s' "$SECRET" | base64)" "$BATS_TEST_TMPDIR/trace/t")" 1
	same "$(ls -A "$XDG_RUNTIME_DIR/containers")" auth.json
}

@test "on a terminal the password is asked for without echo" {
	cat >"$BATS_TEST_TMPDIR/ask.py" <<-'ASK'
		import os, pty, select, sys, termios, time
		pid, fd = pty.fork()
		if pid == 0:
		    os.execvp(sys.argv[3], sys.argv[3:])
		said = b""
		def until(true):
		    global said
		    end = time.time() + 10
		    while not true():
		        if time.time() > end: sys.exit("waited in vain; %r" % said)
		        if select.select([fd], [], [], 0.02)[0]: said += os.read(fd, 4096)

		def echo(): return bool(termios.tcgetattr(keep)[3] & termios.ECHO)

		until(lambda: b"User name: " in said)
		# kept open, so that the terminal's state can be asked for after its last user is gone
		keep = os.open("/proc/%d/fd/0" % pid, os.O_RDWR | os.O_NOCTTY)
		os.write(fd, b"me\n")
		until(lambda: b"Password: " in said and not echo())
		os.write(fd, b"\x03" if sys.argv[1] == "interrupt" else sys.argv[2].encode() + b"\n")
		status = []
		def ended():
		    done, code = os.waitpid(pid, os.WNOHANG)
		    if done: status.append(os.waitstatus_to_exitcode(code))
		    return done
		until(ended)
		while select.select([fd], [], [], 0.05)[0]: said += os.read(fd, 4096)
		print(status[0], "echo" if echo() else "silent")
		sys.stdout.write(said.decode(errors="replace"))
	ASK
	ok python3 "$BATS_TEST_TMPDIR/ask.py" answer "$SECRET" "$BUILD/tare" --root "$ROOT" --state "$STATE" login $R
	has '0 echo'
	has 'Login Succeeded'
	lacks "$SECRET"
	rm -f "$AUTH"
	ok python3 "$BATS_TEST_TMPDIR/ask.py" interrupt x "$BUILD/tare" --root "$ROOT" --state "$STATE" login $R
	has '130 echo'
	has 'nothing was stored'
	[ ! -e "$AUTH" ]
}

@test "what is wrong with the command is said in one line" {
	fails tare login $R </dev/null
	tells '-u USER --password-stdin'
	fails tare login --password-stdin $R </dev/null
	tells 'needs a user name'
	fails tare login -u me --password-stdin $R </dev/null
	tells 'no password on standard input'
	fails tare login -u me:x -p y $R
	tells "holds no ':'"
	fails tare login -u me -p x --password-stdin $R
	fails tare login -u me -p x nodot
	tells 'no registry'
	fails tare login -u me -p x 127.0.0.1:9
	tells 'cannot reach'
	fails tare logout --all $R
	fails tare login -u me -p x registry.invalid
	tells registry.invalid
	nowhere 'Succeeded'
}

@test "skopeo's login is ours" {
	echo "$SECRET" | skopeo login --authfile "$AUTH.of-skopeo" --tls-verify=false -u me --password-stdin $R >/dev/null
	ok tare login --authfile "$AUTH.of-skopeo" $R </dev/null
	has "stored in $AUTH.of-skopeo"
	ok tare logout --authfile "$AUTH.of-skopeo" $R
	run skopeo login --get-login --authfile "$AUTH.of-skopeo" $R
	[ "$status" -ne 0 ]
}
