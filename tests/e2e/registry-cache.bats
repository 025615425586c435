#!/usr/bin/env bats
# shellcheck disable=SC2154 # bats sets stderr
# The pull-through cache: copies of other registries' repositories.
load lib
load registry

file_up() {
	image one --busybox "$(command -v busybox)" >"$DIR/one.digest"
	image two --seed 2 >/dev/null
	hostile one 5001
	docker_registry 5002
	python3 "$E2E/image_maker.py" "$DIR/images/one" --push http://127.0.0.1:5002/library/app:1 >/dev/null
	start_cache
	URL=http://127.0.0.1:5000/v2
	export URL
}
file_down() {
	tare registry stop >/dev/null || true
	registries_down
}
test_down() { rules one '[]'; }

start_cache() {
	TARE_RETRY_MS=1 tare registry start -d -p 5000 --storage "$DIR/registry" --upstream 127.0.0.1:5001=copy \
		--upstream 127.0.0.1:5002=docker --cache-ttl 1s >/dev/null
}
get() { curl -sf "$@"; }
layer() { jq -r ".layers[$1].digest" "$DIR/images/one/blobs/sha256/$(sed 's/sha256://' "$DIR/one.digest")"; }
# Whatever is here goes.
forget() {
	tare registry stop >/dev/null
	rm -rf "$DIR/registry"
	start_cache
}

@test "an image is fetched once, and given again when the upstream is gone" {
	ok tare pull -q 127.0.0.1:5000/docker/library/app:1
	ok skopeo inspect --raw --tls-verify=false docker://127.0.0.1:5000/docker/library/app:1
	[ "sha256:$(printf %s "$output" | sha256sum | cut -c 1-64)" = "$(cat "$DIR/one.digest")" ]
	ok tare rmi 127.0.0.1:5000/docker/library/app:1
	kill "$(sed -n 2p "$DIR/registries")" # docker-registry
	eventually 5 bash -c '! (exec 3<>/dev/tcp/127.0.0.1/5002) 2>/dev/null'
	ok tare pull -q 127.0.0.1:5000/docker/library/app:1
	ok tare run --rm 127.0.0.1:5000/docker/library/app:1 /bin/echo here
	[ "$output" = here ]
	ok tare rmi 127.0.0.1:5000/docker/library/app:1
}

@test "clients that ask at once share one fetch" {
	forget
	rules one '[]'
	local d pids=() i
	d=$(layer 0)
	for i in 1 2 3 4 5 6; do
		get -o "$DIR/blob.$i" "$URL/copy/one/blobs/$d" &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in 1 2 3 4 5 6; do
		[ "sha256:$(sha256sum <"$DIR/blob.$i" | cut -c 1-64)" = "$d" ]
	done
	[ "$(requests one | grep -c "^GET .*$d")" = 1 ]
}

@test "a client reads while the blob still arrives, and one that goes away leaves it whole" {
	forget
	local d
	d=$(layer 0)
	rules one '[{"match":"GET .*/blobs/","slow":400000}]'
	curl -sN -o "$DIR/growing" "$URL/copy/one/blobs/$d" &
	eventually 10 test -s "$DIR/growing"
	[ ! -e "$DIR/registry/blobs/sha256/${d#sha256:}" ]
	kill $!
	eventually 20 test -e "$DIR/registry/blobs/sha256/${d#sha256:}"
	asked_once() { [ "$(requests one | grep -c "^GET .*$d")" = 1 ]; }
	eventually 5 asked_once # it is noted when all was sent
}

@test "what upstream says wrong is neither given as right nor kept" {
	forget
	local d
	d=$(layer 0)
	rules one '[{"match":"GET .*/blobs/","flip":100}]'
	run curl -sf -o "$DIR/wrong" "$URL/copy/one/blobs/$d"
	[ "$status" -ne 0 ]
	[ ! -e "$DIR/registry/blobs/sha256/${d#sha256:}" ]
	[ -z "$(ls "$DIR/registry/uploads")" ]
	rules one '[]'
	ok get -o "$DIR/right" "$URL/copy/one/blobs/$d"
	[ "sha256:$(sha256sum <"$DIR/right" | cut -c 1-64)" = "$d" ]
	rules one "[{\"match\":\"(GET|HEAD) .*/manifests/\",\"add\":{\"Docker-Content-Digest\":\"$d\"}}]"
	run curl -s -o /dev/null -w '%{http_code}' "$URL/copy/one/manifests/latest"
	[ "$output" = 502 ]
}

@test "a tag that moves upstream moves here, and one that goes is gone" {
	forget
	ok get -o /dev/null "$URL/copy/one/manifests/latest"
	local old=$DIR/images/one/index.json
	cp "$old" "$DIR/index.json"
	cp -r "$DIR/images/two/blobs/." "$DIR/images/one/blobs/"
	cp "$DIR/images/two/index.json" "$old"
	moved() { [ "$(curl -sI "$URL/copy/one/manifests/latest" | tr -d '\r' | sed -n 's/^Docker-Content-Digest: //ip')" != "$(cat "$DIR/one.digest")" ]; }
	eventually 10 moved
	sed -i 's/"latest"/"other"/' "$old"
	gone_() { [ "$(curl -s -o /dev/null -w '%{http_code}' "$URL/copy/one/manifests/latest")" = 404 ]; }
	eventually 10 gone_
	cp "$DIR/index.json" "$old"
}

