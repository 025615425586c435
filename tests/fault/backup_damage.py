#!/usr/bin/env python3
"""Backups in which a byte is flipped, or that end too early: each is found, and the file that was hit is named.

backup_damage.py DIRECTORY FLIPS TARE [KIND…]: so many flips in each kind of backup.
"""
import bisect
import os
import random
import shutil
import subprocess
import sys
import tarfile
import zlib

import trees
from backup_world import World

DIRECTORY, FLIPS, TARE, ONLY = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
TRUNCATIONS = max(4, FLIPS // 5)
DEFLATE_LAG = 16  # bytes that a decoder may hold
FILES = 90


def plain_tree(path):
    """Names that can be told from each other in a line of text."""
    r = random.Random(4)
    for n in range(FILES):
        folder = f"{path}/dir-{n % 5}"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/file-{n:03d}", "wb") as f:
            size = (n, 3000, 40_000, 250_000)[n % 4]
            f.write(r.randbytes(size) if n % 3 else (b"%d words of text, " % n * (size // 16 + 1))[:size])
    os.symlink("dir-1/file-001", f"{path}/link-000")
    with open(f"{path}/sparse-000", "wb") as f:
        f.seek(2_000_000)
        f.write(r.randbytes(50_000))


class Members:
    """Where in a tar each name lies."""

    def __init__(self, path):
        with tarfile.open(path) as t:
            rows = [(m.offset, m.name.removeprefix("./")) for m in t]
        self.starts, self.names = [r[0] for r in rows], [r[1] for r in rows]

    def between(self, first, last):
        """Names of what lies there; the manifest, the end and the root have none that must be told."""
        i, j = (bisect.bisect_right(self.starts, at) - 1 for at in (first, last))
        return {n for n in self.names[max(i, 0) : j + 1] if n not in (".", "") and not n.startswith(".tare-backup")}


# ---------------------------------------------------------------- where a byte of a compressed stream comes out


def same(path):
    return lambda at: (at, at)


def of_gzip(path):
    with open(path, "rb") as f:
        data = f.read()

    def out(upto):
        got, rest, d = 0, data[:upto], zlib.decompressobj(31)
        while rest:
            got += len(d.decompress(rest))
            if not d.eof:
                break
            rest, d = d.unused_data, zlib.decompressobj(31)
        return got

    return lambda at: (max(0, out(max(0, at - DEFLATE_LAG)) - 1), out(at + DEFLATE_LAG))


def frames_of(data):
    """[(start, end)] of the frames of a zstd stream, by RFC 8878."""
    at, rows = 0, []
    while at < len(data):
        start, magic = at, int.from_bytes(data[at : at + 4], "little")
        if magic & 0xFFFFFFF0 == 0x184D2A50:
            at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        else:
            descriptor = data[at + 4]
            single, checksum = descriptor >> 5 & 1, descriptor >> 2 & 1
            at += 5 + (not single) + (0, 1, 2, 4)[descriptor & 3] + (single, 2, 4, 8)[descriptor >> 6]
            last = False
            while not last:
                head = int.from_bytes(data[at : at + 3], "little")
                last, kind, size = head & 1, head >> 1 & 3, head >> 3
                at += 3 + (1 if kind == 1 else size)
            at += 4 * checksum
        rows.append((start, at))
    return rows


def of_zstd(path):
    with open(path, "rb") as f:
        data = f.read()
    frames, total, comes_out = frames_of(data), 0, []
    for start, end in frames:
        n = len(subprocess.run(["zstd", "-qdc"], input=data[start:end], capture_output=True, check=True).stdout)
        comes_out.append((total, total + max(n - 1, 0)))
        total += n
    return lambda at: comes_out[bisect.bisect_right([f[0] for f in frames], at) - 1]


WHERE = {"tar": same, "tar.gz": of_gzip, "tar.zst": of_zstd}


# ---------------------------------------------------------------- the damages


class Damage(World):
    def __init__(self):
        super().__init__(DIRECTORY, TARE)
        self.must("volume", "create", "live")
        plain_tree(self.data("live"))
        self.names = [os.path.relpath(os.path.join(f, n), self.data("live")) for f, _, names in os.walk(self.data("live")) for n in names]
        self.names += [f"dir-{n}" for n in range(5)]
        self.digest = trees.digest(self.data("live"))

    def verify(self, what, *words):
        """What is said about it; None, and a problem, when nothing is found."""
        done = self.tare("volume", "verify", *words)
        text = (done.stdout + done.stderr).decode(errors="replace")
        if done.returncode == 0 or done.returncode > 128 or done.returncode < 0 or not text.strip():
            return self.problem(f"{what} is not found: {done.returncode} {text[-200:]}")
        return text

    def named(self, text):
        return {n for n in self.names if n in text}

    # ------------------------------------------------------------ archives

    def archive(self, kind):
        good, bad = f"{self.dir}/good.{kind}", f"{self.dir}/bad.{kind}"
        self.must("volume", "backup", "live", f"{self.dir}/good.tar")
        members = Members(f"{self.dir}/good.tar")
        self.must("volume", "backup", "live", good)
        self.expect("undamaged", "volume", "verify", good)
        size, where = os.path.getsize(good), WHERE[kind](good)
        for n in range(FLIPS):
            # Some near the ends, where headers and the manifest are.
            at = random.randrange(size) if n % 5 else random.choice((random.randrange(40), size - 1 - random.randrange(3000)))
            shutil.copyfile(good, bad)
            bit = self.flip(bad, at)
            what = f"{kind}: bit {bit} flipped in byte {at} of {size}"
            text = self.verify(what, bad)
            hit = members.between(*where(at))
            if text and hit and not hit & self.named(text):
                self.problem(f"{what}: the file is {' or '.join(sorted(hit)[:4])}, but: {text.strip()[:300]}")
            self.count(f"flips in {kind}")
        for _ in range(TRUNCATIONS):
            shutil.copyfile(good, bad)
            at = random.choice((0, 1, size - 1, random.randrange(size), random.randrange(size) // 512 * 512))
            os.truncate(bad, at)
            self.verify(f"{kind}: the end at {at} of {size}", bad)
            self.refuses_restore(f"{kind}: the end at {at} of {size}", bad)
            self.count("truncations")
        os.unlink(bad)

    def refuses_restore(self, what, *source):
        if self.tare("volume", "restore", "live", *source, "--into", "never").returncode == 0:
            self.problem(f"{what}: it is restored")
            self.tare("volume", "rm", "never")

    @staticmethod
    def flip(path, at):
        bit = random.randrange(8)
        with open(path, "r+b") as f:
            f.seek(at)
            byte = f.read(1)[0]
            f.seek(at)
            f.write(bytes([byte ^ 1 << bit]))
        return bit

    # ------------------------------------------------------------ repositories

    def repository(self, kind):
        option = ["--key-file", f"{self.dir}/key"] if kind == "encrypted" else []
        good, bad = f"{self.dir}/good-{kind}", f"{self.dir}/bad-{kind}"
        self.must("volume", "backup", *option, "live", "--to", good)
        self.expect("undamaged", "volume", "verify", *option, good)
        self.expect("undamaged", "volume", "restore", *option, "live", good, "--path", "dir-1/file-001", "--into", "some")
        self.tare("volume", "rm", "some")
        files = [os.path.relpath(os.path.join(f, n), good) for f, _, names in os.walk(good) for n in names]
        sizes = {f: os.path.getsize(f"{good}/{f}") for f in files if os.path.getsize(f"{good}/{f}")}
        for n in range(FLIPS):
            name = random.choices(list(sizes), weights=sizes.values() if n % 3 else None)[0]
            at = random.randrange(sizes[name])
            bit = self.damaged(good, bad, lambda: self.flip(f"{bad}/{name}", at))
            what = f"{kind} repository: bit {bit} flipped in byte {at} of {sizes[name]} of {name}"
            text = self.verify(what, *option, bad)
            if text and name.startswith("packs/"):
                self.names_right(what, option, bad, text)
            self.count(f"flips in {kind} repositories")
        for n in range(TRUNCATIONS):
            name = random.choice(list(sizes))
            at = random.randrange(sizes[name])
            path = f"{bad}/{name}"
            self.damaged(good, bad, lambda: os.unlink(path) if n % 4 == 0 else os.truncate(path, at))
            what = f"{kind} repository: {name} {'removed' if n % 4 == 0 else f'ends at {at} of {sizes[name]}'}"
            if name.startswith("snapshots/") and n % 4 == 0:
                continue  # that is what forget does
            self.verify(what, *option, bad)
            self.count("truncations")
        shutil.rmtree(bad)

    @staticmethod
    def damaged(good, bad, damage):
        shutil.rmtree(bad, ignore_errors=True)
        shutil.copytree(good, bad)
        return damage()

    def names_right(self, what, option, bad, text):
        """A file that is named can't be had any more, one that is not can; all of them when the list itself was hit."""
        named = self.named(text)
        files = [n for n in self.names if "file-" in n]
        lost, kept = [n for n in files if n in named], [n for n in files if n not in named]

        def comes(name):
            done = self.tare("volume", "restore", *option, "live", bad, "--path", name, "--into", "some").returncode == 0
            self.tare("volume", "rm", "some")
            return done

        if lost and comes(lost[0]):
            self.problem(f"{what}: {lost[0]} is named, but can be had: {text.strip()[:300]}")
        if lost and kept and not comes(one := random.choice(kept)):
            self.problem(f"{what}: {one} can't be had, but is not named: {text.strip()[:300]}")
        if not lost and comes(random.choice(files)) and not all(map(comes, files)):
            self.problem(f"{what}: none of the files that can't be had is named: {text.strip()[:300]}")


world = Damage()
for kind in ONLY or [*WHERE, "plain", "encrypted"]:
    world.archive(kind) if kind in WHERE else world.repository(kind)
world.end()
