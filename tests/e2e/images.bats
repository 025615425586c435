#!/usr/bin/env bats
# Images without a network: the shipped one, archives in and out, names, removal, and a store that others read.

load lib

file_up() {
	python3 "$BATS_TEST_DIRNAME/../fixtures/archives.py" "$DIR/archives" /bin/busybox
	export A=$DIR/archives
}

test_down() {
	leave_nothing
	tare image prune -a -f >/dev/null 2>&1 || true
	same "$(find "$ROOT/layers/sha256" "$ROOT/blobs/sha256" "$ROOT/pulls" -mindepth 1 2>/dev/null)" ''
}

image_names() { tare images --format '{{.Repository}}:{{.Tag}}' | sort | xargs; }
id_of() { tare image inspect --format '{{.Id}}' "$1"; }
rootfs_tar() { # FILE: something that runs
	mkdir -p "$DIR/rootfs/bin"
	cp /bin/busybox "$DIR/rootfs/bin/sh"
	tar -C "$DIR/rootfs" -cf "$1" .
}

@test "the shipped busybox needs no network and no registry" {
	ok tare run --rm $B echo from busybox
	is 'from busybox'
	same "$(image_names)" busybox:latest
	ok tare run --rm docker.io/library/busybox:latest cat /etc/passwd
	has 'root:x:0:0:root:/root:/bin/sh'
	ok tare run --rm $B stat -c '%a' /tmp /root /etc/shadow
	is $'1777\n700\n600'
}

@test "every verb that names the shipped image finds it, on a store that has nothing, and again after rmi" {
	fresh() {
		[ -z "$(image_names)" ] || tare rmi -f $(image_names) >/dev/null
		same "$(image_names)" ''
	}
	ok tare image inspect --format '{{index .RepoTags 0}}' $B
	is busybox:latest
	fresh
	ok tare inspect --format '{{index .RepoTags 0}}' $B
	is busybox:latest
	fresh
	ok tare tag $B mine:1
	same "$(image_names)" 'busybox:latest mine:1'
	fresh
	ok tare save -o "$DIR/saved.tar" $B
	same "$(image_names)" busybox:latest
	tare rmi $B >/dev/null
	same "$(image_names)" ''
	ok tare load -i "$DIR/saved.tar"
	is "Loaded image: busybox:latest"
	tare rmi $B >/dev/null
	ok tare run --rm $B true
	fresh
	# Taking away what is not there loads nothing.
	refused 1 'no such image' rmi $B
	same "$(image_names)" ''
}

@test "it is loaded once, however many ask at the same time" {
	local i pids=()
	for i in 1 2 3 4; do
		tare run --rm $B true &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	same "$(image_names)" busybox:latest
}

@test "load: oci-archive and docker-archive with whiteouts and an opaque directory" {
	local kind
	for kind in oci docker; do
		ok tare load -i "$A/load/run/$kind.tar"
		is "Loaded image: run:$kind"
		ok tare run --rm "run:$kind" sh -c 'cat /etc/keep /etc/replaced /top'
		is $'keep\nnew\ntop'
		ok tare run --rm "run:$kind" ls /opaque /dir
		is $'/dir:\nb\n\n/opaque:\nnew'
		exits 1 tare run --rm "run:$kind" test -e /etc/gone
		exits 1 tare run --rm "run:$kind" test -e /.wh..wh.plnk
	done
	# The layers are the same, so they are there once.
	same "$(find "$ROOT/layers/sha256" -mindepth 1 -maxdepth 1 -type d | wc -l)" 4
}

