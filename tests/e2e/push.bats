#!/usr/bin/env bats
# Push: to Debian's docker-registry, with other people's programs looking at what came, and to registries that are
# difficult about uploads.

load lib
load registry

R=127.0.0.1:5000

file_up() {
	docker_registry 5000
	image oci --layers 3 --kib 600 >/dev/null
	image docker --layers 2 --kib 300 --docker >/dev/null
	image plain --layers 2 --kib 900 --compression none --tag plain >/dev/null
	image big --layers 1 --kib 44000 >/dev/null
	local name
	for name in oci big; do
		skopeo --insecure-policy copy -q "oci:$DIR/images/$name:latest" "oci-archive:$DIR/$name.tar:$name:latest"
	done
	tar -C "$DIR/images/plain" -cf "$DIR/plain.tar" .
	python3 "$E2E/image_maker.py" "$DIR/images/docker" --push "http://$R/docker:0" >/dev/null
	: >"$DIR/no-auth.json" && echo '{}' >"$DIR/no-auth.json"
	export REGISTRY_AUTH_FILE=$DIR/no-auth.json
	tare load -qi "$DIR/oci.tar"
	tare load -qi "$DIR/plain.tar"
	tare load -qi "$DIR/big.tar"
}
file_down() { registries_down; }
test_down() {
	easy
	leave_nothing
}

