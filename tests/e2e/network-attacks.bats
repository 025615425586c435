#!/usr/bin/env bats
# vm
# What a container, another host or a neighbour tries on the network. Each test carries the attack out.
load lib
load net

file_up() { outside_up; }
file_down() {
	servers_down
	outside_down
}
test_down() {
	tare rm -f --all >/dev/null 2>&1 || true
	servers_down
}

# The MAC that a container holds for a neighbour's address.
knows() { tare exec "$1" ip neigh show "$2" | grep -oE 'lladdr [0-9a-f:]+' | cut -d ' ' -f 2; }
mac_of() { tare inspect --format '{{range .NetworkSettings.Networks}}{{.MacAddress}}{{end}}' "$1"; }
gateway() { tare network inspect --format '{{(index .IPAM.Config 0).Gateway}}' "${1:-tare0}"; }

@test "ARP: a container cannot take another's address, nor the gateway's" {
	serve victim
	neighbour a
	neighbour thief
	ok inside a ping -c 1 -w 3 "$(address_of victim)"
	ok inside a ping -c 1 -w 3 "$(gateway)"
	local gateway_mac
	gateway_mac=$(knows a "$(gateway)")
	for _ in 1 2 3 4 5; do
		ok inside thief /netprobe arp eth0 "$(address_of victim)"
		ok inside thief /netprobe arp eth0 "$(gateway)"
		ok tare exec -e VLAN=1 thief /netprobe arp eth0 "$(gateway)"
	done
	sleep 0.2
	same "$(knows a "$(address_of victim)")" "$(mac_of victim)"
	same "$(knows a "$(gateway)")" "$gateway_mac"
	same "$(ip neigh show "$(address_of victim)" | grep -oE 'lladdr [0-9a-f:]+' | cut -d ' ' -f 2 | grep -v "$(mac_of victim)")" ''
}

@test "a port that has outlived its container is no way in" {
	serve victim
	neighbour a
	neighbour owner
	# who joined its network goes on when it has ended
	neighbour thief --network container:owner
	ok inside thief ping -c 1 -w 3 "$(address_of victim)"
	tare stop -t 0 owner >/dev/null
	ok inside a ping -c 1 -w 3 "$(address_of victim)"
	for _ in 1 2 3 4 5; do
		sleep 0.3 # a neighbour's address stays for a second, whatever is said
		ok inside thief /netprobe arp eth0 "$(address_of victim)"
	done
	same "$(knows a "$(address_of victim)")" "$(mac_of victim)"
	silent inside thief ping -c 1 -w 1 "$(address_of victim)"
}

@test "IPv6 neighbours: the same" {
	serve victim
	neighbour a
	neighbour thief
	ok ask_inside a "$(address6_of victim)" 80
	for _ in 1 2 3 4 5; do ok inside thief /netprobe na eth0 "$(address6_of victim)"; done
	sleep 0.2
	same "$(knows a "$(address6_of victim)")" "$(mac_of victim)"
}

@test "router advertisements of a container change nobody's routes" {
	neighbour a --cap-add NET_ADMIN --sysctl net.ipv6.conf.all.forwarding=0
	neighbour thief
	local before
	before=$(tare exec a ip -6 route | sort)
	for _ in 1 2 3; do ok inside thief /netprobe ra eth0 2001:db8:bad::; done
	sleep 0.3
	same "$(tare exec a ip -6 route | sort)" "$before"
	ok tare exec a cat /proc/sys/net/ipv6/conf/eth0/accept_ra
	is 0
	# the bridge of the host doesn't listen either
	ip -6 route | grep -q 2001:db8:bad && fail "the host listened"
	# and the frame itself never reaches a neighbour that would listen
	tare run -d --name eager --privileged --init "${with_probe[@]}" $B sleep 1000 >/dev/null
	tare exec eager sh -c 'echo 2 >/proc/sys/net/ipv6/conf/eth0/accept_ra'
	for _ in 1 2 3; do ok inside thief /netprobe ra eth0 2001:db8:bad::; done
	sleep 0.3
	ok tare exec eager ip -6 route
	lacks 2001:db8:bad
}

@test "a false source address doesn't leave its port" {
	neighbour victim
	neighbour thief
	local pid
	tare exec -d victim /netprobe serve victim 80
	pid=$(pid_of victim)
	eventually 5 ask_inside thief "$(address_of victim)" 80 udp
	tare exec victim sh -c 'grep -c . /proc/net/udp6 >/dev/null'
	local seen
	seen() { nsenter --net="/proc/$pid/ns/net" awk '/^Udp: [0-9]/ { print $2 }' /proc/net/snmp; }
	local before after
	before=$(seen)
	for _ in 1 2 3; do
		ok inside thief /netprobe lie eth0 "$(mac_of victim)" 10.9.8.7 "$(address_of victim)" 80
		ok inside thief /netprobe lie eth0 "$(mac_of victim)" "$(gateway)" "$(address_of victim)" 80
		ok tare exec -e VLAN=1 thief /netprobe lie eth0 "$(mac_of victim)" "$(gateway)" "$(address_of victim)" 80
	done
	sleep 0.2
	after=$(seen)
	same "$after" "$before"
}

