#!/usr/bin/env bats
# vm
# What a container can't do, by default. The numbers in comments are those of the attack that each test repeats.

load lib

probe() { tare run --rm -v "$BUILD/e2e/probe:/probe:ro" $B /probe "$@"; }
denied() { # PROBE WORDS: the filter or the kernel says no
	ok probe "$@"
	[[ $output == *EPERM || $output == *EACCES || $output == *ENOSYS || $output == *EAFNOSUPPORT || $output == *EPROTONOSUPPORT || $output == *EROFS ]] || fail "$*: $output"
}

@test "six namespaces of its own" {
	background n
	local ns pid
	pid=$(pid_of n)
	for ns in mnt pid uts ipc net cgroup; do
		[ "$(readlink "/proc/$pid/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ] || fail "$ns is the host's"
	done
}

@test "its own process 1, and no other process in sight" {
	ok tare run --rm $B sh -c 'ls -d /proc/[0-9]* | wc -l; cat /proc/1/comm'
	[ "${lines[0]}" -le 4 ] # sh, ls, wc and the pipe's other shell
}

@test "Docker's 14 capabilities, none inheritable or ambient" {
	ok tare run --rm $B grep Cap /proc/self/status
	local mask=$((0xa80425fb & 0x$(awk '/CapBnd/ { print $2 }' /proc/self/status)))
	same "$(awk '/CapEff/ { print $2 }' <<<"$output")" "$(printf %016x $mask)"
	same "$(awk '/CapBnd/ { print $2 }' <<<"$output")" "$(printf %016x $mask)"
	same "$(awk '/CapInh|CapAmb/ { print $2 }' <<<"$output" | sort -u)" 0000000000000000
}

@test "--cap-drop, --cap-add, with or without CAP_, any case, ALL" {
	c() { tare run --rm "$@" $B awk '/CapEff/ { print $2 }' /proc/self/status; }
	same "$(c --cap-drop ALL)" 0000000000000000
	same "$(c --cap-drop all --cap-add chown)" 0000000000000001
	same "$(c --cap-drop ALL --cap-add CAP_KILL)" 0000000000000020
	same "$(c --cap-drop=NET_RAW --cap-drop=cap_mknod)" "$(printf %016x $((0x$(c) & ~0x8002000)))"
	same "$(c --cap-add ALL)" "$(awk '/CapBnd/ { print $2 }' /proc/self/status)"
	refused 125 NOSUCH run --rm --cap-add NOSUCH $B true
}

@test "no_new_privs unless lifted; seccomp is on" {
	ok tare run --rm $B grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status
	is $'NoNewPrivs:\t1\nSeccomp:\t2'
	ok tare run --rm --security-opt no-new-privileges=false $B grep NoNewPrivs /proc/self/status
	is $'NoNewPrivs:\t0'
	ok tare run --rm --security-opt seccomp=unconfined $B grep Seccomp: /proc/self/status
	is "$(grep ^Seccomp: /proc/self/status)"
}

@test "the calls that Docker's filter refuses" {
	local c
	for c in io_uring_setup userfaultfd add_key keyctl request_key bpf perf_event_open open_by_handle_at kexec_load \
		init_module swapon reboot settimeofday mount umount2 pivot_root fsopen open_tree setns quotactl syslog; do
		denied $c
	done
	ok probe getpid
	is allowed
}

@test "clone3 answers ENOSYS, so that its flags can't be hidden" {
	ok probe clone3
	is ENOSYS
}

@test "no user namespace, no mount namespace" {
	denied userns
	denied mountns
}

@test "AF_ALG and AF_VSOCK sockets are refused" {
	denied socket 38
	denied socket 40
	ok probe socket 2
	is allowed
}

@test "the x32 and the 32-bit gate are guarded too" {
	denied x32
	# 425 is io_uring_setup in both tables.
	ok probe int80 425
	[[ $output == EPERM || $output == ENOSYS ]] || fail "$output"
}

@test "TIOCSTI can't type into the caller's terminal (CVE-2019-10063)" {
	run on_terminal see:tried type:'echo alive\n' see:alive type:'exit\n' -- bash -c \
		"$TARE run --rm -i -v $BUILD/e2e/probe:/probe:ro $B /probe tiocsti; PS1= exec sh -i"
	lacks pwned
}

@test "no descriptor of the caller gets in, not even an open directory (CVE-2024-21626)" {
	exec 8</ 9</etc/shadow
	ok probe descriptors
	exec 8<&- 9<&-
	is ''
	local i
	for i in 3 4 5 6 7 8 9 10 11 12; do
		run tare run --rm -w "/proc/self/fd/$i" $B sh -c 'pwd; ls ../../../etc/debian_version'
		[ "$status" -ne 0 ] || fail "came in by /proc/self/fd/$i: $output"
	done
}

