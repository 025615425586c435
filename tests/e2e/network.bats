#!/usr/bin/env bats
# The default network and named ones: what a container finds, how networks are made, listed and removed.
load lib
load net

file_down() { servers_down; }

@test "a container is in the default network unless asked otherwise" {
	background c
	ok tare exec c ip -o -4 addr show eth0
	has "$(address_of c)/"
	ok tare exec c ip route
	has "default via $(tare network inspect --format '{{(index .IPAM.Config 0).Gateway}}' tare0)"
	ok tare inspect --format '{{.HostConfig.NetworkMode}} {{range $name, $n := .NetworkSettings.Networks}}{{$name}}{{end}}' c
	has "tare0"
	tare rm -f c
}

@test "it has an IPv6 address and the way out, too" {
	background c
	ok tare exec c ip -o -6 addr show eth0
	has "$(address6_of c)/64"
	lacks 'global tentative'
	ok tare exec c ip -6 route
	has 'default via fd'
	tare rm -f c
}

@test "none, host and another container's network" {
	ok tare run --rm --network none $B ip -o link
	lacks eth0
	ok tare run --rm --network host $B ip -o link
	same "$(ip -o link | wc -l)" "${#lines[@]}"
	background a
	ok tare run --rm --network container:a $B ip -o -4 addr show eth0
	has "$(address_of a)/"
	tare rm -f a
}

@test "two containers reach each other by name, by alias and by id" {
	serve a --network-alias service
	neighbour b
	ok inside b ping -c 1 -w 3 a
	ok inside b ping -c 1 -w 3 service
	ok inside b ping -c 1 -w 3 "$(tare inspect --format '{{.Id}}' a | cut -c 1-12)"
	ok ask_inside b "$(address_of a)" 80
	is "a $(address_of b)"
	ok ask_inside b "$(address6_of a)" 80
	is "a $(address6_of b)"
	tare rm -f a b
}

@test "a network is made, listed, looked at and removed" {
	ok tare network create --subnet 10.77.1.0/24 --gateway 10.77.1.254 --ip-range 10.77.1.128/25 --label tier=front front
	[[ $output =~ ^[0-9a-f]{64}$ ]] || fail "prints: $output"
	ok tare network ls --format '{{.Name}} {{.Driver}}'
	has 'front bridge'
	ok tare network inspect --format '{{.Name}} {{(index .IPAM.Config 0).Subnet}} {{(index .IPAM.Config 0).Gateway}} {{.Labels.tier}}' front
	is 'front 10.77.1.0/24 10.77.1.254 front'
	background c --network front
	[[ $(address_of c) == 10.77.1.1[2-9]? ]] || fail "out of the range: $(address_of c)"
	refused 1 'c' network rm front
	ok tare network inspect --format '{{range .Containers}}{{.Name}}{{end}}' front
	is c
	tare rm -f c
	ok tare network rm front
	ok tare network ls -q --filter name=front
	is ''
	! ip link show type bridge | grep -q "$(printf tr-)" || fail "its bridge is still there"
}

@test "addresses: asked for, of both families, and the link's" {
	ok tare network create --subnet 10.77.2.0/24 --subnet fd77:2::/64 --ipv6 six
	ok tare run --rm --network six --ip 10.77.2.9 --ip6 fd77:2::9 --mac-address 02:00:00:00:00:09 $B ip addr show eth0
	has '10.77.2.9/24'
	has 'fd77:2::9/64'
	has '02:00:00:00:00:09'
	background c --network six --ip 10.77.2.9
	refused 125 '10.77.2.9' run --rm --network six --ip 10.77.2.9 $B true
	refused 125 '10.99.0.1' run --rm --network six --ip 10.99.0.1 $B true
	refused 125 '10.77.2.1' run --rm --network six --ip 10.77.2.1 $B true
	tare rm -f c
	ok tare network rm six
}

@test "addresses are handed out in turn, not again at once" {
	ok tare network create turn
	local first second
	first=$(tare run --rm --network turn $B sh -c 'ip -o -4 addr show eth0 | grep -oE "([0-9]+\.){3}[0-9]+/" | head -1')
	second=$(tare run --rm --network turn $B sh -c 'ip -o -4 addr show eth0 | grep -oE "([0-9]+\.){3}[0-9]+/" | head -1')
	[ -n "$first" ] && [ "$first" != "$second" ] || fail "'$first' and '$second'"
	ok tare network rm turn
}

