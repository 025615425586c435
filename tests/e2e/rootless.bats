# shellcheck shell=bash disable=SC2154
# An ordinary user's containers.
load lib
load rootless

file_up() {
	user_up
	# A way out for pasta to copy: it needs no answer. Its far end is this host as well, where nobody listens: who
	# is passed on to the host's loopback instead gets an answer, who is not is refused at once.
	ip link add out0 type veth peer name out1
	ip addr add 10.99.0.2/24 dev out0
	ip link set out0 up
	ip link set out1 up
	ip route add default via 10.99.0.1
	ip addr add 10.99.0.1/32 dev lo
}

file_down() {
	ip addr del 10.99.0.1/32 dev lo
	ip link del out0
	user_down
}

test_down() { user rm -f --all >/dev/null 2>&1 || true; }
answers() { curl -s -m 2 "http://127.0.0.1:$1/hostname" | grep -q web; }
# The program that is a container's network, "PID START" on record.
network_of() { cut -d ' ' -f 1 "$W/run/tare/containers/$(user inspect "$1" --format '{{.Id}}')/network-program"; }
ended() { [ ! -e "/proc/$1" ]; }

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

# As root of a user namespace, with CAP_SYS_PTRACE as well: our program is one that this user may not read.
@test "who joins, or starts among another's processes, is closed to root inside" {
	cp "$BUILD/e2e/tracer" "$W/tracer" # where the user may read it
	chmod 755 "$W" "$W/tracer"
	ok user run -d --name n --network none --cap-add SYS_PTRACE -v "$W/tracer:/tracer:ro" busybox /tracer 2
	ok as_user_held exec n echo done
	is done
	ok as_user_held run --rm --network none --pid container:n --cap-add SYS_PTRACE busybox ps
	has '1 root     /tracer 2'
	ok user wait n
	ok user logs n
	is $'not seized: EPERM\nend\nnot seized: EPERM\nend'
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

# An image of two layers, as `docker save` has it; the upper one's entries are given as Python.
image() { # NAME ENTRIES
	python3 - "$W/home/$1.tar" "$1:1" "$2" /bin/busybox <<'END'
import hashlib, io, json, sys, tarfile
path, name, entries, busybox = sys.argv[1:]
D, F, C = tarfile.DIRTYPE, tarfile.REGTYPE, tarfile.CHRTYPE
def layer(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for where, kind, data, more in members:
            info = tarfile.TarInfo(where)
            info.type, info.mode, info.size = kind, 0o755, len(data)
            for key, value in more.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()
layers = [layer([("bin", D, b"", {}), ("bin/busybox", F, open(busybox, "rb").read(), {}), ("d", D, b"", {}), ("d/old", F, b"", {})]),
          layer(eval(entries))]
with tarfile.open(path, "w") as tar:
    def add(data, name):
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    for i, data in enumerate(layers):
        add(data, f"{i}.tar")
    ids = ["sha256:" + hashlib.sha256(data).hexdigest() for data in layers]
    add(json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ids}}).encode(), "c.json")
    add(json.dumps([{"Config": "c.json", "RepoTags": [name], "Layers": ["0.tar", "1.tar"]}]).encode(), "manifest.json")
END
	chmod 644 "$W/home/$1.tar"
	run --separate-stderr user load -qi "$W/home/$1.tar"
}

@test "what layers hide, hold for others, and may not hold" {
	image opaque '[("d", D, b"", {}), ("d/.wh..wh..opq", F, b"", {}), ("d/new", F, b"", {}), ("dev", D, b"", {}),
		("dev/zero", C, b"", {"devmajor": 1, "devminor": 5}),
		("capable", F, b"", {"pax_headers": {"SCHILY.xattr.security.capability": "\1\0\0\2\0\4" + "\0" * 14}})]'
	[ "$status" = 0 ] && [[ $stderr == *"devices are root's"*dev/zero* ]] || fail "$stderr"
	ok user run --name o --network none opaque:1 busybox sh -c 'busybox ls d; busybox rm -r d; busybox mkdir d; echo >d/newer'
	is new
	ok user diff o
	has 'D /d/new'
	lacks '/d/old'
	ok user commit o opaque:2
	# through a registry of the user's, and back
	ok user registry start -d -p 0
	local at=$output
	ok user tag opaque:2 "$at/opaque:2"
	ok user push -q "$at/opaque:2"
	ok user rm o
	ok user rmi opaque:1 opaque:2 "$at/opaque:2"
	ok user pull -q "$at/opaque:2"
	ok user registry stop
	[ -d "$W/home/.local/share/tare/registry/blobs" ]
	ok user run --rm --network none "$at/opaque:2" busybox ls d
	is newer
	image ids '[("f", F, b"", {"uid": 70000})]'
	[ "$status" != 0 ] && [[ $stderr == *'owner 70000:0 is none of the ids that are yours'* ]] || fail "$stderr"
	image forged '[("d", D, b"", {"pax_headers": {"SCHILY.xattr.user.overlay.opaque": "y"}})]'
	[ "$status" != 0 ] && [[ $stderr == *'extended attribute of overlayfs'* ]] || fail "$stderr"
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
	local program
	program=$(network_of w)
	ok user rm -f w
	eventually 10 ended "$program"
}

