# shellcheck shell=bash disable=SC2086,SC2154 # B has no spaces; bats sets variables
# For files about networks, after `load lib`: another host on a wire, small servers and clients, and who answers.
# Every file has a network namespace of its own (run-e2e), which plays the host here.

HOST_ADDRESS=192.0.2.1 # RFC 5737, RFC 3849
HOST_ADDRESS6=2001:db8:7a::1
OUTSIDE_ADDRESS=192.0.2.2
OUTSIDE_ADDRESS6=2001:db8:7a::2

# A second host on the other end of a veth pair, until outside_down. Its routes lead back by us, so that only rules
# keep it from containers.
outside_up() {
	unshare --net sh -c 'ip link set lo up; exec sleep 100000' 3>&- 4>&- &
	echo $! >"$DIR/outside"
	eventually 5 other_namespace
	ip link add wire type veth peer name wire netns "$(cat "$DIR/outside")"
	ip addr add $HOST_ADDRESS/24 dev wire
	ip addr add $HOST_ADDRESS6/64 dev wire nodad
	ip link set wire up
	outside ip addr add $OUTSIDE_ADDRESS/24 dev wire
	outside ip addr add $OUTSIDE_ADDRESS6/64 dev wire nodad
	outside ip link set wire up
	outside ip route add default via $HOST_ADDRESS
	outside ip route add default via $HOST_ADDRESS6
	# links known to the audit
	host_links >"$DIR/audit/links"
}
other_namespace() { [ "$(readlink "/proc/$(cat "$DIR/outside")/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
outside_down() {
	[ ! -f "$DIR/outside" ] || kill "$(cat "$DIR/outside")" 2>/dev/null || true
	rm -f "$DIR/outside"
}
outside() { nsenter --net="/proc/$(cat "$DIR/outside")/ns/net" "$@" 3>&- 4>&-; }

NETPROBE=$BUILD/e2e/netprobe
# with_probe: options for `run` that put the probe at /netprobe.
with_probe=(-v "$NETPROBE:/netprobe:ro")
# serve NAME [RUN-OPTION…]: a container whose port 80, TCP and UDP, answers "NAME ADDRESS-OF-WHO-ASKS".
serve() {
	local name=$1
	shift
	tare run -d --name "$name" "${with_probe[@]}" "$@" $B /netprobe serve "$name" 80 >/dev/null
}
# neighbour NAME [RUN-OPTION…]: a container that waits for `inside NAME COMMAND…`.
neighbour() {
	local name=$1
	shift
	tare run -d --name "$name" --init "${with_probe[@]}" "$@" $B sleep 100000 >/dev/null
}
inside() { tare exec "$@"; }
# asks ANSWER HOST PORT [udp]: from the host itself, the answer is that pattern.
ask() { timeout 5 "$NETPROBE" ask "$@" 2>&1; }
ask_inside() { # NAME HOST PORT [udp]
	local name=$1
	shift
	tare exec ${WAIT:+-e WAIT=$WAIT} "$name" /netprobe ask "$@" 2>&1
}
ask_outside() { outside timeout 5 "$NETPROBE" ask "$@" 2>&1; }
# Nobody answers: half as long as others wait, for each of these tests ends its time.
silent() {
	local -x WAIT=1
	[ -z "${TARE_VM:-}" ] || WAIT=4
	! "$@" >/dev/null 2>&1
}
# A server of the host itself, until the test ends: host_server NAME PORT
host_server() {
	"$NETPROBE" serve "$1" "$2" >/dev/null 2>&1 3>&- 4>&- &
	echo $! >>"$DIR/servers"
	eventually 5 ask 127.0.0.1 "$2"
}
servers_down() {
	local pid
	[ ! -f "$DIR/servers" ] || while read -r pid; do kill "$pid" 2>/dev/null || true; done <"$DIR/servers"
	rm -f "$DIR/servers"
}
address_of() { tare inspect --format "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}" "$1"; }
address6_of() { tare inspect --format "{{range .NetworkSettings.Networks}}{{.GlobalIPv6Address}}{{end}}" "$1"; }
bridge_of() { tare network inspect --format '{{index .Options "com.docker.network.bridge.name"}}' "$1"; }
