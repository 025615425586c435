#!/usr/bin/env bats
# vm
# Our AppArmor profile: what stands when capabilities and the filter of system calls are given away.

load lib

apparmor() { grep -q Y /sys/module/apparmor/parameters/enabled 2>/dev/null; }
needs_apparmor() { apparmor || skip 'this kernel has no AppArmor'; }
label() { tr -d '\0' </proc/"$1"/attr/current; }

@test "without AppArmor in the kernel containers run, info says so, and who asks for it is told" {
	! apparmor || skip 'this kernel has AppArmor'
	same "$(tare info --format '{{.AppArmorProfile}}')" 'not in this kernel'
	background a
	same "$(tare inspect --format '{{.AppArmorProfile}}' a)" ''
	ok tare run --rm --security-opt apparmor=unconfined $B true
	refused 125 'this kernel runs without AppArmor' run --rm --security-opt apparmor=tare-default $B true
	refused 125 'this kernel runs without AppArmor' run --rm --security-opt apparmor=other $B true
}

@test "each container has the profile by itself, exec too; privileged ones have none" {
	needs_apparmor
	command -v apparmor_parser || fail 'install the package apparmor'
	background a
	same "$(label "$(pid_of a)")" 'tare-default (enforce)'
	same "$(tare exec a cat /proc/self/attr/current)" 'tare-default (enforce)'
	same "$(tare run --rm $B cat /proc/self/attr/current)" 'tare-default (enforce)' # without --init
	same "$(tare exec a sh -c 'for p in /proc/[0-9]*; do cat $p/attr/current; done' | sort -u)" 'tare-default (enforce)'
	same "$(tare inspect --format '{{.AppArmorProfile}}' a)" tare-default
	same "$(tare security show --container a --format '{{.AppArmorProfile}}')" tare-default
	same "$(tare info --format '{{.AppArmorProfile}}')" tare-default
	same "$(tare exec --privileged a cat /proc/self/attr/current)" unconfined
	same "$(tare run --rm --privileged $B cat /proc/self/attr/current)" unconfined
	same "$(tare run --rm --security-opt apparmor=unconfined $B cat /proc/self/attr/current)" unconfined
	same "$(tare run --rm --security-profile restricted $B cat /proc/self/attr/current)" 'tare-default (enforce)'
	ok tare stop -t 30 a
	same "$(state_of a)" exited
	same "$(tare inspect --format '{{.AppArmorProfile}}' a)" tare-default
}

@test "no mount and no umount, whatever the capabilities" {
	needs_apparmor
	local try='mount -t tmpfs x /mnt 2>&1; umount /proc/keys 2>&1; mount -o remount,rw /proc/sys 2>&1; echo end'
	ok tare run --rm --cap-add SYS_ADMIN $B sh -c "mkdir -p /mnt; $try; grep -c ' /mnt ' /proc/mounts; true"
	has 'ermission denied'
	has $'end\n0'
	ok tare run --rm --cap-add SYS_ADMIN --security-opt apparmor=unconfined $B sh -c "mkdir -p /mnt; $try; grep -c ' /mnt ' /proc/mounts; true"
	has $'end\n1'
}

@test "no writes to what rules the kernel, whatever is unmasked" {
	needs_apparmor
	local f try='for f in "$@"; do [ ! -e "$f" ] || if (: >>"$f") 2>/dev/null; then echo "wrote $f"; fi; done; echo end'
	local files=(/proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/vm/drop_caches
		/proc/sys/fs/binfmt_misc/register /proc/irq/default_smp_affinity /sys/kernel/uevent_helper /sys/power/state
		/sys/module/apparmor/parameters/mode /proc/sys/kernel/sysrq /proc/sys/kernel/random/boot_id /proc/sys/kernel/dmesg_restrict)
	ok tare run --rm --security-opt systempaths=unconfined --cap-add ALL $B sh -c "$try" sh "${files[@]}"
	is end
	ok tare run --rm --security-opt systempaths=unconfined --security-opt apparmor=unconfined --cap-add ALL $B sh -c "$try" sh "${files[@]}"
	for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches; do
		has "wrote $f"
	done
	# What belongs to its own namespaces stays its own.
	ok tare run --rm --cap-add NET_ADMIN --security-opt systempaths=unconfined $B sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward && echo 100 >/proc/self/oom_score_adj && echo end'
	is end
}

@test "no signal to and no look into processes that are not its own" {
	needs_apparmor
	sleep 1000 3>&- 4>&- &
	local pid=$!
	local try="kill -0 $pid 2>/dev/null && echo signalled; cat /proc/$pid/environ >/dev/null 2>&1 && echo read; sleep 100 & kill -0 \$! && kill \$!; cat /proc/\$!/environ >/dev/null; echo end"
	ok tare run --rm --pid host --cap-add ALL $B sh -c "$try"
	is end
	ok tare run --rm --pid host --cap-add ALL --security-opt apparmor=unconfined $B sh -c "$try"
	is $'signalled\nread\nend'
	kill $pid
}

@test "loaded once; again when somebody unloads it" {
	needs_apparmor
	ok tare run --rm $B true
	local mark before
	mark=$(ls "$STATE"/apparmor/*[0-9a-f])
	before=$(stat -c %i "$mark")
	ok strace -f -qq -e trace=execve -e signal=none -o "$DIR/trace" "$BUILD/tare" --root "$ROOT" --state "$STATE" run --rm $B true
	! grep -q apparmor_parser "$DIR/trace" || fail 'the parser was started again'
	same "$(stat -c %i "$mark")" "$before"
	# As if it had been unloaded, which other files that run now would notice.
	printf +tare-default.999999 >"$mark"
	same "$(tare run --rm $B cat /proc/self/attr/current)" 'tare-default (enforce)'
	[ "$(cat "$mark")" != +tare-default.999999 ] || fail 'not loaded again'
}

@test "without apparmor_parser: silently without, clearly when it was asked for" {
	needs_apparmor
	# Each has a state of its own: nobody has loaded anything there.
	t() { unshare --mount sh -c 'mount --bind /dev/null /usr/sbin/apparmor_parser; exec "$@"' sh "$BUILD/tare" --root "$DIR/r2" --state "$DIR/s2" "$@" 3>&- 4>&-; }
	ok t run --rm --network none $B cat /proc/self/attr/current
	is unconfined
	same "${stderr:-}" ''
	ok t info --format '{{.AppArmorProfile}}'
	has 'apparmor_parser is not installed'
	exits 125 t run --rm --network none --security-opt apparmor=tare-default $B true
	[[ $stderr == *'apparmor_parser is not installed'* ]] || fail "$stderr"
}

@test "another profile by name; one that is not loaded is an error" {
	needs_apparmor
	printf 'profile tare-e2e flags=(attach_disconnected) {\n file,\n capability,\n deny /etc/passwd r,\n}\n' >"$DIR/mine"
	apparmor_parser --replace --skip-cache "$DIR/mine"
	ok tare run --rm --network none --security-opt apparmor=tare-e2e $B sh -c 'cat /proc/self/attr/current; cat /etc/passwd 2>&1; true'
	has 'tare-e2e (enforce)'
	has 'ermission denied'
	printf tare-e2e >/sys/kernel/security/apparmor/.remove
	refused 125 AppArmor run --rm --network none --security-opt apparmor=tare-e2e $B true
}
