#!/usr/bin/env bats
# vm
# Limits: what the flags write into the kernel, on cgroup v1, hybrid and v2.

load lib

@test "--memory, --memory-swap, --memory-reservation" {
	background m --memory 64m --memory-swap 96m --memory-reservation 32m
	same "$(cgroup_file m memory memory.limit_in_bytes memory.max)" $((64 << 20))
	if cgroup_v2; then
		same "$(cgroup_file m - - memory.swap.max)" $((32 << 20))
		same "$(cgroup_file m - - memory.low)" $((32 << 20))
	else
		same "$(cgroup_file m memory memory.memsw.limit_in_bytes -)" $((96 << 20))
		same "$(cgroup_file m memory memory.soft_limit_in_bytes -)" $((32 << 20))
	fi
}

@test "--cpus and --cpu PERCENT are the same quota" {
	background a --cpus 0.5
	background b --cpu 50
	background c --cpus 1.5
	background d --cpu-period 50000 --cpu-quota 20000
	if cgroup_v2; then
		same "$(cgroup_file a - - cpu.max)" '50000 100000'
		same "$(cgroup_file b - - cpu.max)" '50000 100000'
		same "$(cgroup_file c - - cpu.max)" '150000 100000'
		same "$(cgroup_file d - - cpu.max)" '20000 50000'
	else
		same "$(cgroup_file a cpu cpu.cfs_quota_us -)" 50000
		same "$(cgroup_file b cpu cpu.cfs_quota_us -)" 50000
		same "$(cgroup_file c cpu cpu.cfs_quota_us -)" 150000
		same "$(cgroup_file d cpu cpu.cfs_period_us -)" 50000
	fi
}

@test "--cpu-shares, --cpuset-cpus, --cpuset-mems" {
	background a --cpu-shares 512 --cpuset-cpus 0 --cpuset-mems 0
	if cgroup_v2; then
		same "$(cgroup_file a - - cpuset.cpus)" 0
		local weight
		weight=$(cgroup_file a - - cpu.weight)
		[ "$weight" -gt 1 ] && [ "$weight" -lt 100 ] || fail "weight $weight"
	else
		same "$(cgroup_file a cpu cpu.shares -)" 512
		same "$(cgroup_file a cpuset cpuset.cpus -)" 0
	fi
	same "$(tare exec a grep Cpus_allowed_list /proc/self/status | tr -d ' \t')" Cpus_allowed_list:0
}

@test "--pids-limit holds, and a fork bomb is no harm" {
	background p --pids-limit 20
	same "$(cgroup_file p pids pids.max pids.max)" 20
	run tare exec p sh -c 'i=0; while [ $i -lt 40 ]; do sleep 1000 & i=$((i+1)); done; echo survived'
	[[ $output == *"can't fork"* || $output == *'Resource temporarily unavailable'* ]] || fail "$output"
	same "$(tare inspect --format '{{.HostConfig.PidsLimit}}' p)" 20
}

@test "an OOM kill is seen, told and passed on" {
	exits 137 tare run --name oom --memory 32m --memory-swap 32m -v "$BUILD/e2e:/t:ro" $B /t/probe allocate 200
	same "$(tare inspect --format '{{.State.OOMKilled}}' oom)" true
	tare events --since 1h --until 0s --filter container=oom --format '{{.Action}}' >"$DIR/ev" || true
	grep -q oom "$DIR/ev" || fail "$(cat "$DIR/ev")"
}

@test "a child's OOM kill does not end the container, and is told as well" {
	background oom --memory 32m --memory-swap 32m -v "$BUILD/e2e:/t:ro" $B sh -c '/t/probe allocate 200; echo child $?; sleep 1000'
	eventually 20 log_has oom 'child 137'
	is_state oom running
}

@test "--blkio-weight and --device-read-bps go where they can, or say where they can't" {
	local disk
	disk=$(lsblk -dno PATH 2>/dev/null | head -n 1)
	[ -n "$disk" ] || skip 'no disk here'
	run --separate-stderr tare run -d --name io --device-read-bps "$disk:1mb" --init $B sleep 1000
	if [ "$status" -eq 0 ]; then
		if cgroup_v2; then
			[[ $(cgroup_file io - - io.max) == *rbps=1048576* ]]
		else
			[[ $(cgroup_file io blkio blkio.throttle.read_bps_device -) == *1048576 ]]
		fi
	else
		[[ $stderr == *io* || $stderr == *blkio* ]] || fail "$stderr"
	fi
	run --separate-stderr tare run --rm --blkio-weight 300 $B true
	[ "$status" -eq 0 ] || [[ $stderr == *blkio* || $stderr == *io.* || $stderr == *weight* ]] || fail "$stderr"
}

@test "without limits there are none" {
	background n
	if cgroup_v2; then
		same "$(cgroup_file n - - memory.max)" max
		same "$(cgroup_file n - - cpu.max)" 'max 100000'
	else
		[ "$(cgroup_file n memory memory.limit_in_bytes -)" -gt $((1 << 50)) ]
		same "$(cgroup_file n cpu cpu.cfs_quota_us -)" -1
	fi
}

@test "impossible limits are refused before anything is made" {
	refused 125 memory run --rm --memory 1k $B true
	refused 125 memory run --rm --memory 64m --memory-swap 32m $B true
	refused 125 cpus run --rm --cpus 1000 $B true
	refused 125 4000 run --rm --cpuset-cpus 4000 $B true
	refused 125 blkio-weight run --rm --blkio-weight 5 $B true
	same "$(names)" ''
}

@test "the container sees its own cgroup as the root, read-only" {
	ok tare run --rm $B sh -c 'sort -u -t : -k 3 /proc/self/cgroup | cut -d : -f 3; ls /sys/fs/cgroup | wc -l; mkdir /sys/fs/cgroup/x 2>/dev/null || echo no'
	has no
	lacks tare
}

@test "kill takes processes that hide in a session of their own" {
	background k $B sh -c 'i=0; while [ $i -lt 30 ]; do setsid sleep 54321 & i=$((i+1)); done; echo ready; sleep 1000'
	eventually 20 log_has k ready
	tare kill k
	tare wait k
	eventually 10 sh -c '! pgrep -f "^sleep 54321$"'
}

@test "pause freezes every process" {
	background f $B sh -c 'sleep 1001 & sleep 1002 & echo ready; wait'
	eventually 10 log_has f ready
	tare pause f
	if cgroup_v2; then
		[[ $(cgroup_file f - - cgroup.events) == *'frozen 1'* ]]
	else
		# The freezer of v1, or that of the v2 tree beside it.
		local id
		id=$(tare inspect --format '{{.Id}}' f)
		cat "/sys/fs/cgroup/freezer/tare/$id/freezer.state" "/sys/fs/cgroup/unified/tare/$id/cgroup.events" 2>/dev/null >"$DIR/frozen"
		grep -qE 'FROZEN|frozen 1' "$DIR/frozen" || fail "$(cat "$DIR/frozen")"
	fi
	tare unpause f
}

@test "--cgroup-parent" {
	background p --cgroup-parent /tare/e2e-parent
	[[ $(cat "/proc/$(pid_of p)/cgroup") == */tare/e2e-parent/* ]]
	tare rm -f p
	local dir
	for dir in /sys/fs/cgroup/tare/e2e-parent /sys/fs/cgroup/*/tare/e2e-parent; do [ ! -d "$dir" ] || rmdir "$dir"; done
}
