#!/usr/bin/env bats
# What the registry server says to which request: the rules of the distribution spec one by one (registry_spec.py), the
# tools that people use, and that neither a kill nor a full disk leaves half of anything. How the server is started and
# guarded is registry.bats'.
load lib
load registry

file_up() { image small --layers 2 --kib 200 >/dev/null; }
file_down() {
	test_down
	registries_down
}
test_down() {
	local f
	[ ! -d "$STATE/registry" ] || for f in "$STATE"/registry/*.json; do
		[ ! -f "$f" ] || tare registry stop -p "$(basename "$f" .json)" >/dev/null 2>&1 || true
	done
	umount "$DIR/full" 2>/dev/null || true
	rm -rf "$DIR/storage" "$DIR/full" "$STATE"/registry/*.log
}

serve() { # [OPTION…]: sets PORT
	local at
	at=$(tare registry start -p "${SERVE_PORT:-0}" -d --storage "${STORAGE:-$DIR/storage}" "$@" 2>"$DIR/serve.err") || fail "not started: $(cat "$DIR/serve.err")"
	PORT=${at##*:}
}
url() { echo "http://127.0.0.1:$PORT$1"; }
code() { curl -s -m 20 -o /dev/null -w '%{http_code}' "$@"; }
spec() { # ARGUMENT…: all rules of a group hold
	run timeout 60 python3 "$BATS_TEST_DIRNAME/registry_spec.py" "$@" "$(url '')"
	[ "$status" -eq 0 ] || fail "$(grep -v '^ok' <<<"$output")"
	[ "$(grep -c '^ok' <<<"$output")" -gt 0 ]
}
tagged() { jq -r '.manifests[0].annotations["org.opencontainers.image.ref.name"] // "" | if . == "" then "" else ":" + . end' "$1/index.json"; }
push_small() { # NAME:TAG
	timeout 30 skopeo copy -q --dest-tls-verify=false "oci:$DIR/images/small$(tagged "$DIR/images/small")" "docker://127.0.0.1:$PORT/$1"
}
sum() { echo "sha256:$(sha256sum "$1" | cut -d ' ' -f 1)"; }
begin() { curl -s -i -X POST "$(url "/v2/$1/blobs/uploads/")" | tr -d '\r' | sed -n 's/^Location: //p'; } # REPOSITORY: its upload
worker() { tare registry status -p "$PORT" --json | jq -r '.[0].worker // empty'; }
links_sound() { # every blob of a repository is the storage's own file, with the digest that it is called by
	local f hex
	while read -r f; do
		hex=$(basename "$f")
		same "$(sha256sum <"$f" | cut -d ' ' -f 1)" "$hex"
		[ "$f" -ef "$DIR/storage/blobs/sha256/$hex" ] || fail "$f is no link"
	done < <(find "$DIR/storage/repositories" -path '*/blobs/sha256/*' -type f)
}

@test "the spec: base and pull" {
	serve
	spec --group base --group pull
}
@test "the spec: push" {
	serve
	spec --group push
}
@test "the spec: discovery and management" {
	serve
	spec --group discovery --group management
}
@test "the spec: hostile requests" {
	serve
	spec --group hostile
}
@test "the spec: many at the same time" {
	serve
	spec --group together
	links_sound
	same "$(find "$DIR/storage/uploads" -type f)" ''
}
@test "the spec: manifests that may miss their children, pages of five" {
	serve --sparse --catalog-max 5
	spec --sparse --catalog-max 5 --group sparse --group discovery
}

@test "skopeo pushes and pulls, in both formats, and a repository is a layout that it reads" {
	serve
	push_small a/b:one
	timeout 30 skopeo copy -q --dest-tls-verify=false --format v2s2 "oci:$DIR/images/small$(tagged "$DIR/images/small")" "docker://127.0.0.1:$PORT/a/docker:one"
	ok timeout 30 skopeo copy -q --src-tls-verify=false "docker://127.0.0.1:$PORT/a/docker:one" "oci:$DIR/back:one"
	ok skopeo inspect --raw "oci:$DIR/storage/repositories/a+b:one"
	same "$output" "$(curl -s "$(url /v2/a/b/manifests/one)")"
	ok timeout 30 skopeo list-tags --tls-verify=false "docker://127.0.0.1:$PORT/a/b"
	has one
	ok timeout 30 skopeo delete --tls-verify=false "docker://127.0.0.1:$PORT/a/b:one"
	same "$(code "$(url /v2/a/b/manifests/one)")" 404
	links_sound
}

@test "umoci unpacks what the registry stores" {
	serve
	push_small a/b:one
	ok umoci unpack --rootless --image "$DIR/storage/repositories/a+b:one" "$DIR/unpacked"
	[ -n "$(ls -A "$DIR/unpacked/rootfs")" ]
	rm -rf "$DIR/unpacked"
}

@test "an upload goes on where it was after the server has started anew" {
	serve
	head -c 300000 /dev/urandom >"$DIR/data"
	local at
	at=$(begin a/b)
	same "$(head -c 100000 "$DIR/data" | code -X PATCH -H 'Content-Range: 0-99999' --data-binary @- "$at")" 202
	ok tare registry stop -p "$PORT"
	SERVE_PORT=$PORT serve
	same "$(curl -s -i "$at" | tr -d '\r' | sed -n 's/^Range: //p')" 0-99999
	same "$(tail -c +100001 "$DIR/data" | code -X PATCH -H 'Content-Range: 100000-299999' --data-binary @- "$at")" 202
	same "$(code -X PUT "$at?digest=$(sum "$DIR/data")")" 201
	curl -s "$(url "/v2/a/b/blobs/$(sum "$DIR/data")")" | cmp - "$DIR/data"
}

@test "SIGKILL in the middle of a PUT: nothing is visible, and a second try works" {
	serve
	head -c 20000000 /dev/urandom >"$DIR/data"
	local at d pid
	d=$(sum "$DIR/data")
	at=$(begin a/b)
	curl -s -m 20 --limit-rate 4M -X PUT -T "$DIR/data" "$at?digest=$d" >/dev/null 2>&1 3>&- 4>&- &
	pid=$!
	some_came() { [ -n "$(find "$DIR/storage/uploads" -size +100k)" ]; }
	eventually 10 some_came
	kill -9 "$(worker)"
	wait "$pid" || true
	answers() { [ "$(code "$(url /v2/)")" = 200 ]; }
	eventually 10 answers
	same "$(code "$(url "/v2/a/b/blobs/$d")")" 404
	same "$(find "$DIR/storage/blobs" -type f)" ''
	same "$(code -X PUT -T "$DIR/data" "$(begin a/b)?digest=$d")" 201
	curl -s "$(url "/v2/a/b/blobs/$d")" | cmp - "$DIR/data"
}

@test "a full disk: 507, nothing half, and room is used again" {
	mkdir "$DIR/full"
	mount -t tmpfs -o size=8m none "$DIR/full"
	STORAGE=$DIR/full/storage serve --min-free 0
	head -c 20000000 /dev/urandom >"$DIR/data"
	head -c 3000000 /dev/urandom >"$DIR/fits"
	local at
	at=$(begin a/b)
	same "$(code -H Expect: -X PUT -T "$DIR/data" "$at?digest=$(sum "$DIR/data")")" 507
	same "$(code -X DELETE "$at")" 204
	same "$(find "$DIR/full/storage/blobs" "$DIR/full/storage/uploads" -type f)" ''
	same "$(code -X PUT -T "$DIR/fits" "$(begin a/b)?digest=$(sum "$DIR/fits")")" 201
	curl -s "$(url "/v2/a/b/blobs/$(sum "$DIR/fits")")" | cmp - "$DIR/fits"
	ok tare registry stop -p "$PORT"
}

@test "a file that has all the links it can have is copied into the next repository" {
	mkdir "$DIR/full"
	truncate -s 64M "$DIR/full.ext4"
	mkfs.ext4 -q -N 16384 "$DIR/full.ext4"
	mount -o loop "$DIR/full.ext4" "$DIR/full"
	STORAGE=$DIR/full/storage serve --min-free 0
	echo linked >"$DIR/data"
	local d
	d=$(sum "$DIR/data")
	same "$(code --data-binary "@$DIR/data" "$(url "/v2/a/b/blobs/uploads/?digest=$d")")" 201
	python3 - "$DIR/full/storage/blobs/sha256/${d#*:}" "$DIR/full/links" <<-'END'
		import os, sys
		os.mkdir(sys.argv[2])
		try:
		    for i in range(1 << 17):
		        os.link(sys.argv[1], f'{sys.argv[2]}/{i}')
		except OSError as e:
		    sys.exit(0 if e.errno == 31 else str(e))
	END
	same "$(code -X POST "$(url "/v2/c/d/blobs/uploads/?mount=$d&from=a/b")")" 201
	same "$(curl -s "$(url "/v2/c/d/blobs/$d")")" linked
	[ ! "$DIR/full/storage/repositories/c+d/blobs/sha256/${d#*:}" -ef "$DIR/full/storage/blobs/sha256/${d#*:}" ]
	same "$(find "$DIR/full/storage/repositories" -name '.tmp-*')" ''
	ok tare registry stop -p "$PORT"
	umount "$DIR/full"
	rm "$DIR/full.ext4"
}

@test "rights: a mount does not tell what one may not read, nor does the catalog" {
	htpasswd -Bbc -C 4 "$DIR/users" alice secret 2>/dev/null
	htpasswd -Bb -C 4 "$DIR/users" bob hunter2 2>/dev/null
	printf '%s\n' 'private/* alice pull,push,delete' 'private/* @all none' '** @all pull,push,delete' >"$DIR/acl"
	serve --htpasswd "$DIR/users" --acl "$DIR/acl"
	local alice=alice:secret bob=bob:hunter2 d
	echo secret >"$DIR/secret"
	d=$(sum "$DIR/secret")
	same "$(code -u $alice --data-binary "@$DIR/secret" -H 'Content-Type: application/octet-stream' "$(url "/v2/private/a/blobs/uploads/?digest=$d")")" 201
	same "$(code -u $bob -X POST "$(url "/v2/bob/x/blobs/uploads/?mount=$d&from=private/a")")" 202
	same "$(code -u $bob -X POST "$(url "/v2/bob/x/blobs/uploads/?mount=$d")")" 202
	same "$(code -u $bob "$(url "/v2/bob/x/blobs/$d")")" 404
	same "$(code -u $alice -X POST "$(url "/v2/alice/x/blobs/uploads/?mount=$d&from=private/a")")" 201
	same "$(curl -s -u $bob "$(url "/v2/private/a/blobs/$d")" | jq -r '.errors[0].code')" \
		"$(curl -s -u $bob "$(url "/v2/private/none/blobs/$d")" | jq -r '.errors[0].code')"
	for r in private/a bob/x; do
		timeout 30 skopeo copy -q --dest-tls-verify=false --dest-creds $alice "oci:$DIR/images/small$(tagged "$DIR/images/small")" "docker://127.0.0.1:$PORT/$r:1"
	done
	same "$(curl -s -u $bob "$(url /v2/_catalog)" | jq -c .repositories)" '["bob/x"]'
	same "$(curl -s -u $alice "$(url /v2/_catalog)" | jq -c .repositories)" '["bob/x","private/a"]'
}

@test "local images are served without a copy, and as they change" {
	ok tare run --rm "$B" true
	serve --local-images
	same "$(curl -s "$(url /v2/_catalog)" | jq -c .repositories)" '["library/busybox"]'
	same "$(curl -s "$(url /v2/library/busybox/tags/list)" | jq -c .tags)" '["latest"]'
	ok timeout 30 skopeo copy -q --src-tls-verify=false "docker://127.0.0.1:$PORT/library/busybox:latest" "oci:$DIR/local:x"
	ok tare tag busybox example.com/team/thing:v2
	same "$(curl -s "$(url /v2/team/thing/tags/list)" | jq -c .tags)" '["v2"]'
	same "$(code -X DELETE "$(url /v2/team/thing/manifests/v2)")" 404
	ok tare rmi example.com/team/thing:v2
	same "$(code "$(url /v2/team/thing/manifests/v2)")" 404
	same "$(find "$DIR/storage/blobs" -type f)" ''
	rm -rf "$DIR/local"
}
