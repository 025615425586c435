# shellcheck shell=bash disable=SC2154 # bats sets status, output, stderr, lines
# What every e2e file begins with: `load lib`, then tests. Each file has a root and a state directory of its own
# on a tmpfs (or in $PLACE), so files run side by side; each test leaves no container behind, and after the last one
# the file proves that the machine is as it was: no mount, interface, firewall element, lease, cgroup, process or file
# is left.
bats_require_minimum_version 1.5.0

BUILD=${BUILD:-$(realpath "$BATS_TEST_DIRNAME/../../build")}
BUILD=$(realpath "$BUILD")
[ -z "${TARE_VM:-}" ] || PATH=$BATS_TEST_DIRNAME/../vm/patient:$PATH

# ------------------------------------------------------------------ the file's own world

# A file that says ATTRIBUTES=1 needs user.* attributes, which tmpfs keeps since 6.6. The emulated machine has a disk.
place() {
	local probe place=${PLACE:-/dev/shm}
	if [ -n "${ATTRIBUTES:-}" ]; then
		probe=$(mktemp "$place/tare-e2e.XXXXXX")
		setfattr -n user.x -v y "$probe" 2>/dev/null || place=/var/tmp
		rm "$probe"
		[ "$place" != /var/tmp ] || [ -z "${TARE_VM:-}" ] || place=/scratch
	fi
	echo "$place"
}

setup_file() {
	DIR=$(mktemp -d "$(place)/tare-e2e-file.XXXXXX")
	export DIR ROOT=$DIR/root STATE=$DIR/state
	# The same for other programs and shells that start it themselves.
	export TARE="$BUILD/tare --root $ROOT --state $STATE"
	# The name service ends soon after the last container: the audit waits for it.
	export TARE_DNS_LINGER=1
	mkdir "$DIR/audit"
	host_mounts >"$DIR/audit/mounts"
	host_links >"$DIR/audit/links"
	if declare -F file_up >/dev/null; then file_up; fi
}

teardown_file() {
	if declare -F file_down >/dev/null; then file_down; fi
	leave_nothing
	local bad=0
	audit || bad=1
	rm -rf "$DIR"
	return $bad
}

teardown() {
	if declare -F test_down >/dev/null; then test_down; fi
	leave_nothing
	# What a failed test had mounted itself.
	awk '{ print $5 }' /proc/self/mountinfo | grep -F "$DIR/" | sort -r | while read -r m; do umount -l "$m"; done || true
}

leave_nothing() {
	[ ! -d "$STATE" ] || tare rm -f --all >/dev/null 2>&1 || true
}

# The program under test. Descriptors 3 and 4 belong to bats: whoever keeps them open keeps bats waiting.
tare() {
	"$BUILD/tare" --root "$ROOT" --state "$STATE" "$@" 3>&- 4>&-
}

# The same, held where a container first sees what is brought in (newborn.c), for its /tracer (tracer.c).
held() {
	ASAN_OPTIONS=detect_leaks=0 "$BUILD/e2e/newborn" "$BUILD/tare" --root "$ROOT" --state "$STATE" "$@" 3>&- 4>&-
}
# AppArmor's profile lets nobody trace: what holds without it is to be seen.
TRACEABLE=
[ ! -d /sys/kernel/security/apparmor/policy ] || TRACEABLE='--security-opt apparmor=unconfined'
tracer() { # NAME VICTIMS FLAG…
	# shellcheck disable=SC2086
	ok tare run -d --name "$1" --network none $TRACEABLE -v "$BUILD/e2e/tracer:/tracer:ro" "${@:3}" $B /tracer "$2"
}
told() { # NAME: what its tracer found
	ok tare wait "$1"
	ok tare logs "$1"
}

# The leak checker of a sanitized build traces as well, which only one can (held, too).
strace() { ASAN_OPTIONS=detect_leaks=0 command strace "$@"; }