without_pasta() {
	if [ -x /usr/bin/pasta ]; then over "$W/etc/none" /usr/bin/pasta "$@"; else "$@"; fi
}

# Since 6.9 a pidfd says so when its process is not only dead but reaped.
pidfd_hangs_up() {
	python3 -c 'import os, select
p = os.fork()
p or os._exit(0)
fd = os.pidfd_open(p)
os.waitpid(p, 0)
poll = select.poll()
poll.register(fd, select.POLLIN)
exit(not poll.poll(0)[0][1] & select.POLLHUP)'
}

@test "slirp4netns where pasta is not" {
	[ -x /usr/bin/slirp4netns ] || skip 'no slirp4netns'
	ok without_pasta user run -d --name s --hostname web -p 127.0.0.1:18081:80 busybox httpd -f -h /etc
	eventually 10 answers 18081
	ok user exec s cat /etc/resolv.conf
	has 10.0.2.3
	# it ends with the container, though neither clean-up nor another command comes
	local program monitor
	program=$(network_of s)
	monitor=$(awk '/^PPid:/ { print $2 }' "/proc/$(user inspect s --format '{{.State.Pid}}')/status")
	kill -STOP "$monitor"
	kill -KILL "$(user inspect s --format '{{.State.Pid}}')"
	kill -KILL "$monitor"
	! pidfd_hangs_up || eventually 10 ended "$program"
	ok user rm -f s
	eventually 10 ended "$program"
}

@test "clear words for what an ordinary user cannot have" {
	refused 125 '*limits need a cgroup*' run --rm --network none -m 64m busybox true
	refused 125 "*network mine is root's*" run --rm --network mine busybox true
	refused 125 "*root's to give*--userns*" run --rm --network none --userns auto busybox true
	refused 125 '*--userns keep-id needs*root inside is you*' run --rm --network none --userns keep-id busybox true
	refused 125 "*--pid host is root's*" run --rm --network none --pid host busybox true
	refused 125 '*only root can give a device for less*' run --rm --device /dev/null:/dev/given:r busybox true
	refused 125 "*named networks are root's*" network create mine
	# as on a kernel before 5.11
	OLDER=user_overlay refused 125 '*lets no ordinary user mount an overlay (Linux 5.11)*' run --rm --network none busybox true
	OLDER=mount_setattr ok user run --rm --network none busybox true
	# what a profile asks beyond that is given up, with a word
	run --separate-stderr user run --rm --network none --security-profile restricted busybox true
	[ "$status" = 0 ] || fail "$stderr"
	[[ $stderr == *pidsLimit*"going without"*userns*"going without"* ]] || fail "$stderr"
	# of the host's devices there are those that are asked for, as they are there
	ok user run --rm --network none --privileged busybox ls /dev
	lacks console
	ok user run -d --name p --network none --device /dev/net/tun --device /dev/null:/dev/given busybox sleep 1000
	refused 125 "*named networks are root's*" network connect bridge p
	refused 1 '*needs a cgroup*' pause p
	ok user run --rm --network container:p busybox ip -o link
	has ' lo:'
	ok user exec p sh -c 'ls /dev/net/tun; echo x >/dev/given; cat /dev/given'
	is /dev/net/tun
	ok user rm -f p
}

@test "cgroups and sysfs of the host are read-only on the host's network" {
	exits 1 user run --rm --network host busybox sh -c 'touch /sys/x 2>/dev/null || mkdir /sys/fs/cgroup/*/x 2>/dev/null'
	exits 1 user run --rm --network host busybox grep -E ' /sys[^ ]* [^ ]* rw' /proc/self/mounts
	is ''
}

@test "without ranges of ids: says so, and runs with the user's own" {
	RUN=$W/home/run2
	mkdir -m 700 "$RUN" && chown $USER_ID:$USER_ID "$RUN"
	ok over "$W/etc/none" /etc/subuid user run --rm --network none busybox id -u
	is 0
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
	# shellcheck disable=SC2034 # of as_user
	RUN=$W/home/run3 EVIL=$W/evil
	mkdir -m 700 "$RUN" && chown $USER_ID:$USER_ID "$RUN"
	ok user run --rm busybox true
	[ ! -e "$W/home/caught" ] || fail "$(cat "$W/home/caught")"
}
