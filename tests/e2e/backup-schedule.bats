#!/usr/bin/env bats
# volume backup --schedule: in a mount namespace whose /etc, /run and systemctl are the test's own.
# shellcheck disable=SC2154 # bats sets stderr
load lib

file_up() {
	export BOX=$DIR/box
	mkdir -p "$BOX/bin" "$BOX/etc/systemd/system" "$BOX/etc/cron.d" "$BOX/run/systemd/system" "$BOX/norun"
	printf '#!/bin/sh\necho "$@" >>"%s/calls"\ncase "$*" in *"${FAIL_AT:-nothing}"*) echo "Failed to do it" >&2; exit 1;; esac\n' "$BOX" >"$BOX/bin/systemctl"
	chmod +x "$BOX/bin/systemctl"
	tare volume create data >/dev/null
	echo hello >"$ROOT/volumes/data/data/file"
	REPO=$DIR/repo
	export REPO
}

# with_systemd / with_cron ARGUMENT…: tare, where the one or the other is there
in_box() { # RUN-DIRECTORY ARGUMENT…
	local run=$1
	shift
	# shellcheck disable=SC2016 # for the other shell
	unshare --mount sh -c 'mount --bind "$BOX/etc" /etc && mount --bind "$0" /run && PATH=$BOX/bin:$PATH && export PATH && exec "$@"' \
		"$run" "$BUILD/tare" --root "$ROOT" --state "$STATE" "$@" 3>&- 4>&-
}
with_systemd() { : >"$BOX/calls" && in_box "$BOX/run" "$@"; }
with_cron() { : >"$BOX/calls" && in_box "$BOX/norun" "$@"; }

denied() { # TEXT COMMAND…
	local text=$1
	shift
	exits 125 "$@"
	[ "${#stderr_lines[@]}" -eq 1 ] || fail "not one line: $stderr"
	[[ $stderr == *$text* ]] || fail "does not say '$text': $stderr"
}

files() { (cd "$BOX/etc" && find . -type f | sort | tr '\n' ' '); }
UNIT=tare-backup-data

# The command lines of a service, each word on a line of its own, as systemd reads them.
exec_words() { # FILE N
	python3 - "$1" "$2" <<-'END'
		import re, sys
		lines = [l[10:] for l in open(sys.argv[1]).read().split("\n") if l.startswith("ExecStart=")]
		words = re.findall(r'"((?:[^"\\]|\\.)*)"', lines[int(sys.argv[2])])
		for w in words:
		    print(re.sub(r'\\(.)', r'\1', w).replace("%%", "%").replace("$$", "$"))
	END
}

@test "with systemd: a service and a timer, that back up when they run" {
	ok with_systemd volume backup data --to "$REPO" --schedule daily --keep-last 2
	is "$(printf 'wrote /etc/systemd/system/%s\n' $UNIT.service $UNIT.timer)"
	same "$(cat "$BOX/calls")" "$(printf '%s\n' daemon-reload "enable --now $UNIT.timer")"
	same "$(files)" "./systemd/system/$UNIT.service ./systemd/system/$UNIT.timer "
	local service=$BOX/etc/systemd/system/$UNIT.service timer=$BOX/etc/systemd/system/$UNIT.timer
	grep -qx OnCalendar=daily "$timer" && grep -qx Persistent=true "$timer" && grep -q ^RandomizedDelaySec= "$timer"
	same "$(stat -c '%a %U' "$service" "$timer" | uniq)" '644 root'
	[ ! -e "$REPO" ] # not now
	for _ in 1 2 3; do
		mapfile -t words < <(exec_words "$service" 0)
		"${words[@]}" >/dev/null
	done
	mapfile -t words < <(exec_words "$service" 1)
	"${words[@]}" >/dev/null
	same "$(tare volume backups -q "$REPO" | wc -l)" 2
	command -v systemd-analyze >/dev/null || return 0
	ok systemd-analyze verify --man=no "$service" "$timer"
	[[ $stderr != *tare-backup* ]] || fail "systemd says: $stderr"
}