@test "the environment of the caller stays outside, also of the monitor's" {
	export APP_SECRET=hunter2
	background s
	local p f
	for p in $(pid_of s) $(monitor_of s); do
		for f in environ cmdline; do
			[ -r "/proc/$p/$f" ]
			if tr '\0' '\n' <"/proc/$p/$f" | grep hunter2; then fail "in $f of $p"; fi
		done
	done
}

@test "/proc/self/exe is never a host binary (CVE-2019-5736)" {
	background e -v "$BUILD/e2e/probe:/probe:ro"
	# The image's program may be an interpreter line that names /proc/self/exe.
	mkdir -p "$DIR/fs/bin"
	cp /bin/busybox "$DIR/fs/bin/"
	printf '#!/proc/self/exe\n' >"$DIR/fs/evil"
	chmod 755 "$DIR/fs/evil"
	local sums
	sums=$(cd "$BUILD" && md5sum tare tare-init tare-monitor)
	timeout 20 "$BUILD/tare" --root "$ROOT" --state "$STATE" run --rm --rootfs "$DIR/fs" /evil >/dev/null 2>&1 3>&- || true
	ok tare run --rm $B sh -c 'for p in /proc/[0-9]*/exe; do (echo x >>$p) 2>/dev/null && echo wrote $p; done; echo end'
	is end
	same "$(cd "$BUILD" && md5sum tare tare-init tare-monitor)" "$sums"
}

@test "masked and read-only paths" {
	ok tare run --rm $B sh -c 'for f in kcore keys timer_list sched_debug latency_stats interrupts; do [ ! -e /proc/$f ] || { [ -r /proc/$f ] && [ "$(head -c 10 /proc/$f | wc -c)" -gt 0 ] && echo "$f"; }; done
		ls /proc/acpi /proc/scsi /sys/firmware /sys/devices/virtual/powercap 2>/dev/null | grep -v : | grep .
		for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/irq/default_smp_affinity /proc/sys/vm/drop_caches; do [ ! -e $f ] || (echo h >$f) 2>/dev/null && [ -e $f ] && echo "wrote $f"; done
		(mkdir /sys/fs/x) 2>/dev/null && echo sys; umount /proc/kcore 2>/dev/null && echo unmasked; echo end'
	is end
}

@test "a mask can't be taken away by an image or a volume (CVE-2025-31133, CVE-2025-52565)" {
	mkdir -p "$DIR/fs2/bin" "$DIR/fs2/proc" "$DIR/v"
	cp /bin/busybox "$DIR/fs2/bin/"
	ln -s /etc "$DIR/fs2/dev"
	run tare run --rm --rootfs "$DIR/fs2" /bin/busybox ls /etc
	[ ! -e /etc/null ] && [ ! -e /etc/pts ]
	run tare run --rm -v "$DIR/v:/proc" $B true
	[ "$status" -ne 0 ] || fail 'a volume over /proc'
	run tare run --rm -v "$DIR/v:/proc/self/attr" $B true
	[ "$status" -ne 0 ] || fail 'a volume inside /proc'
	run tare run --rm -v "$DIR/v:/dev/null" $B true
	[ -c /dev/null ]
}

@test "/dev: Docker's nodes and links, nothing else; no host disk" {
	ok tare run --rm $B sh -c 'ls /dev | sort | tr "\n" " "'
	has full
	has null
	has random
	has tty
	has urandom
	has zero
	lacks sda
	lacks vda
	lacks kmsg
	lacks mem
	ok tare run --rm $B sh -c 'echo x >/dev/null; head -c 2 /dev/zero | wc -c; echo x >/dev/full || echo full; ls -l /dev/fd /dev/stdin /dev/ptmx | wc -l; grep -c " /dev/pts \| /dev/shm \| /dev/mqueue " /proc/mounts'
	is $'2\nfull\n3\n3'
}

@test "a device node that it makes can't be opened" {
	# 8:0 is a disk, 1:1 /dev/mem, 1:11 /dev/kmsg, 10:229 fuse
	local d
	for d in 'b 8 0' 'b 254 0' 'c 1 1' 'c 1 11' 'c 10 229' 'c 10 200'; do
		# shellcheck disable=SC2086
		ok probe device $d
		[[ $output == *EPERM || $output == *EACCES ]] || fail "$d: $output"
	done
	ok probe device c 1 3
	has allowed
}

@test "--privileged has them all, and no masks" {
	ok tare run --rm --privileged $B sh -c 'awk "/CapEff/ { print \$2 }" /proc/self/status; grep Seccomp: /proc/self/status; mkdir /tmp/m && mount -t tmpfs none /tmp/m && echo mounted; test -c /dev/kmsg && echo kmsg'
	has "$(awk '/CapBnd/ { print $2 }' /proc/self/status)"
	has "$(grep ^Seccomp: /proc/self/status)"
	has mounted
}

