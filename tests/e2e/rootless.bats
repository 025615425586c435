#!/usr/bin/env bats
# vm
# An ordinary user's containers. The user exists only here: passwd, subuid and subgid are bound over in the mount
# namespace of this file, and /dev/net/tun is one that everybody may open, as on a desktop.
load lib

[ -z "${TARE_VM:-}" ] || PLACE=/scratch
USER_ID=12345

file_up() {
	PATH=$PATH:/sbin modprobe -q tun || true # makes /dev/net
	W=$DIR/user
	# tmpfs has user.* attributes since 6.6
	setfattr -n user.x -v 1 "$DIR" 2>/dev/null || W=$(mktemp -d /var/tmp/tare-e2e-user.XXXXXX)
	export W
	chmod 711 "$DIR"
	mkdir -p "$W/etc"
	chmod 755 "$W" "$W/etc"
	mkdir -m 700 "$W/home" "$W/run"
	cp /etc/passwd /etc/group "$W/etc/"
	echo "rl:x:$USER_ID:$USER_ID::$W/home:/bin/sh" >>"$W/etc/passwd"
	echo "rl:x:$USER_ID:" >>"$W/etc/group"
	echo 'rl:3000000:65536' >"$W/etc/subuid"
	cp "$W/etc/subuid" "$W/etc/subgid"
	: >"$W/etc/none"
	chown -R $USER_ID:$USER_ID "$W/home" "$W/run"
	# A way out for pasta to copy: it needs no answer.
	ip link add out0 type veth peer name out1
	ip addr add 10.99.0.2/24 dev out0
	ip link set out0 up
	ip link set out1 up
	ip route add default via 10.99.0.1
}

file_down() {
	ip link del out0
	rm -rf "$W"
}

test_down() { user rm -f --all >/dev/null 2>&1 || true; }

# Bound where we are: setup is run in each test's own shell, mounts outlive it.
mounted() { # FILE OVER: bind it for the commands of `as_user`
	printf 'mount --bind %q %q && ' "$1" "$2"
}

# as_user COMMAND…: as that user, with its own files in place. SUB=none: without ranges.
as_user() {
	local sub=${SUB:-subuid} run=${RUN:-$W/run} script
	script="$(mounted "$W/etc/passwd" /etc/passwd)$(mounted "$W/etc/group" /etc/group)"
	script+="$(mounted "$W/etc/$sub" /etc/subuid)$(mounted "$W/etc/$sub" /etc/subgid)"
	script+='mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200 && exec "$@"'
	unshare --mount sh -c "$script" sh setpriv --reuid $USER_ID --regid $USER_ID --clear-groups \
		env -i PATH="${EVIL:+$EVIL:}/usr/bin:/bin:/usr/sbin:/sbin" HOME="$W/home" XDG_RUNTIME_DIR="$run" TERM=xterm \
		${TARE_WITHOUT:+TARE_WITHOUT="$TARE_WITHOUT"} "$@" 3>&- 4>&-
}
user() { as_user "$BUILD/tare" "$@"; }
tare() { user "$@"; } # what `refused` runs
answers() { curl -s -m 2 "http://127.0.0.1:$1/hostname" | grep -q web; }

@test "runs as root of the user's own ids, and leaves nothing" {
	ok user run --rm --network none --hostname inside busybox sh -c 'id -u; hostname; cat /proc/self/uid_map; touch /x; chown 1000:1000 /x; stat -c %u /x'
	same "$output" "0
inside
         0      $USER_ID          1
         1    3000000      65536
1000"
	exits 7 user run --rm --network none busybox sh -c 'exit 7'
	ok user ps -aq
	is ''
	same "$(find "$W/home/.local/share/tare/containers" "$W/run/tare/containers" -mindepth 1)" ''
	ok user run --rm --network none busybox sh -c 'rm -r /bin/vi; ls /bin/vi 2>&1 | wc -l; mkdir /d; rmdir /d; rm -r /var; mkdir /var; ls /var | wc -l'
	same "$output" '1
0'
}

