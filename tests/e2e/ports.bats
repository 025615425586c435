#!/usr/bin/env bats
# Published ports: from other hosts, from the host's own addresses, from 127.0.0.1; who has a port; groups.
load lib
load net

file_up() { outside_up; }
file_down() {
	servers_down
	outside_down
}

@test "a published port answers from everywhere, and sees who asks" {
	serve web -p 8080:80
	ok ask_outside $HOST_ADDRESS 8080
	is "web $OUTSIDE_ADDRESS"
	ok ask_outside $HOST_ADDRESS6 8080
	is "web $OUTSIDE_ADDRESS6"
	ok ask $HOST_ADDRESS 8080
	is "web $HOST_ADDRESS"
	ok ask $HOST_ADDRESS6 8080
	ok ask 127.0.0.1 8080
	has 'web '
	tare rm -f web
	silent ask_outside $HOST_ADDRESS 8080
}

@test "UDP and ranges" {
	serve web -p 8080:80/udp -p 8100-8102:80-82
	ok ask_outside $HOST_ADDRESS 8080 udp
	is "web $OUTSIDE_ADDRESS"
	ok ask_outside $HOST_ADDRESS6 8080 udp
	ok ask 127.0.0.1 8080 udp
	ok ask_outside $HOST_ADDRESS 8100
	silent ask_outside $HOST_ADDRESS 8080
	ok tare port web
	has '80/udp -> 0.0.0.0:8080'
	has '82/tcp -> 0.0.0.0:8102'
	tare rm -f web
}

# udp_client: asks from the same port whenever it is told to, until test_down.
udp_client() {
	mkfifo "$DIR/turn"
	outside python3 - $HOST_ADDRESS "$DIR/turn" >"$DIR/answers" 2>&1 <<-'PY' &
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(("", 5353))
		s.settimeout(0.2)
		def ask():
		    for _ in range(10): # a server that has just been started
		        s.sendto(b"x", (sys.argv[1], 8080))
		        try:
		            return s.recv(100).decode().split()[0]
		        except OSError:
		            pass
		    return "nobody"
		for line in open(sys.argv[2]):
		    print(ask(), flush=True)
	PY
	exec 7>"$DIR/turn"
}
answers_are() { [ "$(tr '\n' ' ' <"$DIR/answers")" = "$1" ]; }
turn() { # what it has heard in all
	echo >&7
	eventually 5 answers_are "$1" || fail "expected: $1" "     got: $(cat "$DIR/answers")"
}

@test "a UDP client that keeps its port gets to whoever has the published port now" {
	udp_client
	turn 'nobody '
	serve a -p 8080:80/udp
	turn 'nobody a '
	tare rm -f a
	serve b -p 8080:80/udp
	turn 'nobody a b '
	tare rm -f b
	serve c -p 8080:80/udp --publish-group web
	turn 'nobody a b c '
	serve d -p 8080:80/udp --publish-group web
	turn 'nobody a b c c ' # keeps its flow
	tare rm -f c
	turn 'nobody a b c c d '
	ok tare network create second
	ok tare network disconnect tare0 d
	ok tare network connect second d
	turn 'nobody a b c c d d ' # in a group of UDP, too
	exec 7>&-
	tare rm -f d
	ok tare network rm second
}

@test "on one address only" {
	serve web -p 127.0.0.1:8080:80 -p "$HOST_ADDRESS:8081:80" -p "[$HOST_ADDRESS6]:8082:80"
	ok ask 127.0.0.1 8080
	silent ask_outside $HOST_ADDRESS 8080
	ok ask_outside $HOST_ADDRESS 8081
	silent ask 127.0.0.1 8081
	ok ask_outside $HOST_ADDRESS6 8082
	tare rm -f web
}