@test "--security-profile restricted: less than the default" {
	ok tare run --rm --security-profile restricted $B grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status
	has $'NoNewPrivs:\t1'
	has $'Seccomp:\t2'
	local restricted default
	restricted=0x$(awk '/CapEff/ { print $2 }' <<<"$output")
	default=0x$(tare run --rm $B awk '/CapEff/ { print $2 }' /proc/self/status)
	[ $((restricted)) -ne $((default)) ]
	[ $((restricted & ~default)) -eq 0 ]
	refused 125 nosuch run --rm --security-profile nosuch $B true
}

@test "--security-opt seccomp=FILE, in Docker's format" {
	printf '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":13}]}' >"$DIR/p.json"
	ok tare run --rm --security-opt "seccomp=$DIR/p.json" $B sh -c 'mkdir /x 2>&1; echo $?'
	has 'ermission denied'
	refused 125 "$DIR/nosuch" run --rm --security-opt "seccomp=$DIR/nosuch" $B true
	echo '{' >"$DIR/bad.json"
	refused 125 bad.json run --rm --security-opt "seccomp=$DIR/bad.json" $B true
}

@test "hostname and time are its own business: the host's stay" {
	local before
	before=$(hostname)
	run tare run --rm $B hostname intruder
	same "$(hostname)" "$before"
}

@test "a container can't see, signal or trace the host's processes, nor another container's" {
	background one
	ok tare run --rm $B sh -c 'kill -0 2 2>/dev/null && echo saw; ls /proc | grep -c "^[0-9]"'
	lacks saw
}

# The kernel shuts nobody out who may trace everything (CAP_SYS_PTRACE): what he can see must have nothing. It is held
# where it is seen first, and taken over there.
@test "who joins holds nothing that the container lacks, whoever takes him over (CVE-2016-9962)" {
	tracer n 2 --ulimit nofile=100 --cap-add SYS_PTRACE --health-cmd 'echo well' --health-interval 1h
	ok held exec n echo 'done'
	is done
	ok held --internal health "$(tare inspect --format '{{.Id}}' n)"
	told n
	is $'seized\nend\nseized\nend'
	# without that right he is not even looked at
	tracer m 1
	ok held exec m echo 'done'
	told m
	is $'not seized: EPERM\nend'
}

@test "nor a container that is started among the processes of another" {
	tracer n 2 --ulimit nofile=100 --cap-add SYS_PTRACE
	ok held run --rm --network container:n --ipc container:n --uts host --pid container:n --cap-add SYS_PTRACE --ulimit nofile=100 $B ps
	has 'ps'
	has '1 root     /tracer 2'
	ok held run --rm --init --network container:n --ipc container:n --uts host --pid container:n --cap-add SYS_PTRACE --ulimit nofile=100 $B true
	told n
	is $'seized\nanother root/.\nanother ns/mnt\nanother ns/uts\nanother ns/cgroup\nend\nseized\nanother root/.\nanother ns/mnt\nanother ns/uts\nanother ns/cgroup\nend'
}

@test "a command of exec that asks to be traced by its parent goes on" {
	# shellcheck disable=SC2086
	background t --network none $TRACEABLE -v "$BUILD/e2e/attacker:/attacker:ro"
	run timeout -s KILL 20 "$BUILD/tare" --root "$ROOT" --state "$STATE" exec -i t /attacker traced 7 <<<x
	[ "$status" -eq 7 ] || fail "$status: $output"
	run timeout -s KILL 20 "$BUILD/tare" --root "$ROOT" --state "$STATE" exec t /attacker traced-program 9
	[ "$status" -eq 9 ] || fail "$status: $output"
	ok tare rm -f t
}

@test "who asks to be traced by his supervisor goes on, and is looked after as ever" {
	mkfifo "$DIR/line"
	local init code
	for init in '' --init; do
		# shellcheck disable=SC2086
		ok tare run -d --name t $init $TRACEABLE --network none -v "$BUILD/e2e/attacker:/attacker:ro" -v "$DIR/line:/line" $B sh -c 'exec /attacker traced 7 </line'
		echo x >"$DIR/line"
		ok timeout 20 "$BUILD/tare" --root "$ROOT" --state "$STATE" wait t
		is 7
		ok tare logs t
		is 'goes on'
		ok tare rm t
		# shellcheck disable=SC2086
		run timeout 20 "$BUILD/tare" --root "$ROOT" --state "$STATE" run --rm $init --network none -v "$BUILD/e2e/attacker:/attacker:ro" $B /attacker traced-program 9
		[ "$status" -eq 9 ] || fail "$status: $output"
	done
}

