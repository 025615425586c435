#!/usr/bin/env bats
# login, logout, search: credentials are checked at Debian's docker-registry, kept where podman and docker find them, and
# never seen elsewhere.

load lib
load registry

R=127.0.0.1:5000
SECRET=s3cret-Pa55

file_up() {
	htpasswd -Bbn -C 4 me "$SECRET" >"$DIR/htpasswd"
	docker_registry 5000 "auth: {htpasswd: {realm: there, path: $DIR/htpasswd}}"
	docker_registry 5001
	mkdir "$DIR/search"
	python3 "$E2E/search_registry.py" "$DIR/search" 5002 >"$DIR/search.log" 2>&1 3>&- 4>&- &
	echo $! >>"$DIR/registries"
	eventually 5 listens 5002
}
file_down() { registries_down; }

setup() {
	export HOME=$BATS_TEST_TMPDIR/home XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run TARE_ETC=$BATS_TEST_TMPDIR/etc
	export PATH=$BATS_TEST_TMPDIR/bin:$PATH
	unset REGISTRY_AUTH_FILE DOCKER_CONFIG XDG_CONFIG_HOME CONTAINERS_REGISTRIES_CONF
	mkdir -p "$HOME" "$XDG_RUNTIME_DIR" "$TARE_ETC/containers" "$BATS_TEST_TMPDIR/bin"
	AUTH=$XDG_RUNTIME_DIR/containers/auth.json
	rm -f "$DIR"/search/*
}

log_in_with() { # PASSWORD OPTION…
	local password=$1
	shift
	echo "$password" | tare login -u me --password-stdin "$@" $R
}
log_in() { log_in_with "$SECRET" "$@"; }

fails() { # COMMAND…: with one line on standard error
	run --separate-stderr "$@"
	[ "$status" -ne 0 ] || fail "succeeds: $*" "$output"
	[ -z "$output" ] || fail "prints to standard output: $output"
	[[ ${stderr_lines[-1]} == 'tare: '* ]] || fail "$stderr"
}
tells() { [[ $stderr == *"$1"* ]] || fail "standard error does not say: $1" "$stderr"; }
nowhere() { [[ $output$stderr != *"$1"* ]] || fail "unwanted: $1" "$output" "$stderr"; }
within() { [[ $1 == *"$2"* ]] || fail "no $2 in: $1"; }

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
	ok tare --json login $R </dev/null
	same "$(jq -r .Username <<<"$output")" me
}

@test "a wrong password is not kept, and nothing tells it" {
	fails log_in_with "wrong-$SECRET"
	tells 'has not accepted this user and password'
	nowhere "$SECRET"
	nowhere 'log in first'
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
	! grep -q "$SECRET" "$AUTH" "$BATS_TEST_TMPDIR/kept/.calls"
	ok tare login $R </dev/null
	has docker-credential-fake
	ok tare logout $R
	[ ! -e "$BATS_TEST_TMPDIR/kept/$R" ]
}

@test "the password is in no argument, log or temporary file" {
	mkdir "$BATS_TEST_TMPDIR/trace"
	echo "$SECRET" | strace -f -qq -s 4096 -e trace=execve,write,openat,rename -o "$BATS_TEST_TMPDIR/trace/t" \
		"$BUILD/tare" --root "$ROOT" --state "$STATE" --log-level debug login -u me --password-stdin $R 3>&- 4>&- 2>"$BATS_TEST_TMPDIR/err"
	! grep -q "$SECRET" "$BATS_TEST_TMPDIR/trace/t" "$BATS_TEST_TMPDIR/err"
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

@test "a registry without tags and users is searched by its list of repositories" {
	local n
	for n in team/app team/web other; do
		image "$n" --push "http://127.0.0.1:5001/$n:v1" >/dev/null
	done
	image two --push http://127.0.0.1:5001/team/app:v2 >/dev/null
	ok tare search --format '{{.Name}}' 127.0.0.1:5001/team
	same "$(sort <<<"$output" | xargs)" '127.0.0.1:5001/team/app 127.0.0.1:5001/team/web'
	ok tare search --format '{{.Name}}' --limit 1 127.0.0.1:5001/
	same "$(wc -l <<<"$output")" 1
	ok tare search --list-tags 127.0.0.1:5001/team/app
	same "$(sed 's/  */ /g' <<<"$output" | LC_ALL=C sort | tr '\n' ,)" '127.0.0.1:5001/team/app v1,127.0.0.1:5001/team/app v2,NAME TAG,'
	ok tare --json search --list-tags 127.0.0.1:5001/team/app
	same "$(jq -c '.[0].Tags |= sort' <<<"$output")" '[{"Name":"127.0.0.1:5001/team/app","Tags":["v1","v2"]}]'
	fails tare search --list-tags 127.0.0.1:5001/none
	# with users: as who logged in
	fails tare search $R/x
	log_in
	ok tare search $R/x
	same "$(wc -l <<<"$output")" 1
}

