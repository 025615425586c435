#!/usr/bin/env bats
# Pull: from Debian's docker-registry and from a scripted one, and on run.

load lib
load registry
load pull

R=127.0.0.1:5000

file_up() {
	docker_registry 5000
	local c
	for c in gzip multi zstd none; do image "$c" --compression $c --busybox /bin/busybox --push http://$R/kinds:$c >/dev/null; done
	image docker --docker --push http://$R/kinds:docker >/dev/null
	image sha512 --algorithm sha512 --push http://$R/kinds:sha512 >/dev/null
	image many --platforms linux/amd64,linux/arm64,linux/arm/v7 --attestation --push http://$R/many:v1 >/dev/null
	image large --layers 3 --kib 2048 --files 16 --busybox /bin/busybox >/dev/null
	# two that can be told to be slow, to break off, to be away
	hostile gzip
	hostile large
	cp "$DIR/gzip.port" "$DIR/ports"
	cat "$DIR/large.port" >>"$DIR/ports"
}
setup() { { read -r GZIP && read -r LARGE; } < <(sed 's|^|127.0.0.1:|; 1s|$|/gzip|; 2s|$|/large|' "$DIR/ports"); rules gzip '[]'; rules large '[]'; }

file_down() { registries_down; }

@test "layers of gzip, several members, zstd and none, Docker's types and sha512: the same files" {
	local kind want
	for kind in gzip multi zstd none; do
		ok tare pull $R/kinds:$kind
		[[ $output == "$R/kinds:$kind: pulled sha256:"* ]] || fail "$output"
		ok tare run --rm $R/kinds:$kind sh -c 'cat /data/*/* | /bin/busybox sha256sum'
		want=${want:-$output}
		is "$want"
	done
	ok tare pull $R/kinds:docker $R/kinds:sha512
	same "${#lines[@]}" 2
	same "$(image_names)" "$R/kinds:docker $R/kinds:gzip $R/kinds:multi $R/kinds:none $R/kinds:sha512 $R/kinds:zstd"
	# byte for byte what the registry has
	ok skopeo copy --quiet --src-tls-verify=false docker://$R/kinds:zstd "dir:$DIR/theirs"
	ok skopeo copy --quiet "oci:$ROOT:$R/kinds:zstd" "dir:$DIR/ours"
	diff -r "$DIR/theirs" "$DIR/ours"
	ok umoci unpack --image "$ROOT:$R/kinds:multi" "$DIR/unpacked"
	ok tare system check
}

@test "what is there already costs one HEAD" {
	local name=$GZIP
	ok tare pull $name
	rules gzip '[]'
	ok tare pull $name
	[[ $output == "$name:latest: up to date sha256:"* ]] || fail "$output"
	same "$(requests gzip | grep -v ' 400$')" "HEAD /v2/gzip/manifests/latest 200"
	# by digest not even that, and a second name for it only the same HEAD
	rules gzip '[]'
	ok tare pull "$name@$(jq -r '.manifests[0].digest' "$DIR/images/gzip/index.json")"
	ok tare pull --policy missing $name
	same "$(requests gzip)" ''
	ok tare --json pull $name
	same "$(jq -r '.[0] | .Reference, .Status' <<<"$output" | xargs)" "$name:latest up to date"
	ok tare pull -q $name
	is "$name:latest"
}

@test "an index: the host's platform, another one, and a clear word when there is none" {
	ok tare pull $R/many:v1
	ok tare image inspect --format '{{.Os}}/{{.Architecture}}' $R/many:v1
	is "linux/$(dpkg --print-architecture)"
	# the digest is that of the registry's index, as Docker has it
	ok tare image inspect --format '{{index .RepoDigests 0}}' $R/many:v1
	is "$R/many@$(jq -r '.manifests[0].digest' "$DIR/images/many/index.json")"
	ok tare pull $R/many:v1
	has 'up to date'
	ok tare pull --platform linux/arm/v7 $R/many:v1
	has pulled
	ok tare image inspect --format '{{.Architecture}} {{.Variant}}' $R/many:v1
	is 'arm v7'
	refused 125 "is not there for linux/riscv64; choose with --platform: linux/amd64, linux/arm64, linux/arm/v7" pull --platform linux/riscv64 $R/many:v1
	refused 125 'not a platform' pull --platform linux//x $R/many:v1
	# an image for one other platform only comes with a warning
	image arm --platforms linux/arm64 --push http://$R/arm:v1 >/dev/null
	ok tare pull --platform linux/amd64 $R/arm:v1
	[[ $stderr == *"is for linux/arm64, not for linux/amd64"* ]] || fail "$stderr"
	# also when it is here already
	ok tare pull --platform linux/amd64 $R/arm:v1
	[[ $stderr == *"is for linux/arm64, not for linux/amd64"* ]] || fail "$stderr"
}