@test "a tag is given without asking within its time, and with a warning when nobody answers" {
	forget
	ok get -o /dev/null "$URL/copy/one/manifests/latest"
	rules one '[{"match":"/manifests/","status":503}]'
	warned() { curl -sfI "$URL/copy/one/manifests/latest" | grep -qi '^warning: 299'; }
	eventually 20 warned
}

@test "a client that names the registry by ns gets the same repository" {
	forget
	ok get "$URL/one/manifests/latest?ns=127.0.0.1:5001"
	ok get -o /dev/null "$URL/one/blobs/$(layer 1)?ns=127.0.0.1:5001"
	[ -d "$DIR/registry/repositories/copy+one" ]
	[ ! -e "$DIR/registry/repositories/one" ]
}

@test "pushes go beside the copies, and not into them" {
	ok get -o /dev/null "$URL/copy/one/manifests/latest"
	ok skopeo copy -q --dest-tls-verify=false "oci:$DIR/images/two:latest" docker://127.0.0.1:5000/mine/two:1
	exits 1 skopeo copy -q --dest-tls-verify=false "oci:$DIR/images/two:latest" docker://127.0.0.1:5000/copy/one:latest
	[[ $stderr == *"copy of an upstream"* ]]
	# A name under the prefix that was pushed to before anybody asked upstream for it stays what was pushed.
	ok skopeo copy -q --dest-tls-verify=false "oci:$DIR/images/two:latest" docker://127.0.0.1:5000/copy/own:1
	ok get "$URL/copy/own/manifests/1"
}

@test "what neither has is unknown, and a wrong --upstream is refused" {
	run curl -s -o /dev/null -w '%{http_code}' "$URL/copy/one/manifests/never"
	[ "$output" = 404 ]
	run curl -s -o /dev/null -w '%{http_code}' "$URL/copy/one/blobs/sha256:$(printf x | sha256sum | cut -c 1-64)"
	[ "$output" = 404 ]
	refused 125 '*not a host*' registry start -p 5009 --storage "$DIR/other" --upstream 'a b=c'
	refused 125 '*prefix*' registry start -p 5009 --storage "$DIR/other" --upstream 127.0.0.1:5001
}

@test "many at once: who asks for a hundred blobs gets all of them" {
	forget
	rules one '[]'
	local i d
	for i in $(seq 100); do
		d=$(printf 'blob %d' "$i" | sha256sum | cut -c 1-64)
		printf 'blob %d' "$i" >"$DIR/images/one/blobs/sha256/$d"
		printf 'url = "%s/copy/one/blobs/sha256:%s"\noutput = "/dev/null"\n' "$URL" "$d"
	done >"$DIR/hundred"
	ok timeout 60 curl -sS -f -Z --parallel-immediate --parallel-max 100 -w '%{http_code}\n' -K "$DIR/hundred"
	[ "$(grep -c '^200$' <<<"$output")" = 100 ]
	[ "$(find "$DIR/registry/blobs" -type f | wc -l)" = 100 ]
}

@test "who waits while the worker is started again gets what upstream has" {
	forget
	rules one '[]'
	local i d
	for i in $(seq 20); do
		d=$(printf 'late %d' "$i" | sha256sum | cut -c 1-64)
		printf 'late %d' "$i" >"$DIR/images/one/blobs/sha256/$d"
		printf 'url = "%s/copy/one/blobs/sha256:%s"\noutput = "/dev/null"\n' "$URL" "$d"
	done >"$DIR/twenty"
	kill -KILL "$(tare registry status --json | jq '.[0].worker')"
	run curl -sS -m 30 -Z --parallel-immediate -w '%{http_code}\n' -K "$DIR/twenty"
	[ "$(grep -c '^200$' <<<"$output")" = 20 ]
}

@test "an upstream that hangs keeps nobody from ending the registry" {
	tare registry stop >/dev/null
	rm -rf "$DIR/registry"
	ok tare registry start -d -p 5000 --storage "$DIR/registry" --upstream 127.0.0.1:5001=copy --drain 1s
	rules one '[{"match":"GET .*/blobs/","slow":1000}]'
	curl -sN -o "$DIR/hanging" "$URL/copy/one/blobs/$(layer 0)" &
	local client=$!
	eventually 10 bash -c "ls $DIR/registry/uploads | grep -q json"
	kill "$client" # nobody waits for the blob, but it still comes
	local since=$SECONDS
	ok tare registry stop
	[ $((SECONDS - since)) -lt 5 ] # not killed, either
	start_cache
}

@test "its own upstream: a registry that would ask itself answers with what it has" {
	ok tare registry start -d -p 5003 --storage "$DIR/own" --upstream 127.0.0.1:5003=
	run curl -s -m 10 -o /dev/null -w '%{http_code}' http://127.0.0.1:5003/v2/any/manifests/latest
	[ "$output" = 404 ]
	run curl -s -m 10 -o /dev/null -w '%{http_code}' "http://127.0.0.1:5003/v2/any/blobs/$(layer 0)"
	[ "$output" = 404 ]
	ok tare registry stop -p 5003
}