@test "an exhausted range says so, and an address that became free is given again" {
	ok tare network create --subnet 10.77.3.0/29 small
	local i
	for i in 1 2 3 4 5; do background s$i --network small; done
	refused 125 small run --rm --network small $B true
	tare rm -f s3
	ok tare run --rm --network small $B true
	tare rm -f s1 s2 s4 s5
	ok tare network rm small
}

@test "fifty containers that start at once have fifty addresses" {
	local i pids=()
	for i in $(seq 50); do
		tare run -d --name many$i $B sleep 1000 >/dev/null &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || fail "a start failed"; done
	for i in $(seq 50); do address_of many$i; done | sort -u >"$DIR/addresses"
	same "$(grep -c . "$DIR/addresses")" 50
	ok tare network inspect --format '{{len .Containers}}' tare0
	is 50
	tare rm -f --all
}

@test "connect and disconnect while it runs" {
	ok tare network create second
	background c
	ok tare network connect --alias extra second c
	ok tare exec c ip -o -4 addr show eth1
	serve d --network second
	ok tare exec c ping -c 1 -w 3 d
	ok inside d ping -c 1 -w 3 extra
	refused 125 c network connect second c
	ok tare network disconnect second c
	same "$stderr" '' # it keeps its way out
	ok tare exec c ip -o link
	lacks eth1
	refused 125 c network disconnect second c
	tare restart -t 0 c
	ok tare exec c ip -o link
	lacks eth1
	ok tare stop -t 0 c
	ok tare network connect second c
	ok tare network disconnect second c
	tare events --since 1m --until 0s --filter type=network --filter network=second --format '{{.Action}}' | tr '\n' ' ' >"$DIR/events"
	# c while it ran, d from its start to its end, c while it was stopped
	same "$(cat "$DIR/events")" 'create connect connect disconnect connect disconnect '
	tare rm -f c d
	ok tare network rm second
}

@test "a container whose network was removed can be started again" {
	ok tare network create old
	ok tare create --name c --network old $B sleep 1000
	ok tare network rm old
	refused 1 "tare network disconnect old c" start c
	ok tare network disconnect old c
	refused 125 "no such network: old" network disconnect old c
	ok tare network connect tare0 c
	ok tare start c
	ok tare exec c ip -o -4 addr show eth0
	tare rm -f c
}

@test "who is not root may have port 80 and ping, but in the host's network" {
	local s=net.ipv4.ip_unprivileged_port_start f=/proc/sys/net/ipv4/ip_unprivileged_port_start
	serve web -u 1000
	eventually 5 tare exec web sh -c 'nc 127.0.0.1 80 </dev/null | grep web'
	ok tare run --rm $B cat $f /proc/sys/net/ipv4/ping_group_range
	is $'0\n0\t2147483647'
	ok tare run --rm --sysctl $s=1024 $B cat $f
	is 1024
	ok tare run --rm --network host $B cat $f
	is "$(cat $f)"
	tare rm -f web
}

@test "none and host are no networks to look at or to change" {
	background c
	refused 125 "a way to run: --network host" network connect host c
	refused 125 "a way to run: --network none" network disconnect none c
	tare rm -f c
}

@test "several networks from the start" {
	ok tare network create one
	ok tare network create two
	background c --network one --network name=two,alias=other
	ok tare exec c ip -o -4 addr
	has eth0
	has eth1
	ok tare inspect --format '{{len .NetworkSettings.Networks}}' c
	is 2
	ok tare ps --filter "network=$(tare network inspect --format '{{.Id}}' two)" --format '{{.Names}}'
	is c
	ok tare ps --filter "network=$(tare network ls -q --filter name=tare0)" -q
	is ''
	tare restart -t 0 c
	ok tare exec c ip -o -4 addr show eth1
	has eth1
	tare rm -f c
	ok tare network prune -f
	has one
	has two
	ok tare network ls --format '{{.Name}}'
	is tare0
}

