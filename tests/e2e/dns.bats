#!/usr/bin/env bats
# The name service: what it answers and to whom, what it passes on, and what it survives.
load lib
load net

RESOLV=/etc/resolv.conf

# Resolvers of our own on the host's loopback, named by a resolv.conf that only this file's mount namespace sees.
file_up() {
	outside_up
	printf 'nameserver 127.0.0.53\n' >"$DIR/resolv.conf"
	mount --bind "$DIR/resolv.conf" $RESOLV
	upstream 127.0.0.53 10.53.53.53
}
file_down() {
	servers_down
	outside_down
	umount $RESOLV
}
test_down() { tare rm -f --all >/dev/null 2>&1 || true; }

# upstream ADDRESS ANSWER [tcp-only|truncate|liar]: a resolver for everything
upstream() {
	python3 "$BATS_TEST_DIRNAME/resolver.py" "$@" >/dev/null 2>&1 3>&- 4>&- &
	echo $! >>"$DIR/servers"
	eventually 5 answers_dns "$1"
}
answers_dns() { dig +short +tcp +time=1 +tries=1 @"$1" up.example | grep -qE '^[0-9.]+$'; }
gateway() { tare network inspect --format '{{(index .IPAM.Config 0).Gateway}}' "${1:-tare0}"; }
# look NAME QUERY…: dig's short answer from inside the container's network
look() {
	local pid
	pid=$(pid_of "$1")
	shift
	nsenter --net="/proc/$pid/ns/net" dig +short +time=2 +tries=1 "@$(gateway)" "$@"
}
look_in() { # NETWORK NAME QUERY…
	local at pid
	at=$(gateway "$1") pid=$(pid_of "$2")
	shift 2
	nsenter --net="/proc/$pid/ns/net" dig +short +time=2 +tries=1 "@$at" "$@"
}
dns_pid() { name_services | head -n 1; }

@test "names, aliases and ids have addresses, and addresses have names" {
	background alpha --network-alias service --hostname box
	background b
	ok look b alpha
	is "$(address_of alpha)"
	ok look b ALPHA
	is "$(address_of alpha)"
	ok look b alpha AAAA
	is "$(address6_of alpha)"
	ok look b service
	is "$(address_of alpha)"
	ok look b box
	is "$(address_of alpha)"
	ok look b "$(tare inspect --format '{{.Id}}' alpha | cut -c 1-12)"
	is "$(address_of alpha)"
	ok look b -x "$(address_of alpha)"
	has 'alpha'
	ok look b -x "$(address6_of alpha)"
	has 'alpha'
	ok look b +tcp alpha
	is "$(address_of alpha)"
}

@test "an alias of several has all their addresses, and nobody's when they have gone" {
	background a --network-alias pool
	background b --network-alias pool
	background c
	ok look c pool
	same "$(printf '%s\n' "${lines[@]}" | sort | tr '\n' ' ')" "$(printf '%s\n' "$(address_of a)" "$(address_of b)" | sort | tr '\n' ' ')"
	tare rm -f a
	ok look c pool
	is "$(address_of b)"
}

@test "it knows a container before start returns, and forgets it" {
	background c
	local n
	for n in 1 2 3 4 5 6 7 8; do
		background n$n
		ok look c n$n
		is "$(address_of n$n)"
		tare rm -f n$n
		ok look c n$n
		is 10.53.53.53 # not ours any more, so it was asked upstream
	done
}

@test "everything else is asked upstream" {
	background c
	ok look c www.example
	is 10.53.53.53
	ok tare exec c nslookup www.example
	has 10.53.53.53
}

@test "a resolver that changes is followed, at once and without a restart" {
	background c
	ok look c www.example
	is 10.53.53.53
	upstream 127.0.0.54 10.54.54.54
	printf 'nameserver 127.0.0.54\n' >"$DIR/resolv.conf"
	ok look c www.example
	is 10.54.54.54
	printf 'nameserver 127.0.0.53\n' >"$DIR/resolv.conf"
	ok look c www.example
	is 10.53.53.53
}

@test "the second resolver when the first is silent; --dns of a container" {
	background c
	printf 'nameserver 127.0.0.99\nnameserver 127.0.0.53\n' >"$DIR/resolv.conf"
	local pid
	pid=$(pid_of c)
	ok nsenter --net="/proc/$pid/ns/net" dig +short +time=6 +tries=1 "@$(gateway)" www.example
	is 10.53.53.53
	printf 'nameserver 127.0.0.53\n' >"$DIR/resolv.conf"
	upstream 127.0.0.55 10.55.55.55
	background d --dns 127.0.0.55
	ok look d www.example
	is 10.55.55.55
	ok look d c
	is "$(address_of c)"
	ok look c www.example
	is 10.53.53.53
}

@test "an answer too long for UDP comes by TCP" {
	upstream 127.0.0.56 10.56.56.56 truncate
	background d --dns 127.0.0.56
	ok look d long.example
	is 10.56.56.56
}

@test "a forged answer is not believed" {
	upstream 127.0.0.57 10.57.57.57 liar
	background d --dns 127.0.0.57
	ok look d www.example
	is 10.57.57.57
}

