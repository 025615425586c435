#!/usr/bin/env bats
# Security profiles and --security-opt. What a container can't do by default is in isolation.bats.

load lib

run_restricted() { tare run --rm --security-profile restricted "$@"; }

@test "list: the shipped ones, and a user's own before them" {
	ok tare security list --format '{{.Name}} {{.Source}}'
	is $'default shipped\nprivileged shipped\nrestricted shipped'
	mkdir -p "$DIR/xdg/tare/profiles"
	echo '{"comment":"mine"}' >"$DIR/xdg/tare/profiles/restricted.json"
	echo '{"commment":"typo"}' >"$DIR/xdg/tare/profiles/broken.json"
	export XDG_CONFIG_HOME=$DIR/xdg
	ok tare security list --format '{{.Name}} {{.Source}} {{.Valid}} {{.Comment}}'
	has 'restricted user true mine'
	has 'broken user false "commment" is not a key of a security profile; did you mean comment?'
	lacks 'restricted shipped'
	ok tare security ls -q
	is $'broken\nrestricted\ndefault\nprivileged'
	ok tare security list --json
	has '"Path"'
	same "$(tare security show restricted --format '{{.comment}}')" mine
	rm -r "$DIR/xdg"
}

@test "show: a right profile that can be copied, changed and used" {
	tare security show restricted >"$DIR/mine.json"
	ok tare security check "$DIR/mine.json"
	has 'is in order'
	sed -i 's/"pidsLimit": 512/"pidsLimit": 77/; s/"name": "restricted"/"name": "mine"/' "$DIR/mine.json"
	ok tare run --rm --network none --security-profile "$DIR/mine.json" $B grep Seccomp: /proc/self/status
	is $'Seccomp:\t2'
	tare create --name c --security-profile "$DIR/mine.json" $B >/dev/null
	same "$(tare inspect --format '{{.HostConfig.PidsLimit}}' c)" 77
	same "$(tare security show --container c --format '{{.PidsLimit}} {{.Running}}')" '77 false'
	same "$(tare security show --format '{{.name}}')" default
	refused 125 'not both' security show default --container c
	refused 125 'no security profile "nosuch"' security show nosuch
	refused 125 'security show --container c' security show c
	refused 125 'no security profile "seccomp"' security show seccomp
}

@test "check: everything that is wrong at once, and run refuses it too" {
	cat >"$DIR/bad.json" <<-'END'
		{"capabilitys": [], "capabilities": ["CAP_FLY", 7], "noNewPrivileges": "yes", "seccomp": "gone.json",
		 "pidsLimit": -1, "maskedPaths": ["proc"], "apparmor": "", "tmpfs": "/tmp"}
	END
	exits 1 tare security check "$DIR/bad.json"
	has 'wrong: "capabilitys" is not a key of a security profile; did you mean capabilities?'
	has 'wrong: capabilities: "CAP_FLY" is not known'
	has 'wrong: capabilities?1? is not a text'
	has 'wrong: "noNewPrivileges" must be of type boolean'
	has 'wrong: no seccomp profile "gone.json"'
	has 'wrong: pidsLimit is negative'
	has 'wrong: maskedPaths: "proc" is not an absolute path'
	has 'wrong: "apparmor" is empty'
	has 'wrong: "tmpfs" must be of type array'
	lacks 'in order'
	exits 1 tare security check --json "$DIR/bad.json"
	same "$(jq -r '.Valid, (.Problems | length)' <<<"$output")" $'false\n9'
	refused 125 'did you mean capabilities?' run --rm --security-profile "$DIR/bad.json" $B true
	local name
	for name in 'a\nb' 'a\"b' 'a b'; do
		echo "{\"apparmor\": \"$name\", \"userns\": \"auto:sze=5\"}" >"$DIR/bad.json"
		exits 1 tare security check "$DIR/bad.json"
		has 'wrong: "apparmor" is no name of a profile'
		has 'wrong: "userns": auto has no option "sze"'
		refused 125 '"apparmor" is no name' run --rm --security-profile "$DIR/bad.json" $B true
	done
	printf '{' >"$DIR/cut.json"
	exits 1 tare security check "$DIR/cut.json"
	has wrong:
	refused 125 nosuch.json security check ./nosuch.json
	refused 125 cut.json run --rm --security-profile "$DIR/cut.json" $B true
}

@test "check reads the filter as well: members, actions, calls that nobody knows" {
	echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdri"],"action":"SCMP_ACT_ERRNO"}]}' >"$DIR/filter.json"
	echo '{"seccomp":"filter.json","capabilities":["ALL"]}' >"$DIR/p.json"
	ok tare security check "$DIR/p.json"
	has 'note: *system call "mkdri" is not known here'
	echo '{"defaultAction":"SCMP_ACT_ALLOW","flags":"SECCOMP_FILTER_FLAG_TSYNC"}' >"$DIR/filter.json"
	exits 1 tare security check "$DIR/p.json"
	has '"flags" of the profile is not a list'
	echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mount"],"action":"SCMP_ACT_ERRNO","exludes":{"caps":["CAP_CHOWN"]}}]}' >"$DIR/filter.json"
	exits 1 tare security check "$DIR/p.json"
	has '"exludes" is not a member of a rule; did you mean excludes?'
	refused 125 exludes run --rm --network none --security-profile "$DIR/p.json" $B true
	refused 125 exludes run --rm --network none --security-opt "seccomp=$DIR/filter.json" $B true
	chmod 666 "$DIR/p.json"
	echo '{"seccomp":"unconfined","seccompLog":true}' >"$DIR/p.json"
	ok tare security check "$DIR/p.json"
	has 'can be written by others'
	has 'seccompLog: there is no filter'
}

