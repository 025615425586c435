#!/usr/bin/env bats
# Who may do what in the registry: users, tokens, rules, and what those without a login may do.
load lib
load registry
load registry_server

file_up() {
	image small --layers 2 --kib 200 >/dev/null
	users
}
file_down() { stop_all; }
test_down() { stop_all; }

@test "htpasswd: who doesn't log in is told how" {
	serve --htpasswd "$DIR/users"
	ok curl -si "$(url /v2/)"
	has 'HTTP/1.1 401'
	has "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:$PORT/token\",service=\"tare-registry\""
	has 'WWW-Authenticate: Basic realm="tare-registry"'
	has '"code":"UNAUTHORIZED"'
	same "$(code -u alice:secret "$(url /v2/)")" 200
	same "$(code -u alice:wrong "$(url /v2/)")" 401
	same "$(code -u mallory:secret "$(url /v2/)")" 401
	# the realm is never what a client wishes
	ok curl -si -H 'Host: evil.example' "$(url /v2/)"
	has "realm=\"http://127.0.0.1:$PORT/token\""
	lacks evil
	exits 1 copy_to a/b:1
	ok copy_to a/b:1 --dest-creds alice:secret
	echo hunter2 | timeout 30 podman --root "$DIR/podman" --runroot "$DIR/podman-run" --storage-driver vfs login --authfile "$DIR/auth" --tls-verify=false -u bob --password-stdin "127.0.0.1:$PORT"
	exits 125 timeout 30 podman --root "$DIR/podman" --runroot "$DIR/podman-run" --storage-driver vfs login --authfile "$DIR/auth2" --tls-verify=false -u bob -p wrong "127.0.0.1:$PORT"
	ok timeout 30 skopeo list-tags --authfile "$DIR/auth" --tls-verify=false "docker://127.0.0.1:$PORT/a/b"
	# metrics and health have no names in them, and ask for none
	same "$(code "$(url /metrics)")" 200
	same "$(code "$(url /healthz)")" 200
}

@test "htpasswd: users come and go while it runs" {
	cp "$DIR/users" "$DIR/now"
	serve --htpasswd "$DIR/now"
	same "$(code -u alice:secret "$(url /v2/)")" 200
	htpasswd -Bb -C 4 "$DIR/now" carol geheim 2>/dev/null
	htpasswd -D "$DIR/now" alice 2>/dev/null
	eventually 5 answers 200 -u carol:geheim "$(url /v2/)"
	same "$(code -u alice:secret "$(url /v2/)")" 401
	echo broken >"$DIR/now"
	eventually 5 grep -q 'line 1 is not NAME:HASH' "$STATE/registry/$PORT.log"
	same "$(code -u carol:geheim "$(url /v2/)")" 200
}

token() { # USER:PASSWORD SCOPE…
	local creds=$1 scope args=()
	shift
	for scope; do args+=(--data-urlencode "scope=$scope"); done
	curl -s -G ${creds:+-u "$creds"} -d service=tare-registry "${args[@]}" "$(url /token)" | jq -r .token
}
claims() { cut -d. -f2 <<<"$1" | tr '_-' '/+' | base64 -d 2>/dev/null | jq -c "$2"; }

@test "tokens: cut to what their user may do, and good for that alone" {
	printf 'open/** @all pull\nteam/* alice all\nteam/* bob pull\n' >"$DIR/acl"
	serve --htpasswd "$DIR/users" --acl "$DIR/acl"
	copy_to team/a:1 --dest-creds alice:secret
	local t
	t=$(token bob:hunter2 repository:team/a:pull,push,delete repository:other/x:pull)
	same "$(claims "$t" '[.access[] | [.name, .actions]]')" '[["team/a",["pull"]]]'
	same "$(code -H "Authorization: Bearer $t" "$(url /v2/team/a/tags/list)")" 200
	same "$(code -X DELETE -H "Authorization: Bearer $t" "$(url /v2/team/a/manifests/1)")" 403
	same "$(code -H "Authorization: Bearer ${t}x" "$(url /v2/team/a/tags/list)")" 401
	# a token is no password, and gives no other token
	same "$(code -H "Authorization: Bearer $t" "$(url /token)")" 401
	t=$(token alice:secret repository:team/a:pull)
	ok curl -si -X POST -H "Authorization: Bearer $t" "$(url /v2/team/a/blobs/uploads/)"
	has 'HTTP/1.1 401'
	has 'scope="repository:team/a:pull,push"'
	has 'error="insufficient_scope"'
	# nobody: what is open
	t=$(token '' repository:open/x:pull,push repository:team/a:pull)
	same "$(claims "$t" '[.sub, .access[].name]')" '["","open/x"]'
	same "$(curl -s "$(url /token)" | jq '.expires_in >= 60')" true
}

