"""The volumes' part of make bench: backups to archives and to a repository, restores and copies, beside tar, zstd, podman and
restic, on one tmpfs, in turns.

The volume: 500 MB in 5,000 files of a hundred directories, half of them text, half bytes that can't be compressed, the same in
every run. What a round has made goes outside of the clock. Memory is that of the largest process of a command (ru_maxrss).

A million files (BENCH=million) take 5 GB of memory twice and some minutes, so they are no part of the usual run; BENCH_MILLION=N
takes fewer.
"""
import os
import random
import shutil
import statistics

FILES = 5_000
BYTES = 500_000_000
DIRECTORIES = 100
CHANGED = FILES // 100
LEVEL = "-3"
MEMORY_MB = 64


class Tree:
    """Files made of a seed."""

    def __init__(self, path):
        self.path, self.random = path, random.Random(2023)
        words = ["".join(self.random.choices("etaoinshrdlucmfwyp", k=self.random.randrange(2, 11))) for _ in range(5000)]
        self.phrases = [" ".join(self.random.choices(words, k=4)) + self.random.choice(" ,.;\n") for _ in range(200_000)]
        sizes = [self.random.expovariate(1) for _ in range(FILES)]
        scale = BYTES / sum(sizes)
        self.names = []
        for n, size in enumerate(sizes):
            name = f"{path}/d{n % DIRECTORIES // 10}/e{n % 10}/file-{n:04d}.{'txt' if n % 2 else 'bin'}"
            os.makedirs(os.path.dirname(name), exist_ok=True)
            with open(name, "wb") as f:
                f.write(self.content(int(size * scale), text=n % 2))
            self.names.append(name)

    def content(self, size, text):
        if not text:
            return self.random.randbytes(size)
        return "".join(self.random.choices(self.phrases, k=size // 20 + 1)).encode()[:size]

    def change(self):
        """One file of a hundred gets some new bytes in its middle."""
        for name in self.random.sample(self.names, CHANGED):
            middle = os.path.getsize(name) // 2
            with open(name, "r+b") as f:
                f.seek(middle)
                f.write(self.random.randbytes(min(4096, os.path.getsize(name) - middle)))


def size_of(path):
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names)


def remove(*paths):
    for path in paths:
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.exists(path):
            os.unlink(path)


class Took:
    """What the runs of each command took: milliseconds, and MB of memory."""

    def __init__(self, measure):
        self.measure, self.ms, self.mb = measure, {}, {}

    def __call__(self, name, words, runner=None):
        ms, mb = self.measure(words, runner)
        self.ms.setdefault(name, []).append(ms)
        self.mb.setdefault(name, []).append(mb)

    def median(self, name):
        return statistics.median(self.ms[name])

    def spread(self, name):
        return min(self.ms[name]), max(self.ms[name])

    def memory(self, *names):
        return max(max(self.mb[n]) for n in names)


class VolumesBench:
    def __init__(self, directory, report, tare, podman, measure, quick):
        self.dir, self.report, self.tare, self.podman = f"{directory}/volumes", report, tare, podman
        self.took, self.rounds = Took(measure), 3 if quick else 7
        self.restic_env = {
            "RESTIC_PASSWORD": "bench", "RESTIC_REPOSITORY": f"{self.dir}/restic", "RESTIC_CACHE_DIR": f"{self.dir}/restic-cache"
        }
        os.mkdir(self.dir)

    def all(self):
        try:
            self.prepare()
            self.archives()
            self.repository()
            self.copies()
        finally:
            self.clean("bench", "restored")

    def clean(self, *volumes):
        for name in volumes:
            self.tare("volume", "rm", name, check=False)
            self.podman("volume", "rm", name, check=False)
        remove(self.dir)

    def prepare(self):
        self.data = self.make_volume("bench")
        self.tree = Tree(self.data)
        self.podman("volume", "create", "bench")
        podman_data = self.podman("volume", "inspect", "--format", "{{.Mountpoint}}", "bench")
        shutil.copytree(self.data, podman_data, dirs_exist_ok=True)
        self.report.note(f"volume: {size_of(self.data) / 1e6:.0f} MB in {FILES} files, tmpfs; memory: of the largest process")

    def make_volume(self, name):
        self.tare("volume", "create", name)
        return self.tare("volume", "inspect", "--format", "{{.Mountpoint}}", name)

    def row(self, what, ours, peer, against, target):
        self.report.row(what, self.took.median(ours), self.took.median(peer), against, target, min_p95=self.took.spread(ours))

    def ours(self, *words):
        return [*self.tare.argv, *words]

    def piped(self, script):
        return ["bash", "-c", f"set -o pipefail; cd {self.data} && {script}"]

    # ------------------------------------------------------------ archives

    def archives(self):
        took, out, peer = self.took, f"{self.dir}/ours", f"{self.dir}/peer"
        for n in range(self.rounds + 1):
            if n == 1:
                took.ms.clear()  # the first one has only warmed up
            for kind, script in (("tar", f"tar cf {peer}.tar ."), ("tar.zst", f"tar c . | zstd -qT0 {LEVEL} -o {peer}.tar.zst")):
                took(f"tare {kind}", self.ours("volume", "backup", "bench", f"{out}.{kind}"))
                took(kind, self.piped(script))
                self.restores(kind, f"{out}.{kind}", f"{peer}.{kind}")
                sizes = size_of(f"{out}.{kind}"), size_of(f"{peer}.{kind}")
                remove(f"{out}.{kind}", f"{peer}.{kind}")
            took("podman", self.podman.argv + ["volume", "export", "-o", f"{peer}.tar", "bench"], self.podman)
            remove(f"{peer}.tar")
        self.row("volume backup to .tar", "tare tar", "tar", "tar cf", 1.0)
        self.row("volume backup to .tar", "tare tar", "podman", "podman volume export", 0.4)
        self.row("volume backup to .tar.zst", "tare tar.zst", "tar.zst", f"tar|zstd -T0 {LEVEL}", 0.8)
        self.report.row("size of the .tar.zst", sizes[0] / 1e6, sizes[1] / 1e6, f"zstd {LEVEL}", None, "MB")
        self.row("volume restore of .tar", "restore tar", "peer restore tar", "tar x", 1.0)
        self.row("volume restore of .tar.zst", "restore tar.zst", "peer restore tar.zst", "zstd -d|tar x", None)
        self.report.row("memory of backup to an archive", took.memory("tare tar", "tare tar.zst"), None, "", MEMORY_MB, "MB")
        self.report.row("memory of restore of an archive", took.memory("restore tar", "restore tar.zst"), None, "", MEMORY_MB, "MB")

    def restores(self, kind, ours, peer):
        self.took(f"restore {kind}", self.ours("volume", "restore", "restored", ours))
        self.tare("volume", "rm", "restored")
        into = f"{self.dir}/into"
        os.mkdir(into)
        script = f"tar x -C {into} -f {peer}" if kind == "tar" else f"zstd -qdc {peer} | tar x -C {into}"
        self.took(f"peer restore {kind}", self.piped(script))
        remove(into)

    # ------------------------------------------------------------ the repository

    def repository(self):
        took, ours, into = self.took, f"{self.dir}/repository", f"{self.dir}/into"
        restic = ["env", *(f"{k}={v}" for k, v in self.restic_env.items()), "restic", "-q"]
        sizes = []
        for _ in range(max(3, self.rounds // 2)):
            remove(ours, f"{self.dir}/restic", f"{self.dir}/restic-cache")
            self.took("init", [*restic, "init"])
            for turn in ("first", "second"):
                took(f"tare {turn}", self.ours("volume", "backup", "bench", "--to", ours))
                took(f"restic {turn}", [*restic, "backup", self.data])
                sizes.append((size_of(ours), size_of(f"{self.dir}/restic")))
                self.tree.change()
            took("tare repository", self.ours("volume", "restore", "bench", ours, "--into", "restored"))
            self.tare("volume", "rm", "restored")
            took("restic repository", [*restic, "restore", "latest", "--target", into])
            remove(into)
            took("verify", self.ours("volume", "verify", ours))
            took("restic verify", [*restic, "check", "--read-data"])
        self.row("first backup to a repository", "tare first", "restic first", "restic backup", 0.7)
        self.row("second, 1 % of the files changed", "tare second", "restic second", "restic backup", 0.3)
        self.report.row("size of the repository", sizes[-1][0] / 1e6, sizes[-1][1] / 1e6, "restic", 1.05, "MB")
        self.row("restore from the repository", "tare repository", "restic repository", "restic restore", 0.5)
        self.row("verify", "verify", "restic verify", "restic check --read-data", None)
        words = ("tare first", "tare second", "tare repository", "verify")
        self.report.row("memory with a repository", took.memory(*words), None, "", MEMORY_MB, "MB")
        self.report.row("the same, against restic", took.memory(*words), took.memory("restic first"), "restic backup", None, "MB")
        remove(ours, f"{self.dir}/restic", f"{self.dir}/restic-cache")

    # ------------------------------------------------------------ copies

    def copies(self):
        took, out = self.took, f"{self.dir}/out"
        self.tare("run", "-d", "--network", "none", "--name", "copies", "busybox", "sleep", "1000")
        self.podman("run", "-d", "--network", "none", "--name", "copies", self.podman.IMAGE, "sleep", "1000")
        for n in range(self.rounds):
            for name, words, runner in (("tare", self.tare.argv, None), ("podman", self.podman.argv, self.podman)):
                took(f"{name} in", [*words, "cp", self.data, f"copies:/in{n}"], runner)
                took(f"{name} out", [*words, "cp", f"copies:/in{n}", out], runner)
                remove(out)
                (self.podman if runner else self.tare)("exec", "copies", "rm", "-r", f"/in{n}")
        self.row("cp of 500 MB into a container", "tare in", "podman in", "podman cp", None)
        self.row("cp of 500 MB out of a container", "tare out", "podman out", "podman cp", None)
        self.report.row("memory of cp", took.memory("tare in", "tare out"), None, "", MEMORY_MB, "MB")
        self.tare("rm", "-f", "copies")
        self.podman("rm", "-f", "-t", "0", "copies")

    # ------------------------------------------------------------ a million files

    def million(self):
        n = int(os.environ.get("BENCH_MILLION", "1000000"))
        try:
            self.data = self.make_volume("million")
            for d in range(0, n, 1000):
                os.mkdir(f"{self.data}/{d:07d}")
                for i in range(d, min(n, d + 1000)):
                    with open(f"{self.data}/{d:07d}/{i}", "wb") as f:
                        f.write(b"%d " % i * (i % 40))
            self.report.note(f"million: {n} files of up to 300 bytes in {(n + 999) // 1000} directories")
            self.million_archive()
            self.million_repository()
        finally:
            self.clean("million", "restored")

    def million_step(self, name, words, peer=None):
        """A row of time and one of memory; peer: (what it is, its command)."""
        self.took(name, self.ours("volume", *words))
        if peer:
            self.took(peer[0], self.piped(peer[1]))
        other = self.took.median(peer[0]) / 1000 if peer else None
        self.report.row(f"million: {name}", self.took.median(name) / 1000, other, peer[0] if peer else "", None, "s")
        self.report.row(f"million: memory of {name}", self.took.memory(name), None, "", MEMORY_MB, "MB")

    def million_archive(self):
        out, peer, into = f"{self.dir}/ours.tar", f"{self.dir}/peer.tar", f"{self.dir}/into"
        self.million_step("backup to .tar", ["backup", "million", out], ("tar cf", f"tar cf {peer} ."))
        self.million_step("verify of .tar", ["verify", out])
        os.mkdir(into)
        self.took("tar x", self.piped(f"tar x -C {into} -f {peer}"))  # by itself: both trees at once are much
        remove(into, peer)
        self.million_step("restore of .tar", ["restore", "restored", out])
        self.tare("volume", "rm", "restored")
        self.report.row("million: restore of .tar", self.took.median("restore of .tar") / 1000, self.took.median("tar x") / 1000, "tar x", None, "s")
        remove(out)
        self.million_step("backup to .tar.zst", ["backup", "million", f"{out}.zst"], ("tar|zstd -T0", f"tar c . | zstd -qT0 {LEVEL} -o {peer}"))
        remove(f"{out}.zst", peer)

    def million_repository(self):
        repository = f"{self.dir}/repository"
        self.million_step("first backup to a repository", ["backup", "million", "--to", repository])
        for i in range(0, int(os.environ.get("BENCH_MILLION", "1000000")), 100):
            with open(f"{self.data}/{i // 1000 * 1000:07d}/{i}", "wb") as f:
                f.write(b"changed %d" % i)
        self.million_step("second, 1 % changed", ["backup", "million", "--to", repository])
        self.report.row("million: size of the repository", size_of(repository) / 1e6, None, "", None, "MB")
        self.million_step("verify of the repository", ["verify", repository])
        self.million_step("restore from the repository", ["restore", "million", repository, "--into", "restored"])
