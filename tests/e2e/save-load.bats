#!/usr/bin/env bats
# save and load, against what skopeo and podman write and read: the same image on either side.

load lib
load registry

file_up() {
	image oci --layers 2 --kib 200 --tag app:oci --busybox "$(command -v busybox)" >/dev/null
	image docker --layers 2 --kib 200 --docker --tag app:docker --busybox "$(command -v busybox)" >/dev/null
	image zstd --layers 2 --kib 200 --compression zstd --tag app:zstd --busybox "$(command -v busybox)" >/dev/null
	image plain --layers 2 --kib 200 --compression none --tag app:plain --busybox "$(command -v busybox)" >/dev/null
	local kind
	for kind in oci docker zstd plain; do
		tar -C "$DIR/images/$kind" -cf "$DIR/$kind.tar" .
		tare load -qi "$DIR/$kind.tar"
	done
}
file_down() {
	awk '{ print $5 }' /proc/self/mountinfo | grep -F "$DIR/" | sort -r | while read -r m; do umount -l "$m"; done
	rm -rf "$DIR/podman" "$DIR/podman-run"
}

id_of() { tare image inspect --format '{{.Id}}' "$1"; }
digest_of() { tare image inspect --format '{{.Descriptor.digest}}' "$1"; }
layers_of() { tare image inspect --format '{{json .RootFS.Layers}}' "$1"; }
podman_() { podman --root "$DIR/podman" --runroot "$DIR/podman-run" --storage-driver vfs "$@" 3>&- 4>&-; }
config_of() { sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/'; }

@test "oci-archive: skopeo reads every kind, with the same image id" {
	local kind
	for kind in oci docker zstd plain; do
		ok tare save -o "$DIR/out.tar" app:$kind
		ok skopeo inspect --config --raw "oci-archive:$DIR/out.tar"
		same "$(printf %s "$output" | config_of)" "$(id_of app:$kind)"
		ok skopeo --insecure-policy copy -q "oci-archive:$DIR/out.tar" "dir:$DIR/dir-$kind"
		[ $kind = docker ] || same "$(config_of <"$DIR/dir-$kind/manifest.json")" "$(digest_of app:$kind)"
		rm -r "$DIR/dir-$kind"
	done
}

@test "docker-archive: skopeo and podman read every kind, and what they write comes back the same" {
	local kind
	for kind in oci docker zstd plain; do
		ok tare save --format docker-archive -o "$DIR/out.tar" app:$kind
		ok skopeo inspect --config --raw "docker-archive:$DIR/out.tar"
		same "$(printf %s "$output" | config_of)" "$(id_of app:$kind)"
		rm -f "$DIR/theirs.tar"
		ok skopeo --insecure-policy copy -q "docker-archive:$DIR/out.tar" "docker-archive:$DIR/theirs.tar:came/back:$kind"
		ok tare load -qi "$DIR/theirs.tar"
		same "$(id_of came/back:$kind)" "$(id_of app:$kind)"
		ok tare run --rm --network none came/back:$kind /bin/busybox true
	done
	ok podman_ load -q -i "$DIR/out.tar"
	ok podman_ save -q --format oci-archive -o "$DIR/podman.tar" localhost/app:plain
	ok tare load -i "$DIR/podman.tar"
	is 'Loaded image: localhost/app:plain'
	# Podman writes the config anew; the layers are the same.
	same "$(layers_of localhost/app:plain)" "$(layers_of app:plain)"
	tare rmi localhost/app:plain came/back:{oci,docker,zstd,plain} >/dev/null
}

@test "the same images give the same bytes, also after a round trip and on another store" {
	local format
	for format in oci-archive docker-archive; do
		tare save --format $format -o "$DIR/1.tar" app:oci app:zstd app:docker
		"$BUILD/tare" --root "$DIR/root2" --state "$DIR/state2" load -qi "$DIR/1.tar"
		"$BUILD/tare" --root "$DIR/root2" --state "$DIR/state2" save --format $format -o "$DIR/2.tar" app:oci app:zstd app:docker
		cmp "$DIR/1.tar" "$DIR/2.tar"
		rm -rf "$DIR/root2" "$DIR/state2"
	done
}

@test "a docker-archive with compressed layers is taken as well" {
	local config layer d=$DIR/mixed
	mkdir "$d"
	config=$(tare image inspect --format '{{.Id}}' app:zstd | cut -d: -f2)
	cp "$ROOT/blobs/sha256/$config" "$d/$config.json"
	printf '[{"Config":"%s.json","RepoTags":["mixed:1"],"Layers":[' "$config" >"$d/manifest.json"
	jq -r '.layers[].digest' "$ROOT/blobs/sha256/$(digest_of app:zstd | cut -d: -f2)" | cut -d: -f2 | while read -r layer; do
		cp "$ROOT/blobs/sha256/$layer" "$d/$layer.tar"
		printf '"%s.tar"\n' "$layer"
	done | paste -sd, >>"$d/manifest.json"
	echo ']}]' >>"$d/manifest.json"
	tar -C "$d" -cf "$DIR/mixed.tar" .
	ok tare load -i "$DIR/mixed.tar"
	is 'Loaded image: mixed:1'
	same "$(id_of mixed:1)" "$(id_of app:zstd)"
	ok tare run --rm --network none mixed:1 /bin/busybox true
	rm -r "$d" "$DIR/mixed.tar"
	tare rmi mixed:1 >/dev/null
}

@test "names with control characters are refused, harmlessly" {
	mkdir "$DIR/odd"
	tar -C "$DIR/odd" -xf <(tare save --format docker-archive app:plain)
	jq -c '.[0].RepoTags = ["a\u001b[31m:b\u0007"]' "$DIR/odd/manifest.json" >"$DIR/odd/m" && mv "$DIR/odd/m" "$DIR/odd/manifest.json"
	tar -C "$DIR/odd" -cf "$DIR/odd.tar" .
	refused 125 'damaged' load -qi "$DIR/odd.tar"
	rm -r "$DIR/odd" "$DIR/odd.tar"
}

@test "an image that is removed while it is saved is saved whole" {
	local pid
	image gone --layers 2 --kib 900 --compression none --tag gone:1 >/dev/null
	tar -C "$DIR/images/gone" -cf "$DIR/gone.tar" .
	tare load -qi "$DIR/gone.tar"
	mkfifo "$DIR/pipe"
	tare save -o "$DIR/pipe" gone:1 &
	pid=$!
	exec 5<"$DIR/pipe"
	head -c 1024 <&5 >"$DIR/out.tar"
	ok tare rmi gone:1
	cat <&5 >>"$DIR/out.tar"
	exec 5<&-
	wait $pid
	ok tare load -i "$DIR/out.tar"
	is 'Loaded image: gone:1'
	ok tare system check
	tare rmi gone:1 >/dev/null
	rm "$DIR/pipe" "$DIR/gone.tar" "$DIR/out.tar"
}