@test "tokens: OAuth2, and one that is changed for others until the password changes" {
	cp "$DIR/users" "$DIR/now"
	serve --htpasswd "$DIR/now"
	local form="grant_type=password&service=tare-registry&client_id=x&access_type=offline&username=alice&password=secret&scope=repository:a:pull" r
	r=$(curl -s -d "$form" "$(url /token)" | jq -r .refresh_token)
	same "$(code -d "${form/secret/wrong}" "$(url /token)")" 401
	# it opens nothing itself
	same "$(code -H "Authorization: Bearer $r" "$(url /v2/)")" 401
	form="grant_type=refresh_token&service=tare-registry&client_id=x&scope=repository:a:pull,push&refresh_token=$r"
	same "$(claims "$(curl -s -d "$form" "$(url /token)" | jq -r .access_token)" .access)" '[{"type":"repository","name":"a","actions":["pull","push"]}]'
	htpasswd -Bb -C 4 "$DIR/now" alice other 2>/dev/null
	eventually 5 answers 401 -d "$form" "$(url /token)"
	same "$(code -d grant_type=magic "$(url /token)")" 400
	same "$(code -d 'grant_type=%' "$(url /token)")" 400
	same "$(code -X DELETE "$(url /token)")" 405
}

@test "ACL: what may not be read is as if it were not there" {
	printf '* alice all\n*/* alice all\nopen/* @all pull\n' >"$DIR/acl"
	serve --htpasswd "$DIR/users" --acl "$DIR/acl"
	copy_to team/a:1 --dest-creds alice:secret
	copy_to open/b:1 --dest-creds alice:secret
	local path digest
	digest=$(curl -sI -u alice:secret -H 'Accept: */*' "$(url /v2/team/a/manifests/1)" | tr -d '\r' | sed -n 's/^Docker-Content-Digest: //Ip')
	[ -n "$digest" ]
	for path in tags/list manifests/1 "manifests/$digest" "blobs/$digest" "referrers/$digest"; do
		curl -si -u bob:hunter2 "$(url "/v2/team/a/$path")" | grep -vi '^Date:' | sed 's,team/a,NAME,g' >"$DIR/hidden"
		curl -si -u bob:hunter2 "$(url "/v2/none/a/$path")" | grep -vi '^Date:' | sed 's,none/a,NAME,g' >"$DIR/missing"
		diff "$DIR/hidden" "$DIR/missing" || fail "it can be told: $path"
	done
	for path in team/a none/a; do same "$(code -X POST -u bob:hunter2 "$(url "/v2/$path/blobs/uploads/")")" 403; done
	same "$(curl -s -u alice:secret "$(url /v2/_catalog)" | jq -c .repositories)" '["open/b","team/a"]'
	same "$(curl -s -u bob:hunter2 "$(url /v2/_catalog)" | jq -c .repositories)" '["open/b"]'
	same "$(code "$(url /v2/open/b/tags/list)")" 200
	same "$(code "$(url /v2/team/a/tags/list)")" 401
	same "$(code "$(url /v2/none/a/tags/list)")" 401
	# a blob of a repository that one may not read can't be had by mounting it
	local blob
	blob=$(jq -r '.layers[0].digest // empty' < <(curl -s -u alice:secret -H 'Accept: */*' "$(url /v2/team/a/manifests/1)"))
	printf 'team/* alice all\nmine/* bob all\n' >"$DIR/acl"
	eventually 5 answers 202 -X POST -u bob:hunter2 "$(url /v2/mine/c/blobs/uploads/)"
	same "$(code -X POST -u bob:hunter2 "$(url "/v2/mine/c/blobs/uploads/?mount=$blob&from=team/a")")" 202
	same "$(code -X POST -u bob:hunter2 "$(url "/v2/mine/c/blobs/uploads/?mount=$blob")")" 202
}

@test "anonymous: may pull, may not push, where nobody logs in" {
	serve
	copy_to a/b:1
	tare registry stop >/dev/null
	at=$(tare registry start -p 0 -d --storage "$DIR/storage" --anonymous pull)
	PORT=${at##*:}
	same "$(code "$(url /v2/a/b/tags/list)")" 200
	same "$(code -X POST "$(url /v2/a/b/blobs/uploads/)")" 403
	same "$(code -X DELETE "$(url /v2/a/b/manifests/1)")" 403
	# credentials that a client has by chance do no harm
	same "$(code -u x:y "$(url /v2/a/b/tags/list)")" 200
}

@test "read-only: pulls, and nothing is written" {
	serve
	copy_to a/b:1
	tare registry stop >/dev/null
	find "$DIR/storage" | sort >"$DIR/before"
	at=$(tare registry start -p 0 -d --storage "$DIR/storage" --read-only)
	PORT=${at##*:}
	ok timeout 30 skopeo copy -q --src-tls-verify=false "docker://127.0.0.1:$PORT/a/b:1" "dir:$DIR/copy"
	[[ $(code -X POST "$(url /v2/a/b/blobs/uploads/)") == 40[35] ]]
	[[ $(code -X DELETE "$(url /v2/a/b/manifests/1)") == 40[35] ]]
	[[ $(code -X PUT -d '{}' "$(url /v2/a/b/manifests/2)") == 40[35] ]]
	same "$(curl -s "$(url /healthz)" | jq -c .)" '{"status":"ok","readOnly":true}'
	same "$(status_of readOnly)" true
	refused 125 'read-only' registry gc
	tare registry stop >/dev/null
	find "$DIR/storage" | sort | diff "$DIR/before" -
}