logged() { user logs c | grep -q out; }

@test "lives: exec, terminal, logs, cp, diff, commit, volume, stop" {
	ok user run -d --name c --network none -v data:/data busybox sh -c 'echo out; trap "exit 3" TERM; while :; do sleep 0.1; done'
	ok user exec -u 1000:1000 c id
	has 'uid=1000'
	ok user exec c sh -c 'echo kept >/data/f; chown 7:7 /data/f; echo new >/root/f; rm /etc/passwd'
	ok as_user script -qec "$BUILD/tare exec -t c tty" /dev/null
	has /dev/pts/
	eventually 10 logged
	ok user top c
	has 'sleep'
	echo host >"$W/home/file"
	ok user cp "$W/home/file" c:/root/g
	ok user cp c:/root/f "$W/home/back"
	same "$(cat "$W/home/back")" new
	same "$(stat -c %u "$W/home/back")" $USER_ID
	ok user diff c
	has 'A /root/f'
	has 'D /etc/passwd'
	ok user commit c kept:1
	ok user stop c
	ok user inspect c --format '{{.State.ExitCode}}'
	is 3
	ok user start c
	ok user exec c cat /root/g
	is host
	ok user rm -f c
	# what was deleted stays deleted in the image, what others own stays theirs
	ok user run --rm --network none -v data:/data kept:1 sh -c 'cat /root/f; ls /etc/passwd 2>&1 | grep -c "No such"; stat -c %u /data/f'
	same "$output" 'new
1
7'
	ok user volume rm data
	ok user rmi kept:1
}

@test "two first commands meet in one namespace, and so does who comes when the first is gone" {
	local i
	for i in 1 2 3; do user run -d --name "m$i" --network none busybox sleep 1000 >/dev/null & done
	wait
	ok user ps -q
	same "$(wc -l <<<"$output")" 3
	for i in 1 2 3; do ok user exec "m$i" true; done
	same "$(for i in 1 2 3; do readlink "/proc/$(user inspect "m$i" --format '{{.State.Pid}}')/ns/user"; done | sort -u | wc -l)" 1
	ok user rm -f m1 m2 m3
}

@test "pasta connects, publishes, and ends with the container; nothing is passed on that was not asked for" {
	[ -x /usr/bin/pasta ] || skip 'no pasta'
	ok user run -d --name w --hostname web -p 127.0.0.1:18080:80 busybox httpd -f -h /etc
	eventually 10 answers 18080
	ok user ps --format '{{.Ports}}'
	has '127.0.0.1:18080->80/tcp'
	ok user exec w ip -4 route
	has 'default via 10.99.0.1'
	refused 125 'container w has it' run --rm -p 127.0.0.1:18080:80 busybox true
	# a service on the host's loopback stays out of reach
	(cd "$W/etc" && exec busybox httpd -f -p 127.0.0.1:18099) 3>&- 4>&- &
	local host=$!
	run user exec w wget -q -T 2 -O - http://127.0.0.1:18099/none
	local code=$status
	run user exec w wget -q -T 2 -O - http://10.99.0.1:18099/none
	kill $host
	[ "$code" -ne 0 ] && [ "$status" -ne 0 ] || fail 'the host was reached'
	ok user rm -f w
	eventually 10 gone own_processes
}

