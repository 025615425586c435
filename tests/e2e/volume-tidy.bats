#!/usr/bin/env bats
# What an interrupted or killed restore leaves goes at once, or with the next command about volumes.
load lib

# under_way VOLUME PATTERN: a restore that waits for the rest of its archive; its pid in $pid
under_way() {
	rm -f "$DIR/pipe" && mkfifo "$DIR/pipe"
	"$BUILD/tare" --root "$ROOT" --state "$STATE" volume restore "$1" - <"$DIR/pipe" >/dev/null 2>"$DIR/said" 3>&- 4>&- &
	pid=$!
	exec 9>"$DIR/pipe"
	head -c 1500000 "$DIR/b.tar" >&9
	eventually 10 found "$2"
}
found() { [ -n "$(find "$ROOT/volumes" -name "$1")" ]; }
gone() { ! found "$1"; }

@test "an interrupted restore takes its draft along; a killed one's goes with the next list, start or making" {
	tare volume create v >/dev/null
	head -c 3000000 /dev/urandom >"$ROOT/volumes/v/data/f"
	tare volume backup v "$DIR/b.tar" >/dev/null
	local turn
	for turn in new v; do
		under_way "$turn" '.[nr]e*-*'
		kill -TERM "$pid" && wait "$pid" || same $? 143
		exec 9>&-
		grep -q 'one that is new is there whole, or not at all' "$DIR/said" || fail "says: $(cat "$DIR/said")"
		gone '.[nr]e*-*' || fail "$turn: $(ls -A "$ROOT/volumes" "$ROOT/volumes/v")"
	done
	for turn in 'volume ls' 'volume create other'; do
		under_way new '.new-*'
		# what somebody is at work on stays
		tare $turn >/dev/null
		found '.new-*' || fail 'a draft went that is in use'
		kill -KILL $(pgrep -P "$pid") "$pid" && wait "$pid" || true
		exec 9>&-
		[ "$turn" = 'volume ls' ] || turn='volume create third'
		ok tare $turn
		gone '.new-*' || fail "it is still there after $turn"
	done
	under_way v '.restore-*'
	kill -KILL $(pgrep -P "$pid") "$pid" && wait "$pid" || true
	exec 9>&-
	ok tare volume ls
	gone '.restore-*' || fail 'what was to be restored is still there'
	same "$(ls -A "$ROOT/volumes/v")" $'data\nvolume.json'
}
