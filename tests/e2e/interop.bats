#!/usr/bin/env bats
# Other people's programs push to our registry and pull from it, and ours talks to Debian's docker-registry: the same
# image, with the same digest, each way round.
load lib
load registry

OURS=127.0.0.1:5000
THEIRS=127.0.0.1:5001

file_up() {
	docker_registry 5001
	tare registry start -d -p 5000 --storage "$DIR/registry" >/dev/null
	image oci --busybox "$(command -v busybox)" >"$DIR/oci.digest"
	image docker --busybox "$(command -v busybox)" --docker >"$DIR/docker.digest"
	image many --platforms linux/amd64,linux/arm64 --attestation >"$DIR/many.digest"
	python3 "$E2E/image_maker.py" "$DIR/images/oci" --push "http://$OURS/from/maker:1" >/dev/null
}
file_down() {
	tare registry stop >/dev/null || true
	registries_down
	awk '{ print $5 }' /proc/self/mountinfo | grep -F "$DIR/" | sort -r | while read -r m; do umount -l "$m"; done
}

# digest REGISTRY NAME:TAG: what a registry says it is.
digest() { skopeo inspect --raw --tls-verify=false "docker://$1/$2" | sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/'; }
# Programs with a store of their own, on this file's tmpfs.
podman_() { podman --root "$DIR/podman" --runroot "$DIR/podman-run" --storage-driver vfs "$@" 3>&- 4>&-; }
buildah_() { buildah --root "$DIR/buildah" --runroot "$DIR/buildah-run" --storage-driver vfs "$@" 3>&- 4>&-; }

@test "skopeo pushes images of all kinds to our registry, and gets the same back" {
	local kind
	for kind in oci docker many; do
		# By way of the other registry: skopeo reads no layout with Docker's media types.
		python3 "$E2E/image_maker.py" "$DIR/images/$kind" --push "http://$THEIRS/source/$kind:1" >/dev/null
		ok skopeo copy -q --all --src-tls-verify=false --dest-tls-verify=false "docker://$THEIRS/source/$kind:1" "docker://$OURS/skopeo/$kind:1"
		[ "$(digest $OURS "skopeo/$kind:1")" = "$(cat "$DIR/$kind.digest")" ]
		ok skopeo copy -q --all --src-tls-verify=false "docker://$OURS/skopeo/$kind:1" "dir:$DIR/back-$kind"
		[ "sha256:$(sha256sum <"$DIR/back-$kind/manifest.json" | cut -c 1-64)" = "$(cat "$DIR/$kind.digest")" ]
	done
	ok skopeo list-tags --tls-verify=false "docker://$OURS/skopeo/oci"
	[[ $output == *'"1"'* ]]
	ok skopeo delete --tls-verify=false "docker://$OURS/skopeo/oci:1"
	exits 1 skopeo inspect --tls-verify=false "docker://$OURS/skopeo/oci:1"
}

@test "podman pulls from our registry and pushes to it" {
	ok podman_ pull -q --tls-verify=false $OURS/from/maker:1
	ok podman_ push -q --tls-verify=false $OURS/from/maker:1 $OURS/podman/image:2
	ok skopeo inspect --tls-verify=false "docker://$OURS/podman/image:2"
	ok podman_ search --tls-verify=false $OURS/from
	[[ $output == *from/maker* ]]
}

@test "buildah pulls from our registry and pushes to it" {
	ok buildah_ pull -q --tls-verify=false $OURS/from/maker:1
	ok buildah_ push -q --tls-verify=false $OURS/from/maker:1 "docker://$OURS/buildah/image:2"
	ok skopeo inspect --tls-verify=false "docker://$OURS/buildah/image:2"
}

@test "containerd's ctr pulls from our registry and pushes to it" {
	local ctr=(ctr -a "$DIR/containerd.sock" images)
	printf 'version = 2\nroot = "%s/containerd"\nstate = "%s/containerd-state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "%s/containerd.sock"\n' "$DIR" "$DIR" "$DIR" >"$DIR/containerd.toml"
	containerd -c "$DIR/containerd.toml" >"$DIR/containerd.log" 2>&1 3>&- 4>&- &
	echo $! >>"$DIR/registries"
	eventually 10 test -S "$DIR/containerd.sock"
	ok "${ctr[@]}" pull --plain-http --snapshotter native $OURS/from/maker:1
	ok "${ctr[@]}" tag $OURS/from/maker:1 $OURS/ctr/image:3
	ok "${ctr[@]}" push --plain-http $OURS/ctr/image:3
	[ "$(digest $OURS ctr/image:3)" = "$(cat "$DIR/oci.digest")" ]
	kill "$(tail -n 1 "$DIR/registries")"
}

@test "umoci reads what our registry keeps, in place" {
	ok umoci ls --layout "$DIR/registry/repositories/from+maker"
	[ "$output" = 1 ]
	ok umoci unpack --image "$DIR/registry/repositories/from+maker:1" "$DIR/bundle"
	[ -x "$DIR/bundle/rootfs/bin/busybox" ]
	ok skopeo copy -q "oci:$DIR/registry/repositories/from+maker:1" "oci:$DIR/copied:1"
}

@test "an image goes from docker-registry through the store to our registry and back with its digest" {
	local kind name
	for kind in oci docker; do
		python3 "$E2E/image_maker.py" "$DIR/images/$kind" --push "http://$THEIRS/$kind:1" >/dev/null
		ok tare pull -q "$THEIRS/$kind:1"
		ok tare run --rm "$THEIRS/$kind:1" /bin/cat /data/1/0
		name=$OURS/through/$kind:1
		ok tare push -q "$THEIRS/$kind:1" "$name"
		[ "$(digest $OURS "through/$kind:1")" = "$(cat "$DIR/$kind.digest")" ]
		ok tare rmi "$THEIRS/$kind:1"
		ok tare pull -q "$name"
		ok tare push -q "$name" "$THEIRS/again/$kind:1"
		[ "$(digest $THEIRS "again/$kind:1")" = "$(cat "$DIR/$kind.digest")" ]
		ok tare rmi "$name"
	done
}

@test "the store's own images are served without copying, read only" {
	ok tare pull -q $OURS/from/maker:1
	ok tare tag $OURS/from/maker:1 mine:7
	ok tare registry start -d -p 5002 --storage "$DIR/empty" --local-images
	ok skopeo inspect --tls-verify=false docker://127.0.0.1:5002/library/mine:7
	[ "$(digest 127.0.0.1:5002 library/mine:7)" = "$(cat "$DIR/oci.digest")" ]
	[ -z "$(find "$DIR/empty/blobs" -type f -size +2k 2>/dev/null)" ]
	exits 1 skopeo delete --tls-verify=false docker://127.0.0.1:5002/library/mine:7
	ok tare registry stop -p 5002
	ok tare rmi mine:7 $OURS/from/maker:1
}