@test "load: every good archive" {
	local f
	for f in "$A"/load/good/*; do
		ok tare load -i "$f"
		[ -n "$output" ] || fail "nothing said about $f"
	done
	same "$(image_names)" '<none>:<none> layered:docker layered:oci legacy:old legacy:older multi:arch other/name:tag plain:1 quay.io/some/one:2 single:latest'
}

@test "load: an archive of a Docker before 1.10" {
	ok tare load -i "$A/load/good/docker-legacy.tar"
	is $'Loaded image: legacy:old\nLoaded image: legacy:older'
	ok tare image inspect --format '{{index .Config.Env 0}} {{len .RootFS.Layers}}' legacy:old
	is 'LAYER=2 3'
	# The layers are those that the other archives have.
	tare load -q -i "$A/load/good/oci.tar" >/dev/null
	same "$(find "$ROOT/layers/sha256" -mindepth 1 -maxdepth 1 -type d | wc -l)" 3
}

@test "load: from standard input, compressed, quietly, and as JSON" {
	ok tare load <"$A/load/good/oci.tar.gz"
	is 'Loaded image: layered:oci'
	ok tare --json load -q -i "$A/load/good/oci-two.tar"
	same "$(jq -c .Loaded <<<"$output")" '["plain:1","quay.io/some/one:2"]'
	refused 125 nosuchfile load -i "$DIR/nosuchfile"
	refused 125 directory load -i "$DIR"
	echo 'a text' >"$DIR/text"
	refused 125 'this is no tar archive' load -i "$DIR/text"
	refused 125 'URLs are not supported: download https://example.org/a.tar first' load -i https://example.org/a.tar
	refused 125 'URLs are not supported: download http://example.org/a.tar first' import http://example.org/a.tar x
}

@test "load: progress for a program" {
	tare load -i "$A/load/run/oci.tar" --progress-fd 9 9>"$DIR/progress" >/dev/null
	jq -e . "$DIR/progress" >/dev/null
	grep -q unpack "$DIR/progress"
}

@test "a new image takes the name of an old one, which stays without" {
	ok tare import "$A/import/good/nothing.tar" thing
	local first=$output
	ok tare import -m other "$A/import/good/nothing.tar" thing
	[ "$output" != "$first" ] || fail 'the same id twice'
	same "$(tare images -q --no-trunc | sort | xargs)" "$(printf '%s\n' "$first" "$output" | sort | xargs)"
	same "$(image_names)" '<none>:<none> thing:latest'
	ok tare image prune -f
	same "$(image_names)" thing:latest
}

@test "import: every compression, and a layer with all kinds of entries" {
	local f layer
	for f in rich.tar rich.tar.gz members.tar.gz frames.tar.zst rich.tar.xz rich.tar.bz2; do
		ok tare import "$A/import/good/$f" "x:$f"
	done
	zstd -q <"$A/import/good/rich.tar" >"$DIR/rich.zst"
	ok tare import "$DIR/rich.zst" x:zst
	# One layer, since all are the same when unpacked.
	same "$(find "$ROOT/layers/sha256" -mindepth 1 -maxdepth 1 -type d | wc -l)" 1
	layer=$(find "$ROOT/layers/sha256" -mindepth 1 -maxdepth 1 -type d)
	same "$(stat -c '%a %u:%g %Y %h' "$layer/bin/true")" '4755 1:2 1000000000 3'
	same "$(stat -c '%a %Y' "$layer/sticky")" '1777 999999999'
	same "$(stat -c '%F %t,%T' "$layer/dev/null")" 'character special file 1,3'
	same "$(stat -c %F "$layer/pipe")" fifo
	same "$(cat "$layer/twice" "$layer/was-dir" "$layer/lib/inside")" 'secondnow a filethrough a link that stays inside'
	same "$(readlink "$layer/dangling" "$layer/was-dir-too" | xargs)" '/etc/../../nowhere etc'
	same "$(stat -c '%.9Y' "$layer"/long/*)" 1234567890.123456789
	# a tmpfs before Linux 6.6 keeps no user attributes
	: >"$DIR/attributes"
	if setfattr -n user.note -v x "$DIR/attributes" 2>/dev/null; then
		same "$(getfattr -h -n user.note --only-values "$layer"/long/* 2>/dev/null | od -An -tx1 | xargs)" '61 00 62'
	fi
	same "$(getfattr -h -d -m - "$layer/dropped")" ''
	same "$(stat -c %s "$layer/sparse01" "$layer/sparse10" | xargs)" '1048576 1048576'
	[ "$(stat -c %b "$layer/sparse10")" -lt 64 ] || fail 'the hole was filled'
	cmp "$layer/sparse01" "$layer/sparse10"
	ok tare import "$A/import/good/deep.tar" deep
}

@test "import: from standard input, with changes, a message and a platform" {
	rootfs_tar "$DIR/root.tar"
	ok tare import -c 'CMD ["sh","-c","echo $GREETING; pwd; id -u"]' -c 'ENV GREETING=hello PATH=/bin' -c 'WORKDIR /srv' \
		-c 'USER 7' -c 'EXPOSE 80' -c 'LABEL a=b' -c 'VOLUME /data' -c 'STOPSIGNAL SIGINT' -m 'by hand' - mine:1 <"$DIR/root.tar"
	ok tare image inspect --format '{{json .Config}} {{.Comment}} {{.Architecture}}' mine:1
	has '"Cmd":["sh","-c","echo $GREETING; pwd; id -u"]'
	has '"ExposedPorts":{"80/tcp":{}}'
	has '"Labels":{"a":"b"}'
	has '"StopSignal":"SIGINT"'
	has '"User":"7"'
	has '"Volumes":{"/data":{}}'
	has 'by hand'
	ok tare run --rm mine:1
	is $'hello\n/srv\n7'
	ok tare import --platform linux/arm64/v8 "$DIR/root.tar" other
	ok tare image inspect --format '{{.Os}} {{.Architecture}} {{.Variant}}' other
	is 'linux arm64 v8'
	refused 125 'invalid change' import -c 'RUN rm -rf /' "$DIR/root.tar" x
	refused 125 EXPOSE import -c 'EXPOSE 99999' "$DIR/root.tar" x
	refused 125 platform import --platform plan9 "$DIR/root.tar" x
	refused 125 'lower case' import "$DIR/root.tar" UPPER
	same "$(image_names)" 'mine:1 other:latest'
}

@test "import: without a name" {
	ok tare import "$A/import/good/nothing.tar"
	[[ $output == sha256:* ]] || fail "no id: $output"
	same "$(image_names)" '<none>:<none>'
	ok tare rmi "${output:7:12}"
	same "$(image_names)" ''
}

@test "tag and rmi by name, id and a start of the id" {
	tare load -q -i "$A/load/run/oci.tar"
	local id
	id=$(id_of run:oci)
	tare tag run:oci again:1
	tare tag "$id" quay.io/else/where
	same "$(image_names)" 'again:1 quay.io/else/where:latest run:oci'
	same "$(id_of again:1)" "$id"
	same "$(id_of "${id:7:6}")" "$id"
	refused 1 'multiple repositories' rmi "${id:7:12}"
	ok tare rmi again:1
	is 'Untagged: again:1'
	ok tare rmi -f "$id"
	has 'Untagged: quay.io/else/where:latest'
	has 'Untagged: run:oci'
	has "Deleted: $id"
	same "$(ls "$ROOT/layers/sha256")" ''
	refused 1 'no such image' rmi run:oci
	refused 125 'no such image' tag run:oci x
	refused 125 'invalid image name' tag run:oci 'a b'
}

@test "an image that a container uses stays, unless forced; its layers stay even then" {
	tare load -q -i "$A/load/run/oci.tar"
	local id
	id=$(id_of run:oci)
	tare create --name user run:oci sh -c 'cat /etc/replaced' >/dev/null
	refused 1 'must force' rmi run:oci
	refused 1 'must be forced' rmi "${id:7:12}"
	ok tare image prune -a -f
	same "$(image_names)" run:oci
	ok tare rmi -f run:oci
	same "$(image_names)" ''
	ok tare start -a user
	is new
	tare rm user
}

@test "a damaged image says so, and its name can be taken away" {
	tare load -q -i "$A/load/good/docker.tar" >/dev/null
	local id
	id=$(id_of single)
	rm "$ROOT/blobs/sha256/${id#sha256:}"
	refused 125 'image store' run --rm single true
	same "$(image_names)" 'layered:docker other/name:tag'
	ok tare rmi single
	is 'Untagged: single:latest'
	refused 125 'no such image' run --rm --pull never single true
}

@test "an image that runs cannot be deleted by its id at all" {
	tare load -q -i "$A/load/run/oci.tar"
	local id
	id=$(id_of run:oci)
	background user run:oci sh -c 'read x </dev/zero'
	refused 1 'cannot be forced' rmi -f "${id:7:12}"
	ok tare rmi -f run:oci
	is 'Untagged: run:oci'
	same "$(image_names)" '<none>:<none>'
	tare rm -f user
}

@test "save: the same bytes each time, and what is loaded again is the same image" {
	local id format
	tare load -q -i "$A/load/run/oci.tar"
	tare load -q -i "$A/load/good/docker.tar"
	id=$(id_of run:oci)
	for format in oci-archive docker-archive; do
		ok tare save --format $format -o "$DIR/one.tar" run:oci layered:docker
		tare save --format $format run:oci layered:docker >"$DIR/two.tar"
		cmp "$DIR/one.tar" "$DIR/two.tar"
		tare rmi -f run:oci layered:docker >/dev/null
		ok tare load -i "$DIR/one.tar"
		is $'Loaded image: run:oci\nLoaded image: layered:docker'
		same "$(id_of run:oci)" "$id"
		ok tare run --rm run:oci cat /etc/replaced
		is new
	done
	refused 125 'no such image' save -o "$DIR/none.tar" nosuchimage
	[ ! -e "$DIR/none.tar" ] || fail 'an archive of nothing'
	run --separate-stderr bash -c "$TARE save run:oci | head -c 1; exit \${PIPESTATUS[0]}"
	same "$status $stderr" '141 '
	refused 125 'unknown --format' save --format zip -o "$DIR/none.tar" run:oci
	same "$(find "$DIR" -maxdepth 1 -name '.*.tare-*')" ''
}

@test "the store is an OCI layout that skopeo and umoci read" {
	command -v skopeo umoci jq >/dev/null || skip 'skopeo or umoci is not installed'
	tare run --rm $B true
	tare load -q -i "$A/load/run/docker.tar"
	same "$(skopeo inspect "oci:$ROOT:docker.io/library/busybox:latest" | jq -r .Os)" linux
	same "$(skopeo inspect --config "oci:$ROOT:docker.io/library/run:docker" | jq -c .config.Cmd)" '["/bin/sh"]'
	same "$(umoci ls --layout "$ROOT" | sort | xargs)" 'docker.io/library/busybox:latest docker.io/library/run:docker'
	umoci unpack --image "$ROOT:docker.io/library/run:docker" "$DIR/bundle" >/dev/null
	same "$(cat "$DIR/bundle/rootfs/etc/replaced")" new
	rm -rf "$DIR/bundle"
	# What we save, others read.
	tare save -o "$DIR/saved.tar" run:docker
	same "$(skopeo inspect --config "oci-archive:$DIR/saved.tar" | jq -c .config.Cmd)" '["/bin/sh"]'
	tare save --format docker-archive -o "$DIR/saved.tar" run:docker
	same "$(skopeo inspect "docker-archive:$DIR/saved.tar" | jq '.Layers | length')" 4
	# And the other way round.
	skopeo copy -q "docker-archive:$DIR/saved.tar" "oci-archive:$DIR/copied.tar:from/skopeo:1"
	ok tare load -i "$DIR/copied.tar"
	is 'Loaded image: from/skopeo:1'
	ok tare run --rm from/skopeo:1 cat /etc/replaced
	is new
}

@test "loads, removals and sweeps at the same time" {
	local i pids=()
	for i in 1 2 3 4; do
		(
			for _ in 1 2 3; do
				tare load -q -i "$A/load/run/oci.tar" >/dev/null || exit 1
				tare image prune -f >/dev/null || exit 1
				tare tag run:oci "mine:$i" 2>/dev/null || true
				tare rmi -f "mine:$i" >/dev/null 2>&1 || true
			done
		) &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	tare load -q -i "$A/load/run/oci.tar"
	ok tare run --rm run:oci cat /etc/replaced
	is new
}

# begin_load: a load that waits for the rest of its archive; $loader is its pid, descriptor 9 feeds it
begin_load() {
	mkfifo "$DIR/fifo"
	"$BUILD/tare-transfer" --root "$ROOT" --state "$STATE" load -q <"$DIR/fifo" 2>"$DIR/loader" 3>&- 4>&- &
	loader=$!
	exec 9>"$DIR/fifo"
	head -c 1000000 "$A/load/run/oci.tar" >&9
	eventually 10 pulling
}
end_load() {
	exec 9>&-
	rm "$DIR/fifo"
}
pulling() { [ "$(find "$ROOT/pulls" -type f | wc -l)" -ge 2 ]; }
not_pulling() { [ "$(find "$ROOT/pulls" -type f | wc -l)" -eq 0 ]; }

@test "a load that is interrupted leaves nothing, and a sweep meanwhile takes nothing from it" {
	local code=0
	begin_load
	tare image prune -f >/dev/null
	pulling || fail 'the pull of a running load was swept'
	kill -TERM $loader
	wait $loader || code=$?
	end_load
	same $code 143
	same "$(cat "$DIR/loader")" 'tare: interrupted; nothing was changed'
	not_pulling
}

@test "all images of an archive get their names by one write" {
	ok tare load -q -i "$A/load/good/docker-legacy.tar"
	ok tare save -o "$DIR/two.tar" legacy:old legacy:older
	ok tare rmi legacy:old legacy:older
	strace -f -e trace=rename,renameat,renameat2 -o "$DIR/trace" \
		"$BUILD/tare" --root "$ROOT" --state "$STATE" load -q -i "$DIR/two.tar" 3>&- 4>&- >/dev/null
	same "$(grep -c '"index.json"' "$DIR/trace")" 1
	ok tare image inspect legacy:old legacy:older
	ok tare rmi legacy:old legacy:older
}

@test "an interruption that comes after the names does not say that nothing was changed" {
	local loader code=0 full
	mkfifo "$DIR/full"
	exec {full}<>"$DIR/full"
	head -c 65536 /dev/zero >&"$full" # now what is printed to it waits
	"$BUILD/tare" --root "$ROOT" --state "$STATE" load -i "$A/load/good/docker-legacy.tar" 3>&- 4>&- \
		>&"$full" 2>"$DIR/loader" &
	loader=$!
	eventually 10 tare image inspect legacy:old
	kill -TERM $loader
	head -c 65536 <&"$full" >/dev/null
	wait $loader || code=$?
	exec {full}>&-
	same "$(cat "$DIR/loader")" ''
	same $code 0
	rm "$DIR/full"
	ok tare rmi legacy:old legacy:older
}

@test "a load whose worker crashes leaves nothing and says so" {
	local code=0
	begin_load
	# Not SIGSEGV: the address sanitizer answers that one itself.
	kill -ABRT "$(pgrep -P $loader)"
	wait $loader || code=$?
	end_load
	same $code 134
	same "$(wc -l <"$DIR/loader")" 1
	grep -q SIGABRT "$DIR/loader"
	not_pulling
}

@test "a load that is killed leaves what the next sweep finds" {
	begin_load
	kill -KILL $loader
	wait $loader || true
	end_load
	eventually 10 swept
}
swept() { tare image prune -f >/dev/null && not_pulling; }

@test "a full disk is one clear line, and nothing half-made is left" {
	local small=$DIR/small
	mkdir "$small"
	mount -t tmpfs -o size=2m none "$small"
	run --separate-stderr "$BUILD/tare" --root "$small/root" --state "$STATE" load -i "$A/load/run/oci.tar"
	local code=$status message=$stderr left
	left=$(find "$small/root" -type f -path '*/sha256/*' -o -path '*/pulls/*' -o -name 'tmp-*')
	umount "$small"
	rmdir "$small"
	same "$code" 125
	[[ $message == 'tare: '*'No space left on device'* ]] || fail "$message"
	same "$(wc -l <<<"$message")" 1
	same "$left" ''
}
