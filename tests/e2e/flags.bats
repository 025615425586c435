#!/usr/bin/env bats
# vm
# Flags that have no place in a story of their own: each does what its name says, or says why it can't.

load lib

v1() { cgroup_v2 && return 1 || return 0; }

@test "the long forms of -i, -t, -a" {
	ok sh -c "echo in | $TARE run --rm --interactive $B cat"
	is in
	ok tare create --name a --interactive $B sh -c 'read -r x; echo "got $x"'
	ok sh -c "echo word | $TARE start --attach --interactive a"
	is 'got word'
	ok tare rm --force a
	run on_terminal see:'yes' -- $TARE run --rm --interactive --tty $B sh -c 'test -t 0 && echo yes'
	[ "$status" -eq 0 ] || fail "$output"
	background e
	ok sh -c "echo in | $TARE exec --interactive e cat"
	is in
	run on_terminal see:'yes' -- $TARE exec --tty --interactive e sh -c 'test -t 0 && echo yes'
	[ "$status" -eq 0 ] || fail "$output"
	ok tare rm -f e
}

@test "--attach takes one stream of two" {
	ok tare run --rm --attach stdout $B sh -c 'echo o; echo e >&2'
	is o
	[[ ${stderr:-} != *e* ]]
}

@test "--domainname, --cgroupns, --pull" {
	ok tare run --rm --hostname h --domainname d.example $B sh -c 'hostname; cat /proc/sys/kernel/domainname'
	is $'h\nd.example'
	ok tare run --rm --cgroupns host $B readlink /proc/self/ns/cgroup
	is "$(readlink /proc/self/ns/cgroup)"
	ok tare run --rm --cgroupns private $B readlink /proc/self/ns/cgroup
	[ "$output" != "$(readlink /proc/self/ns/cgroup)" ]
	ok tare run --rm --pull never $B true
	refused 125 'nosuchimage' run --rm --pull never nosuchimage true
	refused 125 pull run --rm --pull sometimes $B true
}

@test "--device-cgroup-rule opens what a device node alone does not" {
	# the container makes the node (fuse) itself; without the rule it cannot be opened
	run tare run --rm $B sh -c 'mknod /k c 10 229; : </k'
	[[ $output == *'not permitted'* ]]
	run tare run --rm --device-cgroup-rule 'c 10:229 rw' $B sh -c 'mknod /k c 10 229; : </k'
	[[ $output != *'not permitted'* ]]
	refused 125 'device' run --rm --device-cgroup-rule 'x 1:2 rw' $B true
}

@test "--memory-swappiness and --oom-kill-disable, where the controller has them" {
	if v1; then
		background s --memory 64m --memory-swappiness 7
		same "$(cgroup_file s memory memory.swappiness -)" 7
		background o --memory 64m --oom-kill-disable
		[[ $(cgroup_file o memory memory.oom_control -) == *'oom_kill_disable 1'* ]]
		ok tare rm -f s o
	else
		refused 125 swappiness run --rm --memory 64m --memory-swappiness 7 $B true
		refused 125 'OOM killer' run --rm --memory 64m --oom-kill-disable $B true
	fi
	refused 125 swappiness run --rm --memory-swappiness 101 $B true
}

# a whole block device of this machine, or nothing
disk() { lsblk -dnpo NAME 2>/dev/null | grep -v '/loop\|/ram\|/zram' | head -n 1; }

@test "block device limits reach the controller, or the error names it" {
	local d kind
	d=$(disk)
	[ -b "$d" ] || d=/dev/null
	for kind in device-write-bps device-read-iops device-write-iops; do
		if [ "$d" = /dev/null ]; then
			refused 125 null create --$kind "$d:1048576" $B true
			continue
		fi
		run --separate-stderr tare run -d --name "$kind" --$kind "$d:1048576" $B sleep 1000
		if [ "$status" -eq 0 ]; then
			case $kind in
			*write-bps) [[ $(cgroup_file $kind blkio blkio.throttle.write_bps_device io.max) == *1048576* ]] ;;
			*read-iops) [[ $(cgroup_file $kind blkio blkio.throttle.read_iops_device io.max) == *1048576* ]] ;;
			*write-iops) [[ $(cgroup_file $kind blkio blkio.throttle.write_iops_device io.max) == *1048576* ]] ;;
			esac
			ok tare rm -f "$kind"
		else
			[[ $stderr == 'tare: '*io* ]] || fail "$stderr"
		fi
	done
	refused 125 weight create --blkio-weight-device "$d:5" $B true
	refused 125 'no/such' create --device-write-bps /no/such:1mb $B true
}

@test "a kernel without what is needed is told, and leaves nothing half-made" {
	local fault
	for fault in fsopen:error=ENODEV openat2:error=ENOSYS open_tree:error=ENOSYS clone3:error=ENOSPC pivot_root:error=EINVAL; do
		run --separate-stderr strace -f -qq -o /dev/null -e trace=${fault%%:*} -e inject=$fault $TARE run --name k $B true
		[ "$status" -eq 125 ] || fail "$fault: exit code $status" "$stderr"
		[ "${#stderr_lines[@]}" -eq 1 ] || fail "$fault: $stderr"
		case $fault in
		*ENODEV*) [[ $stderr == *overlay* ]] ;;
		*ENOSYS*) [[ $stderr == *'Linux 5.10'* ]] || fail "$fault: $stderr" ;;
		esac
		tare rm k >/dev/null 2>&1 || true
		same "$(tare ps -aq)" ''
		[ -z "$(ls "$STATE/containers")" ]
	done
}

@test "ps --last, --latest, --size; inspect --size, --type; logs --timestamps --follow; stop --timeout, --time" {
	ok tare run --name one $B true
	ok tare run --name two $B sh -c 'echo out; dd if=/dev/zero of=/big bs=1k count=100 2>/dev/null'
	ok tare ps --latest --format '{{.Names}}'
	is two
	ok tare ps --last 2 --format '{{.Names}}'
	is $'two\none'
	ok tare ps -a --size --format '{{.Names}} {{.Size}}'
	has 'two 10?*kB'
	ok tare inspect --size --type container --format '{{.SizeRw}}' two
	[ "$output" -ge 102400 ]
	run tare inspect --type image two
	[ "$status" -eq 1 ]
	ok tare logs --timestamps --follow two
	[[ $output == 20*Z\ out ]] || fail "$output"
	background t
	ok tare stop --timeout 2 t
	ok tare start t
	ok tare stop --time 2 t
	ok tare rm one two t
}