local_digest() { tare image inspect --format '{{.Descriptor.digest}}' "$1"; }
remote_digest() { skopeo inspect --raw --tls-verify=false "docker://$1" | sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/'; }
phases() { jq -r 'select(.complete) | .phase' | sort | uniq -c | sed 's/^ *//' | xargs; }

easy() { # no difficult one any more
	local pid
	[ -s "$DIR/difficult.pid" ] || return 0
	pid=$(cat "$DIR/difficult.pid")
	rm "$DIR/difficult.pid"
	kill "$pid" || true
	wait "$pid" 2>/dev/null || true
}
# difficult RULES: upload_registry.py at $P
P=127.0.0.1:5002
difficult() {
	easy
	printf '%s' "$1" >"$DIR/difficult.rules"
	: >"$DIR/difficult.log"
	python3 "$E2E/upload_registry.py" 5002 "$DIR/difficult.rules" "$DIR/difficult.log" 3>&- 4>&- &
	echo $! >"$DIR/difficult.pid"
	eventually 5 listens 5002
}
asked() { grep -cE -- "$1" "$DIR/difficult.log" || true; } # how many requests are like that

@test "what is pushed is what others pull: same digest, bytes unchanged" {
	ok tare push oci $R/oci:1
	is "$R/oci:1: pushed $(local_digest oci)"
	same "$(remote_digest $R/oci:1)" "$(local_digest oci)"
	ok skopeo --insecure-policy copy -q --src-tls-verify=false docker://$R/oci:1 "oci:$DIR/back:oci"
	same "$(jq -r '.manifests[0].digest' "$DIR/back/index.json")" "$(local_digest oci)"
	ok tare push oci $R/oci:1
	is "$R/oci:1: up to date $(local_digest oci)"
	ok tare push -q --digestfile "$DIR/digest" oci docker://$R/oci:2
	is $R/oci:2
	same "$(cat "$DIR/digest")" "$(local_digest oci)"
	ok tare --json push oci $R/oci:2
	same "$(jq -r '.[0].Status' <<<"$output")" 'up to date'
}

@test "Docker's format goes out as it came in, and --format makes it the other one" {
	tare pull -q $R/docker:0
	local was
	was=$(remote_digest $R/docker:0)
	ok tare push $R/docker:0 $R/docker:1
	same "$(remote_digest $R/docker:1)" "$was"
	ok tare push --format oci $R/docker:0 $R/docker:oci
	ok skopeo inspect --raw --tls-verify=false docker://$R/docker:oci
	same "$(jq -c '[.mediaType, .config.mediaType] + ([.layers[].mediaType] | unique)' <<<"$output")" \
		'["application/vnd.oci.image.manifest.v1+json","application/vnd.oci.image.config.v1+json","application/vnd.oci.image.layer.v1.tar+gzip"]'
	ok tare push --format docker oci $R/oci:docker
	ok skopeo inspect --raw --tls-verify=false docker://$R/oci:docker
	same "$(jq -r .mediaType <<<"$output")" application/vnd.docker.distribution.manifest.v2+json
	ok skopeo --insecure-policy copy -q --src-tls-verify=false docker://$R/oci:docker "dir:$DIR/as-docker"
}

@test "what is there is not sent, what is next door is mounted" {
	tare push -q oci $R/first/app
	ok tare push --progress-fd 1 oci $R/first/app:again
	same "$(grep '^{' <<<"$output" | phases)" '4 exists'
	tare tag oci $R/first/app
	ok tare push --progress-fd 1 oci $R/second/app
	same "$(grep '^{' <<<"$output" | phases)" '4 mounted'
	same "$(remote_digest $R/second/app:latest)" "$(local_digest oci)"
	tare rmi $R/first/app
}

@test "layers stored without compression are compressed on the way; the store stays as it is" {
	local kind before
	before=$(find "$ROOT/blobs" -type f | sort | sha256sum)
	for kind in gzip zstd; do
		ok tare push --compression $kind plain $R/plain:$kind
		ok skopeo inspect --raw --tls-verify=false docker://$R/plain:$kind
		same "$(jq -r '.layers[].mediaType' <<<"$output" | sort -u)" application/vnd.oci.image.layer.v1.tar+$kind
		ok tare push --compression $kind plain $R/plain:$kind
		has 'up to date'
	done
	ok skopeo --insecure-policy copy -q --src-tls-verify=false --dest-decompress docker://$R/plain:zstd "dir:$DIR/plainly"
	same "$(jq -r '.layers[].digest' "$DIR/plainly/manifest.json" | xargs)" "$(tare image inspect --format '{{json .RootFS.Layers}}' plain | jq -r '.[]' | xargs)"
	ok tare push --compression none plain $R/plain:none
	same "$(remote_digest $R/plain:none)" "$(local_digest plain)"
	same "$(find "$ROOT/blobs" -type f | sort | sha256sum)" "$before"
	same "$(find "$ROOT/pulls" -type f)" ''
}

@test "all tags of a repository" {
	tare tag oci $R/many:1
	tare tag plain $R/many:2
	ok tare push -q --all-tags $R/many
	same "$(sort <<<"$output")" "$R/many:1"$'\n'"$R/many:2"
	ok skopeo list-tags --tls-verify=false docker://$R/many
	same "$(jq -c '.Tags | sort' <<<"$output")" '["1","2"]'
	tare rmi $R/many:1 $R/many:2
}

@test "a name without a host goes to the registry of this machine, unless somebody is logged in at docker.io" {
	tare registry start -d -p 5003 --storage "$DIR/ours" >/dev/null
	tare tag oci team/app:1
	ok tare push team/app:1
	is "127.0.0.1:5003/team/app:1: pushed $(local_digest oci)"
	[[ $stderr == *'registry of this machine (127.0.0.1:5003)'*'no login for docker.io'* ]]
	ok tare push oci
	has 127.0.0.1:5003/oci:latest
	printf '{"auths":{"docker.io":{"auth":"%s"}}}' "$(printf u:p | base64)" >"$DIR/auth.json"
	refused 125 'cannot push docker.io/team/app:1' push --authfile "$DIR/auth.json" team/app:1
	refused 125 'cannot push docker.io/team/app:1' push docker.io/team/app:1
	tare registry stop >/dev/null
	refused 125 'cannot push docker.io/team/app:1' push team/app:1
	tare rmi team/app:1
}

@test "a cut connection goes on from where the registry says it is" {
	difficult '{"cut": [5000000, 3000000]}'
	ok tare push big $P/big
	same "$(asked ' cut$')" 2
	# Nothing is sent twice: the second and the third request begin where the one before was cut.
	same "$(awk '$1 == "PATCH" { print $3 }' "$DIR/difficult.log" | cut -d- -f1 | xargs)" '5000000 8000000'
	same "$(asked '^POST')" 2
	same "$(remote_digest $P/big:latest)" "$(local_digest big)"
}

@test "a registry that forgets a cut upload gets it anew, but not for ever" {
	difficult '{"cut": [5000000], "forget": true}'
	ok tare push big $P/big
	same "$(asked '^POST')" 3
	difficult '{"cut": [9000, 9000, 9000, 9000, 9000, 9000, 9000, 9000, 9000], "forget": true}'
	refused 125 'cannot push 127.0.0.1:5002/big:latest: layer' push big $P/big
	[ "$(asked ' cut$')" -le 7 ]
}

@test "a registry that forgets what it took, or wants larger pieces than it takes, is not asked for ever" {
	difficult '{"max_body": 20000000, "forget_pieces": true}'
	refused 125 'not found' push --compression none big $P/big
	[ "$(asked '^POST')" -le 8 ]
	difficult '{"max_body": 10000000, "min_piece": 30000000}'
	refused 125 'too large' push --compression none big $P/big
	[ "$(asked '^POST')" -le 8 ]
}

@test "a killed push leaves nothing here, and the next one is as if it had never been" {
	local signal pid
	for signal in TERM KILL; do
		difficult '{"slow": 1.5}'
		"$BUILD/tare" --root "$ROOT" --state "$STATE" push plain $P/plain >/dev/null 2>"$DIR/killed" 3>&- 4>&- &
		pid=$!
		eventually 10 grep -q '^POST' "$DIR/difficult.log"
		# Its drafts lie in pulls/ now. The worker is killed, or asked to stop by way of its guard.
		[ -n "$(find "$ROOT/pulls" -type f)" ]
		if [ $signal = KILL ]; then kill -KILL "$(pgrep -P $pid)"; else kill -TERM $pid; fi
		wait $pid && fail 'it was not killed' || true
		eventually 5 gone find "$ROOT/pulls" -type f
	done
	grep -q 'ended by SIGKILL' "$DIR/killed"
	printf '{}' >"$DIR/difficult.rules"
	ok tare push plain $P/plain
	ok tare system check
}

@test "bodies that are too large go in pieces, as large as the registry wants them" {
	difficult '{"max_body": 20000000}'
	ok tare push --compression none big $P/big
	same "$(asked '^PATCH .* 0-16777215 16777216 .* 202$')" 1
	difficult '{"max_body": 20000000, "min_piece": 19000000}'
	ok tare push big $P/big
	same "$(asked '^PATCH .* 0-18999999 .* 202$')" 1
}

@test "a registry without pieces gets one body" {
	head -c 150000000 /dev/zero >"$DIR/zeros"
	tar -C "$DIR" -cf "$DIR/zeros.tar" zeros
	tare import -q "$DIR/zeros.tar" zeros >/dev/null
	rm "$DIR/zeros" "$DIR/zeros.tar"
	difficult '{"no_pieces": 405}'
	ok tare push --compression none zeros $P/zeros
	same "$(asked '^PATCH')" 1
	same "$(asked '^PUT .*digest=.* 1500.* 201$')" 1
	difficult '{}'
	ok tare push --compression none zeros $P/zeros
	same "$(asked '^PATCH .* 202$')" 3
	kill "$(cat "$DIR/difficult.pid")"
	# One that never says that it has something does not keep us.
	difficult '{"stuck": true, "max_body": 20000000}'
	refused 125 'layer' push --compression none zeros $P/zeros
	tare rmi zeros
}

@test "a mount that is refused, however, becomes an upload" {
	tare tag oci $P/known
	local status
	for status in 202 404 400 405; do
		difficult "{\"mount\": $status}"
		ok tare push --progress-fd 1 oci $P/app:$status
		same "$(grep '^{' <<<"$output" | phases)" '4 done'
		same "$(asked '^POST .*mount=sha256.*from=known')" 4
	done
	tare rmi $P/known
}

@test "a registry that is busy is asked again" {
	difficult '{"busy": 4}'
	ok tare push oci $P/oci
	same "$(asked ' 429$')" 4
}

@test "an upload that is sent to another host takes no credentials along" {
	difficult '{"elsewhere": "http://127.0.0.1:5004", "need": "Basic dTpw"}'
	echo '{}' >"$DIR/other.rules"
	python3 "$E2E/upload_registry.py" 5004 "$DIR/other.rules" "$DIR/other.log" 3>&- 4>&- &
	local other=$!
	eventually 5 listens 5004
	exits 125 tare push --creds u:p oci $P/oci # the other one knows of no upload
	kill $other
	[ -s "$DIR/other.log" ]
	! grep -q Basic "$DIR/other.log" || fail "credentials went along: $(cat "$DIR/other.log")"
}

@test "what cannot be pushed is said in one line" {
	refused 125 'no such image' push nothere $R/x
	refused 125 'names a digest' push oci "$R/x@sha256:$(printf '%064d' 0)"
	refused 125 'expected gzip, zstd or none' push --compression lz4 oci $R/x
	refused 125 'expected oci or docker' push --format zip oci $R/x
	refused 125 'say where' push "$(tare image inspect --format '{{.Id}}' oci | cut -c8-19)"
	refused 125 'takes one name' push --all-tags oci $R/x
	refused 125 'names one tag' push --all-tags $R/many:1
	refused 125 'Connection refused; no registry runs there: tare registry start' push oci 127.0.0.1:1/x
	difficult '{"need": "Basic eDp5"}'
	refused 125 "tare login" push oci $P/x
	difficult '{"manifest": 403}'
	refused 125 'cannot push 127.0.0.1:5002/plain:latest: 127.0.0.1:5002: not allowed' push --compression none plain $P/plain
}
