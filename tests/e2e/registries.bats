#!/usr/bin/env bats
# Which registries there are and how they are spoken to: registries.conf, certs.d, hosts.toml; and search in them.

load lib
load registry
load login

file_up() {
	registries_up
	mkdir "$DIR/search"
	python3 "$E2E/search_registry.py" "$DIR/search" 5002 >"$DIR/search.log" 2>&1 3>&- 4>&- &
	echo $! >>"$DIR/registries"
	eventually 5 listens 5002
}
file_down() { registries_down; }
setup() {
	own_home
	rm -f "$DIR"/search/*
}

@test "a registry without tags and users is searched by its list of repositories" {
	local n
	for n in team/app team/web other; do
		image "$n" --push "http://127.0.0.1:5001/$n:v1" >/dev/null
	done
	image two --push http://127.0.0.1:5001/team/app:v2 >/dev/null
	ok tare search --format '{{.Name}}' 127.0.0.1:5001/team
	same "$(sort <<<"$output" | xargs)" '127.0.0.1:5001/team/app 127.0.0.1:5001/team/web'
	ok tare search --format '{{.Name}}' --limit 1 127.0.0.1:5001
	same "${#lines[@]}" 1
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

@test "without a network search says so in one line" {
	fails tare search alpine
	tells 'cannot search docker.io'
	same "${#stderr_lines[@]}" 1
	fails tare search --list-tags alpine
	tells docker.io/library/alpine
	same "${#stderr_lines[@]}" 1
}

@test "foreign text does no harm, names that are none are left out" {
	printf '{"results":[{"name":"ok/ok","description":"a\\u001b[31mred\\u202e\\nline"},{"name":"bad name","description":"x"},{"name":"a/$(id)","description":""},{"name":"../x"},{"name":"--rm"},{"name":7},[],{"name":"ok/ok"}]}' >"$DIR/search/v1"
	ok tare search 127.0.0.1:5002/x
	same "$(wc -l <<<"$output")" 2
	! grep -q $'\033' <<<"$output" || fail 'it has escape sequences'
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
	is '[::1]:5005/far/app'
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