@test "Docker Hub's kind of search: table, filters, limit" {
	cat >"$DIR/search/v1" <<-'JSON'
		{"num_results":3,"results":[
		{"name":"library/nginx","description":"Official build of Nginx.","star_count":20000,"is_official":true},
		{"name":"me/nginx","description":"mine","star_count":3,"is_official":false},
		{"name":"you/nginx","description":null,"star_count":0}]}
	JSON
	ok tare search 127.0.0.1:5002/nginx
	same "$(sed 's/  */ /g; s/ $//' <<<"$output" | tr '\n' ,)" 'NAME DESCRIPTION STARS OFFICIAL,127.0.0.1:5002/library/nginx Official build of Nginx. 20000 [OK],127.0.0.1:5002/me/nginx mine 3,127.0.0.1:5002/you/nginx 0,'
	within "$(cat "$DIR/search/requests")" '/v1/search?q=nginx&n='
	ok tare search --filter is-official=true --format '{{.Name}} {{.StarCount}}' 127.0.0.1:5002/nginx
	same "$output" '127.0.0.1:5002/library/nginx 20000'
	ok tare search --filter stars=3 -f is-official=false --format '{{.Name}}' 127.0.0.1:5002/nginx
	same "$output" 127.0.0.1:5002/me/nginx
	ok tare --json search --limit 1 127.0.0.1:5002/nginx
	same "$(jq -c . <<<"$output")" '[{"Name":"127.0.0.1:5002/library/nginx","Description":"Official build of Nginx.","StarCount":20000,"IsOfficial":true}]'
	fails tare search --filter stars=x 127.0.0.1:5002/nginx
	fails tare search --filter nothing=x 127.0.0.1:5002/nginx
	# where registries.conf says to look
	echo 'unqualified-search-registries = ["127.0.0.1:5002", "127.0.0.1:9"]' >"$TARE_ETC/containers/registries.conf"
	ok tare search --format '{{.Name}}' 'nginx & more'
	has 127.0.0.1:5002/me/nginx
	tells 127.0.0.1:9
	within "$(tail -1 "$DIR/search/requests")" 'q=nginx%20%26%20more'
}

@test "foreign text does no harm, names that are none are left out" {
	printf '{"results":[{"name":"ok/ok","description":"a\\u001b[31mred\\u202e\\nline"},{"name":"bad name","description":"x"},{"name":"a/$(id)","description":""},{"name":"../x"},{"name":"--rm"},{"name":7},[],{"name":"ok/ok"}]}' >"$DIR/search/v1"
	ok tare search 127.0.0.1:5002/x
	same "$(wc -l <<<"$output")" 2
	! grep -q $'\033' <<<"$output"
	has 'red'
	echo '{"results":7}' >"$DIR/search/v1"
	fails tare search 127.0.0.1:5002/x
	fails tare search "$(printf 'a\033')"
	tells 'control characters'
}