@test "a connect that was killed in the middle is done anew" {
	ok tare network create second
	background c
	# it had written down what it was going to do
	python3 - "$STATE/containers/$(tare inspect --format '{{.Id}}' c)/network.json" "$(tare network inspect --format '{{.Id}}' second)" <<-'PY'
		import json, sys
		n = json.load(open(sys.argv[1]))
		n["endpoints"].append(dict(n["endpoints"][0], networkId=sys.argv[2], network="second", link="tv0123456789abc", name="eth1", ip="10.9.9.9"))
		json.dump(n, open(sys.argv[1], "w"))
	PY
	ok tare network connect second c
	ok tare inspect --format '{{.NetworkSettings.Networks.second.IPAddress}}' c
	lacks 10.9.9.9
	ok tare exec c ip -o -4 addr show eth1
	has "$(tare inspect --format '{{.NetworkSettings.Networks.second.IPAddress}}' c)/"
	same "$(grep -o networkId "$STATE"/containers/*/network.json | wc -l)" 2
	tare rm -f c
	ok tare network rm second
}

mtu_of() { tare exec "$1" cat /sys/class/net/eth0/mtu; }
@test "a network has the MTU of the way out, unless told otherwise" {
	ip link add narrow0 mtu 1380 type veth peer name narrow1
	ip addr add 198.51.100.2/24 dev narrow0
	ip link set narrow1 up
	ip link set narrow0 up
	ip route add default via 198.51.100.1
	ok tare network create narrow
	ok tare network create --opt mtu=1300 own
	background a --network narrow
	background b --network own
	same "$(mtu_of a)" 1380
	same "$(mtu_of b)" 1300
	tare restart -t 0 a # its bridge was without ports for a moment
	same "$(mtu_of a)" 1380
	ok ip -o link show "$(bridge_of narrow)"
	has 'mtu 1380'
	tare rm -f a b
	ip link del narrow0
	background a --network narrow # the bridge is there
	same "$(mtu_of a)" 1380
	tare rm -f a
	ok tare network rm narrow own
	background a
	same "$(mtu_of a)" 1500
	tare rm -f a
}

@test "an internal network has no way out, and none in" {
	ok tare network create --internal inner
	neighbour a --network inner
	serve b --network inner
	host_server host 8099
	ok ask_inside a "$(address_of b)" 80
	ok tare exec a ip route
	lacks default
	ok ask "$(address_of b)" 80 # the host itself may
	exits 0 tare run --rm --network inner -p 8080:80 $B true
	[[ $stderr == *'no port is published'* ]] || fail "no warning: $stderr"
	tare rm -f a b
	ok tare network rm inner
}

@test "a rename is known to the name service" {
	serve a
	neighbour b
	ok tare rename a anew
	ok inside b ping -c 1 -w 3 anew
	exits 1 inside b ping -c 1 -w 3 a
	tare rm -f anew b
}

@test "/etc/hosts and /etc/resolv.conf, and what was asked for them" {
	ok tare run --rm --name c --hostname box --add-host db:10.1.2.3 --add-host up:host-gateway --dns-search example.org --dns-option ndots:2 $B cat /etc/hosts /etc/resolv.conf
	has $'10.1.2.3\tdb'
	has $'\tbox'
	has 'search example.org'
	has 'ndots:2'
	local gateway
	gateway=$(tare network inspect --format '{{(index .IPAM.Config 0).Gateway}}' tare0)
	has "$gateway"$'\tup'
	has "nameserver $gateway"
	lacks 'ndots:0'
	ok tare run --rm --dns-option rotate $B grep options /etc/resolv.conf
	is 'options rotate ndots:0' # a neighbour's name is not asked for elsewhere first
	ok tare run --rm $B cat /etc/resolv.conf
	has 'options ndots:0'
	ok tare run --rm --network none $B cat /etc/resolv.conf
	lacks 'ndots:0'
}