# ------------------------------------------------------------------ the audit

# Other files' directories come and go meanwhile, and the kernel mounts its own when somebody looks.
host_mounts() {
	cut -d ' ' -f 3- /proc/self/mountinfo | grep -vE '/(dev/shm|var/tmp|scratch)/tare-| /sys/kernel/' | sort
	grep -F "$DIR" /proc/self/mountinfo || true
}
# Bridges stay, as Docker's does; this file's namespace takes them along.
host_links() { ip -o link | awk -F': ' '{ print $2 }' | sed 's/@.*//' | grep -vE '^(tare|tr-)' | sort; }
# Elements that bear a container's id, in tables that are ours.
own_elements() { ! command -v nft >/dev/null || nft list ruleset 2>/dev/null | grep -oE 'comment "[0-9a-f]{12}"' | sort | uniq -c; }
own_leases() { cat "$STATE"/networks/*/leases 2>/dev/null | grep -v '^tare-leases' || true; }

# Ids of all containers that this file ever made: the event log remembers them.
own_ids() {
	cat "$STATE/events" "$STATE"/events.* 2>/dev/null | grep -oE '[0-9a-f]{64}' | sort -u
}

name_services() { # pids of those in this file's network namespace
	local p
	for p in $(grep -slx tare-dns /proc/[0-9]*/comm); do
		p=${p%/comm}
		[ "$(readlink "$p/ns/net")" != "$(readlink /proc/self/ns/net)" ] || echo "${p#/proc/}"
	done
}