@test "a catalog that leads in circles, or without end" {
	echo '{"repositories":["a","b"]}' >"$DIR/search/catalog-"
	echo '</v2/_catalog?last=b&n=1000>; rel="next"' >"$DIR/search/link-"
	echo '{"repositories":["c"]}' >"$DIR/search/catalog-b"
	ok tare search --format '{{.Name}}' 127.0.0.1:5002/
	same "$(xargs <<<"$output")" '127.0.0.1:5002/a 127.0.0.1:5002/b 127.0.0.1:5002/c'
	echo '</v2/_catalog?last=b>; rel="next"' >"$DIR/search/link-b"
	fails tare search 127.0.0.1:5002/zzz
	tells 'again and again'
	echo '<http://127.0.0.1:5001/v2/_catalog?last=x>; rel="next"' >"$DIR/search/link-b"
	echo '{"repositories":["d"]}' >"$DIR/search/catalog-x"
	ok tare search --format '{{.Name}}' 127.0.0.1:5002/ # asked of the same registry
	has 127.0.0.1:5002/d
	rm "$DIR/search/"link-*
	echo '{"repositories":' >"$DIR/search/catalog-"
	fails tare search 127.0.0.1:5002/a
	tells 'unexpected end'
}

@test "skopeo's login is ours" {
	echo "$SECRET" | skopeo login --authfile "$AUTH.of-skopeo" --tls-verify=false -u me --password-stdin $R >/dev/null
	ok tare login --authfile "$AUTH.of-skopeo" $R </dev/null
	has "stored in $AUTH.of-skopeo"
	ok tare logout --authfile "$AUTH.of-skopeo" $R
	run skopeo login --get-login --authfile "$AUTH.of-skopeo" $R
	[ "$status" -ne 0 ]
}

# FAR is an address of this namespace that is not on loopback.
FAR=10.99.99.1
serve_far() { # PORT YAML…: docker-registry on FAR
	local port=$1
	shift
	ip addr replace $FAR/32 dev lo
	{
		printf 'version: 0.1\nlog: {accesslog: {disabled: true}, level: error}\nstorage: {filesystem: {rootdirectory: %s}}\n' "$DIR/docker-5001"
		printf '%s\n' "$@"
	} >"$DIR/far-$port.yml"
	OTEL_TRACES_EXPORTER=none docker-registry serve "$DIR/far-$port.yml" >"$DIR/far-$port.log" 2>&1 3>&- 4>&- &
	echo $! >>"$DIR/registries"
	eventually 10 eval "(exec 3<>/dev/tcp/$FAR/$port) 2>/dev/null"
}

@test "plain http elsewhere than on loopback has to be asked for" {
	image app --push http://127.0.0.1:5001/far/app:v1 >/dev/null
	serve_far 5003 "http: {addr: '$FAR:5003'}"
	fails tare search --list-tags $FAR:5003/far/app
	tells '--tls-verify=false'
	tells 'insecure = true'
	ok tare search --list-tags --tls-verify=false $FAR:5003/far/app
	has v1
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' $FAR:5003 >"$TARE_ETC/containers/registries.conf"
	ok tare pull -q $FAR:5003/far/app:v1
	tare rmi $FAR:5003/far/app:v1
}

@test "certificates of one registry: CA and client, from certs.d and --cert-dir" {
	local c=$BATS_TEST_TMPDIR/certs d=$TARE_ETC/containers/certs.d/$FAR:5004
	mkdir -p "$c" "$d"
	image app --push http://127.0.0.1:5001/far/app:v1 >/dev/null
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout "$c/ca.key" -out "$c/ca.crt" 2>/dev/null
	for n in server client; do
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$n -keyout "$c/$n.key" -out "$c/$n.csr" 2>/dev/null
		openssl x509 -req -in "$c/$n.csr" -CA "$c/ca.crt" -CAkey "$c/ca.key" -CAcreateserial -days 2 -out "$c/$n.cert" \
			-extfile <(echo "subjectAltName=IP:$FAR") 2>/dev/null
	done
	serve_far 5004 "http: {addr: '$FAR:5004', tls: {certificate: $c/server.cert, key: $c/server.key, clientcas: [$c/ca.crt]}}"
	fails tare search --list-tags $FAR:5004/far/app
	tells "certs.d/$FAR:5004/ca.crt"
	cp "$c/ca.crt" "$c/client.cert" "$d/"
	fails tare search --list-tags $FAR:5004/far/app
	tells 'client.cert has no client.key beside it'
	cp "$c/client.key" "$d/"
	ok tare search --list-tags $FAR:5004/far/app
	has v1
	rm -r "$d"
	mkdir "$c/given"
	cp "$c/ca.crt" "$c"/client.* "$c/given/"
	ok tare search --cert-dir "$c/given" --list-tags $FAR:5004/far/app
	fails tare search --cert-dir "$c/none" --list-tags $FAR:5004/far/app
	tells "$c/none"
}

