"""What the faults of backups have in common: a root of their own with volumes, the commands, and what must hold afterwards."""
import json
import os
import shutil
import subprocess
import sys

import trees


class World:
    """DIRECTORY is made; TARE is the program."""

    def __init__(self, directory, tare):
        os.makedirs(directory, exist_ok=True)
        self.dir, self.root = directory, f"{directory}/root"
        self.argv = [tare, "--root", self.root, "--state", f"{directory}/state"]
        self.problems, self.counts = [], {}

    # ------------------------------------------------------------ commands

    def tare(self, *words, timeout=120):
        return subprocess.run([*self.argv, *words], capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL)

    def must(self, *words):
        """What only prepares: without it nothing can be said."""
        done = self.tare(*words)
        if done.returncode:
            sys.exit(f"failed ({done.returncode}): tare {' '.join(words)}\n{done.stderr.decode(errors='replace')}")
        return done.stdout.decode().strip()

    def expect(self, what, *words):
        """It succeeds, or that is a problem."""
        done = self.tare(*words)
        if done.returncode:
            self.problem(f"{what}: {done.returncode} of `tare {' '.join(words)}`: {(done.stderr or done.stdout).decode(errors='replace').strip()[-400:]}")
        return done.returncode == 0

    def refused(self, what, *words, codes=(125,)):
        """It fails with one clear line, and says nothing else."""
        done = self.tare(*words)
        lines = done.stderr.decode(errors="replace").splitlines()
        if done.returncode not in codes or len(lines) != 1 or not lines[0].startswith("tare: "):
            self.problem(f"{what}: `tare {' '.join(words)}` ends with {done.returncode}, not {codes}, and says {lines}")
        return lines[0] if lines else ""

    def problem(self, text):
        print("lost:", text, file=sys.stderr, flush=True)
        self.problems.append(text)

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    # ------------------------------------------------------------ volumes

    def volume(self, name, seed, **size):
        """A new volume with a tree in it; its directory."""
        self.must("volume", "create", name)
        data = self.data(name)
        trees.fill(data, seed, **size)
        return data

    def data(self, name):
        return f"{self.root}/volumes/{name}/data"

    def restores_to(self, what, digest, *source):
        """`volume restore …` of it into a new volume gives the tree of that digest."""
        name = "probe"
        self.tare("volume", "rm", name)
        words = ["volume", "restore", *source, "--into", name]
        if self.expect(what, *words) and trees.digest(self.data(name)) != digest:
            self.problem(f"{what}: `tare {' '.join(words)}` made other files than were backed up")
        self.tare("volume", "rm", name)

    # ------------------------------------------------------------ repositories

    def backups(self, repository, *key):
        """Ids, oldest first; None when the list cannot be had."""
        done = self.tare("--json", "volume", "backups", *key, repository)
        if done.returncode:
            self.problem(f"no list of {repository}: {done.stderr.decode(errors='replace').strip()[-300:]}")
            return None
        return [row["Id"] for row in json.loads(done.stdout)]

    def newest(self, repository, *key):
        return (self.backups(repository, *key) or [""])[-1]

    # ------------------------------------------------------------ afterwards

    def is_clean(self, what, volumes):
        """The host is as it should be, or --repair makes it so; and nothing lies about in the store of volumes."""
        if self.tare("system", "check").returncode:
            self.count("repaired")
            self.tare("system", "check", "--repair")
            done = self.tare("system", "check")
            if done.returncode:
                self.problem(f"{what}: system check --repair leaves: {(done.stdout + done.stderr).decode(errors='replace').strip()[-400:]}")
        there = set(os.listdir(f"{self.root}/volumes"))
        for name in volumes:
            there |= {f"{name}/{n}" for n in os.listdir(f"{self.root}/volumes/{name}")} - {f"{name}/data", f"{name}/volume.json"}
        if there - set(volumes):
            self.problem(f"{what}: in the store of volumes is left: {' '.join(sorted(there - set(volumes)))}")

    def no_drafts(self, what, directory, wanted=None):
        """No temporary file is left; wanted: and nothing but these."""
        for folder, names, files in os.walk(directory):
            for name in names + files:
                if name.startswith(".") or (wanted is not None and name not in wanted):
                    self.problem(f"{what}: {os.path.relpath(os.path.join(folder, name), directory)} is left in {os.path.basename(directory)}")

    def end(self):
        """What was done; exits with 1 when anything was lost."""
        print(", ".join(f"{n} {what}" for what, n in sorted(self.counts.items())))
        shutil.rmtree(self.dir, ignore_errors=True)
        sys.exit(1 if self.problems else 0)
