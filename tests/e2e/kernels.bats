#!/usr/bin/env bats
# vm
# Older kernels: what they lack is hidden from Tare (older.c), so the ways round it are gone on any kernel. All of
# them stand in tests/vm/fallbacks.tsv.

load lib

older() { "$BUILD/e2e/older" "$@" 3>&- 4>&-; }
old() { older all -- "$BUILD/tare" --root "$ROOT" --state "$STATE" "$@"; }
refused_by_older() { # TEXT CALL ARGUMENT…
	run --separate-stderr older "$2" -- "$BUILD/tare" --root "$ROOT" --state "$STATE" "${@:3}"
	[ "$status" -eq 125 ]
	[ "${#stderr_lines[@]}" -eq 1 ] || fail "not one line:" "$stderr"
	[[ $stderr == 'tare: '*"$1"* ]] || fail "does not say '$1': $stderr"
}
inspect() { tare inspect --format "{{.State.$1}}" "$2"; }

@test "without what is newer than Linux 5.10 a container lives as ever" {
	mkdir "$DIR/h"
	ok old network create --subnet 10.213.9.0/24 n
	ok old run -d --name a --init --network n --read-only --tmpfs /tmp -v v:/v -v "$DIR/h:/h:ro" -m 64m --pids-limit 50 \
		--device-cgroup-rule 'c 10:200 rwm' $B sleep 1000
	# the proof that something was hidden: the last stage is not run from a mount
	[[ $(readlink "/proc/$(pid_of a)/exe") == /memfd:* ]]
	ok old exec a sh -c 'for f in /x /h/x /proc/sys/kernel/hostname; do echo x 2>/dev/null >$f && echo $f; done; echo x >/v/x; echo x >/tmp/x
		ls /proc/self/fd | wc -l; grep -cE "^[^ ]+ / [^ ]+ ro," /proc/self/mounts'
	is $'4\n1'
	ok old exec a nslookup a 10.213.9.1
	has '10.213.9.2'
	ok old run --rm --network none --pid container:a $B ps
	has 'sleep 1000'
	ok old update --pids-limit 20 a
	ok old pause a
	ok old unpause a
	ok old cp a:/v/x "$DIR/copy"
	ok old cp "$DIR/copy" a:/v/back
	ok old cp "$DIR/copy" a:/v/x
	ok old exec a sh -c 'cat /v/x /v/back; ls -A /v'
	is $'x\nx\nback\nx'
	ok old restart -t 5 a
	ok old commit a old/image
	ok old run --rm --network none old/image true
	ok old stop -t 5 a
	ok old rm a
	ok old rmi old/image
	ok old network rm n
}

# Every start would add a line otherwise, for ever.
complaints() { dmesg 2>/dev/null | grep -cE 'overlayfs: unrecognized mount option "lowerdir' || true; }
@test "the kernel's log has no complaint about the way that layers are mounted" {
	local before
	before=$(complaints)
	ok tare run --rm --network none $B true
	same "$(complaints)" "$before"
}

@test "the host's cgroups are shown without mount_setattr" {
	ok older mount_setattr -- $TARE run --rm --network none --cgroupns host $B sh -c \
		'awk "\$2 ~ /^.sys.fs.cgroup/ && / cgroup2 / { print \$4 }" /proc/self/mounts | cut -d, -f1-4; mkdir /sys/fs/cgroup/x 2>/dev/null || echo refused'
	[[ $output == *refused ]]
	[ "$output" = refused ] || has 'ro,nosuid,nodev,noexec'
}

@test "ids of its own are refused where mounts cannot map them, in one line that names the kernel" {
	refused_by_older 'Linux 5.19' mount_setattr run --rm --network none --userns auto $B true
	[ -z "$(tare ps -aq)" ]
}

@test "an adopted container's end: its code, or 255 and why it is not known" {
	mkfifo "$DIR/h/go"
	ok tare run -d --name p --network none -v "$DIR/h:/h" $B sh -c 'read -r x </h/go; exit 9'
	local monitor
	monitor=$(inspect MonitorPid p)
	kill -9 "$monitor"
	eventually 5 sh -c "! kill -0 $monitor 2>/dev/null || grep -q '^State:.Z' /proc/$monitor/status"
	ok older pidfd_get_info -- $TARE exec p true
	[ "$(inspect MonitorPid p)" -gt 0 ]
	echo >"$DIR/h/go"
	run tare wait p
	# the zombie may be seen before its new parent has taken it
	[ "$output" = 9 ] || { is 255 && [[ $(inspect Error p) == *'not known'* ]] && log_has p 'not known'; }
	ok tare rm p
}

@test "every way round that is listed is there, and so is its test" {
	local call since where file name
	while IFS=$'\t' read -r call since where file name; do
		[[ $call != '#'* ]] || continue
		[[ $since =~ ^[56]\.[0-9]+$ ]] || fail "no kernel: $call"
		grep -qE "^[a-z].*\b${where#*:}\(" "$BATS_TEST_DIRNAME/../../${where%:*}" || fail "no such function: $where"
		grep -qF -- "$name" "$BATS_TEST_DIRNAME/../../$file" || fail "no such test: $file $name"
	done <"$BATS_TEST_DIRNAME/../vm/fallbacks.tsv"
}
