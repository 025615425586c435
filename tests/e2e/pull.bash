# shellcheck shell=bash disable=SC2154 # bats sets variables
# For files about pulls, after `load registry`: every test leaves an empty store, and knows what was sent.

test_down() {
	leave_nothing
	tare image prune -a -f >/dev/null 2>&1 || true
	same "$(find "$ROOT/layers/sha256" "$ROOT/blobs" "$ROOT/pulls" "$ROOT/partial" -mindepth 1 -not -type d 2>/dev/null)" ''
}

image_names() { tare images --format '{{.Repository}}:{{.Tag}}' | sort | xargs; }
partial_bytes() { find "$ROOT/partial" -type f -printf '%s\n' 2>/dev/null | awk '{ s += $1 } END { print s + 0 }'; }
layer_bytes() { jq '[.layers[].size] | add' "$DIR/images/$1/blobs/sha256/$(jq -r '.manifests[0].digest' "$DIR/images/$1/index.json" | cut -d: -f2)"; }
has_partial() { [ "$(partial_bytes)" -gt "$1" ]; }
# Bytes of layers that large has sent since the last `rules`; it notes them when it has sent them.
came() { jq -s '[.[] | select((.path | contains("/blobs/")) and .sent > 1000) | .sent] | add // 0' "$DIR/large.requests"; }
came_exactly() { [ "$(came)" -eq "$1" ]; }
came_at_most() { [ "$(came)" -le "$1" ]; }
start_pull() { # in the background, as from a terminal: bash lets background jobs ignore SIGINT
	env --default-signal=INT "$BUILD/tare" --root "$ROOT" --state "$STATE" pull $LARGE >"$DIR/out" 2>"$DIR/err" 3>&- 4>&- &
}
clean() { # nothing half is visible, and nothing needs repair
	ok tare system check
	has 'in order'
	same "$(find "$ROOT/layers/sha256" -mindepth 1 -maxdepth 1 2>/dev/null)" ''
	same "$(image_names)" ''
}
# The machine has nothing left of it when a pull was killed: it dies with its parent.
no_transfer() { ! pgrep -f "tare-transfer.*$ROOT|$BUILD/tare --root $ROOT .*pull" >/dev/null; }
