#!/usr/bin/env bats
# Pulls that are cut at any moment, that run twice at once, beside a sweep and on a full disk.

load lib
load registry
load pull

file_up() {
	image large --layers 3 --kib 2048 --files 16 --busybox /bin/busybox >/dev/null
	hostile large # told to be slow, to break off, to be away
}
setup() {
	LARGE=127.0.0.1:$(cat "$DIR/large.port")/large
	rules large '[]'
}

all_noted() { [ "$(requests large | grep -c 'GET .*/blobs/')" -eq 4 ]; } # what was asked before the cut: a config, three layers

file_down() { registries_down; }

@test "cut by each signal, a pull goes on by Range from where it was" {
	local sig bytes have code pid
	bytes=$(layer_bytes large)
	for sig in INT TERM KILL; do
		rules large '[{"match": "GET .*/blobs/", "slow": 1500000}]'
		start_pull
		pid=$!
		eventually 10 has_partial 800000
		kill -$sig $pid
		code=0
		wait $pid || code=$?
		[ $code -ne 0 ] || fail 'it was not cut'
		[ $sig = KILL ] || grep -q 'what came is kept: the same pull goes on from there' "$DIR/err"
		eventually 5 no_transfer
		eventually 5 all_noted
		clean
		have=$(partial_bytes)
		[ "$have" -gt 500000 ]
		rules large '[]'
		ok tare pull $LARGE
		# what was there did not come again
		eventually 3 came_exactly $((bytes - have)) || fail "$(came) came, not $((bytes - have))"
		ok tare run --rm $LARGE true
		same "$(find "$ROOT/partial" -type f)" ''
		test_down
	done
}

@test "a pull may be cut anywhere" {
	local i pid
	rules large '[{"match": "GET .*/blobs/", "slow": 12000000}]'
	for i in 1 2 3 4 5 6 7 8; do
		start_pull
		pid=$!
		sleep "0.$((i * 4 + 10))"
		kill -KILL $pid 2>/dev/null || true
		wait $pid || true
		eventually 5 no_transfer
		[ -n "$(image_names)" ] || clean
		if [ -n "$(image_names)" ]; then
			ok tare run --rm $LARGE true
			tare rmi $LARGE >/dev/null
		fi
	done
	ok tare pull $LARGE
	ok tare run --rm $LARGE sh -c 'cat /data/*/* | /bin/busybox wc -c'
	is $((3 * 2048 * 1024))
	# the drafts of killed pulls are rubbish, and swept
	tare image prune -f >/dev/null
	same "$(find "$ROOT/layers" -maxdepth 1 -name 'tmp-*')" ''
}

@test "a registry that goes away in the middle: the next pull goes on, too" {
	local have
	rules large '[{"match": "GET .*/blobs/|never 1", "skip": 1, "cut": 300000, "times": 3}, {"match": "GET .*/blobs/|never 2", "skip": 1, "status": 404}]'
	refused 125 'layer' pull $LARGE
	clean
	have=$(partial_bytes)
	[ "$have" -ge 300000 ]
	rules large '[]'
	ok tare pull $LARGE
	came_at_most $(($(layer_bytes large) - have))
}

@test "what is kept and is wrong is fetched anew" {
	local f
	ok tare pull $LARGE
	# as if an earlier pull had left them: one too long, one with other bytes, one half
	mkdir -p "$ROOT/partial/sha256"
	local layers=()
	mapfile -t layers < <(jq -r '.layers[].digest' "$ROOT/blobs/sha256/$(jq -r '.manifests[0].digest' "$DIR/images/large/index.json" | cut -d: -f2)" | cut -d: -f2)
	cp "$ROOT/blobs/sha256/${layers[0]}" "$ROOT/partial/sha256/"
	echo more >>"$ROOT/partial/sha256/${layers[0]}"
	tr 'a-z' 'b-za' <"$ROOT/blobs/sha256/${layers[1]}" >"$ROOT/partial/sha256/${layers[1]}"
	head -c 100000 "$ROOT/blobs/sha256/${layers[2]}" | tr 'a-z' 'b-za' >"$ROOT/partial/sha256/${layers[2]}"
	tare rmi $LARGE >/dev/null
	ok tare pull $LARGE
	ok tare run --rm $LARGE sh -c 'cat /data/*/* | /bin/busybox wc -c'
	is $((3 * 2048 * 1024))
	for f in "${layers[@]}"; do same "$(sha256sum <"$ROOT/blobs/sha256/$f" | cut -d' ' -f1)" "$f"; done
}

