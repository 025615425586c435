#!/usr/bin/env bats
# vm
# Attacks that need more than a shell in a default container: CVE numbers are those that each repeats.

load lib

never() { if "$@"; then return 1; fi; }

attacker() { # OPTION… -- WORD…: runs the attacker in a container
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	tare run --rm "${options[@]}" -v "$BUILD/e2e/attacker:/attacker:ro" $B /attacker "$@"
}

# CVE-2019-14271: the C library would load what nsswitch.conf of the container says, with all that we may.
@test "a user's name loads no library of the container's" {
	local fs=$DIR/glibc lib
	mkdir -p "$fs/bin" "$fs/etc" "$fs/lib64" "$fs/lib"
	cp /bin/busybox "$fs/bin/"
	printf 'web:x:1000:1000::/:/bin/sh\n' >"$fs/etc/passwd"
	printf 'passwd: evil\ngroup: evil\n' >"$fs/etc/nsswitch.conf"
	printf '#include <fcntl.h>\n__attribute__((constructor)) static void loaded(void) { creat("/pwned", 0666); }\n' >"$DIR/evil.c"
	cc -shared -fPIC -o "$DIR/libnss_evil.so.2" "$DIR/evil.c"
	for lib in libc.so.6 ld-linux-x86-64.so.2 ld-linux-aarch64.so.1; do
		lib=$(ldconfig -p | awk -v n="$lib" '$1 == n { print $NF; exit }')
		[ -z "$lib" ] || { mkdir -p "$fs${lib%/*}" && cp -L "$lib" "$fs$lib"; }
	done
	for lib in "$fs"/lib "$fs"/lib64 "$fs"/lib/*-linux-gnu "$fs"/usr/lib/*-linux-gnu; do
		[ ! -d "$lib" ] || cp "$DIR/libnss_evil.so.2" "$lib/"
	done
	ok tare run -d --name glibc --rootfs "$fs" -u web /bin/busybox sleep 1000
	ok tare exec -u web glibc /bin/busybox sh -c 'busybox id -u; [ ! -e /pwned ] || echo pwned'
	is 1000
	ok tare cp -a glibc:/etc/passwd "$DIR/passwd"
	ok tare exec -u 0 glibc /bin/busybox ls /
	lacks pwned
}

# CVE-2022-0492: a root of a v1 hierarchy has a file whose content the host runs.
@test "a container that may mount finds no release_agent" {
	ok attacker --cap-add SYS_ADMIN -- mount-cgroup /tmp
	is looked
}

@test "a container makes no cgroup and changes no limit of its own" {
	ok tare run --rm --pids-limit 30 $B sh -c 'for d in /sys/fs/cgroup /sys/fs/cgroup/*/; do (mkdir $d/mine) 2>/dev/null && echo "made $d/mine"; done
		for f in /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max; do (echo max >$f) 2>/dev/null && echo "wrote $f"; done; echo end'
	is end
}

@test "a privileged exec types nothing into the caller's terminal" {
	background x --security-opt seccomp=unconfined -v "$BUILD/e2e/probe:/probe:ro"
	run on_terminal see:tried type:'echo alive\n' see:alive type:'exit\n' -- bash -c \
		"$TARE exec --privileged -i x /probe tiocsti; PS1= exec sh -i"
	has alive
	lacks pwned
}

@test "keys of who starts a container stay outside" {
	cat >"$DIR/with_key.py" <<-'END'
		import ctypes, os, sys
		libc = ctypes.CDLL(None, use_errno=True)
		keyctl, add_key = (250, 248) if os.uname().machine == "x86_64" else (219, 217)
		if libc.syscall(keyctl, 1, None) < 0:  # a session keyring of its own
		    print("none")
		    sys.exit()
		secret = b"hunter2"
		if libc.syscall(add_key, b"user", b"tare-test", secret, len(secret), -3) < 0:
		    print("none")
		    sys.exit()
		os.execvp(sys.argv[1], sys.argv[1:])
	END
	# shellcheck disable=SC2086 # $TARE is several words
	ok python3 "$DIR/with_key.py" $TARE run --rm --security-opt seccomp=unconfined -v "$BUILD/e2e/attacker:/attacker:ro" $B /attacker key tare-test
	[ "$output" != none ] || skip 'this kernel has no keys'
	is ENOKEY
}

# The attack suite builds a program anew, to see that it is the Makefile which makes it so.
@test "programs are built so that a memory error is no way in" {
	local top program=$BUILD/tare
	top=$(realpath "$BATS_TEST_DIRNAME/../..")
	if [ -n "${TARE_ATTACKS:-}" ]; then
		program=$DIR/hard/tare-init
		ok make -s -C "$top" B="$DIR/hard" "$program"
		find "$DIR/hard" -name '*.o' -exec nm {} + >"$DIR/symbols"
		grep -q __stack_chk_fail "$DIR/symbols"
	fi
	readelf -lW "$program" >"$DIR/segments"
	readelf -hW "$program" | grep -q 'Type:.*DYN' # position-independent
	grep -q GNU_RELRO "$DIR/segments"
	never grep -qE 'GNU_STACK.*RWE' "$DIR/segments"
	rm -rf "$DIR/hard"
}