@test "show --container: what the kernel says of a running one" {
	background a --cap-drop ALL --cap-add CHOWN --security-opt no-new-privileges=false
	ok tare security show --container a
	same "$(jq -c '[.Capabilities.Effective, .Capabilities.Inheritable, .NoNewPrivileges, .SeccompMode, .Running, .Namespaces.net, .SecurityProfile]' <<<"$output")" \
		'[["CAP_CHOWN"],[],false,"filter",true,"own","default"]'
	same "$(jq -r '.MaskedPaths | index("/proc/kcore") != null' <<<"$output")" true
	refused 125 nosuch security show --container nosuch
}

@test "restricted: few capabilities, a root that can't be written, ids of its own, a limit of processes" {
	ok run_restricted --network none $B sh -c 'grep -E "CapEff|CapBnd|NoNewPrivs" /proc/self/status; touch /x 2>&1; touch /tmp/x /run/x && echo wrote; cat /proc/self/uid_map'
	has $'CapBnd:\t00000000000000e1'
	has $'CapEff:\t00000000000000e1'
	has $'NoNewPrivs:\t1'
	has 'ead-only file system'
	has wrote
	[[ $stderr == *'going without'* ]] || [[ ${lines[-1]} =~ ^\ +0\ +[1-9][0-9]*\ +65536$ ]] || fail "${lines[-1]}"
	background p --network none --security-profile restricted -v "$BUILD/e2e/probe:/probe:ro"
	same "$(cgroup_file p pids pids.max pids.max)" 512
	ok tare exec p sh -c 'for c in mount setns add_key io_uring_setup userfaultfd mountns userns; do echo "$c $(/probe $c)"; done'
	same "${#lines[@]}" 7
	local line
	for line in "${lines[@]}"; do [[ $line == *' EPERM' || $line == *' ENOSYS' ]] || fail "$line"; done
}

@test "restricted: a server begins as root, listens on port 80 and becomes its own user; or is one from the start" {
	mkdir -p "$DIR/www"
	chmod 755 "$DIR" "$DIR/www"
	echo hello >"$DIR/www/index.html"
	local user
	for user in 0 65534; do
		# As root it gives itself up by -u.
		tare run -d --name web --security-profile restricted --user $user -v "$DIR/www:/www:ro" $B \
			sh -c '[ "$(id -u)" != 0 ] || set -- -u 65534:65534; exec httpd -f -p 80 -h /www "$@"' sh >/dev/null
		eventually 10 tare exec web wget -qO /dev/null http://127.0.0.1/ || fail "$user: $(tare logs web 2>&1)"
		same "$(tare exec web wget -qO- http://127.0.0.1/)" hello
		same "$(tare exec web awk '/^Uid:/ { print $3 }' /proc/1/status)" 65534
		tare rm -f web >/dev/null
	done
}

@test "--security-opt: mask and unmask, systempaths, label, no-new-privs, builtin" {
	r() { tare run --rm --network none "$@"; }
	same "$(r --security-opt mask=/proc/cpuinfo:/sys/kernel $B sh -c 'cat /proc/cpuinfo; ls /sys/kernel')" ''
	same "$(r --security-opt unmask=/proc/sys $B sh -c 'grep -c " /proc/sys " /proc/mounts; grep -c " /proc/irq " /proc/mounts')" $'0\n1'
	same "$(r --security-opt unmask=ALL $B grep -cE ' /proc/.| /sys/firmware ' /proc/mounts || true)" 0
	same "$(r --security-opt systempaths=unconfined $B grep -c ' /proc/.' /proc/mounts || true)" 0
	same "$(r --security-opt label=disable --security-opt no-new-privs=false $B awk '/NoNewPrivs/ { print $2 }' /proc/self/status)" 0
	same "$(r --security-opt seccomp=builtin --security-opt no-new-privs $B awk '/Seccomp:|NoNewPrivs/ { print $2 }' /proc/self/status)" $'1\n2'
	refused 125 'Tare gives no SELinux labels' run --rm --security-opt label=type:x $B true
	refused 125 'neither masked nor read-only' run --rm --security-opt unmask=/etc $B true
	refused 125 'not an absolute path' run --rm --security-opt mask=proc $B true
	refused 125 'true or false' run --rm --security-opt no-new-privileges=1 $B true
	refused 125 'only systempaths=unconfined' run --rm --security-opt systempaths=all $B true
	refused 125 'give seccomp=' run --rm --security-opt secomp=unconfined $B true
}

@test "--security-opt seccomp-log: the kernel is asked to log what is refused" {
	ok strace -f -qq -e trace=seccomp -e signal=none -o "$DIR/trace" "$BUILD/tare" --root "$ROOT" --state "$STATE" run --rm --network none --security-opt seccomp-log $B true
	grep -q SECCOMP_FILTER_FLAG_LOG "$DIR/trace" || fail "$(cat "$DIR/trace")"
}

@test "the filter sees TIOCSTI as the kernel does (CVE-2019-10063)" {
	ok tare run --rm --network none -v "$BUILD/e2e/probe:/probe:ro" $B sh -c \
		'for n in 0x5412 0x100005412 0xffffffff00005412 0x541c 0x5413; do /probe ioctl $n; done'
	is $'EPERM\nEPERM\nEPERM\nEPERM\nENOTTY'
}
