#!/usr/bin/env python3
"""Backups, restores, forget and prune that are killed at any moment. After each kill the live volume is whole (after a restore:
the old files or all of the new), each older backup is whole, what stands under the name of an archive is a whole one, and what
the kill left goes with the next run.

backup_kills.py DIRECTORY SECONDS COUNT TARE [KIND…]: COUNT kills of each kind (archive repository restore forget prune; all that
belong to it by turns), but no longer than SECONDS in all (0: no limit).
"""
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time

import trees
from backup_world import World

DIRECTORY, SECONDS, COUNT, TARE, ONLY = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5:]
TIDY_EVERY = 10  # kills: then the next run must take away what they left
KEPT = 6         # backups in a repository that a round begins with
MOST = 20        # and ends with
BY_CALL = "rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,fsync,fdatasync,syncfs,linkat,ftruncate,flock"


# ---------------------------------------------------------------- killing


def session(leader):
    """Pids of what runs in that session."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", "rb") as f:
                fields = f.read().rsplit(b")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != b"Z":
            found.append(int(pid))
    return found


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Killer:
    """Runs commands that do not live long."""

    def __init__(self, world):
        self.world, self.took = world, {}

    def cut(self, name, words):
        """True: it was killed; False: it was quicker."""
        if name not in self.took:
            self.took[name] = 0.05
        short = self.took[name] < 0.3
        by_call = random.random() < (0.6 if short else 0.3)
        argv = [*self.world.argv, *words]
        if by_call:  # at one of the moments where something becomes so: those are too short to be hit by chance
            when = random.randrange(1, random.choice((4, 12, 60)))
            argv = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={BY_CALL}", "-e", f"inject={BY_CALL}:signal=SIGKILL:when={when}", *argv]
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        start = time.monotonic()
        only_child = not by_call and self.shoot(child, random.uniform(0, self.took[name] * (0.9 if short else 1.2)))
        error = child.stderr.read().decode(errors="replace")
        code = child.wait()
        self.alone(child.pid, name)
        if code == 0:
            self.took[name] = statistics.mean((self.took[name], time.monotonic() - start)) if not by_call else self.took[name]
            return False
        if code > 0 and not by_call and not only_child:
            self.world.problem(f"{name}: ends with {code} and says {error.strip()[-300:]}")
        return True

    @staticmethod
    def shoot(child, after):
        """All of them, or only one; True: it was not the first one, which can say so, then."""
        time.sleep(after)
        who, pids = random.random(), session(child.pid)
        children = [p for p in pids if p != child.pid]
        only_child = who > 0.85 and bool(children)
        kill(pids if who < 0.7 else random.sample(children, 1) if only_child else [child.pid])
        return only_child

    def alone(self, leader, name):
        end = time.monotonic() + 10
        while left := session(leader):
            if time.monotonic() > end:
                self.world.problem(f"{name}: processes go on: {left}")
                kill(left)
                end += 10
            time.sleep(0.002)


# ---------------------------------------------------------------- what is killed


class Operation:
    def __init__(self, world, killer):
        self.world, self.killer, self.kills, self.runs = world, killer, 0, 0
        self.prepare()

    name = property(lambda self: self.key)

    def prepare(self):
        pass

    def step(self):
        """One run that is cut, then all that must hold."""
        self.runs += 1
        self.before()
        killed = self.killer.cut(self.name, self.words())
        self.kills += killed
        self.after()
        if self.runs % TIDY_EVERY == 0:
            self.tidy()
        return killed

    def before(self):
        pass


class Archive(Operation):
    """A backup to a file."""

    def __init__(self, world, killer, kind):
        self.key, self.kind = f"backup to .{kind}", kind
        super().__init__(world, killer)

    def prepare(self):
        self.folder = f"{self.world.dir}/archive-{self.kind}"
        self.file = f"{self.folder}/out.{self.kind}"
        os.mkdir(self.folder)

    def words(self):
        return ["volume", "backup", "live", self.file]

    def after(self):
        w = self.world
        w.live_is(self.name, w.digest["live"])
        if os.path.exists(self.file):
            w.expect(f"{self.name}: what stands under the final name is not whole", "volume", "verify", self.file)
            if random.random() < 0.1:
                w.restores_to(self.name, w.digest["live"], "live", self.file)
            os.unlink(self.file)

    def tidy(self):
        self.world.expect(f"{self.name}: the next run", *self.words())
        self.world.no_drafts(self.name, self.folder, [os.path.basename(self.file)])
        os.unlink(self.file)


class Repository(Operation):
    """One with backups in it whose digests are known; each round begins with a copy of it."""

    def __init__(self, world, killer, key, sealed):
        self.key = key + (", encrypted" if sealed else "")
        self.option = ["--key-file", f"{world.dir}/key"] if sealed else []
        super().__init__(world, killer)

    def prepare(self):
        self.dir = f"{self.world.dir}/{self.key.replace(' ', '-').replace(',', '')}"
        self.pristine, self.all_known = self.world.repository(self.option)
        self.renew()

    def renew(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        subprocess.run(["cp", "-a", self.pristine, self.dir], check=True)
        self.known = dict(self.all_known)

    def whole(self, must):
        """All of `must` are listed, all that is listed is whole, and of one of them all files come back."""
        w = self.world
        ids = w.backups(self.dir, *self.option)
        if ids is None:
            return []
        for missing in set(must) - set(ids):
            w.problem(f"{self.name}: the backup {missing} is lost")
        w.expect(self.name, "volume", "verify", *self.option, self.dir)
        sure = [i for i in ids if i in self.known]
        if sure:
            one = random.choice(sure)
            w.restores_to(self.name, self.known[one], *self.option, "live", f"{self.dir}@{one}")
        return ids

    def tidy(self):
        self.world.expect(f"{self.name}: the next prune", "volume", "prune", "--force", *self.option, self.dir)
        self.world.no_drafts(self.name, self.dir)
        self.whole(self.must())
        self.renew()

    def must(self):
        return self.known


class Backup(Repository):
    """A backup to a repository."""

    def before(self):
        w = self.world
        with open(f"{w.data('live')}/d1/grows", "ab") as f:
            f.write(random.randbytes(random.choice((10, 300_000))))
        w.digest["live"] = trees.digest(w.data("live"))

    def words(self):
        return ["volume", "backup", *self.option, "live", "--to", self.dir]

    def after(self):
        w = self.world
        w.live_is(self.name, w.digest["live"])
        for new in set(self.whole(self.known)) - set(self.known):
            w.restores_to(f"{self.name}: a backup that was cut is listed", w.digest["live"], *self.option, "live", f"{self.dir}@{new}")
            self.known[new] = w.digest["live"]
        if len(self.known) > MOST:
            self.renew()


class Forget(Repository):
    """Backups are forgotten, and, with prune, what only they needed is freed."""

    def __init__(self, world, killer, prune, sealed):
        self.prune = prune
        super().__init__(world, killer, "forget --prune" if prune else "forget", sealed)

    def before(self):
        self.renew()
        ids = list(self.known)
        self.gone = ids[:-2] if self.prune else random.sample(ids, random.randrange(1, 3))

    def words(self):
        rest = ["--keep-last", "2", "--prune"] if self.prune else self.gone
        return ["volume", "forget", *self.option, self.dir, *rest]

    def must(self):
        return [i for i in self.known if i not in self.gone]

    def after(self):
        self.whole(self.must())


class Prune(Repository):
    """What forgotten backups needed is freed."""

    def prepare(self):
        super().prepare()
        mine = f"{self.dir}-pristine"
        shutil.copytree(self.pristine, mine, symlinks=True)
        gone = list(self.all_known)[1:-1:2] + list(self.all_known)[:1]
        self.world.must("volume", "forget", *self.option, mine, *gone)
        self.all_known = {i: d for i, d in self.all_known.items() if i not in gone}
        self.pristine = mine
        self.renew()

    def before(self):
        self.renew()

    def words(self):
        return ["volume", "prune", "--force", *self.option, self.dir]

    def after(self):
        self.whole(self.known)


class Restore(Operation):
    """In place, of one of two trees by turns: from an archive, or from a repository."""

    def __init__(self, world, killer, kind):
        self.key, self.kind = f"restore of {kind}", kind
        super().__init__(world, killer)

    def prepare(self):
        w = self.world
        self.option = ["--key-file", f"{w.dir}/key"] if "encrypted" in self.kind else []
        self.sources = {}
        for name in ("left", "right"):
            if "repository" in self.kind:
                repository = f"{w.dir}/restored-{self.kind.replace(' ', '-')}"
                w.must("volume", "backup", *self.option, name, "--to", repository)
                self.sources[name] = f"{repository}@{w.newest(repository, *self.option)}"
            else:
                self.sources[name] = f"{w.dir}/{name}.{self.kind}"
                w.must("volume", "backup", name, self.sources[name])
        self.turn("left")
        w.must(*self.words())

    def turn(self, name):
        self.source, self.target = self.sources[name], self.world.digest[name]

    def before(self):
        self.old = trees.digest(self.world.data("target"))
        self.turn("right" if self.old == self.world.digest["left"] else "left")

    def words(self):
        # The options first: "left" and "right" are both known to the repository by their own names.
        return ["volume", "restore", *self.option, "target", self.source]

    def after(self):
        now = trees.digest(self.world.data("target"))
        if now not in (self.old, self.target):
            self.world.problem(f"{self.name}: the volume has neither its old files nor the new ones")
            self.world.must(*self.words())
        if self.runs % 4 == 0:
            self.world.clean(self.name)

    def tidy(self):
        self.world.clean(self.name)


class Into(Operation):
    """A restore into a volume that is not there: it is not there, or whole."""

    key = "restore into a new volume"

    def prepare(self):
        self.file = f"{self.world.dir}/left.tar"
        self.world.must("volume", "backup", "left", self.file)

    def words(self):
        return ["volume", "restore", "left", self.file, "--into", "fresh"]

    def after(self):
        w = self.world
        there = w.tare("volume", "inspect", "fresh").returncode == 0
        if there and trees.digest(w.data("fresh")) != w.digest["left"]:
            w.problem(f"{self.name}: the new volume is not whole")
        if there:
            w.expect(self.name, "volume", "rm", "fresh")
        if self.runs % 4 == 0:
            w.clean(self.name)

    def tidy(self):
        self.world.clean(self.name)


# ---------------------------------------------------------------- all of it


class Kills(World):
    VOLUMES = ("live", "left", "right", "target")

    def __init__(self):
        super().__init__(DIRECTORY, TARE)
        self.digest, self.made = {}, {}
        for seed, name in enumerate(self.VOLUMES):
            self.volume(name, seed)
            self.digest[name] = trees.digest(self.data(name))

    def live_is(self, what, digest):
        if trees.digest(self.data("live")) != digest:
            self.problem(f"{what}: the live volume was changed")
            self.digest["live"] = trees.digest(self.data("live"))

    def clean(self, what):
        self.is_clean(what, self.VOLUMES)

    def repository(self, option):
        """(a directory, {id: digest}): made once, plain and encrypted."""
        if not (made := self.made.get(bool(option))):
            directory, known = f"{self.dir}/pristine-{len(self.made)}", {}
            for n in range(KEPT):
                with open(f"{self.data('live')}/d2/new-{n}", "wb") as f:
                    f.write(random.randbytes(1_500_000))
                self.must("volume", "backup", *option, "live", "--to", directory)
                known[self.newest(directory, *option)] = trees.digest(self.data("live"))
            self.digest["live"] = trees.digest(self.data("live"))
            made = self.made[bool(option)] = directory, known
        return made


KINDS = {
    "archive": lambda w, k: [Archive(w, k, s) for s in ("tar", "tar.gz", "tar.zst")],
    "repository": lambda w, k: [Backup(w, k, "backup to a repository", s) for s in (False, True)],
    "restore": lambda w, k: [Restore(w, k, s) for s in ("tar", "tar.zst", "a repository", "an encrypted repository")] + [Into(w, k)],
    "forget": lambda w, k: [Forget(w, k, p, s) for p in (False, True) for s in (False, True)],
    "prune": lambda w, k: [Prune(w, k, "prune", s) for s in (False, True)],
}


def main():
    world, end = Kills(), time.monotonic() + (SECONDS or 10**9)
    killer = Killer(world)
    kinds = [KINDS[name](world, killer) for name in ONLY or KINDS]
    operations = [o for kind in kinds for o in kind]
    while time.monotonic() < end and len(world.problems) < 30:
        short = [kind for kind in kinds if sum(o.kills for o in kind) < COUNT]
        if not short:
            break
        for kind in short:
            min(kind, key=lambda o: (o.kills, o.runs)).step()
    for o in operations:
        o.tidy()
        world.counts[f"kills of {o.name}"] = o.kills
        world.counts["runs that were quicker"] = world.counts.get("runs that were quicker", 0) + o.runs - o.kills
    world.clean("at the end")
    if not all(o.kills for o in operations):
        world.problem(f"not killed: {', '.join(o.name for o in operations if not o.kills)}")
    world.end()


main()