@test "two pulls of one image at the same time share the work, and when one is killed the other takes over" {
	local pids=() i
	rules large '[{"match": "GET .*/blobs/", "slow": 3000000}]'
	for i in 1 2 3; do
		start_pull
		pids+=($!)
	done
	for i in "${pids[@]}"; do returns 0 "$i"; done
	eventually 3 came_exactly "$(layer_bytes large)" || fail "$(came) came, not $(layer_bytes large)"
	test_down

	rules large '[{"match": "GET .*/blobs/", "slow": 2000000}]'
	start_pull
	pids=($!)
	eventually 10 has_partial 500000
	start_pull
	pids+=($!)
	sleep 0.2
	kill -KILL "${pids[0]}"
	returns 0 "${pids[1]}"
	# but for what was on its way when it was killed
	came_at_most $(($(layer_bytes large) * 3 / 2))
	ok tare run --rm $LARGE true
}

@test "image prune beside a pull takes nothing that it needs" {
	local pid
	rules large '[{"match": "GET .*/blobs/", "slow": 3000000}]'
	start_pull
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		tare image prune -f >/dev/null
		[ -z "$(image_names)" ] || break
		tare image prune -a -f >/dev/null
	done
	returns 0 $pid
	[ -n "$(image_names)" ] || tare pull $LARGE >/dev/null
	ok tare run --rm $LARGE true
}

@test "a full disk is said clearly, keeps what came, and the pull goes on once there is room" {
	local have
	mkdir "$DIR/small"
	mount -t tmpfs -o size=3500k tmpfs "$DIR/small"
	refused 125 'No space left' --root "$DIR/small/root" pull $LARGE
	have=$(find "$DIR/small/root/partial" -type f -printf '%s\n' | awk '{ s += $1 } END { print s + 0 }')
	[ "$have" -gt 300000 ]
	same "$(tare --root "$DIR/small/root" images -q)" ''
	same "$(find "$DIR/small/root/layers" -mindepth 2)" ''
	mount -o remount,size=64m "$DIR/small"
	rules large '[]'
	ok tare --root "$DIR/small/root" pull $LARGE
	came_at_most $(($(layer_bytes large) - have))
	umount "$DIR/small"
}

@test "what a pull has begun and nobody goes on with goes with image prune -a, or after a week" {
	rules large '[{"match": "GET .*/blobs/|never 3", "skip": 1, "cut": 300000, "times": 3}, {"match": "GET .*/blobs/|never 4", "skip": 1, "status": 404}]'
	refused 125 '' pull $LARGE
	tare image prune -f >/dev/null
	has_partial 200000
	find "$ROOT/partial" -type f -exec touch -d '8 days ago' {} +
	tare image prune -f >/dev/null
	same "$(partial_bytes)" 0
	rules large '[{"match": "GET .*/blobs/|never 5", "skip": 1, "cut": 300000, "times": 3}, {"match": "GET .*/blobs/|never 6", "skip": 1, "status": 404}]'
	refused 125 '' pull $LARGE
	has_partial 200000
	tare image prune -a -f >/dev/null
	same "$(partial_bytes)" 0
}

@test "system check sees an image that is not whole" {
	local manifest layer diff what
	ok tare pull $LARGE
	ok tare system check
	manifest=$(jq -r '.manifests[0].digest' "$DIR/images/large/index.json")
	layer=$(jq -r '.layers[1].digest' "$ROOT/blobs/sha256/${manifest#*:}")
	diff=$(basename "$(find "$ROOT/layers/sha256" -mindepth 1 -maxdepth 1 -type d | head -n 1)")
	truncate -s -1 "$ROOT/blobs/sha256/${layer#*:}"
	exits 1 tare system check
	has "image $LARGE:latest"
	has "its layer ${layer:7:12} has"
	mv "$ROOT/blobs/sha256/${layer#*:}" "$DIR/away"
	exits 1 tare system check --repair
	has "its layer ${layer:7:12} is missing"
	# the advice it gives
	ok tare pull $LARGE
	ok tare system check
	mv "$ROOT/layers/sha256/$diff" "$DIR/unpacked"
	exits 1 tare system check
	has "its unpacked layer ${diff:0:12} is missing"
	ok tare pull $LARGE
	ok tare system check
	rm -r "$DIR/unpacked" "$DIR/away"
	mv "$ROOT/blobs/sha256/${manifest#*:}" "$DIR/away"
	exits 1 tare system check
	has "image $LARGE:latest"
	mv "$DIR/away" "$ROOT/blobs/sha256/${manifest#*:}"
	ok tare system check
}