@test "a new schedule replaces the old one, none removes it" {
	local timer=$BOX/etc/systemd/system/$UNIT.timer
	ok with_systemd volume backup data --to "$REPO" --schedule 'Mon..Fri 02:30'
	grep -qx 'OnCalendar=Mon..Fri 02:30' "$timer"
	same "$(grep -c ^ExecStart= "${timer%timer}service")" 1
	ok with_systemd --json volume backup data --schedule none
	same "$(python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["Volume"], d["Schedule"], len(d["Files"]))' <<<"$output")" 'data none 2'
	same "$(cat "$BOX/calls")" "$(printf '%s\n' "disable --now $UNIT.timer" daemon-reload)"
	same "$(files)" ''
	ok with_systemd volume backup data --schedule none
	is 'data has no schedule'
	same "$(cat "$BOX/calls")" ''
}

@test "with cron: a table that a shell reads as it was meant" {
	local table=$BOX/etc/cron.d/$UNIT command
	ok with_cron volume backup data --to "$REPO" --schedule '30 2 * * 1-5' --keep-last 1 --exclude "*.tmp; touch $BOX/pwned"
	is "wrote /etc/cron.d/$UNIT"
	same "$(cat "$BOX/calls")" ''
	command=$(sed -n 's/^30 2 \* \* 1-5 root //p' "$table")
	(cd / && env -i PATH=/usr/bin:/bin sh -c "$command")
	[ ! -e "$BOX/pwned" ]
	same "$(tare volume backups -q "$REPO" | wc -l)" 1
	ok with_cron volume backup data --to "$REPO" --schedule weekly
	grep -qE '^[0-9]+ [0-9] \* \* 0 root /' "$table"
	# systemd runs now: not both
	ok with_systemd volume backup data --to "$REPO" --schedule weekly
	same "$(files)" "./systemd/system/$UNIT.service ./systemd/system/$UNIT.timer "
	ok with_cron volume backup data --to "$REPO" --schedule weekly
	same "$(files)" "./cron.d/$UNIT "
	ok with_cron volume backup data --schedule none
	is "removed /etc/cron.d/$UNIT"
	# a name that cron would not read
	tare volume create my.vol >/dev/null
	ok with_cron volume backup my.vol --to "$REPO" --schedule daily
	is 'wrote /etc/cron.d/tare-backup-my_2evol'
	ok with_cron volume backup my.vol --schedule none
}

@test "values that would be something else in a unit or a table" {
	local odd="$DIR/a b\"c%h\$HOME\\d'e;f" service=$BOX/etc/systemd/system/$UNIT.service
	mkdir "$odd"
	ok with_systemd volume backup data --to "$odd/repo" --key-file "$odd/key" --schedule daily
	mapfile -t words < <(exec_words "$service" 0)
	(cd / && "${words[@]}" >/dev/null 2>&1)
	[ -s "$odd/key" ]
	same "$(tare volume backups -q --key-file "$odd/key" "$odd/repo" | wc -l)" 1
	if command -v systemd-analyze >/dev/null; then
		ok systemd-analyze verify --man=no "$service"
		[[ $stderr != *tare-backup* ]] || fail "systemd says: $stderr"
	fi
	ok with_systemd volume backup data --schedule none
	denied 'table of cron cannot hold' with_cron volume backup data --to "$odd/new" --schedule daily
	denied 'control characters' with_systemd volume backup data --to "$REPO" --schedule daily --exclude $'x\nExecStart=/bin/true'
	denied 'control characters' with_cron volume backup data --to "$REPO" --schedule daily --exclude $'x\n* * * * * root reboot'
	denied 'cannot read --schedule' with_systemd volume backup data --to "$REPO" --schedule $'daily\nPersistent=no'
	denied 'five fields of cron' with_cron volume backup data --to "$REPO" --schedule 'Mon..Fri 02:30'
	denied 'invalid name' with_systemd volume backup ../../passwd --to "$REPO" --schedule daily
	denied 'such volume' with_systemd volume backup nosuch --to "$REPO" --schedule daily
	denied 'add --to DIR' with_systemd volume backup data "$DIR/x.tar" --schedule daily
	if command -v systemd-analyze >/dev/null; then
		denied 'systemd does not know the time' with_systemd volume backup data --to "$REPO" --schedule '30 2 * * 1-5'
	fi
	same "$(files)" ''
}

