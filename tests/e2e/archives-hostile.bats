#!/usr/bin/env bats
# Archives made to break out, to lie or to fill the disk: each is refused by one clear line that says what is wrong
# with it, nothing of it stays in the store, and nothing outside was touched.

load lib

file_up() {
	python3 "$BATS_TEST_DIRNAME/../fixtures/archives.py" "$DIR/archives"
	export A=$DIR/archives
	# What the archives try to write, and what must stay as it is.
	rm -rf /tmp/tare-canary
	sha256sum /etc/passwd /etc/shadow /etc/hostname >"$DIR/before"
}

store_is_empty() { # ARCHIVE
	local left
	left=$(find "$ROOT/layers" "$ROOT/blobs" "$ROOT/pulls" -mindepth 1 ! -name sha256 ! -name sha512 2>/dev/null)
	[ -z "$left" ] || fail "$1 left behind:" "$left"
	same "$(tare images -q)" ''
}

# refuse_all COMMAND PREFIX ARGUMENT…: every archive of $A/expect whose path begins with PREFIX
refuse_all() {
	local prefix=$1 path words n=0
	shift
	while IFS=$'\t' read -r path words; do
		[[ $path == "$prefix"* ]] || continue
		refused 125 "$words" "$@" "$A/$path" || fail "by $path"
		store_is_empty "$path"
		n=$((n + 1))
	done <"$A/expect"
	[ $n -gt 0 ] || fail "no archives under $prefix"
	[ ! -e /tmp/tare-canary ] || fail 'something was written outside'
	sha256sum --quiet -c "$DIR/before"
}

@test "names that lead out" { refuse_all import/bad/dotdot import && refuse_all import/bad/absolute import; }
@test "symbolic links that lead out" { refuse_all import/bad/symlink import; }
@test "hard links that lead out" { refuse_all import/bad/hardlink import; }
@test "whiteouts, devices and attributes that are overlayfs' own" {
	refuse_all import/bad/whiteout import
	refuse_all import/bad/device import
	refuse_all import/bad/xattr import
}
@test "damaged archives and bombs" { refuse_all import/bad/ import; }
@test "image archives that lie" { refuse_all load/bad/ load -i; }

# The same archives, restored into a volume: what is only overlayfs' own mark has no meaning there.
@test "restored into a volume they are refused, too" {
	local path words
	while IFS=$'\t' read -r path words; do
		case ${path#import/bad/} in
		dotdot* | absolute* | root-* | parent-* | long-* | empty-name* | xattr-* | symlink* | truncated*) ;;
		hardlink-to-whiteout*) continue ;;
		hardlink*) ;;
		*) continue ;;
		esac
		refused 125 "$words" volume restore -q --into new old "$A/$path" || fail "by $path"
		same "$(find "$ROOT/volumes" -mindepth 1 ! -name '*lock*' 2>/dev/null)" '' || fail "by $path"
	done < <(grep ^import/bad/ "$A/expect")
	[ ! -e /tmp/tare-canary ] || fail 'something was written outside'
	sha256sum --quiet -c "$DIR/before"
}

@test "names that mean something to overlayfs are plain names in a volume" {
	local data=$ROOT/volumes/plain/data
	printf x >"$DIR/.wh.a"
	printf y >"$DIR/.wh..wh..opq"
	printf z >"$DIR/a"
	tar -cf "$DIR/plain.tar" -C "$DIR" a .wh.a .wh..wh..opq
	ok tare volume restore -q plain "$DIR/plain.tar"
	same "$(cat "$data/a" "$data/.wh.a" "$data/.wh..wh..opq")" zxy
	ok tare volume restore -q zero "$A/import/bad/device-0-0.tar"
	same "$(stat -c '%F %t %T' "$ROOT/volumes/zero/data/hidden")" 'character special file 0 0'
	ok tare volume rm plain zero
}

@test "from standard input as well" {
	local f
	for f in import/bad/dotdot.tar import/bad/bomb.tar.gz import/bad/truncated.tar.gz; do
		exits 125 tare import - <"$A/$f"
		same "${#stderr_lines[@]}" 1
		store_is_empty "$f"
	done
	exits 125 tare load <"$A/load/bad/layer-flipped.tar"
	same "${#stderr_lines[@]}" 1
	store_is_empty load
}

@test "no open outside the store's own descriptors" {
	command -v strace >/dev/null || skip 'strace is not installed'
	local f
	for f in symlink-absolute-then-file symlink-chain-then-file hardlink-through-symlink dotdot-deep; do
		strace -f -qq -o "$DIR/trace" -e trace=open,openat,openat2,mknodat,mkdirat,linkat,symlinkat,unlinkat \
			"$BUILD/tare-transfer" --root "$ROOT" --state "$STATE" import -q "$A/import/bad/$f.tar" 2>/dev/null 3>&- 4>&- || true
		# Writing calls are either beneath a descriptor, or name the store itself.
		run grep -E 'O_(WRONLY|RDWR|CREAT)|mknodat|mkdirat|linkat' "$DIR/trace"
		! grep -E 'AT_FDCWD, "/' <<<"$output" | grep -vF -e "\"$ROOT" -e "\"$STATE" -e '"/dev/' | grep . || fail "in $f"
	done
}