@test "a flood of answers: the true one counts, memory stays, and others are served" {
	background quiet
	upstream 127.0.0.58 10.58.58.58 flood
	background d --dns 127.0.0.58
	look quiet quiet
	local before after pid
	before=$(awk '/VmHWM/ { print $2 }' "/proc/$(dns_pid)/status")
	pid=$(pid_of d)
	nsenter --net="/proc/$pid/ns/net" dig +short +time=8 +tries=1 "@$(gateway)" www.example >"$DIR/flooded" 2>&1 &
	local asking=$!
	sleep 0.05
	ok look quiet quiet
	is "$(address_of quiet)"
	wait $asking
	same "$(cat "$DIR/flooded")" 10.58.58.58
	after=$(awk '/VmHWM/ { print $2 }' "/proc/$(dns_pid)/status")
	[ "$after" -lt $((before + 4096)) ] || fail "$before kB before, $after kB after"
}

@test "who is not of the network gets no answer" {
	background c
	local at
	at=$(gateway)
	outside ip route replace "$at" via $HOST_ADDRESS
	exits 9 outside dig +short +time=1 +tries=1 @"$at" c
	exits 9 outside dig +short +time=1 +tries=1 @$HOST_ADDRESS c
	# and not on the port behind the redirect either
	local port
	for port in $(ss -Hlun 2>/dev/null | awk -v a="$at" 'index($4, a) { sub(/.*:/, "", $4); print $4 }'); do
		exits 9 outside dig +short +time=1 +tries=1 -p "$port" @"$at" c
	done
}

@test "networks don't see each other's names" {
	tare network create n1
	tare network create n2
	background alpha --network n1
	background b --network n2
	background both --network n1 --network n2
	ok look_in n2 b alpha
	lacks "$(address_of alpha)"
	ok look_in n1 both alpha
	is "$(address_of alpha)"
	ok look_in n1 both b
	is "$(address_of b)"
	tare rm -f alpha b both
	tare network rm n1 n2
}

@test "an internal network's questions don't leave it" {
	tare network create --internal inner
	background a --network inner
	background b --network inner
	ok look_in inner a b
	is "$(address_of b)"
	run look_in inner a www.example
	lacks 10.53
	tare rm -f a b
	tare network rm inner
}

@test "killed, it takes nobody along, and the next command restarts it for all" {
	tare network create other
	background a --network other
	background c
	local pid
	pid=$(dns_pid)
	[ -n "$pid" ]
	kill -9 "$pid"
	is_state c running
	ok tare run --rm $B true
	ok look c www.example
	is 10.53.53.53
	background d --network other
	ok look_in other a d
	is "$(address_of d)"
	tare rm -f a d
	tare network rm other
}

@test "another server on port 53 does no harm" {
	tare network create busy
	background c --network busy
	upstream "$(gateway busy)" 10.66.66.66
	ok look_in busy c c
	is "$(address_of c)"
	ok look_in busy c www.example
	is 10.53.53.53
	tare rm -f c
	tare network rm busy
}

@test "a flood of questions leaves it small, and others served" {
	background loud
	background quiet
	local pid at before after
	at=$(gateway)
	pid=$(pid_of loud)
	look quiet quiet
	before=$(awk '/VmHWM/ { print $2 }' "/proc/$(dns_pid)/status")
	nsenter --net="/proc/$pid/ns/net" python3 - "$at" <<-'PY' &
		import os, socket, sys, time
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.setblocking(False)
		end = time.monotonic() + 3
		n = 0
		while time.monotonic() < end:
		    n += 1
		    q = os.urandom(2) + b"\1\0\0\1\0\0\0\0\0\0" + bytes([8]) + b"%08d" % (n % 10**8) + b"\7example\0\0\1\0\1"
		    try:
		        s.sendto(q if n % 3 else os.urandom(60), (sys.argv[1], 53))
		    except OSError:
		        pass
	PY
	local flood=$!
	sleep 0.5
	local i good=0
	for i in 1 2 3 4 5; do [ "$(look quiet quiet)" = "$(address_of quiet)" ] && good=$((good + 1)); done
	wait $flood
	[ $good -ge 4 ] || fail "$good of 5 answers"
	after=$(awk '/VmHWM/ { print $2 }' "/proc/$(dns_pid)/status")
	[ "$after" -lt $((before + 4096)) ] || fail "$before kB before, $after kB after"
	ok look quiet www.example
	is 10.53.53.53
}

@test "it has no rights, and ends when nobody needs it" {
	background c
	local pid
	pid=$(dns_pid)
	grep -q '^Uid:.65534' "/proc/$pid/status"
	grep -qE '^CapEff:.0000000000000000' "/proc/$pid/status"
	grep -qE '^NoNewPrivs:.1' "/proc/$pid/status"
	# a sanitizer's runtime needs more than the filter lets through
	grep -qa __asan_init "$BUILD/tare-dns" || grep -qE '^Seccomp:.2' "/proc/$pid/status"
	tare rm -f c
	eventually 10 test ! -d "/proc/$pid"
}