# What the profile says of clone counts for what is run, not for how it is brought in.
@test "a profile that allows no clone can be joined, and has its filter before" {
	printf '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["clone","clone3","fork","vfork","keyctl"],"action":"SCMP_ACT_ERRNO","errnoRet":38}]}' >"$DIR/noclone.json"
	tracer n 1 --cap-add SYS_PTRACE --security-opt "seccomp=$DIR/noclone.json"
	run held exec n sh -c 'ls; echo done'
	has 'unction not implemented'
	told n
	is $'seized\nend'
}

@test "a profile that kills for a session or a controlling terminal of one's own can be joined" {
	printf '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["setsid"],"action":"SCMP_ACT_KILL_PROCESS"},
		{"names":["ioctl"],"action":"SCMP_ACT_KILL_PROCESS","args":[{"index":1,"value":21518,"op":"SCMP_CMP_EQ"}]}]}' >"$DIR/nosid.json"
	background k --network none --security-opt "seccomp=$DIR/nosid.json"
	ok tare exec k echo joined
	is joined
	ok on_terminal see:there -- $TARE exec -t k sh -c 'echo there >/dev/tty'
	exits 159 tare exec k setsid true
	ok tare rm -f k
}

@test "--pid host, --ipc host, --uts host, and container:" {
	same "$(tare run --rm --pid host $B readlink /proc/self/ns/pid)" "$(readlink /proc/self/ns/pid)"
	same "$(tare run --rm --ipc host $B readlink /proc/self/ns/ipc)" "$(readlink /proc/self/ns/ipc)"
	same "$(tare run --rm --uts host $B readlink /proc/self/ns/uts)" "$(readlink /proc/self/ns/uts)"
	background one
	same "$(tare run --rm --pid container:one --ipc container:one $B readlink /proc/self/ns/pid)" "$(readlink "/proc/$(pid_of one)/ns/pid")"
}

# POSIX shared memory and semaphores are files in /dev/shm: they belong to the namespace.
@test "--ipc container: shares /dev/shm, --ipc none has none, shareable is as private" {
	background one --ipc shareable --shm-size 1m
	tare exec one sh -c 'echo from one >/dev/shm/f'
	ok tare run --rm --ipc container:one $B sh -c 'cat /dev/shm/f; echo from two >/dev/shm/g; grep -c " /dev/shm .*nosuid,nodev,noexec.* - tmpfs .*size=1024k" /proc/self/mountinfo'
	is $'from one\n1'
	same "$(tare exec one cat /dev/shm/g)" 'from two'
	tare create --name three --ipc container:one $B cat /dev/shm/g >/dev/null
	tare restart -t 0 one
	tare exec one sh -c 'echo again >/dev/shm/g'
	same "$(tare start -a three)" again
	tare rm -f one >/dev/null
	exits 1 tare start three
	tare rm three >/dev/null
	background none --ipc none
	ok tare exec none sh -c '[ ! -e /dev/shm ] && readlink /proc/self/ns/ipc'
	[ "$output" != "$(readlink /proc/self/ns/ipc)" ] || fail "$output"
	refused 125 '/dev/shm of container none' run --rm --ipc container:none $B true
	ok tare run --rm --ipc shareable $B sh -c 'touch /dev/shm/x'
	ok tare run --rm --ipc private $B sh -c 'touch /dev/shm/x'
}

@test "files below the state and root directories are for root alone" {
	background f
	same "$(stat -c %a "$ROOT/containers" "$STATE/containers" | sort -u)" 700
	local id
	id=$(tare inspect --format '{{.Id}}' f)
	same "$(find "$STATE/containers/$id" -perm /077 ! -type l ! -type d | wc -l)" 0
}

@test "core_pattern and the host's sysctls are as before" {
	same "$(tare run --rm --privileged $B cat /proc/sys/kernel/core_pattern)" "$(cat /proc/sys/kernel/core_pattern)"
	refused 125 kernel.core_pattern run --rm --sysctl kernel.core_pattern=x $B true
}

# Two slashes stand for "..". The setting that is reached is one of the container's own, in case it is.
@test "a sysctl's name does not lead out of the namespace's subtree" {
	refused 125 'an empty part' run --rm --sysctl net.//.net.ipv4.ip_forward=1 $B true
	refused 125 'an empty part' create --sysctl net/../net/ipv4/ip_forward=1 $B true
	refused 125 'network namespace of the container' run --rm --network host --sysctl net.ipv4.ip_forward=1 $B true
	refused 125 'ipc namespace of the container' run --rm --ipc host --sysctl kernel.sem=1 $B true
}
