#!/usr/bin/env bats
# history, image inspect, image prune with filters, and image gc.

load lib

test_down() {
	leave_nothing
	tare image prune -a -f >/dev/null 2>&1 || true
	same "$(find "$ROOT/layers/sha256" "$ROOT/blobs/sha256" "$ROOT/pulls" -mindepth 1 2>/dev/null)" ''
}

image_names() { tare images --format '{{.Repository}}:{{.Tag}}' | sort | xargs; }
rootfs() { # FILE: an archive with one file, different each time
	mkdir -p "$DIR/r"
	date +%s%N >"$DIR/r/file"
	head -c 100000 /dev/zero | tr '\0' x >"$DIR/r/x"
	tar -C "$DIR/r" -cf "$1" .
}

@test "history: newest first, sizes, comments, and every way to print it" {
	tare run --name c --network none $B sh -c 'head -c 5000 /dev/zero >/f'
	tare commit -m 'made by hand' c out:1
	tare run --name d --network none out:1 sh -c ': a very long command that does not fit into the column of a list; echo' >/dev/null
	tare commit d out:2
	ok tare history out:2
	same "$(head -1 <<<"$output" | tr -s ' ')" 'IMAGE CREATED CREATED BY SIZE COMMENT'
	same "${#lines[@]}" 4
	[[ ${lines[1]} == "$(tare images -q out:2)"*'sh -c : a very long command that does not fi…'* ]]
	[[ ${lines[2]} == '<missing>'*'made by hand'* ]]
	ok tare history --no-trunc --format '{{.CreatedBy}}' out:2
	[[ ${lines[0]} == *'of a list; echo' ]]
	ok tare history -q out:2
	is "$(tare images -q out:2)"$'\n<missing>\n<missing>'
	ok tare history --human=false --format '{{.Size}}' out:1
	[ "${lines[0]}" -ge 5000 ]
	ok tare history --format '{{.CreatedAt}}' out:1
	[[ ${lines[0]} =~ ^[0-9-]{10}T[0-9:]{8}Z$ ]]
	ok tare --json image history $B
	same "$(jq length <<<"$output")" 1
	refused 125 'no such image' history nothere
	ok tare --demo history shop/api:2.4
	has 'CREATED BY'
}

@test "image prune: by age and label, only what nothing uses, first as a dry run" {
	rootfs "$DIR/a.tar"
	SOURCE_DATE_EPOCH=1000000000 tare import -q --change 'LABEL keep=yes' "$DIR/a.tar" old:keep
	SOURCE_DATE_EPOCH=1000000000 tare import -q --change 'LABEL keep=no' "$DIR/a.tar" old:go
	tare import -q "$DIR/a.tar" new:1
	ok tare image prune --dry-run -a --filter until=24h --filter 'label!=keep=yes'
	has old:go
	lacks old:keep
	same "$(image_names)" 'new:1 old:go old:keep'
	ok tare image prune -f -a --filter until=24h --filter 'label!=keep=yes'
	has 'Untagged: old:go'
	same "$(image_names)" 'new:1 old:keep'
	ok tare image prune -f --filter until=24h
	same "$(image_names)" 'new:1 old:keep'
	ok tare image prune -f --filter dangling=false --filter label=keep
	same "$(image_names)" new:1
	refused 125 'nonsense' image prune -f --filter nonsense=1
	refused 125 'never' image prune -f --filter until=never
	refused 125 '--force' image prune -a </dev/null
}

@test "a name that moves to other bytes of the same image leaves nothing that a prune could take it by" {
	rootfs "$DIR/twin.tar"
	tare import "$DIR/twin.tar" twin:1 >/dev/null
	tare save -o "$DIR/plain.tar" twin:1
	skopeo copy -q "oci-archive:$DIR/plain.tar" "oci-archive:$DIR/packed.tar:docker.io/library/twin:1" # compresses
	local id=$(tare images -q twin:1) entries='.manifests | length'
	tare load -q -i "$DIR/packed.tar"
	same "$(tare images -q twin:1)" "$id"
	# the other manifest of it has no name now, and is no image of its own
	same "$(jq "$entries" "$ROOT/index.json")" 2
	same "$(tare images -q --filter dangling=true)" ''
	ok tare image prune --dry-run
	lacks "$id"
	tare image prune -f
	same "$(tare images -q twin:1)" "$id"
	tare system prune -f >/dev/null
	same "$(tare images -q twin:1)" "$id"
	same "$(jq "$entries" "$ROOT/index.json")" 1
	ok tare save -o "$DIR/again.tar" twin:1
}

@test "image gc removes what nothing reaches, and says how much" {
	tare run --rm --network none $B true
	local blob layer
	blob=$ROOT/blobs/sha256/$(printf 'a%.0s' {1..64})
	layer=$ROOT/layers/sha256/$(printf 'b%.0s' {1..64})
	head -c 1000000 /dev/zero >"$blob"
	mkdir "$layer"
	echo 500000 >"$layer.size"
	ok tare image gc
	is 'Total reclaimed space: 1.5MB'
	[ ! -e "$blob" ] && [ ! -e "$layer" ]
	ok tare run --rm --network none $B true
	ok tare --json image gc
	same "$(jq .SpaceReclaimed <<<"$output")" 0
	ok tare --demo image gc
}

@test "image gc beside loads and commits takes nothing that they need" {
	tare run --name c --network none $B sh -c 'head -c 300000 /dev/urandom >/f'
	tare save -o "$DIR/b.tar" $B
	local i stop=$DIR/stop pid
	(while [ ! -e "$stop" ]; do tare image gc >/dev/null || touch "$DIR/gc-failed"; done) &
	pid=$!
	for i in 1 2 3 4 5 6; do
		rootfs "$DIR/a$i.tar"
		tare import -q "$DIR/a$i.tar" "imported:$i" >/dev/null
		tare commit c "committed:$i" >/dev/null
		tare load -qi "$DIR/b.tar" >/dev/null
	done
	touch "$stop"
	wait $pid
	[ ! -e "$DIR/gc-failed" ]
	rm "$stop" "$DIR"/*.tar
	for i in 1 2 3 4 5 6; do
		ok tare run --rm --network none committed:$i wc -c /f
		is '300000 /f'
		ok tare save -o "$DIR/x.tar" imported:$i committed:$i
	done
	ok tare system check
}

@test "image inspect shows it all, by name, digest and id" {
	ok tare image inspect $B
	same "$(jq -r '.[0].RepoTags[0]' <<<"$output")" busybox:latest
	local id digest
	id=$(jq -r '.[0].Id' <<<"$output")
	digest=$(jq -r '.[0].Descriptor.digest' <<<"$output")
	same "$(tare image inspect --format '{{.Id}}' "${id:7:12}")" "$id"
	same "$(tare image inspect --format '{{.Id}}' "$B@$digest")" "$id"
	exits 1 tare image inspect nothere
	is '[]'
}
