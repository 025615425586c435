#!/usr/bin/env bats
# vm
# update: limits and restart policy of containers that are there.

load lib

host_config() { tare inspect --format "{{.HostConfig.$2}}" "$1"; }
memory_of() { cgroup_file "$1" memory memory.limit_in_bytes memory.max; }
# Memory and swap together, as v1 has it.
memory_and_swap_of() {
	if cgroup_v2; then
		echo $(($(memory_of "$1") + $(cgroup_file "$1" - - memory.swap.max)))
	else
		cgroup_file "$1" memory memory.memsw.limit_in_bytes -
	fi
}
pids_of() { cgroup_file "$1" pids pids.max pids.max; }
quota_of() {
	if cgroup_v2; then cgroup_file "$1" - - cpu.max | cut -d ' ' -f 1; else cgroup_file "$1" cpu cpu.cfs_quota_us -; fi
}

@test "limits of a running container change at once, on record, and stay after a restart" {
	background u --memory 64m
	ok tare update --memory 128m --cpus 0.5 --pids-limit 30 --cpuset-cpus 0 --cpu-shares 512 u
	is u
	local round
	for round in running restarted; do
		same "$(memory_of u)" $((128 << 20))
		same "$(memory_and_swap_of u)" $((256 << 20))
		same "$(quota_of u)" 50000
		same "$(pids_of u)" 30
		same "$(tare exec u grep Cpus_allowed_list /proc/self/status | tr -d ' \t')" Cpus_allowed_list:0
		same "$(host_config u Memory) $(host_config u NanoCpus) $(host_config u PidsLimit) $(host_config u CpusetCpus) $(host_config u CpuShares)" \
			"$((128 << 20)) 500000000 30 0 512"
		same "$(tare stats --no-stream --format '{{.MemUsage}}' u | sed 's/.*\/ //')" 128MiB
		[ $round = restarted ] || tare restart -t 0 u
	done
	# up past the sum, down below the old memory, and off
	ok tare update --memory 512m --memory-swap 600m u
	same "$(memory_of u) $(memory_and_swap_of u)" "$((512 << 20)) $((600 << 20))"
	# who changes only memory keeps the sum
	ok tare update --memory 32m u
	same "$(memory_of u) $(memory_and_swap_of u)" "$((32 << 20)) $((600 << 20))"
	refused 1 memory-swap update --memory 700m u
	same "$(memory_of u) $(memory_and_swap_of u)" "$((32 << 20)) $((600 << 20))"
	ok tare update --memory -1 --pids-limit -1 u
	same "$(pids_of u) $(host_config u Memory) $(host_config u MemorySwap)" 'max 0 0'
	# Docker's word for it, and the one that goes with --cpus
	local word
	for word in cpu-quota=-1 cpus=0; do
		ok tare update --cpus 0.5 u
		ok tare update --$word u
		same "$(quota_of u) $(host_config u NanoCpus)" "$(cgroup_v2 && echo max || echo -1) 0"
	done
}

@test "one limit that is refused leaves all as they were" {
	background r --memory 64m --pids-limit 20 --cpus 0.5
	local before
	before=$(tare inspect --format '{{json .HostConfig}}' r)
	refused 1 4000 update --memory 256m --pids-limit 50 --cpus 1 --cpuset-cpus 4000 r
	refused 1 memory update --pids-limit 50 --memory-swap 32m r
	same "$(memory_of r) $(pids_of r) $(quota_of r)" "$((64 << 20)) 20 50000"
	same "$(tare inspect --format '{{json .HostConfig}}' r)" "$before"
	# nor is memory that is in use taken away by killing
	background used --memory 128m --memory-swap 128m -v /dev/shm --shm-size 100m $B sh -c 'head -c 60000000 /dev/zero >/dev/shm/x; echo full; sleep 1000'
	eventually 20 log_has used full
	refused 1 'cannot give it back' update --memory 32m --memory-swap 32m used
	is_state used running
	# others go on; and one whose monitor was killed has one again
	background s
	kill -9 "$(awk '/^PPid:/ { print $2 }' "/proc/$(pid_of s)/status")"
	run --separate-stderr tare update --pids-limit 33 nosuch r s
	[ "$status" -eq 1 ] && [ "$output" = $'r\ns' ]
	same "$(pids_of r) $(pids_of s)" '33 33'
	ok tare ps --filter name=s --format '{{.Status}}'
	lacks monitor
}

@test "a stopped container is updated for its next start" {
	tare create --name stopped --init --memory 64m $B sleep 1000
	ok tare update --memory 96m --restart on-failure:3 stopped
	same "$(host_config stopped Memory) $(host_config stopped RestartPolicy.Name) $(host_config stopped RestartPolicy.MaximumRetryCount)" \
		"$((96 << 20)) on-failure 3"
	tare start stopped
	same "$(memory_of stopped)" $((96 << 20))
	ok tare update --restart no stopped
	same "$(host_config stopped RestartPolicy.Name)" no
	tare events --since 1h --until 0s --filter event=update --filter container=stopped --format '{{.Action}}' >"$DIR/ev"
	same "$(grep -c '^update$' "$DIR/ev")" 2
}

@test "what makes no sense is refused" {
	tare create --name x --rm $B true
	refused 125 'nothing to update: give a limit' update x
	refused 1 'add --health-cmd' update --health-interval 5s x
	refused 125 exclude update --no-healthcheck --health-cmd true x
	refused 1 'removed when it ends' update --restart always x
	refused 1 minimum update --memory 1k x
	refused 125 policy update --restart sometimes x
	refused 125 '--restart' update --restrat no x
	refused 1 'such container' update --pids-limit 5 nosuch
}

@test "wait: several at once, also those that remove themselves, and conditions" {
	background slow $B sh -c 'until [ -e /go ]; do sleep 0.05; done; exit 3'
	background quick --rm $B sh -c 'exit 4'
	background up
	$TARE wait slow quick >"$DIR/codes" 2>&1 3>&- 4>&- &
	local waiter=$!
	ok tare wait --condition running up
	is -1
	refused 1 'no health check' wait --condition healthy up
	refused 125 'one of stopped' wait --condition dead up
	tare exec slow touch /go
	returns 0 "$waiter" || grep -q 'no such container: quick' "$DIR/codes"
	grep -qx 3 "$DIR/codes" || fail "$(cat "$DIR/codes")"
	tare rm slow
	$TARE wait --condition removed up >"$DIR/removed" 3>&- 4>&- &
	waiter=$!
	tare rm -f up
	returns 0 "$waiter"
	refused 1 'such container' wait nosuch
	ok tare wait --ignore nosuch
	is -1
}
