# shellcheck shell=bash disable=SC2154 # of lib.bash
# An ordinary user for e2e files: `load rootless` after `load lib`. It exists only in the mount namespace of the file:
# passwd, subuid and subgid are bound over once, and /dev/net/tun is one that everybody may open, as on a desktop.

USER_ID=12345

user_up() {
	W=$DIR/user
	# tmpfs has user.* attributes since 6.6; the emulated machine has a disk
	if [ -n "${TARE_VM:-}" ]; then
		W=$(mktemp -d /scratch/tare-e2e-user.XXXXXX)
	elif ! setfattr -n user.x -v 1 "$DIR" 2>/dev/null; then
		W=$(mktemp -d /var/tmp/tare-e2e-user.XXXXXX)
	fi
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
	local f
	for f in passwd group subuid subgid; do
		[ -e /etc/$f ] || : >/etc/$f
		mount --bind "$W/etc/$f" /etc/$f
	done
	[ -d /dev/net ] || { mkdir /dev/net && : >"$W/etc/net-made"; }
	mount -t tmpfs none /dev/net
	mknod -m 666 /dev/net/tun c 10 200
}

user_down() {
	umount /dev/net /etc/passwd /etc/group /etc/subuid /etc/subgid
	[ ! -e "$W/etc/net-made" ] || rmdir /dev/net
	rm -rf "$W"
}

# as_user COMMAND…: as that user (a sanitized program cannot look for leaks at its end where it cannot trace itself). RUN=its runtime directory; EVIL=a directory before all others of PATH;
# OLDER=a newer call that is hidden from it.
as_user() {
	${OLDER:+"$BUILD/e2e/older" "$OLDER" --} setpriv --reuid $USER_ID --regid $USER_ID --clear-groups \
		env -i PATH="${EVIL:+$EVIL:}/usr/bin:/bin:/usr/sbin:/sbin" HOME="$W/home" XDG_RUNTIME_DIR="${RUN:-$W/run}" TERM=xterm ASAN_OPTIONS=detect_leaks=0 \
		${TARE_WITHOUT:+TARE_WITHOUT="$TARE_WITHOUT"} "$@" 3>&- 4>&-
}
as_user_held() { # WORD…: of tare, held where a container first sees what is brought in (newborn.c)
	"$BUILD/e2e/newborn" setpriv --reuid $USER_ID --regid $USER_ID --clear-groups env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin \
		HOME="$W/home" XDG_RUNTIME_DIR="$W/run" ASAN_OPTIONS=detect_leaks=0 ${TARE_WITHOUT:+TARE_WITHOUT="$TARE_WITHOUT"} "$BUILD/tare" "$@" 3>&- 4>&-
}
# over FILE PLACE FUNCTION ARGUMENT…: while PLACE is something else
over() {
	local place=$2 code=0
	mount --bind "$1" "$place"
	shift 2
	"$@" || code=$?
	umount "$place"
	return $code
}
user() { as_user "$BUILD/tare" "$@"; }
tare() { user "$@"; } # what `refused` runs