@test "slirp4netns where pasta is not" {
	[ -x /usr/bin/slirp4netns ] || skip 'no slirp4netns'
	# shellcheck disable=SC2016
	as_user() { # the same without pasta
		unshare --mount sh -c "$(mounted "$W/etc/passwd" /etc/passwd)$(mounted "$W/etc/group" /etc/group)$(mounted "$W/etc/subuid" /etc/subuid)$(mounted "$W/etc/subuid" /etc/subgid)"'
			mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200 && { [ ! -e /usr/bin/pasta ] || mount --bind "$W/etc/none" /usr/bin/pasta; } && exec "$@"' sh \
			setpriv --reuid $USER_ID --regid $USER_ID --clear-groups env -i PATH=/usr/bin:/bin HOME="$W/home" XDG_RUNTIME_DIR="$W/run" "$@" 3>&- 4>&-
	}
	ok user run -d --name s --hostname web -p 127.0.0.1:18081:80 busybox httpd -f -h /etc
	eventually 10 answers 18081
	ok user exec s cat /etc/resolv.conf
	has 10.0.2.3
	ok user rm -f s
	eventually 10 gone own_processes
}

@test "clear words for what an ordinary user cannot have" {
	refused 125 '*limits need a cgroup*' run --rm --network none -m 64m busybox true
	refused 125 "*network mine is root's*" run --rm --network mine busybox true
	refused 125 "*named networks are root's*" network create mine
	refused 125 '*userns*out*' run --rm --userns auto busybox true
	# what a profile asks beyond that is given up, with a word
	run --separate-stderr user run --rm --network none --security-profile restricted busybox grep -c Seccomp /proc/self/status
	[ "$status" = 0 ] || fail "$stderr"
	[[ $stderr == *pidsLimit*"going without"*userns*"going without"* ]] || fail "$stderr"
	# devices are the host's
	ok user run --rm --network none --device /dev/net/tun --device /dev/null:/dev/xx busybox ls /dev/net/tun /dev/xx
	ok user run --rm --network none --privileged busybox true
	ok user run -d --name p --network none busybox sleep 1000
	refused 1 '*needs a cgroup*' pause p
	ok user rm -f p
}

@test "cgroups and sysfs of the host are read-only on the host's network" {
	exits 1 user run --rm --network host busybox sh -c 'touch /sys/x 2>/dev/null || mkdir /sys/fs/cgroup/*/x 2>/dev/null'
	exits 1 user run --rm --network host busybox grep -E ' /sys[^ ]* [^ ]* rw' /proc/self/mounts
	is ''
}

@test "without ranges of ids: says so, and runs with the user's own" {
	SUB=none RUN=$W/home/run2
	mkdir -m 700 "$RUN" && chown $USER_ID:$USER_ID "$RUN"
	ok user run --rm --network none busybox id -u
	is 0
	# shellcheck disable=SC2154 # set by run
	[[ $stderr == *'no ids are set aside for you in /etc/subuid'*usermod* ]] || fail "$stderr"
}

@test "another user's XDG_RUNTIME_DIR is refused, and one that is open to others" {
	mkdir -m 700 "$W/foreign"
	RUN=$W/foreign refused 125 '*belongs to user 0, not to you*' ps
	[ -z "$(ls -A "$W/foreign")" ] || fail 'it was used'
	mkdir -m 777 "$W/open"
	chown $USER_ID "$W/open"
	chmod 777 "$W/open"
	RUN=$W/open refused 125 '*open to others*chmod 700*' ps
}

@test "programs beside ours are run by their absolute paths, never by PATH" {
	local p
	mkdir "$W/evil"
	for p in newuidmap newgidmap pasta slirp4netns; do
		# shellcheck disable=SC2016
		printf '#!/bin/sh\necho "$0" >>%s/home/caught\nexit 1\n' "$W" >"$W/evil/$p"
		chmod 755 "$W/evil/$p"
	done
	RUN=$W/home/run3 EVIL=$W/evil
	mkdir -m 700 "$RUN" && chown $USER_ID:$USER_ID "$RUN"
	ok user run --rm busybox true
	[ ! -e "$W/home/caught" ] || fail "$(cat "$W/home/caught")"
}

@test "a registry keeps its files at the user's place" {
	ok user registry start -d -p 5099
	ok user tag busybox localhost:5099/b:1
	ok user push localhost:5099/b:1
	ok user registry stop -p 5099
	[ -d "$W/home/.local/share/tare/registry" ]
}
