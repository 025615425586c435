#!/usr/bin/env bats
# A backup repository: volume backup --to, backups, restore DIR@ID, verify, forget, prune.
# shellcheck disable=SC2154 # bats sets stderr
ATTRIBUTES=1
load lib

file_up() {
	export DATA=$ROOT/volumes/data/data
}

# a_volume NAME: one with a bit of everything, and names that nobody likes
a_volume() {
	local d=$ROOT/volumes/$1/data
	tare volume create "$1" >/dev/null
	mkdir -p "$d/etc" "$d/deep/er"
	echo one >"$d/etc/one"
	seq 1 40000 >"$d/deep/er/numbers"
	head -c 1500000 /dev/urandom >"$d/big"
	echo odd >"$d/$(printf 'a\nb \033[31mred')"
	ln "$d/etc/one" "$d/hard"
	ln -s /etc/passwd "$d/link"
	mkfifo "$d/fifo"
	truncate -s 10M "$d/sparse" && printf end | dd of="$d/sparse" bs=1 seek=5000000 conv=notrunc status=none
	setfattr -n user.note -v kept "$d/etc/one"
	chown 1234:4321 "$d/deep" && chmod 2751 "$d/deep"
	touch -d '2020-02-02 02:02:02.123456789' "$d/deep/er/numbers" "$d/etc"
}

# Everything that a restore has to bring back, of a volume's data.
look() {
	python3 - "$ROOT/volumes/$1/data" <<-'END'
		import hashlib, os, stat, sys
		os.chdir(sys.argv[1])
		names = ["."] + sorted(os.path.join(d, n) for d, dirs, files in os.walk(".") for n in dirs + files)
		for n in names:
		    s = os.lstat(n)
		    kept = [n, oct(s.st_mode), s.st_uid, s.st_gid, s.st_mtime_ns]
		    if stat.S_ISREG(s.st_mode):
		        kept += [s.st_size, s.st_nlink, s.st_blocks * 512 < s.st_size, hashlib.sha256(open(n, "rb").read()).hexdigest()]
		    if stat.S_ISLNK(s.st_mode):
		        kept += [os.readlink(n)]
		    else:
		        kept += [(x, os.getxattr(n, x)) for x in sorted(os.listxattr(n))]
		    print(kept)
	END
}

