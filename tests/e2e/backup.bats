#!/usr/bin/env bats
# Backups of volumes as archives, and restores: `volume backup VOLUME FILE|-`, `volume restore VOLUME FILE|-`.
# shellcheck disable=SC2154 # bats sets stderr
ATTRIBUTES=1
load lib

data() { echo "$ROOT/volumes/$1/data"; }
test_down() {
	leave_nothing
	tare volume prune -a -f >/dev/null || true
	rm -f "$DIR"/*.tar* "$DIR"/.*.tare-*
}

# a_volume NAME: one with all that a file system keeps, and names that nobody likes
a_volume() {
	local d
	d=$(data "$1")
	tare volume create "$1" >/dev/null
	mkdir -p "$d/etc" "$d/deep/er" "$d/cache/x"
	echo one >"$d/etc/one"
	seq 1 40000 >"$d/deep/er/numbers"
	head -c 3000000 /dev/urandom >"$d/big"
	echo odd >"$d/$(printf 'a\nb \033[31mred')"
	: >"$d/$(printf '\377\001')"
	ln "$d/etc/one" "$d/hard"
	ln -s /etc/passwd "$d/link"
	mkfifo "$d/fifo"
	mknod "$d/null" c 1 3
	truncate -s 10M "$d/sparse" && printf end | dd of="$d/sparse" bs=1 seek=5000000 conv=notrunc status=none
	setfattr -n user.note -v kept "$d/etc/one"
	setfattr -n trusted.more -v kept "$d/etc"
	setfattr -h -n trusted.more -v kept "$d/link" "$d/fifo" "$d/null"
	setfattr -n user.holes -v kept "$d/sparse"
	setfattr -n security.capability -v 0sAQAAAgAgAAAAAAAAAAAAAAAAAAA= "$d/big"
	setfattr -n system.posix_acl_access -v 0sAgAAAAEABgD/////AgAGADkwAAAEAAQA/////xAABgD/////IAAEAP////8= "$d/hard"
	setfattr -n system.posix_acl_access -v 0sAgAAAAEABgD/////AgAGADkwAAAEAAQA/////xAABgD/////IAAEAP////8= "$d/fifo"
	setfattr -n system.posix_acl_default -v 0sAgAAAAEABwD/////AgAHADkwAAAEAAUA/////xAABwD/////IAAFAP////8= "$d/deep"
	chown 1234:3000000 "$d/deep" && chmod 2751 "$d/deep"
	chown -h 12:34 "$d/link"
	chmod 4711 "$d/big"
	echo hidden >"$d/cache/x/y"
	touch -d '2020-02-02 02:02:02.123456789' "$d/deep/er/numbers" "$d/etc"
	touch -d '1912-06-23 02:02:02.5' "$d/etc/one"
	touch -hd '2021-01-01 00:00:00.000000001' "$d/link"
	chmod 1770 "$d" && chown 70:70 "$d" && touch -d '2019-09-09 09:09:09.9' "$d"
}

# Everything that a restore has to bring back, of a volume's data.
look() {
	python3 - "$(data "$1")" <<-'END'
		import hashlib, os, stat, sys
		os.chdir(os.fsencode(sys.argv[1]))
		names = [b"."] + sorted(os.path.join(d, n) for d, dirs, files in os.walk(b".") for n in dirs + files)
		first = {}
		for n in names:
		    s = os.lstat(n)
		    kept = [n, oct(s.st_mode), s.st_uid, s.st_gid, s.st_mtime_ns, s.st_rdev, first.setdefault(s.st_ino, n)]
		    if stat.S_ISREG(s.st_mode):
		        kept += [s.st_size, s.st_nlink, s.st_blocks * 512 < s.st_size, hashlib.sha256(open(n, "rb").read()).hexdigest()]
		    if stat.S_ISLNK(s.st_mode):
		        kept += [os.readlink(n)]
		    kept += [(x, os.getxattr(n, x, follow_symlinks=False)) for x in sorted(os.listxattr(n, follow_symlinks=False))]
		    print(kept)
	END
}
differ() { # A B: what is different in two volumes
	look "$1" >"$DIR/a.txt"
	look "$2" >"$DIR/b.txt"
	diff "$DIR/a.txt" "$DIR/b.txt" || true
}
flip() { # FILE OFFSET: one bit of the byte there
	printf "\\x$(printf %x $(($(od -An -tu1 -j "$2" -N 1 "$1") ^ 16)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
nothing_beside() { same "$(find "$DIR" -maxdepth 1 -name '.*.tare-*')" ''; }
temporary() { [ -n "$(find "$ROOT/volumes/$1" -maxdepth 1 -name '.restore-*')" ]; }

@test "every attribute comes back, from each format, by name or --format, through pipes" {
	a_volume v
	local end
	for end in tar tar.gz tgz tar.zst tzst; do
		ok tare volume backup v "$DIR/b.$end"
		[[ $output =~ ^'backed up v: '[0-9,]+' files and directories, '.*' to '.*"b.$end (" ]] || fail "$output"
		ok tare volume verify "$DIR/b.$end"
		ok tare volume restore v "$DIR/b.$end" --into "new-${end/./-}"
		same "$(differ v "new-${end/./-}")" ''
	done
	same "$(head -c 4 "$DIR/b.tzst" | xxd -p) $(head -c 2 "$DIR/b.tgz" | xxd -p)" '5d2a4d18 1f8b'
	# with tools that know nothing of ours
	cp "$DIR/b.tar" "$DIR/plain.tar"
	tar -tf "$DIR/plain.tar" >"$DIR/list"
	zstd -dqc "$DIR/b.tar.zst" | tar -t | cmp - "$DIR/list"
	gzip -dc "$DIR/b.tar.gz" | tar -t | cmp - "$DIR/list"
	same "$(tail -n 1 "$DIR/list")" ./.tare-backup.mtree
	mkdir "$DIR/x" && tar -xf "$DIR/plain.tar" -C "$DIR/x" && cmp "$DIR/x/big" "$(data v)/big"
	grep -q " xxh128=$(xxh128sum <"$DIR/x/big" | cut -d' ' -f1)$" "$DIR/x/.tare-backup.mtree"
	rm -rf "$DIR/x"
	# decompressed, it can still be verified
	zstd -dqc "$DIR/b.tar.zst" >"$DIR/again.tar"
	ok tare volume verify "$DIR/again.tar"
	# standard output and input
	bash -c "$TARE volume backup --format zst v - | $TARE volume restore piped -" >/dev/null
	same "$(differ v piped)" ''
	bash -c "$TARE volume backup v -" 2>/dev/null | cmp - "$DIR/b.tar"
	ok tare volume verify - <"$DIR/b.tar"
	# the same tree gives the same bytes, whatever the number of threads
	ok tare volume backup --threads 1 v "$DIR/one.tar.zst"
	cmp "$DIR/one.tar.zst" "$DIR/b.tar.zst"
	ok tare events --since 1h --until 0s --filter type=volume --format '{{.Action}} {{.Actor.ID}}'
	has 'backup v'
	nothing_beside
}

@test "what is asked wrongly is one clear line" {
	tare volume create v >/dev/null
	refused 125 'no such volume' volume backup nosuch "$DIR/n.tar"
	refused 125 'name a file' volume backup v
	refused 125 'is a directory' volume backup v "$DIR"
	refused 125 'cannot open' volume backup v "$DIR/nosuch/n.tar"
	refused 125 'rar' volume backup --format rar v "$DIR/n.tar"
	refused 125 'level 9' volume backup --level 9 v "$DIR/n.tar.gz"
	[ ! -e "$DIR/n.tar" ] || fail 'an archive of nothing'
	refused 125 'nosuch' volume restore v "$DIR/nosuch.tar"
	echo 'no archive at all' >"$DIR/text.tar"
	refused 125 'no tar archive' volume restore v "$DIR/text.tar"
	tare volume backup v "$DIR/v.tar" >/dev/null
	refused 125 'there is a volume v already' volume restore v "$DIR/v.tar" --into v
	refused 125 'without ..' volume restore v "$DIR/v.tar" --path ../x
	refused 125 'has no etc' volume restore v "$DIR/v.tar" --path etc
	run python3 "$BATS_TEST_DIRNAME/on_terminal.py" -- "$BUILD/tare" --root "$ROOT" --state "$STATE" volume backup v -
	has 'terminal'
	run python3 "$BATS_TEST_DIRNAME/on_terminal.py" -- "$BUILD/tare" --root "$ROOT" --state "$STATE" volume restore v -
	has 'terminal'
	touch "$(data v)/.tare-backup.mtree"
	refused 125 '--exclude' volume backup v "$DIR/w.tar"
	ok tare volume backup --exclude /.tare-backup.mtree v "$DIR/w.tar"
	nothing_beside
}

@test "--exclude: names anywhere, paths, and what is in them" {
	a_volume v
	ok tare volume backup --exclude cache --exclude '/deep/*' --exclude 'b*g' --exclude etc/one v "$DIR/b.tar"
	tar -tf "$DIR/b.tar" >"$DIR/list"
	same "$(grep -cE 'cache|deep/.|big|etc/one' "$DIR/list")" 0
	grep -qx ./deep/ "$DIR/list"
	grep -qx ./hard "$DIR/list"
	ok tare volume verify "$DIR/b.tar"
	ok tare volume restore part "$DIR/b.tar"
	same "$(stat -c %h "$(data part)/hard")" 1
}

@test "a backup that is cut leaves nothing under the final name, and one on a full disk says so" {
	tare volume create v >/dev/null
	head -c 60000000 /dev/urandom >"$(data v)/f"
	mkdir "$DIR/small" && mount -t tmpfs -o size=3m tmpfs "$DIR/small"
	echo old >"$DIR/small/old.tar"
	refused 125 'No space left' volume backup v "$DIR/small/old.tar"
	refused 125 'No space left' volume backup v "$DIR/small/b.tar.zst"
	same "$(ls -A "$DIR/small") $(cat "$DIR/small/old.tar")" 'old.tar old'
	mount -o remount,ro "$DIR/small"
	refused 125 'Read-only file system' volume backup v "$DIR/small/b.tar"
	umount "$DIR/small"
	refused 125 '' volume backup v /dev/full
	# In the place of a file that only some could read, another one for them.
	install -m 0640 -g 70 /dev/null "$DIR/kept.tar"
	ok tare volume backup v "$DIR/kept.tar"
	same "$(stat -c '%a %g' "$DIR/kept.tar")" '640 70'
	local signal pid older
	for signal in TERM KILL OLDER; do
		older=
		[ $signal != OLDER ] || { older="$BUILD/e2e/older nameless_file --" signal=TERM; }
		$older "$BUILD/tare" --root "$ROOT" --state "$STATE" volume backup --level 19 --threads 1 v "$DIR/cut.tar.zst" >/dev/null 2>&1 3>&- 4>&- &
		pid=$!
		eventually 10 pgrep -P $pid
		if [ $signal = KILL ]; then kill -KILL $(pgrep -P $pid) $pid; else kill -TERM $pid; fi
		wait $pid || true
		[ ! -e "$DIR/cut.tar.zst" ] || fail "there is one after SIG$signal"
		# what was cut by SIGKILL has a name at the most where the file system has no files without one
		[ $signal = TERM ] || nameless "$DIR" || rm -f "$DIR"/.cut.tar.zst.tare-*
		nothing_beside
	done
}

@test "names, depths and files that change or vanish" {
	tare volume create v >/dev/null
	# 4,096 levels are more than a path can have
	python3 - "$(data v)" <<-'END'
		import os, sys
		os.chdir(sys.argv[1])
		for i in range(1500):
		    os.mkdir("d"); os.chdir("d")
		open("bottom", "w").write("deep")
	END
	ok tare volume backup v "$DIR/deep.tar.zst"
	ok tare volume restore w "$DIR/deep.tar.zst"
	same "$(find "$(data w)" -name bottom | wc -l)" 1
	python3 - "$(data v)" <<-'END'
		import os, sys
		os.chdir(sys.argv[1])
		for i in range(4096):
		    if not os.path.isdir("d"): os.mkdir("d")
		    os.chdir("d")
	END
	refused 125 'can be unpacked again' volume backup v "$DIR/deeper.tar"
	[ ! -e "$DIR/deeper.tar" ] || fail 'an archive that cannot be unpacked'
	rm -rf "$(data v)/d"
	# what shrinks to nothing is no bomb
	head -c 80000000 /dev/zero >"$(data v)/zeros"
	ok tare volume backup v "$DIR/zeros.tar.zst"
	ok tare volume restore zeros "$DIR/zeros.tar.zst"
	cmp "$(data v)/zeros" "$(data zeros)/zeros"
	rm "$(data v)/zeros"
	# files come and go meanwhile: what is there is whole, what is said is one line each
	background c -v v:/v $B sh -c 'i=0; while :; do i=$((i+1)); head -c 3000000 /dev/zero >/v/grow; echo $i >/v/n$((i%50)); rm -f /v/n$(((i+25)%50)); done'
	eventually 10 test -e "$(data v)/n1"
	ok tare volume backup v "$DIR/live.tar.zst"
	ok tare volume verify "$DIR/live.tar.zst"
	# and with the volume itself gone there is one clear line
	tare rm -f c >/dev/null
	tare volume rm v >/dev/null
	refused 125 'no such volume' volume backup v "$DIR/gone.tar"
}

@test "--pause: users stand still, and go on whatever happens to the backup" {
	background c -v v:/v $B sh -c 'while :; do n=$((n+1)); for f in a b; do echo $n >/v/t; mv /v/t /v/$f; done; done'
	background d -v v:/v:ro
	eventually 10 test -s "$(data v)/b"
	local turn
	for turn in 1 2 3; do
		ok timeout 20 "$BUILD/tare" --root "$ROOT" --state "$STATE" volume backup --pause v "$DIR/p$turn.tar"
		tar -xOf "$DIR/p$turn.tar" ./a >"$DIR/a.txt"
		tar -xOf "$DIR/p$turn.tar" ./b >"$DIR/b.txt"
		[ $(($(cat "$DIR/a.txt") - $(cat "$DIR/b.txt"))) -le 1 ] || fail 'not of one moment'
		is_state c running
		is_state d running
	done
	head -c 50000000 /dev/urandom >"$(data v)/big"
	local pid
	"$BUILD/tare" --root "$ROOT" --state "$STATE" volume backup --pause --level 19 v "$DIR/cut.tar.zst" >/dev/null 2>&1 3>&- 4>&- &
	pid=$!
	eventually 10 is_state c paused
	kill -KILL $(pgrep -P $pid) $pid
	wait $pid || true
	eventually 5 is_state c running
	eventually 5 is_state d running
	local before
	before=$(cat "$(data v)/a")
	differs() { [ "$(cat "$(data v)/a")" != "$before" ]; }
	eventually 5 differs
	# who starts meanwhile does not wait, but is named
	mkfifo "$DIR/slow"
	"$BUILD/tare" --root "$ROOT" --state "$STATE" volume backup --pause v - >"$DIR/slow" 2>"$DIR/says" 3>&- 4>&- &
	pid=$!
	exec 5<"$DIR/slow"
	eventually 10 is_state c paused
	background late -v v:/v $B sleep 1000
	cat <&5 >/dev/null
	exec 5<&-
	wait $pid
	grep -q 'late was started while the volume was read' "$DIR/says" || fail "says: $(cat "$DIR/says")"
}

@test "restore: into a volume in use only when told, and then it says who sees the old files" {
	tare volume create v >/dev/null
	echo old >"$(data v)/f"
	tare volume backup v "$DIR/b.tar" >/dev/null
	echo new >"$(data v)/f"
	background c -v v:/v $B sleep 1000
	refused 125 '*c*--force*' volume restore v "$DIR/b.tar"
	ok tare volume restore --dry-run v "$DIR/b.tar"
	[[ $stderr == *'it would be refused now: container c '*--force* ]] || fail "says: $stderr"
	same "$(cat "$(data v)/f")" new
	ok tare volume restore --force v "$DIR/b.tar"
	[[ $output$stderr == *c* ]] || fail "c is not named: $output $stderr"
	same "$(cat "$(data v)/f") $(tare exec c cat /v/f)" 'old new'
	tare restart -t 0 c >/dev/null
	same "$(tare exec c cat /v/f)" old
	tare rm -f c >/dev/null
	same "$(ls -A "$ROOT/volumes/v")" $'data\nvolume.json'
	# one who only reads is not in the way
	background c -v v:/v:ro $B sleep 1000
	ok tare volume restore v "$DIR/b.tar"
	# a volume that is no directory
	tare volume create --opt type=tmpfs t >/dev/null
	refused 125 '--into' volume restore t "$DIR/b.tar"
	tare rm -f c >/dev/null
}

@test "restore: --path, --into, --dry-run; a volume that is not there is made" {
	a_volume v
	tare volume backup v "$DIR/b.tar.zst" >/dev/null
	look v >"$DIR/before"
	echo changed >"$(data v)/deep/er/numbers"
	echo more >"$(data v)/deep/more"
	echo kept >"$(data v)/kept"
	ok tare volume restore --dry-run v "$DIR/b.tar.zst"
	same "$(cat "$(data v)/deep/er/numbers")" changed
	ok tare volume restore --dry-run --path deep --into w v "$DIR/b.tar.zst"
	[ ! -e "$ROOT/volumes/w" ] || fail 'a dry run made a volume'
	ok tare volume restore --path /deep/ v "$DIR/b.tar.zst"
	same "$(wc -l <"$(data v)/deep/er/numbers") $(cat "$(data v)/kept")" '40000 kept'
	[ ! -e "$(data v)/deep/more" ] || fail 'what the backup does not have is still there'
	same "$(stat -c '%a %u %g' "$(data v)/deep")" '2751 1234 3000000'
	echo changed >"$(data v)/etc/one"
	ok tare volume restore --path etc/one v "$DIR/b.tar.zst"
	has '1 file or directory, 4B'
	same "$(cat "$(data v)/etc/one")" one
	# another name of a file that is elsewhere
	echo changed >"$(data v)/hard"
	refused 125 'name a FILE' volume restore --path hard v - < <(cat "$DIR/b.tar.zst")
	ok tare volume restore --path hard v "$DIR/b.tar.zst"
	has ', 4B'
	same "$(cat "$(data v)/hard")" one
	ok tare volume restore v "$DIR/b.tar.zst"
	look v | diff "$DIR/before" - || fail 'not as it was'
	ok tare volume-restore other "$DIR/b.tar.zst"
	same "$(differ v other)" ''
	ok tare events --since 1h --until 0s --filter type=volume --format '{{.Action}} {{.Actor.ID}}'
	has 'restore other'
}

@test "damage is found, its file named, and the old data stays" {
	a_volume v
	local end at
	for end in tar tar.gz tar.zst; do
		tare volume backup v "$DIR/good.$end" >/dev/null
		echo live >"$(data v)/live"
		for at in 700000 1500000 2500000; do # all within big
			cp "$DIR/good.$end" "$DIR/bad.$end"
			flip "$DIR/bad.$end" $at
			run --separate-stderr tare volume verify "$DIR/bad.$end"
			[ "$status" -ne 0 ] || fail "$end: a wrong byte at $at is not found"
			[[ $output$stderr == *'"big"'* ]] || fail "$end $at: big is not named: $output $stderr"
			refused 125 'is damaged: "*' volume restore v "$DIR/bad.$end"
		done
		for at in 0 100 -1 -600; do
			cp "$DIR/good.$end" "$DIR/bad.$end"
			flip "$DIR/bad.$end" $((at < 0 ? $(stat -c %s "$DIR/bad.$end") + at : at))
			run --separate-stderr tare volume verify "$DIR/bad.$end"
			[ "$status" -ne 0 ] || fail "$end: a wrong byte at $at is not found"
		done
		head -c 2000000 "$DIR/good.$end" >"$DIR/bad.$end"
		refused 125 '' volume restore v "$DIR/bad.$end"
		exits 1 tare volume verify "$DIR/bad.$end"
		has 'it is '
		lacks .tare-backup.mtree
		cp "$DIR/good.$end" "$DIR/bad.$end" && head -c 512 /dev/zero >>"$DIR/bad.$end"
		refused 125 'is damaged' volume restore v "$DIR/bad.$end"
		same "$(cat "$(data v)/live")" live
		same "$(ls -A "$ROOT/volumes/v")" $'data\nvolume.json'
		rm "$(data v)/live"
	done
}

@test "hostile archives: nothing outside is touched, nothing inside changes" {
	tare volume create v >/dev/null
	echo live >"$(data v)/f"
	echo canary >"$DIR/canary"
	python3 - "$DIR" <<-'END'
		import io, sys, tarfile
		dir = sys.argv[1]
		def entry(name, **more):
		    t = tarfile.TarInfo(name)
		    for k, v in more.items(): setattr(t, k, v)
		    return t
		def archive(name, *entries):
		    with tarfile.open(f"{dir}/{name}.tar", "w") as t:
		        for e in entries: t.addfile(e, io.BytesIO(b"x" * e.size))
		archive("h-absolute", entry(f"{dir}/canary", size=3))
		archive("h-dotdot", entry("../../../../canary", size=3))
		archive("h-link", entry("a", type=tarfile.SYMTYPE, linkname=dir), entry("a/canary", size=3))
		archive("h-hard", entry("a", type=tarfile.LNKTYPE, linkname=f"../../../../canary"), entry("a", size=3))
		archive("h-hard-through", entry("a", type=tarfile.SYMTYPE, linkname=dir), entry("b", type=tarfile.LNKTYPE, linkname="a/canary"))
		archive("h-overlay", entry("a", pax_headers={"SCHILY.xattr.trusted.overlay.opaque": "y"}, type=tarfile.DIRTYPE))
		archive("h-root", entry(".", type=tarfile.SYMTYPE, linkname="/"))
	END
	local f
	for f in "$DIR"/h-*.tar; do
		refused 125 '' volume restore v "$f"
		refused 125 '' volume restore --into w v "$f"
		same "$(cat "$DIR/canary") $(cat "$(data v)/f") $(ls -A "$ROOT/volumes/v" | tr '\n' ' ')" 'canary live data volume.json '
		[ ! -e "$ROOT/volumes/w" ] || fail "${f##*/} made a volume"
	done
}

@test "archives of GNU tar and of podman are taken, with a word that they cannot be verified" {
	a_volume v
	rm "$(data v)/fifo"
	tar --xattrs --xattrs-include='*' --format=pax -S -cf "$DIR/gnu.tar" -C "$(data v)" .
	ok tare volume restore v "$DIR/gnu.tar" --into gnu
	[[ $stderr == *'only its form could be checked'* ]] || fail "nothing is said: $stderr"
	diff -r --no-dereference "$(data v)/etc" "$(data gnu)/etc"
	cmp "$(data v)/big" "$(data gnu)/big"
	exits 125 tare volume verify "$DIR/gnu.tar"
	# what `podman volume export` writes: GNU headers, no root, no prefix
	(cd "$(data v)" && tar --format=gnu -cf "$DIR/podman.tar" etc big deep)
	chown 99:98 "$(data gnu)" && chmod 2775 "$(data gnu)"
	ok tare volume restore gnu "$DIR/podman.tar"
	same "$(ls "$(data gnu)" | tr '\n' ' ') $(stat -c '%u %g %a' "$(data gnu)")" 'big deep etc  99 98 2775'
}