@test "a schedule is seen, what it replaces is said, and that it outlives its volume" {
	ok with_systemd volume inspect data
	lacks Schedule
	for with in with_systemd with_cron; do
		ok $with volume backup data --to "$REPO" --schedule daily --keep-daily 7
		ok $with volume inspect data
		same "$(jq -c '.[0].Schedule | [.When, .Repository, .Keep]' <<<"$output")" "[\"daily\",\"$REPO\",{\"Daily\":7}]"
		ok $with volume backup data --to "$DIR/other" --schedule weekly
		[[ $stderr == *"replaces the schedule that was there: daily, to $REPO, which gets no more"* ]] || fail "stderr: $stderr"
	done
	tare volume create gone >/dev/null
	ok with_cron volume backup gone --to "$REPO" --schedule daily
	ok with_cron volume rm gone
	[[ $stderr == *"gone remains (/etc/cron.d/tare-backup-gone); remove it with: tare volume backup gone --schedule none"* ]] || fail "stderr: $stderr"
	ok with_cron volume backup gone --schedule none
	ok with_cron volume backup data --schedule none
}

@test "what can never work is no schedule" {
	tare volume backup data --to "$DIR/sealed" --key-file "$DIR/key" >/dev/null 2>&1
	head -c 32 /dev/urandom >"$DIR/wrong" && chmod 600 "$DIR/wrong"
	mkdir "$DIR/empty"
	denied '--key-file' with_cron volume backup data --to "$DIR/sealed" --schedule daily
	denied 'key' with_systemd volume backup data --to "$DIR/sealed" --key-file "$DIR/wrong" --schedule daily
	denied 'is no backup repository' with_cron volume backup data --to "$ROOT" --schedule daily
	denied 'ot a directory' with_systemd volume backup data --to "$DIR/key" --schedule daily
	same "$(files)" ''
	ok with_cron volume backup data --to "$DIR/sealed" --key-file "$DIR/key" --schedule daily
	ok with_cron volume backup data --to "$DIR/empty" --schedule daily
	if ! cat /proc/[0-9]*/comm 2>/dev/null | grep -qxE 'crond?|bcron-sched'; then
		[[ $stderr == *'no cron runs here'* ]] || fail "stderr: $stderr"
	fi
	cp "$(command -v sleep)" "$BOX/cron"
	"$BOX/cron" 30 3>&- 4>&- &
	eventually 5 grep -qx cron "/proc/$!/comm"
	ok with_cron volume backup data --to "$DIR/empty" --schedule daily
	[[ $stderr != *'no cron'* ]] || fail "stderr: $stderr"
	kill "$!"
	ok with_cron volume backup data --schedule none
}

@test "a relative repository is meant where it was typed; the repository need not be there" {
	cd "$DIR"
	ok with_systemd volume backup data --to new/repo --schedule hourly
	same "$(exec_words "$BOX/etc/systemd/system/$UNIT.service" 0 | grep ^--to=)" "--to=$DIR/new/repo"
	ok with_systemd volume backup data --schedule none
}

@test "what is somebody else's stays; what fails is said" {
	local unit=$BOX/etc/systemd/system/$UNIT.service
	echo '[Service]' >"$unit"
	denied 'was not written for this volume' with_systemd volume backup data --to "$REPO" --schedule daily
	denied 'was not written for this volume' with_systemd volume backup data --schedule none
	same "$(cat "$unit")" '[Service]'
	sed "1s|.*|# Written by tare volume backup --schedule, for the volume data of /other|" "$unit" >"$unit.x" && mv "$unit.x" "$unit"
	denied 'was not written for this volume' with_systemd volume backup data --to "$REPO" --schedule daily
	rm "$unit"
	FAIL_AT=enable denied 'but does not run: systemctl enable '"$UNIT.timer: Failed to do it" \
		with_systemd volume backup data --to "$REPO" --schedule daily
	ok with_systemd volume backup data --schedule none
	same "$(files)" ''
	rmdir "$BOX/etc/cron.d"
	denied 'let your own scheduler start tare volume backup' with_cron volume backup data --to "$REPO" --schedule daily
}