newest() { tare volume backups -q "$1" | tail -n 1; }
flip() { # FILE OFFSET: one bit of the byte there
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

@test "a backup goes into a repository and comes back as it was" {
	local repo=$DIR/repo
	a_volume data
	look data >"$DIR/before"
	ok tare volume backup data --to "$repo"
	[[ $output =~ ^'backed up data: '[0-9,]+' files and directories, '.*' s to '.*' as '[0-9a-f]{16}' ('.*' written)'$ ]] || fail "says: $output"
	ok tare volume-restore data "$repo" --into copy
	has 'restored copy: '
	has '; the volume is new'
	look copy | diff "$DIR/before" -
	rm -rf "${DATA:?}"/etc && echo changed >"$DATA/big"
	ok tare volume restore data "$repo@$(newest "$repo")"
	has ", backup $(newest "$repo") of 20"
	has '; it replaced all files of the volume'
	look data | diff "$DIR/before" -
	# what was made since is not in the backup, so it goes
	echo new >"$DATA/new"
	ok tare --json volume restore data "$repo@latest"
	[ ! -e "$DATA/new" ]
	same "$(jq -c '[.Volume, .Made, .DryRun]' <<<"$output")" '["data",false,false]'
}

@test "only a part comes back, or nothing at all" {
	local repo=$DIR/repo
	echo changed >"$DATA/etc/one" && echo changed >"$DATA/big"
	ok tare volume restore data "$repo" --dry-run
	has 'would restore data: '
	has '; it would replace all files of the volume'
	same "$(cat "$DATA/big")" changed
	ok tare volume restore data "$repo" --path /etc/
	has '; it replaced etc'
	same "$(cat "$DATA/etc/one" "$DATA/big")" $'one\nchanged'
	ok tare volume restore data "$repo" --path deep/er/numbers --into part
	same "$(cd "$ROOT/volumes/part/data" && find . -type f)" ./deep/er/numbers
	ok tare volume restore other-volume "$repo@$(newest "$repo")" --dry-run
	[[ $stderr == *"backup $(newest "$repo") is one of the volume data, not of other-volume"* ]] || fail "stderr: $stderr"
	refused 125 'no/such' volume restore data "$repo" --path no/such
	refused 125 'without ..' volume restore data "$repo" --path ../x
	refused 125 'is the whole volume' volume restore data "$repo" --path ./
	same "$(cat "$DATA/big")" changed
}

@test "the second backup costs what has changed, and the list tells what that is" {
	local repo=$DIR/repo2 first
	tare volume restore data "$DIR/repo" >/dev/null
	tare volume backup data --to "$repo" >/dev/null
	first=$(newest "$repo")
	echo two >"$DATA/added"
	echo more >>"$DATA/etc/one"
	rm "$DATA/deep/er/numbers"
	chmod 600 "$DATA/big"
	ok tare --json volume backup data --to "$repo"
	same "$(jq -c '[.Volume, .Skipped, (.Written < 100000)]' <<<"$output")" '["data",[],true]'
	ok tare volume backups "$repo" "$first" latest
	[[ ${lines[0]} =~ ^CHANGE\ +MODE\ +SIZE\ +MODIFIED\ +PATH$ ]] || fail "heading: ${lines[0]}"
	ok tare volume backups "$repo" "${first:0:8}" latest --format '{{.Change}} {{.Path}}'
	has 'A added'
	has 'D deep/er/numbers'
	has 'C etc/one'
	has 'M big'
	lacks 'link'
	ok tare volume backups -q "$repo" latest
	lacks deep/er/numbers
	lacks $'\033'
	has 'a b �[31mred'
	ok tare --json volume backups "$repo" latest
	same "$(jq -r '.[] | select(.Path | startswith("a")) | .Path' <<<"$output" | od -c | head -n 1)" \
		"$(printf 'a\nb \033[31mred\nadded\n' | od -c | head -n 1)"
	same "$(jq '.[] | select(.Path == "sparse") | .Size' <<<"$output")" 10485760
}

@test "the list of backups" {
	local repo=$DIR/repo2
	tare volume create other >/dev/null
	ok tare volume backup other --to "$repo"
	ok tare volume backups "$repo"
	[[ ${lines[0]} =~ ^ID\ +VOLUME\ +WHEN\ +SIZE\ +FILES\ +NEW$ ]] || fail "heading: ${lines[0]}"
	same "${#lines[@]}" 4
	ok tare volume backups --volume other --format '{{.Volume}} {{.Files}} {{.Host}}' "$repo"
	is "other 0 $(uname -n)"
	ok tare volume backups --format json "$repo"
	same "$(jq -s -c '.[-1] | [.Files, (.New | type), (.When | test("^2[0-9-]{9}T[0-9:.]+Z$"))]' <<<"$output")" '[0,"number",true]'
	same "$(jq -r .Volume <<<"$output" | sort | uniq -c | tr -s ' \n' ' ')" ' 2 data 1 other '
	ok tare --json volume backups "$repo"
	same "$(jq -r '[.[] | .Volume, (.Bytes > 1000000), (.Time > 1600000000000000000)] | map(tostring) | join(" ")' <<<"$output")" \
		'data true true data true true other false true'
	refused 125 "$DIR/nothing" volume backups "$DIR/nothing"
	refused 125 "$DIR/audit" volume backups "$DIR/audit"
	refused 125 'ffff' volume backups "$repo" ffff
	refused 125 'ffff' volume restore data "$repo@ffff"
	refused 125 'no id behind the @' volume restore data "$repo@"
	refused 125 'other already' volume restore data "$repo" --into other
}

@test "the latest is that of one volume, never of any" {
	local repo=$DIR/repo2 id
	id=$(tare volume backups -q --volume data "$repo" | tail -n 1)
	refused 125 'which one'\''s latest is meant? add --volume' volume backups "$repo" latest
	refused 125 'add --volume' volume forget "$repo" latest
	refused 125 'name it by its id' volume verify "$repo@latest"
	ok tare volume backups -q "$repo" "$id" latest # of data, so the same
	is ''
	ok tare volume backups -q "$repo" latest "$id"
	is ''
	ok tare volume backups -q "$repo" latest --volume other
	lacks big
	refused 125 "$id is not one of the volume other" volume backups "$repo" "$id" --volume other
	ok tare volume forget "$repo" latest --volume other --dry-run
	has ' of other, '
	ok unshare --uts sh -c 'hostname elsewhere && exec "$@"' sh "$BUILD/tare" --root "$ROOT" --state "$STATE" volume backup other --to "$repo"
	ok tare volume backups "$repo"
	[[ ${lines[0]} =~ ^ID\ +VOLUME\ +HOST\ +WHEN ]] || fail "heading: ${lines[0]}"
	has ' elsewhere '
}

@test "forget by ids and by rules, prune frees" {
	local repo=$DIR/repo3 before ids
	tare volume create thin >/dev/null
	for i in 1 2 3 4; do
		head -c 1000000 /dev/urandom >"$ROOT/volumes/thin/data/f"
		tare volume backup thin --to "$repo" >/dev/null
	done
	mapfile -t ids < <(tare volume backups -q "$repo")
	before=$(du -sb "$repo" | cut -f 1)
	refused 125 'which backups?' volume forget "$repo"
	refused 125 'either which backups to forget, or which to keep' volume forget "$repo" --keep-last 1 "${ids[0]}"
	ok tare volume forget "$repo" --keep-last 2 --dry-run
	same "$(cut -d ' ' -f 1-3 <<<"$output")" "$(printf 'would forget %s\n' "${ids[0]}" "${ids[1]}")"
	same "$(tare volume backups -q "$repo" | wc -l)" 4
	ok tare volume forget "$repo" "${ids[0]:0:10}"
	has "forgot ${ids[0]} of thin, "
	ok tare volume prune "$repo" --dry-run
	has 'Would be reclaimed: 1MB'
	ok tare volume forget --volume thin --keep-last 1 --prune "$repo"
	same "$(cut -d ' ' -f 1-2 <<<"${lines[0]}")" "forgot ${ids[1]}"
	has 'Total reclaimed space: '
	same "$(tare volume backups -q "$repo")" "${ids[3]}"
	[ "$(du -sb "$repo" | cut -f 1)" -lt $((before / 3)) ]
	ok tare --json volume prune "$repo"
	same "$(jq .SpaceReclaimed <<<"$output")" 0
	ok tare volume forget "$repo" --keep-last 5
	is 'nothing to forget: the rules keep all backups'
	ok tare volume verify "$repo"
	is "$repo is whole (1 backup, 1MB)"
	refused 125 'is about volumes' volume prune -a "$repo"
}

@test "damage is found, and the file that it belongs to is named" {
	local repo=$DIR/repo3 pack
	pack=$(find "$repo/packs" -type f -size +500k | head -n 1)
	flip "$pack" 300000
	exits 1 tare volume verify "$repo"
	has 'damaged: '
	has '"f"'
	has "$repo is damaged in "
	exits 1 tare --json volume verify "$repo"
	same "$(jq -c '[.Whole, (.Damaged | length > 0)]' <<<"$output")" '[false,true]'
	exits 1 tare volume verify "$repo@latest"
	has '"f"'
	refused 125 '"f"' volume restore thin "$repo"
	[ -s "$ROOT/volumes/thin/data/f" ]
	flip "$pack" 300000
	ok tare volume verify "$repo@latest"
	is "$repo@latest is whole (1 backup, 1MB)"
	# one backup, two files in two chunks: both are named
	head -c 1500000 /dev/urandom >"$ROOT/volumes/thin/data/g"
	tare volume backup thin --to "$repo" >/dev/null
	flip "$pack" 300000
	flip "$(find "$repo/packs" -type f -size +500k -newer "$ROOT/volumes/thin/data/g" | head -n 1)" 300000
	exits 1 tare volume verify "$repo@latest"
	has '"f" in '
	has '"g" in '
	has "$repo@latest is damaged in 2 files"
	rm "$ROOT/volumes/thin/data/g"
}

@test "an encrypted repository: nothing to be read without the key" {
	local repo=$DIR/sealed key=$DIR/key
	mkdir "$DATA/secretdir" && echo 'very secret words' >"$DATA/secretdir/secretfile"
	ok tare volume backup data --to "$repo" --key-file "$key"
	[[ $stderr == *"$key"* ]] || fail "does not tell of the key: $stderr"
	same "$(stat -c %a "$key")" 600
	! grep -raqE 'secret|data|numbers' "$repo" || fail "$(grep -raoE '.{0,20}(secret|data|numbers).{0,20}' "$repo" | head -n 3)"
	refused 125 '--key-file' volume backups "$repo"
	head -c 32 /dev/urandom >"$DIR/wrong" && chmod 600 "$DIR/wrong"
	refused 125 'key' volume backups "$repo" --key-file "$DIR/wrong"
	refused 125 'key' volume restore data "$repo" --key-file "$DIR/wrong"
	refused 125 'key' volume backup data --to "$repo"
	refused 125 "$DIR/none" volume backups "$repo" --key-file "$DIR/none"
	[ ! -e "$DIR/none" ]
	ok tare volume backup data --to "$repo" --key-file "$key"
	ok tare volume verify "$repo" --key-file "$key"
	ok tare volume restore data "$repo" --key-file "$key" --into unsealed
	same "$(cat "$ROOT/volumes/unsealed/data/secretdir/secretfile")" 'very secret words'
	ok tare volume forget "$repo" --keep-last 1 --prune --key-file "$key"
	flip "$(find "$repo/packs" -type f -size +500k | head -n 1)" 200000
	exits 1 tare volume verify "$repo" --key-file "$key"
	rm -rf "$DATA/secretdir"
}

@test "several write at once" {
	local repo=$DIR/many pids=()
	for i in 1 2 3 4; do
		tare volume create "w$i" >/dev/null
		cp "$DATA/big" "$ROOT/volumes/w$i/data/big"
		head -c 300000 /dev/urandom >"$ROOT/volumes/w$i/data/own"
	done
	for i in 1 2 3 4; do
		tare volume backup "w$i" --to "$repo" >"$DIR/w$i" 2>&1 &
		pids+=($!)
	done
	for p in "${pids[@]}"; do returns 0 "$p"; done
	same "$(tare volume backups --format '{{.Volume}}' "$repo" | sort | tr '\n' ' ')" 'w1 w2 w3 w4 '
	ok tare volume verify "$repo"
	for i in 1 2 3 4; do
		tare volume restore "w$i" "$repo" >/dev/null
		cmp "$ROOT/volumes/w$i/data/big" "$DATA/big"
	done
}

@test "a repository on a disk that is full or read-only" {
	local disk=$DIR/disk
	mkdir "$disk"
	mount -t tmpfs -o size=4m tmpfs "$disk"
	tare volume restore data "$DIR/repo" >/dev/null
	tare volume backup data --to "$disk/repo" >/dev/null
	head -c 5000000 /dev/urandom >"$DATA/more"
	refused 125 'is full' volume backup data --to "$disk/repo"
	ok tare volume verify "$disk/repo"
	same "$(tare volume backups -q "$disk/repo" | wc -l)" 1
	ok tare volume prune "$disk/repo"
	mount -o remount,ro "$disk"
	refused 125 'ead-only' volume backup data --to "$disk/repo"
	refused 125 'ead-only' volume forget "$disk/repo" latest
	ok tare volume backups -q "$disk/repo"
	ok tare volume restore data "$disk/repo"
	[ ! -e "$DATA/more" ]
	umount "$disk"
}

# The backup waits for the repository, which somebody else has for himself.
@test "a signal ends it with a word about what there is now" {
	local repo=$DIR/repo3 before pid
	before=$(find "$repo" -type f | sort)
	exec 9<"$repo/lock"
	flock 9
	"$BUILD/tare" --root "$ROOT" --state "$STATE" volume backup thin --to "$repo" >"$DIR/out" 2>&1 3>&- 4>&- 9<&- &
	pid=$!
	eventually 5 grep -q -- "-> FLOCK.*:$(stat -c %i "$repo/lock") " /proc/locks
	kill -TERM "$pid"
	returns 143 "$pid"
	same "$(cat "$DIR/out")" 'tare: interrupted; no backup was made'
	same "$(find "$repo" -type f | sort)" "$before"
	exec 9<&-
}

@test "what is left out is said; progress is for programs, too" {
	local repo=$DIR/repo4
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$DATA/sock"
	echo x >"$DATA/x.tmp"
	ok tare volume backup data --to "$repo" --exclude '*.tmp' --exclude deep/er
	[[ $stderr == *'not in the backup'*sock* ]] || fail "stderr: $stderr"
	ok tare volume backups -q "$repo" latest
	lacks x.tmp
	lacks deep/er
	lacks sock
	has deep
	tare volume backup data --to "$repo" -q --progress-fd 9 9>"$DIR/progress" >/dev/null 2>&1
	jq -s -e 'length > 0 and all(has("object") and has("phase"))' "$DIR/progress" >/dev/null
	rm "$DATA/sock" "$DATA/x.tmp"
	mkdir "$DATA/disk"
	mount -t tmpfs none "$DATA/disk"
	ok tare volume backup data --to "$repo"
	umount "$DATA/disk" && rmdir "$DATA/disk"
	[[ $stderr == *'not in the backup'*disk*'mounted over it'* ]] || fail "stderr: $stderr"
}

@test "what a file system cannot keep is said" {
	mkdir "$DIR/ram"
	mount -t ramfs ramfs "$DIR/ram"
	tare volume restore data "$DIR/repo" >/dev/null
	tare volume backup data "$DIR/data.tar" >/dev/null
	ok "$BUILD/tare" --root "$DIR/ram/root" --state "$STATE" volume restore data "$DIR/data.tar"
	[[ $stderr == *'this file system cannot keep: etc/one: user.note'* ]] || fail "stderr: $stderr"
	ok "$BUILD/tare" --root "$DIR/ram/root" --state "$STATE" volume restore data "$DIR/repo"
	[[ $stderr == *'this file system cannot keep: etc/one: user.note'* ]] || fail "stderr: $stderr"
	same "$(cat "$DIR/ram/root/volumes/data/data/etc/one")" one
	umount "$DIR/ram"
}

@test "the latest is not the one before it when that cannot be read; what cannot be read can be forgotten" {
	local repo=$DIR/unread newest
	tare volume create note >/dev/null
	echo old >"$ROOT/volumes/note/data/f"
	tare volume backup note --to "$repo" >/dev/null
	echo new >"$ROOT/volumes/note/data/f"
	tare volume backup note --to "$repo" >/dev/null
	newest=$(newest "$repo")
	flip "$repo/snapshots/$newest" 20
	refused 125 'which backup is the latest cannot be told' volume restore note "$repo" --into wrong
	refused 125 "$newest cannot be read" volume backups "$repo" latest
	[ ! -e "$ROOT/volumes/wrong" ]
	ok tare volume backups "$repo"
	[[ $stderr == *"1 backup cannot be read ($newest)"* ]] || fail "stderr: $stderr"
	ok tare volume backup note --to "$repo"
	refused 125 'nothing is removed as long as a backup cannot be read' volume prune "$repo"
	refused 125 'is damaged' volume forget "$repo" "$newest" --volume note
	ok tare volume forget "$repo" "$newest" "${newest:0:12}" --prune
	ok tare volume restore note "$repo" --into right
	same "$(cat "$ROOT/volumes/right/data/f")" new
	ok tare volume verify "$repo"
}

@test "what is stored through a mapping is seen by the next backup, though no time tells of it" {
	local disk=/var/tmp/tare-mapped-$$
	mkdir "$disk"
	if [ "$(stat -f -c %T "$disk")" = tmpfs ]; then
		rmdir "$disk"
		skip "no disk behind /var/tmp"
	fi
	tare volume create --opt type=none --opt o=bind --opt device="$disk" mapped >/dev/null
	python3 - "$disk/f" "$BUILD/tare" --root "$ROOT" --state "$STATE" volume backup mapped --to "$DIR/mapped" <<-'END'
		import mmap, os, subprocess, sys, time
		with open(sys.argv[1], "wb") as f:
		    f.write(bytes(8192))
		fd = os.open(sys.argv[1], os.O_RDWR)
		m = mmap.mmap(fd, 8192)
		m[0:2] = b"S1"
		while time.time() < os.stat(fd).st_ctime + 2.2: # what has just changed is not trusted anyway
		    time.sleep(0.05)
		subprocess.run(sys.argv[2:], check=True)
		m[0:2] = b"S2"
		subprocess.run(sys.argv[2:], check=True)
	END
	ok tare volume restore mapped "$DIR/mapped" --into seen
	rm -r "$disk"
	same "$(head -c 2 "$ROOT/volumes/seen/data/f")" S2
}

@test "wrong words" {
	refused 125 'where to?' volume backup data
	refused 125 '--exclude is empty' volume backup data --to "$DIR/repo" --exclude ''
	refused 125 "for a backup into the repository there: --to $DIR/repo" volume backup data "$DIR/repo"
	refused 125 'in Tare it is tare volume backup' volume export data
	refused 125 'either to a file or --to a repository' volume backup data x.tar --to "$DIR/repo"
	refused 125 'unknown --format "zip"' volume backup data x --format zip
	for name in x.tar.xz x.zip x.gz x.TAR.GZ; do
		refused 125 "$name is no name for what this makes" volume backup data "$DIR/$name"
		[ ! -e "$DIR/$name" ]
	done
	ok tare volume backup data "$DIR/x.xz" --format tar.gz
	rm "$DIR/x.xz"
	refused 125 '--format is for archives' volume backup data --to "$DIR/repo" --format tar
	refused 125 '--level is for archives' volume backup data --to "$DIR/repo" --level 3
	refused 125 'an archive is not encrypted' volume backup data "$DIR/x.tar" --key-file "$DIR/key"
	refused 125 'is a rule for --schedule' volume backup data --to "$DIR/repo" --keep-last 3
	refused 125 'no such volume' volume backup nosuch --to "$DIR/repo"
	refused 125 'cannot read the backup' volume restore data "$DIR/none.tar"
	refused 125 'cannot read the backup' volume verify "$DIR/none.tar"
	refused 125 'operand is missing' volume forget
	[ ! -e "$DIR/x.tar" ]
}
