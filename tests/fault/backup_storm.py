#!/usr/bin/env python3
"""Writers, prune, forget, verify and restore in one repository, all at once: whoever waits gets his turn, and every backup that
was made and not forgotten is whole.

backup_storm.py DIRECTORY SECONDS TARE
"""
import random
import shutil
import sys
import threading
import time

import trees
from backup_world import World

DIRECTORY, SECONDS, TARE = sys.argv[1], float(sys.argv[2]), sys.argv[3]
KEEP = 12


class Storm(World):
    def __init__(self, option):
        super().__init__(f"{DIRECTORY}/{'encrypted' if option else 'plain'}", TARE)
        self.option, self.repository = option, f"{self.dir}/repository"
        self.lock, self.known, self.end_at = threading.Lock(), {}, 0
        for seed, name in enumerate(("one", "two")):
            self.volume(name, seed, files=100, megabytes=5)
        # What two volumes have in common is stored by whoever comes first.
        shutil.copytree(f"{self.data('one')}/d1", f"{self.data('two')}/common")

    def goes_on(self):
        return time.monotonic() < self.end_at and len(self.problems) < 10

    def write(self, volume):
        while self.goes_on():
            with open(f"{self.data(volume)}/grows", "ab") as f:
                f.write(random.randbytes(400_000))
            digest = trees.digest(self.data(volume))
            before = set(self.ids(volume))
            if self.expect("a backup", "volume", "backup", *self.option, volume, "--to", self.repository):
                new = set(self.ids(volume)) - before
                if len(new) != 1:
                    self.problem(f"one backup of {volume}, and {len(new)} new ones are listed")
                with self.lock:
                    self.known.update((i, (volume, digest)) for i in new)
            self.count("backups")

    def ids(self, volume):
        return self.backups(self.repository, *self.option, "--volume", volume) or []

    def again(self, volume):
        """A second writer of a volume that stands still."""
        digest = trees.digest(self.data(volume))
        while self.goes_on():
            self.expect("a backup", "volume", "backup", *self.option, volume, "--to", self.repository)
            self.count("backups")
        with self.lock:
            self.known.update((i, (volume, digest)) for i in self.ids(volume))

    def free(self):
        while self.goes_on():
            with self.lock:
                old = list(self.known)[: max(0, len(self.known) - KEEP)]
                for i in old:
                    del self.known[i]
            if old:
                self.expect("forget", "volume", "forget", *self.option, self.repository, *old)
            self.expect("prune", "volume", "prune", "--force", *self.option, self.repository)
            self.count("prunes")
            time.sleep(0.05)

    def read(self):
        while self.goes_on():
            self.expect("verify", "volume", "verify", *self.option, self.repository)
            self.count("verifies")

    def run(self):
        self.end_at = time.monotonic() + SECONDS / 2
        self.must("volume", "create", "still")
        trees.fill(self.data("still"), 9, files=20, megabytes=1)
        self.must("volume", "backup", *self.option, "one", "--to", self.repository)
        work = [(self.write, "one"), (self.write, "two"), (self.again, "still"), (self.again, "still"), (self.free,), (self.read,)]
        threads = [threading.Thread(target=f, args=args) for f, *args in work]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.expect("the last verify", "volume", "verify", *self.option, self.repository)
        listed = self.backups(self.repository, *self.option) or []
        for i, (volume, digest) in list(self.known.items())[-2 * KEEP :]:
            if i not in listed:
                self.problem(f"the backup {i} of {volume} is lost")
            else:
                self.restores_to("afterwards", digest, *self.option, volume, f"{self.repository}@{i}")
        self.expect("the last prune", "volume", "prune", "--force", *self.option, self.repository)
        self.no_drafts("afterwards", self.repository)
        self.is_clean("afterwards", ["one", "two", "still"])


worlds = [Storm([]), Storm(["--key-file", f"{DIRECTORY}/key"])]
for w in worlds:
    w.run()
worlds[0].problems += worlds[1].problems
for what, n in worlds[1].counts.items():
    worlds[0].counts[what] = worlds[0].counts.get(what, 0) + n
shutil.rmtree(DIRECTORY, ignore_errors=True)
worlds[0].end()
