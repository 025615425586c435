#!/bin/sh
# Makes the image that ships with Tare: images/busybox.sh OUT.tar, with tare-transfer already built beside OUT's
# directory (EMULATOR runs it where this machine can't). Debian's static busybox, its applets as links, and the
# few files that programs look for.
# The same busybox and the same SOURCE_DATE_EPOCH give the same bytes.
set -eu

out=$1
transfer=$(dirname "$out")/../tare-transfer
busybox=${BUSYBOX:-/bin/busybox}
# Without a date given, the one of Debian's package: it changes when the content does.
: "${SOURCE_DATE_EPOCH:=$(stat -Lc %Y "$busybox")}"
export SOURCE_DATE_EPOCH LC_ALL=C

if ! [ -x "$busybox" ]; then
	echo "images/busybox.sh: $busybox is missing; install busybox-static (make deps)" >&2
	exit 1
fi
if ldd "$busybox" >/dev/null 2>&1; then
	echo "images/busybox.sh: $busybox is not linked statically; install busybox-static" >&2
	exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
root=$work/rootfs

mkdir -p "$root/bin" "$root/sbin" "$root/usr/bin" "$root/usr/sbin" "$root/etc" "$root/root" "$root/home" \
	"$root/tmp" "$root/var/spool/mail" "$root/var/www" "$root/usr/share" "$root/dev" "$root/proc" "$root/sys" "$root/run"
cp "$busybox" "$root/bin/busybox"
chmod 755 "$root/bin/busybox"
# Hard links, as Docker's busybox has them: no applet costs more than a directory entry.
"$busybox" --list-full | while read -r applet; do
	[ "$applet" = bin/busybox ] || [ "$applet" = linuxrc ] || [ -e "$root/$applet" ] && continue
	mkdir -p "$root/$(dirname "$applet")"
	ln "$root/bin/busybox" "$root/$applet"
done
[ -e "$root/bin/sh" ] || ln "$root/bin/busybox" "$root/bin/sh"

cat >"$root/etc/passwd" <<'END'
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
sync:x:4:100:sync:/bin:/bin/sync
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
operator:x:37:37:Operator:/var:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
END
cat >"$root/etc/group" <<'END'
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
lp:x:7:
mail:x:8:
kmem:x:9:
wheel:x:10:root
cdrom:x:11:
dialout:x:18:
floppy:x:19:
video:x:28:
audio:x:29:
tape:x:32:
www-data:x:33:
operator:x:37:
utmp:x:43:
plugdev:x:46:
staff:x:50:
lock:x:54:
netdev:x:82:
users:x:100:
nogroup:x:65534:
END
sed 's/:x:.*/:*:::::::/; s/^root:\*:/root:*:/' "$root/etc/passwd" >"$root/etc/shadow"
printf '%s\n' '127.0.0.1 localhost' >"$root/etc/hosts"
printf '%s\n' 'hosts: files dns' >"$root/etc/nsswitch.conf"
chmod 600 "$root/etc/shadow"
chmod 700 "$root/root"
chmod 1777 "$root/tmp"

tar --sort=name --format=ustar --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
	-C "$root" -cf "$work/rootfs.tar" .
gzip -9n "$work/rootfs.tar"
${EMULATOR:-} "$transfer" --root "$work/store" --state "$work/run" import --quiet \
	--change 'CMD ["sh"]' --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
	--message "$("$busybox" | sed -n '1s/ (.*//p')" "$work/rootfs.tar.gz" busybox:latest >/dev/null
${EMULATOR:-} "$transfer" --root "$work/store" --state "$work/run" save --quiet -o "$out" busybox:latest