@test "a random port, a free one of a range, and all that the image exposes" {
	serve web -p 80
	ok tare port web 80
	local port=${lines[0]##*:}
	[ "$port" -gt 1023 ] || fail "port $port"
	ok ask_outside $HOST_ADDRESS "$port"
	tare rm -f web
	host_server other 8200
	serve web -p 8200-8205:80
	ok tare port web 80/tcp
	has ':8201'
	servers_down
	tare rm -f web
	serve web -P --expose 80 --expose 90/udp
	ok tare port web
	has '80/tcp -> 0.0.0.0:'
	has '90/udp -> 0.0.0.0:'
	tare rm -f web
}

@test "a port of SCTP is published by its number, with sockets of the kernel or without" {
	serve web -p 9999:9999/sctp
	ok tare port web
	is "9999/sctp -> 0.0.0.0:9999
9999/sctp -> [::]:9999"
	refused 125 'container web has it' run --rm -p 9999:9999/sctp $B true
	tare rm -f web
}

@test "a container reaches its own and its neighbour's published port by the host's address" {
	serve web -p 8080:80
	neighbour b
	ok ask_inside web $HOST_ADDRESS 8080
	has 'web '
	ok ask_inside b $HOST_ADDRESS 8080
	has 'web '
	tare network create elsewhere
	neighbour c --network elsewhere
	ok ask_inside c $HOST_ADDRESS 8080
	has 'web '
	tare rm -f web b c
	tare network rm elsewhere
}

@test "a port in use is found before the container starts, and the error says who has it" {
	host_server other 8080
	refused 125 "pid $(tail -1 "$DIR/servers")" run --name c -p 8080:80 $B touch /started
	has ''
	servers_down
	tare rm -f c
	serve first -p 8080:80
	refused 125 'first' run --rm -p 8080:80 $B true
	refused 125 'first' run --rm -p 127.0.0.1:8080:80 $B true
	ok tare run --rm -p 8080:80/udp $B true
	tare rm -f first
	ok tare run --rm -p 8080:80 $B true
}

@test "no program of the host gets a published port, and a stopped container's is free" {
	serve web -p 8080:80
	exits 1 timeout 2 "$NETPROBE" serve thief 8080
	tare stop -t 0 web
	host_server other 8080
	servers_down
	tare start web
	ok ask_outside $HOST_ADDRESS 8080
	tare rm -f web
}

@test "ports that a server has just left are free" {
	host_server other 8080
	ok ask_outside $HOST_ADDRESS 8080
	servers_down
	serve web -p 8080:80
	tare rm -f web
}

@test "restart, pause and kill keep ports right" {
	serve web -p 8080:80
	tare restart -t 0 web
	eventually 5 ask_outside $HOST_ADDRESS 8080
	tare kill web
	eventually 5 silent ask_outside $HOST_ADDRESS 8080
	tare start web
	eventually 5 ask_outside $HOST_ADDRESS 8080
	tare rm -f web
}

@test "ports go along from network to network, and wait while there is none" {
	ok tare network create shop
	serve web --network shop -p 8080:80
	ok tare network connect tare0 web
	ok tare network disconnect shop web
	ask_outside $HOST_ADDRESS 8080
	ok tare network disconnect tare0 web
	same "$(tare port web)" ''
	refused 125 "container web has it" run --rm -p 8080:80 $B true
	ok tare network connect shop web
	same "$stderr" ''
	ask_outside $HOST_ADDRESS 8080
	ok tare port web
	is '80/tcp -> 0.0.0.0:8080'
	tare rm -f web
	silent ask_outside $HOST_ADDRESS 8080

	ok tare network create --internal inside
	serve web --network inside -p 8080:80
	ok tare network connect shop web
	case $stderr in *"its ports are published when it is started again"*) ;; *) fail "$stderr" ;; esac
	tare restart -t 0 web
	eventually 5 ask_outside $HOST_ADDRESS 8080
	tare rm -f web
	ok tare network rm shop inside
}

@test "ps, inspect and port show them" {
	serve web -p 8080:80 -p 127.0.0.1:8443:443
	ok tare ps --format '{{.Ports}}'
	has '0.0.0.0:8080->80/tcp'
	has '127.0.0.1:8443->443/tcp'
	ok tare inspect --format '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}' web
	is 8080
	ok tare ps -q --filter publish=8080
	[ -n "$output" ]
	ok tare ps -q --filter publish=8081
	is ''
	refused 125 '99' port web 99
	tare rm -f web
}

@test "bad ports have one clear line" {
	local bad
	for bad in 80:0 65536:80 x:80 80:x 8080:80/icmp 1.2.3:80:80 8000-8002:80-81 8002-8000:80-82 ::1:80:80 80:80:80:80:80; do
		refused 125 "$bad" run --rm -p "$bad" $B true
	done
	refused 125 '192.0.2.77' run --rm -p 192.0.2.77:8080:80 $B true
	refused 125 '-p' run --rm --network none -p 8080:80 $B true
	ok tare run --rm --network host -p 8080:80 $B true
	[[ $stderr == *discarded* ]] || fail "no warning: $stderr"
}

@test "a client of UDP that keeps its port follows it to the next container, and no further" {
	tare network create --subnet 10.98.0.0/24 keep
	FROM=5555 silent ask_outside $HOST_ADDRESS 8083 udp # to the host
	serve old --network keep --ip 10.98.0.9 -p 8083:80/udp
	FROM=5555 ok ask_outside $HOST_ADDRESS 8083 udp
	is "old $OUTSIDE_ADDRESS"
	tare rm -f old
	serve new --network keep --ip 10.98.0.10 -p 8083:80/udp
	FROM=5555 ok ask_outside $HOST_ADDRESS 8083 udp
	is "new $OUTSIDE_ADDRESS"
	tare rm -f new
	# its address is another's now, who has published nothing
	serve silent --network keep --ip 10.98.0.10
	FROM=5555 silent ask_outside $HOST_ADDRESS 8083 udp
	tare rm -f silent
	tare network rm keep
}