@test "without standard descriptors nothing is printed into the store" {
	# (a sanitizer looks for leaks by tracing, which only one can)
	# shellcheck disable=SC2016
	ASAN_OPTIONS=detect_leaks=0 exits 125 sh -c 'exec "$@" 0<&- 1>&- 2>&-' sh \
		strace -f -qq -e trace=open,openat,openat2 -o "$DIR/trace" "$BUILD/tare" --root "$ROOT" --state "$STATE" pull $R/kinds:gzip
	if grep -vE '/dev/null|/lib/|/etc/ld|/proc/self/' "$DIR/trace" | grep -E ' = [012]$'; then fail 'a file took the place of one'; fi
	same "$(image_names)" "$R/kinds:gzip"
}

@test "names: by tag and digest, by digest alone, what is not there" {
	local digest other
	digest=$(jq -r '.manifests[0].digest' "$DIR/images/gzip/index.json")
	other=$(jq -r '.manifests[0].digest' "$DIR/images/zstd/index.json")
	# the digest decides, the tag is the name that is kept
	ok tare pull -q "$R/kinds:gzip@$other"
	is "$R/kinds:gzip"
	ok tare image inspect --format '{{(index .RepoDigests 0)}}' $R/kinds:gzip
	is "$R/kinds@$other"
	ok tare run --rm "$R/kinds:gzip@$other" true
	ok tare pull -q "$R/kinds@$digest"
	is "$R/kinds@$digest"
	ok tare images --format '{{.Repository}} {{.Tag}}'
	has "$R/kinds <none>"
	ok tare run --rm "$R/kinds@$digest" true
	refused 125 'not found' pull $R/kinds:nosuchtag
	refused 125 'not found' pull $R/nosuchname
	refused 125 'not found' pull "$R/kinds@sha256:$(printf '1%.0s' {1..64})"
	refused 125 'onnect' pull 127.0.0.1:5999/x
	refused 125 '' pull 'UPPER/case:tag'
	refused 125 'unknown policy' pull --policy sometimes $R/kinds:gzip
	# what is here by that name has another digest
	ok tare pull --policy missing "$R/kinds:gzip@$digest"
	has pulled
	refused 125 'another digest' pull --policy never "$R/kinds:gzip@$other"
}

@test "all tags, page by page" {
	# one that is not there keeps nobody from the others
	exits 125 tare pull -q $R/nothere $R/kinds:gzip
	is "$R/kinds:gzip"
	[[ $stderr == "tare: cannot pull $R/nothere:latest: "* ]]
	ok tare pull -a -q $R/kinds
	same "$(sort <<<"$output" | xargs)" "$R/kinds:docker $R/kinds:gzip $R/kinds:multi $R/kinds:none $R/kinds:sha512 $R/kinds:zstd"
	rules gzip '[{"match": "tags/list.*last=a", "status": 200, "body": "{\"tags\":[\"latest\"]}"},
		{"match": "tags/list", "status": 200, "headers": {"Link": "</v2/gzip/tags/list?n=1&last=a>; rel=\"next\""}, "body": "{\"tags\":[\"latest\",\"latest\"]}"}]'
	refused 125 'again and again' pull -a $GZIP
	rules gzip '[{"match": "tags/list", "status": 200, "body": "{\"tags\":[\"latest\",\"../x\"]}"}]'
	refused 125 'is no tag' pull -a $GZIP
	rules gzip '[{"match": "tags/list", "status": 200, "body": "{\"tags\":null}"}]'
	refused 125 'has no tags' pull -a $GZIP
	refused 125 'names one tag' pull -a $GZIP:latest
}

