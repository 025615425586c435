#!/usr/bin/env python3
"""Backups and restores where there is no room, or that may not be written to, and of what is not there or very deep: one clear
line, exit code 125, and nothing is lost or left.

backup_limits.py DIRECTORY TARE, in a mount namespace of its own.
"""
import os
import subprocess
import sys

import trees
from backup_world import World

DIRECTORY, TARE = sys.argv[1:3]
MIB = 1 << 20
DEPTH = 4096


def mount(path, size):
    os.makedirs(path, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "room", path], check=True)


def room(path, free):
    """So many bytes are free from now on."""
    s = os.statvfs(path)
    used = (s.f_blocks - s.f_bfree) * s.f_frsize
    subprocess.run(["mount", "-o", f"remount,size={max(4096, used + free)}", path], check=True)


def umount(path):
    subprocess.run(["umount", path], check=True)


class Limits(World):
    def __init__(self):
        mount(DIRECTORY, 400 * MIB)  # the volumes' file system
        super().__init__(DIRECTORY, TARE)
        self.target = f"{DIRECTORY}.target"
        self.live = self.volume("live", 1)
        self.key = ["--key-file", f"{DIRECTORY}/key"]

    def run(self):
        self.full_archive()
        for option in ([], self.key):
            self.full_repository(option)
        self.full_volumes()
        self.read_only()
        self.missing()
        self.deep()

    def unchanged(self, what, digest):
        if trees.digest(self.live) != digest:
            self.problem(f"{what}: the live volume was changed")

    # ------------------------------------------------------------ no room

    def full_archive(self):
        digest = trees.digest(self.live)
        for kind in ("tar", "tar.gz", "tar.zst"):
            whole = f"{DIRECTORY}/whole.{kind}"
            self.must("volume", "backup", "live", whole)
            most = os.path.getsize(whole)
            os.unlink(whole)
            for size in (4096, 100_000, most // 3, most // 2, most - 20_000):
                what = f"{kind} where {size} bytes are free"
                mount(self.target, size)
                self.refused(what, "volume", "backup", "live", f"{self.target}/out.{kind}")
                self.no_drafts(what, self.target, [])
                umount(self.target)
                self.count("backups to a full disk")
            self.unchanged(kind, digest)

    def full_repository(self, option):
        """One backup is there; the next finds less and less room."""
        digest, repository = trees.digest(self.live), f"{self.target}/repository"
        mount(self.target, 200 * MIB)
        self.must("volume", "backup", *option, "live", "--to", repository)
        first = self.newest(repository, *option)
        trees.fill(f"{self.live}/more-{len(option)}", 30 + len(option), files=50, megabytes=30)  # half of it can't be compressed
        for free in (0, 4096, 100_000, MIB, 4 * MIB):
            what = f"repository{' (encrypted)' if option else ''} where {free} bytes are free"
            room(self.target, free)
            self.refused(what, "volume", "backup", *option, "live", "--to", repository)
            self.no_drafts(what, self.target)
            self.expect(what, "volume", "verify", *option, repository)
            self.count("backups to a full disk")
            # Of what that left (whole packs that no backup needs) prune makes room again.
            room(self.target, MIB)
            self.expect(what, "volume", "prune", "--force", *option, repository)
            self.restores_to(what, digest, *option, "live", f"{repository}@{first}")
        room(self.target, 100 * MIB)
        self.expect("room again", "volume", "backup", *option, "live", "--to", repository)
        self.restores_to("room again", trees.digest(self.live), *option, "live", repository)
        room(self.target, 0)
        self.expect("forget on a full disk", "volume", "forget", *option, repository, first)
        if self.tare("volume", "prune", "--force", *option, repository).returncode:
            self.refused("prune on a full disk", "volume", "prune", "--force", *option, repository)
        self.expect("after forget and prune on a full disk", "volume", "verify", *option, repository)
        self.restores_to("after forget and prune on a full disk", trees.digest(self.live), *option, "live", repository)
        umount(self.target)

    def full_volumes(self):
        """The volumes' own file system is full: the old files stay."""
        mount(self.target, 200 * MIB)
        archive, repository = f"{self.target}/out.tar.zst", f"{self.target}/repository"
        self.must("volume", "backup", "live", archive)
        self.must("volume", "backup", "live", "--to", repository)
        with open(f"{self.live}/newer", "w") as f:
            f.write("than the backup")
        digest = trees.digest(self.live)
        for source in (archive, repository):
            for free in (0, 100_000, MIB, 10 * MIB):
                what = f"restore of {os.path.basename(source)} where {free} bytes are free"
                room(DIRECTORY, free)
                self.refused(what, "volume", "restore", "live", source)
                self.refused(what, "volume", "restore", "live", source, "--into", "new")
                room(DIRECTORY, 100 * MIB)
                self.unchanged(what, digest)
                if self.tare("volume", "inspect", "new").returncode == 0:
                    self.problem(f"{what}: the new volume is there")
                self.is_clean(what, ["live"])
                self.count("restores to a full disk")
        if self.counts.get("repaired"):
            self.problem("restores that found no room have left something behind")
        umount(self.target)

    # ------------------------------------------------------------ read only

    def read_only(self):
        mount(self.target, 200 * MIB)
        repository = f"{self.target}/repository"
        for n in range(3):
            with open(f"{self.live}/new", "wb") as f:
                f.write(os.urandom(2_000_000))
            self.must("volume", "backup", "live", "--to", repository)
        first, second, last = self.backups(repository)  # the second has a pack to itself
        digest = trees.digest(self.live)
        self.must("volume", "forget", repository, second)  # now prune has something to do
        subprocess.run(["mount", "-o", "remount,ro", self.target], check=True)
        for words in (
            ["backup", "live", f"{self.target}/out.tar"],
            ["backup", "live", "--to", repository],
            ["backup", "live", "--to", f"{self.target}/new"],
            ["forget", repository, first],
            ["prune", "--force", repository],
        ):
            line = self.refused("read only", "volume", *words)
            if "ead-only" not in line:
                self.problem(f"read only: `{' '.join(words)}` does not say so: {line}")
        self.expect("read only", "volume", "verify", repository)
        self.restores_to("read only", digest, "live", f"{repository}@{last}")
        umount(self.target)
        self.count("read-only targets")

    # ------------------------------------------------------------ others

    def missing(self):
        mount(self.target, 10 * MIB)
        here = self.target
        os.mkdir(f"{here}/empty")
        with open(f"{here}/text.tar", "w") as f:
            f.write("this is no archive " * 100)
        for words in (
            ["backup", "nothing", f"{here}/out.tar"], ["backup", "nothing", "--to", f"{here}/r"], ["backup", "live", f"{here}/no/out.tar"],
            ["restore", "live", f"{here}/no.tar"], ["restore", "live", f"{here}/empty"], ["restore", "live", f"{here}/text.tar"],
            ["verify", f"{here}/no.tar"], ["verify", f"{here}/empty"], ["backups", f"{here}/empty"], ["prune", "--force", f"{here}/empty"],
            ["forget", f"{here}/empty", "abcd"],
        ):
            self.refused("what is not there", "volume", *words, codes=(1, 125))
        self.no_drafts("what is not there", here, ["empty", "text.tar"])
        umount(here)
        self.count("of what is not there")

    def deep(self):
        """Deeper than a path can say."""
        self.must("volume", "create", "deep")
        fd = os.open(self.data("deep"), os.O_RDONLY)
        for _ in range(DEPTH):
            os.mkdir("d", dir_fd=fd)
            below = os.open("d", os.O_RDONLY, dir_fd=fd)
            os.close(fd)
            fd = below
        os.close(fd)
        mount(self.target, 100 * MIB)
        for source, words in ((f"{self.target}/out.tar", [f"{self.target}/out.tar"]), (f"{self.target}/r", ["--to", f"{self.target}/r"])):
            if self.tare("volume", "backup", "deep", *words).returncode:
                self.refused("a deep tree", "volume", "backup", "deep", *words)
            elif self.expect("a deep tree", "volume", "restore", "deep", source, "--into", "deeper"):
                if (depth := self.depth("deeper")) != DEPTH:
                    self.problem(f"a deep tree: {depth} of {DEPTH} directories came back")
                self.expect("a deep tree", "volume", "restore", "deep", source)
            self.tare("volume", "rm", "deeper")
        umount(self.target)
        self.expect("a deep tree", "volume", "rm", "deep")
        self.is_clean("a deep tree", ["live"])
        self.count("of a deep tree")

    def depth(self, volume):
        fd, n = os.open(self.data(volume), os.O_RDONLY), 0
        while os.listdir(fd):
            below = os.open("d", os.O_RDONLY, dir_fd=fd)
            os.close(fd)
            fd, n = below, n + 1
        os.close(fd)
        return n


limits = Limits()
limits.run()
umount(DIRECTORY)
limits.end()