@test "bad input has one clear line" {
	refused 125 'none' network create none
	refused 125 '-x' network create -- -x
	refused 125 '10.0.0.0/99' network create --subnet 10.0.0.0/99 bad
	refused 125 '10.77.5.1/24' network create --subnet 10.77.5.1/24 bad
	refused 125 '10.77.6.1' network create --subnet 10.77.5.0/24 --gateway 10.77.6.1 bad
	refused 125 '10.77.6.0/24' network create --subnet 10.77.5.0/24 --ip-range 10.77.6.0/24 bad
	refused 125 'overlay' network create --driver overlay bad
	refused 125 'colour' network create --opt colour=red bad
	ok tare network create --subnet 10.77.5.0/24 good
	refused 125 'good' network create good
	refused 125 'good' network create --subnet 10.77.0.0/16 bad
	refused 1 'tare0' network rm tare0
	refused 1 'nothere' network rm nothere
	refused 125 'nothere' run --rm --network nothere $B true
	refused 125 '1.2.3' run --rm --ip 1.2.3 $B true
	refused 125 'fe:ed' run --rm --mac-address fe:ed $B true
	refused 125 '01:00:00:00:00:01' run --rm --mac-address 01:00:00:00:00:01 $B true
	ok tare network rm good
	refused 125 '127.0.0' network create --subnet 127.0.0.0/24 bad
}

@test "a subnet that a route of the host has is refused, and not chosen" {
	ip link add d0 type veth peer name d1
	ip addr add 10.88.9.1/24 dev d0
	ip link set d0 up
	refused 125 '10.88.9.0/24' network create --subnet 10.88.0.0/16 bad
	ip link del d0
}

@test "a kernel without nftables: one clear line, and containers without a network" {
	[ "$(uname -m)" = x86_64 ] || skip "the filter that plays this kernel is for x86_64"
	without() { python3 "$BATS_TEST_DIRNAME/without_nftables.py" "$BUILD/tare" --root "$ROOT" --state "$STATE" "$@" 3>&- 4>&-; }
	tare network create fresh
	exits 125 without run --rm --network fresh $B true
	[[ $stderr == *nftables* ]] || fail "does not name it: $stderr"
	same "${#stderr_lines[@]}" 1
	ok without run --rm --network none $B true
	ok tare run --rm --network fresh $B true
	ok tare network rm fresh
}

@test "macvlan: a place on the parent's wire" {
	outside_up
	ok tare network create --driver macvlan --subnet 192.0.2.0/24 --gateway 192.0.2.1 --ip-range 192.0.2.128/25 --opt parent=wire lan
	if ! tare run -d --name c --network lan $B sleep 1000 2>"$DIR/macvlan"; then
		grep -q kernel "$DIR/macvlan" || fail "$(cat "$DIR/macvlan")"
		tare network rm lan
		outside_down
		skip "this kernel has no macvlan"
	fi
	ok outside busybox ping -c 1 -w 3 "$(address_of c)"
	refused 125 'lan' run --rm --network lan -p 8080:80 $B true
	tare rm -f c
	ok tare network rm lan
	outside_down
}

@test "after a SIGKILL in the middle, check finds and repairs" {
	background c
	local monitor
	monitor=$(monitor_of c)
	kill -9 "$monitor" "$(pid_of c)"
	eventually 5 is_state c exited
	ok tare system check --repair
	ok tare system check
	own_leases | grep . && fail "a lease is left"
	tare rm -f c
}

@test "check removes an interface, a rule and a lease of nobody" {
	background c
	local bridge port
	bridge=$(bridge_of tare0)
	port=t${bridge#tare}01234567 # as this state directory's begin
	ip link add "$port" type veth peer name x0
	ip link set "$port" master "$bridge" up
	exits 1 tare system check
	has "$port"
	ok tare system check --repair
	has "$port"
	ok tare system check
	! ip link show "$port" 2>/dev/null || fail "the interface is still there"
	ok inside c ping -c 1 -w 3 "$(tare network inspect --format '{{(index .IPAM.Config 0).Gateway}}' tare0)"
	tare rm -f c
}

@test "a removed bridge: the next start makes it again with all who were on it; check puts back who is off" {
	background c
	local bridge link gateway
	bridge=$(bridge_of tare0)
	gateway=$(tare network inspect --format '{{(index .IPAM.Config 0).Gateway}}' tare0)
	ip link del "$bridge"
	exits 1 tare system check
	has "interface $bridge of network tare0"
	ok tare run --rm $B true
	ok inside c ping -c 1 -w 3 "$gateway"
	link=$(own_leases | cut -d ' ' -f 2)
	ip link set "$link" nomaster
	exits 1 tare system check
	has "interface $link"
	has "is not on its network's bridge"
	ok tare system check --repair
	ok tare system check
	ok inside c ping -c 1 -w 3 "$gateway"
	tare rm -f c
}
