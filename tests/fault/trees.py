"""Trees of files that have whatever a file can have, and digests that see all of it."""
import hashlib
import os
import random
import stat
import struct

CAP_NET_RAW = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
# user rw, user 1234 r, group r, mask r, other none
ACL = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in ((1, 6, 2**32 - 1), (2, 4, 1234), (4, 4, 2**32 - 1), (16, 4, 2**32 - 1), (32, 0, 2**32 - 1)))


def fill(path, seed, files=400, megabytes=16):
    """Files of two kinds, text and noise, in a few directories, and one of each that is special."""
    r = random.Random(seed)
    os.makedirs(path, exist_ok=True)
    top = os.fsencode(path)
    average = megabytes * 1_000_000 // files
    for n in range(files):
        folder = b"%s/d%d/e%d" % (top, n % 7, n % 3)
        os.makedirs(folder, exist_ok=True)
        size = int(r.expovariate(1 / average))
        with open(b"%s/f%04d" % (folder, n), "wb") as f:
            f.write(r.randbytes(size) if n % 2 else (b"seed %d file %d " % (seed, n) * (size // 12 + 1))[:size])
    specials(top, r)
    for folder, names, files_here in os.walk(top, topdown=False):
        for name in [*names, *files_here]:
            os.utime(os.path.join(folder, name), ns=(1, r.randrange(10**18)), follow_symlinks=False)
    os.utime(top, ns=(1, r.randrange(10**18)))


def specials(top, r):
    here = top + b"/special"
    os.mkdir(here)
    os.mkdir(here + b"/empty", 0o700)
    os.chmod(here + b"/empty", 0o1777)
    with open(here + b"/nothing", "wb"):
        pass
    with open(here + b"/holes", "wb") as f:
        for at in (0, 3_000_000, 7_654_321):
            f.seek(at)
            f.write(r.randbytes(5000))
        f.truncate(9_000_000)
    os.symlink(b"../d0/e0/f0000", here + b"/link")
    os.symlink(b"/nowhere/\xff at all", here + b"/dangling")
    with open(here + b"/a name\nwith \\ and \xff\x01 in it", "wb") as f:
        f.write(b"odd")
    with open(here + b"/" + b"n" * 255, "wb") as f:
        f.write(b"long")
    with open(here + b"/attributes", "wb") as f:
        f.write(r.randbytes(100))
    os.link(here + b"/attributes", here + b"/empty/twin")
    os.link(here + b"/attributes", top + b"/triplet")
    os.chown(here + b"/attributes", 4_000_000_000, 65_534)
    os.chmod(here + b"/attributes", 0o6751)
    os.setxattr(here + b"/attributes", "trusted.noise", r.randbytes(200))
    os.setxattr(here + b"/attributes", "security.capability", CAP_NET_RAW)
    os.setxattr(here + b"/nothing", "system.posix_acl_access", ACL)
    os.setxattr(here + b"/empty", "system.posix_acl_default", ACL)
    os.mkfifo(here + b"/fifo", 0o640)
    os.mknod(here + b"/device", stat.S_IFCHR | 0o600, os.makedev(7, 300))
    deep = here
    for _ in range(40):
        deep += b"/deeper"
        os.mkdir(deep)
    with open(deep + b"/bottom", "wb") as f:
        f.write(b"here")


def describe(path):
    """{name: all that a backup has to keep of it}; "" is the root itself."""
    top, out, twins = os.fsencode(path), {}, {}

    def one(full, name):
        s = os.lstat(full)
        kind = stat.S_IFMT(s.st_mode)
        row = [s.st_mode, s.st_uid, s.st_gid, s.st_mtime_ns]
        for attribute in sorted(os.listxattr(full, follow_symlinks=False)):
            row += [attribute, os.getxattr(full, attribute, follow_symlinks=False)]
        if kind == stat.S_IFLNK:
            row.append(os.readlink(full))
        elif kind in (stat.S_IFCHR, stat.S_IFBLK):
            row.append(s.st_rdev)
        elif kind == stat.S_IFREG:
            with open(full, "rb") as f:
                row += [s.st_size, hashlib.sha256(f.read()).digest(), s.st_blocks * 512 < s.st_size]
        if s.st_nlink > 1 and kind != stat.S_IFDIR:
            row.append(twins.setdefault(s.st_ino, name))
        out[name] = tuple(row)

    one(top, b"")
    for folder, names, files in os.walk(top):
        names.sort()
        for name in sorted(names + files):
            full = os.path.join(folder, name)
            one(full, full[len(top) + 1 :])
    return out


def digest(path):
    """Of a directory that is missing: nothing."""
    if not os.path.isdir(path):
        return ""
    return hashlib.sha256(repr(sorted(describe(path).items())).encode()).hexdigest()


def differences(a, b, most=4):
    """Of two describe()s, for a message."""
    names = [n for n in sorted(set(a) | set(b)) if a.get(n) != b.get(n)]
    return "; ".join(f"{n!r}: {a.get(n)} / {b.get(n)}" for n in names[:most]) + (f" … {len(names)} in all" if len(names) > most else "")