@test "memory stays below 64 MiB, however many layers there are" {
	image wide --layers 60 --kib 256 --files 40 --push http://$R/wide:v1 >/dev/null
	image wide-zstd --layers 8 --kib 8192 --files 4 --compression zstd --push http://$R/wide:zstd >/dev/null
	image wide-long --layers 10 --kib 20480 --files 4 --compression zstd-long --push http://$R/wide:long >/dev/null
	local tag
	echo 0-7 >"$DIR/cores" # on a machine of eight, as glibc counts them
	for tag in v1 zstd long; do
		ok unshare --mount python3 -c 'import resource, subprocess, sys
subprocess.run(["mount", "--bind", sys.argv.pop(1), "/sys/devices/system/cpu/online"], check=True)
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)' "$DIR/cores" "$BUILD/tare" --root "$ROOT" --state "$STATE" pull $R/wide:$tag
		grep -qa __asan_init "$BUILD/tare-transfer" || [ "$output" -lt 65536 ] || fail "$tag: $output KiB"
	done
}

@test "progress: JSON lines for each layer, and lines redrawn on a terminal" {
	rules large '[{"match": "GET .*/blobs/", "slow": 3000000}]'
	ok tare pull -q --progress-fd 2 $LARGE
	same "$(jq -s '[.[] | .object] | unique | length' <<<"$stderr")" 3
	same "$(jq -s '[.[] | select(.complete)] | length' <<<"$stderr")" 3
	jq -se 'any(.[]; .phase == "downloading" and .rate > 100000 and .eta >= 0 and .total > .done)' <<<"$stderr" >/dev/null
	jq -se '[.[] | select(.phase == "downloading") | .done] | max > 100000' <<<"$stderr" >/dev/null
	is "$LARGE:latest"
	test_down
	rules large '[{"match": "GET .*/blobs/", "slow": 3000000}]'
	ok on_terminal 'see:downloading' 'size:10x100' 'see:done' 'see:pulled sha256' -- "$BUILD/tare" --root "$ROOT" --state "$STATE" pull $LARGE
	has '/s, '
	has '[=='
	test_down
	# without a terminal there is none
	rules large '[]'
	ok tare pull $LARGE
	same "$stderr" ''
}

@test "run and create pull what is missing; --pull says when" {
	local name=$GZIP
	refused 125 'no such image' run --rm --pull never $name true
	ok tare run --rm $name echo from inside
	is 'from inside'
	same "$stderr" ''
	# what is here needs no other program and no network
	rules gzip '[]'
	strace -f -qq -e trace=execve -o "$DIR/trace" "$BUILD/tare" --root "$ROOT" --state "$STATE" run --rm $name true
	if grep -q tare-transfer "$DIR/trace"; then fail "$(cat "$DIR/trace")"; fi
	same "$(requests gzip)" ''
	ok tare run --rm --pull always $name true
	requests gzip | grep -q 'HEAD /v2/gzip/manifests/latest'
	ok tare create --pull newer $name true
	tare rm "$output" >/dev/null
	# the registry is away
	rules gzip '[{"match": ".", "status": 404}]'
	refused 125 'not found' run --rm --pull always $name true
	ok tare run --rm --pull newer $name echo still
	is still
	[[ $stderr == *'as it is here'* ]] || fail "$stderr"
	refused 125 'not found' run --rm $name:other true
	refused 125 'unknown policy' run --rm --pull sometimes $name true
	# what is shipped comes without a registry
	ok tare run --rm --pull missing busybox echo shipped
	is shipped
	# another platform than what is here
	ok tare pull $R/many:v1
	ok tare create --platform linux/arm64 $R/many:v1 /bin/sh
	tare rm "$output" >/dev/null
	ok tare image inspect --format '{{.Architecture}}' $R/many:v1
	is arm64
	refused 125 'not there for linux/riscv64' run --rm --platform linux/riscv64 $R/many:v1 true
	refused 125 'not for linux/riscv64' run --rm --pull never --platform linux/riscv64 $R/many:v1 true
	# a person sees what takes so long
	tare rmi $name >/dev/null
	rules gzip '[]'
	ok on_terminal "see:The image $name is not here yet; pulling it." 'see:inside' -- "$BUILD/tare" --root "$ROOT" --state "$STATE" run --rm $name echo inside
}

@test "a pull is an event, as Docker has it" {
	ok tare pull -q $R/kinds:gzip
	ok tare events --since 1m --until 0s --format '{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.name}}'
	has "image pull $R/kinds:gzip $R/kinds"
}