@test "a registry at an address of IPv6" {
	ip -6 addr show dev lo | grep -q ::1 || skip "no IPv6 here"
	image app --push http://127.0.0.1:5001/far/app:v1 >/dev/null
	printf 'version: 0.1\nlog: {accesslog: {disabled: true}, level: error}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: "[::1]:5005"}\n' "$DIR/docker-5001" >"$DIR/six.yml"
	OTEL_TRACES_EXPORTER=none docker-registry serve "$DIR/six.yml" >"$DIR/six.log" 2>&1 3>&- 4>&- &
	echo $! >>"$DIR/registries"
	eventually 10 curl -sf 'http://[::1]:5005/v2/'
	ok tare search --format '{{.Name}}' '[::1]:5005/far'
	has '[::1]:5005/far/app'
	ok tare pull -q '[::1]:5005/far/app:v1'
	is '[::1]:5005/far/app:v1'
	ok tare rmi '[::1]:5005/far/app:v1'
}

@test "mirrors and other places of registries.conf and hosts.toml" {
	image app --push http://127.0.0.1:5001/hub/library/thing:v1 >/dev/null
	image app --push http://127.0.0.1:5001/thing:v1 >/dev/null
	printf '[[registry]]\nprefix = "docker.io"\nlocation = "registry.invalid"\n[[registry.mirror]]\nlocation = "127.0.0.1:5001/hub"\n[[registry]]\nprefix = "*.corp.invalid"\nlocation = "127.0.0.1:5001"\n[aliases]\nours = "x.corp.invalid/thing"\n' >"$TARE_ETC/containers/registries.conf"
	ok tare pull -q thing:v1
	is docker.io/library/thing:v1
	ok tare pull -q ours:v1
	is x.corp.invalid/thing:v1
	mkdir -p "$TARE_ETC/containerd/certs.d/y.invalid"
	printf 'server = "https://y.invalid"\n[host."http://127.0.0.1:5001"]\n' >"$TARE_ETC/containerd/certs.d/y.invalid/hosts.toml"
	ok tare pull -q y.invalid/thing:v1
	is y.invalid/thing:v1
	tare rmi thing:v1 x.corp.invalid/thing:v1 y.invalid/thing:v1
}

@test "registries.conf: warned of, refused, blocked" {
	printf '[[registry]]\nprefix = "%s"\n[[registry.mirror]]\nlocation = "127.0.0.1:5001"\nblocked = true\n' $R >"$TARE_ETC/containers/registries.conf"
	ok log_in
	tells 'registries.conf:5: blocked is ignored: it stands under [[registry.mirror]]'
	same "$(grep -c 'is ignored' <<<"$stderr")" 1
	printf '[[registry]]\nprefix = "%s"\nblocked = true\n' $R >"$TARE_ETC/containers/registries.conf"
	fails log_in
	tells 'is blocked by'
	printf '[registries.search]\nregistries = ["docker.io"]\n' >"$TARE_ETC/containers/registries.conf"
	fails tare search x
	tells 'version 1'
	printf 'x = \n' >"$TARE_ETC/containers/registries.conf"
	fails tare search x
	tells 'registries.conf:1: a value is expected'
}