@test "networks are isolated from each other, unless opened" {
	tare network create left
	tare network create right
	tare network create --opt isolate=false west
	tare network create --opt isolate=false east
	serve l --network left
	neighbour r --network right
	serve w --network west
	neighbour e --network east
	silent ask_inside r "$(address_of l)" 80
	silent ask_inside r "$(address6_of l)" 80
	silent ask_inside r "$(address_of w)" 80
	silent ask_inside e "$(address_of l)" 80
	ok ask_inside e "$(address_of w)" 80
	# the bridge's own address in the other network is the host's: no way around either
	silent inside r ping -c 1 -w 1 "$(address_of l)"
	tare rm -f l r w e
	tare network rm left right west east
}

@test "icc=false: neighbours don't reach each other, but the way out" {
	tare network create --opt icc=false apart
	serve a --network apart
	neighbour b --network apart
	silent ask_inside b "$(address_of a)" 80
	silent ask_inside b "$(address6_of a)" 80
	ok inside b ping -c 1 -w 3 "$(gateway apart)"
	tare rm -f a b
	tare network rm apart
}

@test "other hosts reach published ports only" {
	serve web -p 8080:80
	outside ip route replace "$(address_of web)" via $HOST_ADDRESS
	silent ask_outside "$(address_of web)" 80
	ok ask_outside $HOST_ADDRESS 8080
}

@test "services on the host's 127.0.0.1 stay there" {
	host_server secret 8099
	"$NETPROBE" serve x 1 >/dev/null 2>&1 3>&- 4>&- &
	echo $! >>"$DIR/servers"
	serve web -p 8080:80
	neighbour a
	# route_localnet is on for our bridges; a neighbour and another host try to use it
	local bridge
	bridge=$(bridge_of tare0)
	same "$(cat "/proc/sys/net/ipv4/conf/$bridge/route_localnet")" 1
	same "$(cat /proc/sys/net/ipv4/conf/wire/route_localnet)" 0
	tare run -d --name bad --privileged "${with_probe[@]}" --init $B sleep 1000 >/dev/null
	tare exec bad sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet; ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.1 via '"$(gateway)"' src '"$(address_of bad)"
	silent ask_inside bad 127.0.0.1 8099
	silent ask_inside bad 127.0.0.1 8099 udp
	outside sh -c "echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet; ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.1 via $HOST_ADDRESS src $OUTSIDE_ADDRESS"
	silent ask_outside 127.0.0.1 8099
	# nor by a published port: 127.0.0.1:PORT is the container's, whoever asks from outside
	serve local -p 127.0.0.1:8088:80
	silent ask_outside 127.0.0.1 8088
	ok ask 127.0.0.1 8088
	outside sh -c "ip route del 127.0.0.1; ip addr add 127.0.0.1/8 dev lo"
}

@test "stale rules and links after SIGKILL are found and removed" {
	serve web -p 8080:80
	local id
	id=$(tare inspect --format '{{.Id}}' web)
	kill -9 "$(monitor_of web)"
	kill -9 "$(pid_of web)"
	tare rm -f web
	nft list ruleset | grep -q "${id:0:12}" && fail "elements of ${id:0:12} are left"
	ok tare system check
	serve web -p 8080:80
	ok ask_outside $HOST_ADDRESS 8080
}

@test "a start that is killed anywhere leaves nothing that check --repair doesn't remove" {
	local n
	for n in 1 5 9 14 20 27 35 44; do
		timeout -s KILL "0.00$n" "$BUILD/tare" --root "$ROOT" --state "$STATE" run -d --name k$n -p $((9000 + n)):80 $B sleep 1000 >/dev/null 2>&1 3>&- 4>&- || true
	done
	sleep 0.3
	tare rm -f --all >/dev/null 2>&1 || true
	run tare system check --repair
	ok tare system check
	own_elements | grep . && fail "elements left"
	own_leases | grep . && fail "leases left"
	ip -o link | grep -E ' t[v0-9a-f][0-9a-f]{6}' && fail "links left"
	true
}

@test "a container's command has no descriptor of the host's ports" {
	serve web -p 8080:80
	ok tare exec web sh -c 'ls -l /proc/1/fd'
	[ "$(grep -c socket <<<"$output")" -le 3 ] || fail "$output" # its own two listeners
	neighbour q -p 8081-8090:81-90
	ok tare exec q sh -c 'ls -l /proc/1/fd /proc/self/fd'
	lacks socket
}
