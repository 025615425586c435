#!/usr/bin/env bats
# vm
# An ordinary user to whom a part of the cgroup v2 tree was delegated has limits, figures and pause.
load lib
load rootless

file_up() {
	cgroup_v2 || return 0
	user_up
	G=/sys/fs/cgroup/rl-$$
	export G
	echo '+memory +pids +cpu' >/sys/fs/cgroup/cgroup.subtree_control
	mkdir "$G" "$G/shell" "$G/foreign"
	chown $USER_ID "$G" "$G"/cgroup.{procs,subtree_control,threads} "$G/shell" "$G/shell/cgroup.procs"
}

file_down() {
	cgroup_v2 || return 0
	rmdir "$G/shell" "$G/foreign" "$G/tare" "$G"
	user_down
}

setup() { cgroup_v2 || skip 'cgroup v2 alone is delegated'; }
test_down() { ! cgroup_v2 || inside rm -f --all >/dev/null 2>&1 || true; }

# inside ARGUMENT…: tare, from where systemd would have put the user's session
inside() {
	(
		echo "$BASHPID" >"$G/shell/cgroup.procs"
		user "$@"
	)
}

own() { inside inspect c --format '{{.Id}}'; }

@test "limits, figures and pause by a delegated cgroup" {
	ok inside run -d --name c --network none -m 64m --pids-limit 20 --cpus 0.5 busybox sleep 1000
	local cg
	cg=$G/tare/$(own)
	same "$(cat "$cg/memory.max")" $((64 << 20))
	same "$(cat "$cg/pids.max")" 20
	same "$(cat "$cg/cpu.max")" '50000 100000'
	run inside exec c sh -c 'for i in $(seq 40); do sleep 1000 & done 2>&1'
	has "can't fork"
	ok inside stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' c
	has '/ 64MiB'
	lacks '--'
	ok inside pause c
	same "$(cat "$cg/cgroup.freeze")" 1
	ok inside inspect c --format '{{.State.Status}}'
	is paused
	ok inside unpause c
	ok inside update -m 48m c
	same "$(cat "$cg/memory.max")" $((48 << 20))
	ok inside rm -f c
	[ ! -e "$cg" ] || fail "$cg is left"
	exits 137 inside run --rm --network none -m 16m busybox sh -c 'tail /dev/zero'
}

@test "from outside of what was delegated limits are refused, not forgotten" {
	refused 125 '*limits need a cgroup*' run --rm --network none -m 64m busybox true
	ok user run --rm --network none busybox true
}