@test "a group shares one port, and members come and go" {
	serve a --publish-group web -p 8080:80
	serve b --publish-group web -p 8080:80
	serve c --publish-group web -p 8080:80
	local i
	for i in $(seq 60); do ask_outside $HOST_ADDRESS 8080; done | cut -d ' ' -f 1 | sort | uniq -c >"$DIR/shares"
	same "$(wc -l <"$DIR/shares")" 3
	refused 125 'cannot publish 0.0.0.0:8080/tcp: it belongs to group web; choose another port with -p, or join' run --rm --publish-group other -p 8080:80 $B true
	refused 125 '8080' run --rm -p 8080:80 $B true
	tare rm -f b
	for i in $(seq 30); do ask_outside $HOST_ADDRESS 8080; done | cut -d ' ' -f 1 | sort -u | tr '\n' ' ' >"$DIR/shares"
	same "$(cat "$DIR/shares")" 'a c '
	tare rm -f a c
	silent ask_outside $HOST_ADDRESS 8080
}

@test "a member that comes or goes drops no connection of the others" {
	local name
	for name in a b; do
		tare run -d --name $name "${with_probe[@]}" --publish-group web -p 8080:80 $B /netprobe hold $name 80 >/dev/null
	done
	eventually 5 ask_outside_line
	outside python3 - $HOST_ADDRESS >"$DIR/held" 2>&1 <<-'PY' &
		import socket, sys, time
		held = [socket.create_connection((sys.argv[1], 8080), 3) for _ in range(20)]
		def say(c):
		    c.settimeout(3)
		    c.sendall(b"x\n")
		    return c.recv(100).decode().split()[0]
		owners = [say(c) for c in held]
		print("connected", flush=True)
		for _ in range(30):
		    time.sleep(0.1)
		    for c, owner in zip(held, owners):
		        if owner == "a":
		            assert say(c) == "a"
		assert "a" in owners and "b" in owners, owners
		print("held")
	PY
	local pid=$!
	eventually 10 grep -q connected "$DIR/held"
	tare run -d --name c "${with_probe[@]}" --publish-group web -p 8080:80 $B /netprobe hold c 80 >/dev/null
	tare rm -f b
	tare run -d --name d "${with_probe[@]}" --publish-group web -p 8080:80 $B /netprobe hold d 80 >/dev/null
	returns 0 $pid || fail "$(cat "$DIR/held")"
	tare rm -f a c d
}
ask_outside_line() { outside sh -c "echo x | timeout 2 busybox nc $HOST_ADDRESS 8080" | grep -q x; }

@test "two thousand ports of one container" {
	# each is held by a socket per family
	ulimit -n 20000 2>/dev/null || skip "no more than $(ulimit -Hn) open files here"
	serve web -p 20000-21999:20000-21999 -p 8080:80
	ok ask_outside $HOST_ADDRESS 8080
	ok tare ps --format '{{.Ports}}'
	has '0.0.0.0:20000-21999->20000-21999/tcp'
	tare rm -f web
}

@test "somebody flushed the firewall: reload brings it back, and so does the next start" {
	serve web -p 8080:80
	nft flush ruleset
	silent ask_outside $HOST_ADDRESS 8080
	ok tare network reload
	ok ask_outside $HOST_ADDRESS 8080
	nft flush ruleset
	ok tare run --rm $B true
	ok ask_outside $HOST_ADDRESS 8080
	tare rm -f web
}

@test "forwarding that was off is turned on, and said so, but other links stay apart" {
	tare rm -f --all
	skip_in_vm
	# a fresh host
	ok timeout 60 unshare --net bash -c "echo 0 >/proc/sys/net/ipv4/ip_forward; ip link set lo up; ip link add l0 type veth peer name l1; ip link set l0 up; TARE_DNS_LINGER=0 $BUILD/tare --root $ROOT --state $DIR/state2 run --rm $B true; cat /proc/sys/net/ipv4/ip_forward; nft list ruleset; ip link" 3>&- 4>&-
	[[ $stderr == *ip_forward* ]] || fail "nothing said: $stderr"
	has l0
	has guarded
	rm -rf "$DIR/state2"
}
skip_in_vm() { :; }

@test "a host firewall that drops what it forwards is named, with the rule that helps" {
	nft add table ip strict
	nft add chain ip strict FORWARD '{ type filter hook forward priority 0; policy drop; }'
	run --separate-stderr tare network reload
	[[ $output$stderr == *strict* ]] || fail "not named: $output $stderr"
	nft delete table ip strict
}
