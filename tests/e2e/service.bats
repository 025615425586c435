#!/usr/bin/env bats
# vm
# The unit that `make install` brings, under a systemd of its own: in namespaces of this test, with a /run that is
# gone at each of its boots, and a part of the cgroup tree. Only in the emulated machine, which is thrown away.
load lib

UNITS=/usr/lib/systemd/system
WANTED='sysinit basic multi-user network network-online nss-lookup local-fs local-fs-pre remote-fs remote-fs-pre shutdown
	umount final poweroff timers sockets paths slices'

usable() { [ -n "${TARE_VM:-}" ] && [ -x /lib/systemd/systemd ] && cgroup_v2; }
setup() { usable || skip 'only in the emulated machine, with systemd'; }

file_up() {
	usable || return 0
	M=$DIR/machine
	LIB=$(mktemp -d /scratch/tare-service.XXXXXX)
	G=/sys/fs/cgroup/service-$$
	export M G LIB
	mkdir -p "$M/units/multi-user.target.wants" "$G"
	local unit
	for unit in $WANTED; do
		[ ! -e "$UNITS/$unit.target" ] || cp "$UNITS/$unit.target" "$M/units/"
	done
	cp "$UNITS/systemd-poweroff.service" "$M/units/"
	sed "s|@bindir@|$BUILD|" "$BATS_TEST_DIRNAME/../../engine/profiles/tare.service" >"$M/units/tare.service"
	ln -s ../tare.service "$M/units/multi-user.target.wants/"
	cat >"$M/boot" <<-EOF
		echo \$\$ >$G/cgroup.procs
		exec unshare --mount --cgroup --pid --net --uts --fork --kill-child sh -c '
			mount --make-rprivate / && mount -t proc proc /proc && ip link set lo up &&
			umount -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
			mkdir -p /var/lib/tare && mount --bind $LIB /var/lib/tare &&
			mount --bind $M /mnt && mount -t tmpfs -o mode=755 run /run || exit 1
			exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=tare SYSTEMD_UNIT_PATH=/mnt/units \
				/lib/systemd/systemd --system --unit=multi-user.target --log-target=null --show-status=no'
	EOF
}

file_down() {
	usable || return 0
	rmdir_deep "$G"
	rm -rf "$LIB"
}
# cgroups that systemd made and left; nothing is in them any more
rmdir_deep() { find "$1" -depth -type d -exec rmdir {} + 2>/dev/null; }

# A boot of that machine; INIT is its process 1.
boot() {
	sh "$M/boot" </dev/null >"$M/out" 2>&1 3>&- 4>&- &
	MACHINE=$!
	INIT=
	eventually 10 machine_is_up || fail "$(cat "$M/out")"
}
machine_is_up() {
	INIT=$(pgrep -P "$MACHINE") && [ "$(cat "/proc/$INIT/comm")" = systemd ] && inside systemctl is-active -q tare.service
}
# inside COMMAND…: in that machine, and in a part of its cgroup tree, as a login would be
inside() {
	(
		mkdir -p "$G/login" && echo "$BASHPID" >"$G/login/cgroup.procs" &&
			exec nsenter -t "$INIT" -a env SYSTEMD_UNIT_PATH=/mnt/units "$@" 3>&- 4>&-
	)
}
test_down() { [ -z "${INIT:-}" ] || ! kill -9 "$INIT" 2>/dev/null || wait "$MACHINE" || true; }
power_off() {
	kill -s RTMIN+4 "$INIT"
	wait "$MACHINE" || true
}
is_up() { inside "$BUILD/tare" ps --format '{{.Names}}' | grep -qx "$1"; }

@test "what ran before the machine went down was stopped in order, and is there after its boot" {
	local bye='trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.1; done'
	boot
	inside "$BUILD/tare" run -d --name web --restart unless-stopped --network none $B sh -c "$bye" >/dev/null
	inside "$BUILD/tare" run -d --name plain --network none $B sh -c "$bye" >/dev/null
	inside "$BUILD/tare" run -d --name by-hand --restart unless-stopped --network none $B sleep 1000 >/dev/null
	inside "$BUILD/tare" stop -t 0 by-hand >/dev/null
	# nothing of a container is in the service's part of the tree: ending the service's processes would end it
	lacks_service
	power_off
	boot
	eventually 10 is_up web
	ok inside "$BUILD/tare" ps -a --format '{{.Names}} {{.State}}'
	same "$(sort <<<"$output" | tr '\n' ' ')" 'by-hand exited plain exited web running '
	ok inside "$BUILD/tare" logs web
	has bye
	same "$(inside "$BUILD/tare" inspect plain --format '{{.State.ExitCode}}')" 3
	inside "$BUILD/tare" rm -f --all >/dev/null
	power_off
}
lacks_service() {
	local procs
	procs=$(inside cat /sys/fs/cgroup/system.slice/tare.service/cgroup.procs 2>/dev/null || true)
	[ -z "$procs" ] || fail "in the service: $procs"
}