# The pattern comes by standard input: a grep that had it among its words would find itself.
# shellcheck disable=SC2062 # these are files
own_processes() { # "PID COMMAND" of what still runs on behalf of this file
	local p
	for p in $(grep -slF --file=- /proc/[0-9]*/cmdline <<<"$DIR/"); do
		p=${p%/cmdline} p=${p#/proc/}
		[ "$p" = $$ ] || { echo "$p $(tr '\0' ' ' <"/proc/$p/cmdline")"; } 2>/dev/null
	done
	name_services | sed 's/$/ tare-dns/'
}

own_cgroups() {
	local id
	own_ids >"$DIR/audit/ids"
	[ -s "$DIR/audit/ids" ] || return 0
	find /sys/fs/cgroup -type d -path '*/tare/*' 2>/dev/null | grep -F -f "$DIR/audit/ids" || true
}

# What a kernel takes away behind our back gets a moment.
gone() { [ -z "$("$@")" ]; }

no_new_links() { ! host_links | diff "$DIR/audit/links" - | grep -q '^>'; }

complain() { # TITLE, text on stdin
	local text
	text=$(cat)
	[ -n "$text" ] || return 0
	{ echo "left behind: $1"; echo "$text"; } | sed 's/^/# /' >&2
	return 1
}

audit() {
	local bad=0
	eventually 10 gone own_processes || own_processes | complain processes || bad=1
	eventually 10 gone own_cgroups || own_cgroups | complain cgroups || bad=1
	host_mounts | diff "$DIR/audit/mounts" - | grep '^>' | complain mounts || bad=1
	eventually 5 no_new_links || host_links | diff "$DIR/audit/links" - | grep '^>' | complain interfaces || bad=1
	own_elements | complain 'nftables elements' || bad=1
	own_leases | complain leases || bad=1
	find "$STATE/containers" "$ROOT/containers" "$ROOT/names" -mindepth 1 2>/dev/null | complain files || bad=1
	find "$ROOT/layers" "$ROOT/blobs" "$ROOT" -maxdepth 2 -name 'tmp-*' 2>/dev/null | complain 'temporary files' || bad=1
	return $bad
}

# ------------------------------------------------------------------ assertions

fail() {
	printf '%s\n' "$@" >&2
	return 1
}

# ok COMMAND…: it succeeds; $output is its standard output, $stderr the rest.
ok() { exits 0 "$@"; }

# exits CODE COMMAND…: it ends with that code.
exits() {
	local want=$1
	shift
	run --separate-stderr "$@"
	[ "$status" -eq "$want" ] || fail "exit code $status, not $want: $*" "stdout: $output" "stderr: ${stderr:-}"
}

# returns CODE PID: the background process ends with that code.
returns() {
	local code=0
	wait "$2" || code=$?
	[ "$code" -eq "$1" ] || fail "exit code $code, not $1"
}

# refused CODE TEXT ARGUMENT…: `tare ARGUMENT…` ends with that code, prints nothing but one clean line on
# standard error, and that line has TEXT (a pattern) in it.
refused() {
	local code=$1 text=$2
	shift 2
	exits "$code" tare "$@"
	[ -z "$output" ] || fail "prints to standard output: $output"
	[ "${#stderr_lines[@]}" -eq 1 ] || fail "not one line on standard error:" "$stderr"
	[[ $stderr == 'tare: '* ]] || fail "does not begin with the program's name: $stderr"
	[[ $stderr == *$text* ]] || fail "does not say '$text': $stderr"
	[[ $stderr != *[[:cntrl:]]* ]] || fail "has a control character: $stderr"
}

# is TEXT / has PATTERN / lacks PATTERN: about $output.
is() { [ "$output" = "$1" ] || fail "expected: $1" "     got: $output"; }
has() {
	# shellcheck disable=SC2053 # a pattern
	[[ $output == *$1* ]] || fail "not found: $1" "in: $output"
}
lacks() {
	# shellcheck disable=SC2053
	[[ $output != *$1* ]] || fail "unwanted: $1" "in: $output"
}
same() { [ "$1" = "$2" ] || fail "expected: $2" "     got: $1"; }

# eventually SECONDS COMMAND…: repeats it until it succeeds. For what happens by itself; never to measure. The
# emulated machine gets ten times as long.
eventually() {
	local left=$(($1 * 20 * (${TARE_VM:+9}+1)))
	shift
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.05
	done
}

# ------------------------------------------------------------------ short cuts

B=busybox
# background NAME [OPTION…] [IMAGE COMMAND…]: a detached container; without an image one that sleeps and obeys
# signals.
background() {
	local name=$1
	shift
	case " $* " in
	*" $B "*) tare run -d --name "$name" "$@" >/dev/null ;;
	*) tare run -d --name "$name" --init "$@" $B sleep 1000 >/dev/null ;;
	esac
}
state_of() { tare inspect --format '{{.State.Status}}' "$1"; }
is_state() { [ "$(state_of "$1")" = "$2" ]; }
pid_of() { tare inspect --format '{{.State.Pid}}' "$1"; }
monitor_of() { # the pid of a container's monitor: its process 1's parent
	awk '/^PPid:/ { print $2 }' "/proc/$(pid_of "$1")/status"
}
log_has() { tare logs "$1" 2>&1 | grep -qF -- "$2"; }
names() { tare ps -a --format '{{.Names}}' | sort | tr '\n' ' ' | sed 's/ $//'; }

on_terminal() { python3 "$BATS_TEST_DIRNAME/on_terminal.py" "$@" 3>&- 4>&-; }

nameless() { # DIRECTORY: it can have files without a name, which not every overlay can
	python3 -c 'import os, sys; os.open(sys.argv[1], os.O_TMPFILE | os.O_WRONLY)' "$1" 2>/dev/null
}

cgroup_v2() { [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; }
# cgroup_file NAME CONTROLLER V1-FILE V2-FILE: what the kernel has for the container NAME
cgroup_file() {
	local id
	id=$(tare inspect --format '{{.Id}}' "$1")
	if cgroup_v2; then
		cat "/sys/fs/cgroup/tare/$id/$4"
	else
		cat "/sys/fs/cgroup/$2/tare/$id/$3"
	fi
}
