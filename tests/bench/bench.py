"""make bench: Tare beside Debian's crun, runc and podman, measured in the same run on the same machine.

Prints a table of medians with the ratio, the target and "ok" or "MISS", and writes all of it to bench.json.
BENCH=quick takes fewer runs; BENCH="run exec" measures only those groups: run exec ps stop many monitor log init
calls tui network registry volumes defences; and million (files in a volume: minutes, 10 GB of memory) only when it is named. Everything
lives on a tmpfs; nothing is left. Competitors take turns in short blocks, so that a slow minute of the machine is slow for all.

crun 1.8 and podman refuse a hybrid cgroup layout (v1 controllers and a v2 tree beside them). On such a machine
they run in a mount namespace of their own in which the v2 tree is unmounted; that costs them nothing per run,
since spawn_time enters it before the clock starts.
"""
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from dashboard import DashboardBench
from defences import DefencesBench
from network import NetworkBench
from registry import RegistryBench
from volumes import VolumesBench

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.realpath(os.path.join(HERE, "../.."))
BUILD = os.path.realpath(os.environ.get("BUILD", os.path.join(TOP, "build")))
SPAWN = os.path.join(BUILD, "bench/spawn_time")
GROUPS = ["run", "exec", "ps", "stop", "many", "monitor", "log", "init", "calls", "tui", "network", "registry", "volumes", "defences"]
NAMED_ONLY = ["million"]
LOG_BYTES = 200_000_000
LOG_HEADER = 41  # what the log has more in every line: time, stream and tag
MANY = 50


def sh(*command, check=True, **options):
    return subprocess.run(command, check=check, capture_output=True, text=True, **options).stdout.strip()


# ---------------------------------------------------------------- the report


class Report:
    def __init__(self):
        self.rows = []
        self.notes = []

    def row(self, what, tare, other, against, target, unit="ms", min_p95=None, at_least=False):
        """target: the greatest allowed tare/other (at_least: the least), or, without other, the greatest allowed value."""
        ratio = tare / other if other else None
        value = ratio if other else tare
        ok = None if target is None else value >= target if at_least else value <= target
        self.rows.append(
            dict(what=what, tare=tare, against=against, other=other, ratio=ratio, target=target, ok=ok, unit=unit, min_p95=min_p95)
        )
        self.print_row(self.rows[-1])

    FORMAT = "{:<44} {:>10} {:>17} {:>26} {:>9} {:>9}  {}"

    def header(self):
        print(self.FORMAT.format("", "tare", "min..p95", "against", "ratio", "target", ""), flush=True)

    def print_row(self, r):
        number = lambda v: f"{v:.2f}" if v < 100 else f"{v:.0f}"
        spread = "..".join(number(v) for v in r["min_p95"]) if r["min_p95"] else ""
        against = f"{r['against']} {number(r['other'])}" if r["other"] else ""
        ratio = f"{r['ratio']:.3f}x" if r["ratio"] is not None else ""
        target = "" if r["target"] is None else (f"{r['target']}x" if r["other"] else number(r["target"]))
        verdict = {None: "", True: "ok", False: "MISS"}[r["ok"]]
        print(self.FORMAT.format(r["what"], f"{number(r['tare'])} {r['unit']}", spread, against, ratio, target, verdict), flush=True)

    def note(self, text):
        self.notes.append(text)


# ---------------------------------------------------------------- timing


class Times:
    """The runs of one command, milliseconds."""

    def __init__(self, name):
        self.name, self.wall = name, []

    median = property(lambda self: statistics.median(self.wall))

    @property
    def min_p95(self):
        ordered = sorted(self.wall)
        return ordered[0], ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


def spawn_lines(command, runs=1, pause=0, at_once=1, namespace=None, env=None):
    """What spawn_time says of each run."""
    words = [SPAWN, "-n", str(runs), "-p", str(pause), "-c", str(at_once)]
    if namespace:
        words += ["-m", namespace]
    done = subprocess.run(words + ["--"] + command, capture_output=True, text=True, env={**os.environ, **(env or {})})
    lines = [list(map(int, line.split())) for line in done.stdout.splitlines()]
    if done.returncode or any(line[3] for line in lines):
        sys.exit(f"bench: failed: {' '.join(command)}\n{done.stderr[-2000:]}")
    return lines


def spawn(*args, **options):
    return [line[0] / 1000 for line in spawn_lines(*args, **options)]


def measure(command, runner=None):
    """One run: its milliseconds, and the MB of its largest process."""
    line = spawn_lines(command, namespace=runner and runner.namespace, env=runner and runner.env)[0]
    return line[0] / 1000, line[4] / 1024


def race(runners, runs, pause, blocks=5):
    """runners: {name: Runner, argv, share}; they take turns, `blocks` times. share: of the runs (slow ones do less)."""
    result = {name: Times(name) for name in runners}
    for runner, argv, _ in runners.values():
        spawn(argv, 1, 0, namespace=runner.namespace, env=runner.env)  # warm caches
    for _ in range(blocks):
        for name, (runner, argv, share) in runners.items():
            result[name].wall += spawn(argv, max(1, int(runs * share / blocks)), pause, namespace=runner.namespace, env=runner.env)
    return result


# ---------------------------------------------------------------- those who run


class Runner:
    namespace = None
    env = None


class Tare(Runner):
    def __init__(self, directory):
        self.argv = [f"{BUILD}/tare", "--root", f"{directory}/tare-root", "--state", f"{directory}/tare-state"]

    def __call__(self, *words, **options):
        return sh(*self.argv, *words, **options)

    def clean(self):
        self("rm", "-f", "--all", check=False)


class Elsewhere(Runner):
    """A mount namespace in which a hybrid cgroup layout looks like plain v1; the host's when it isn't hybrid."""

    holder = None

    @classmethod
    def prepare(cls, report):
        if not os.path.isdir("/sys/fs/cgroup/unified"):
            return
        script = "umount /sys/fs/cgroup/unified && echo ready && exec sleep 100000"
        cls.holder = subprocess.Popen(["unshare", "-m", "sh", "-c", script], stdout=subprocess.PIPE, text=True)
        if cls.holder.stdout.readline().strip() != "ready":
            sys.exit("bench: cannot unmount the v2 tree in a namespace of its own")
        cls.namespace = f"/proc/{cls.holder.pid}/ns/mnt"
        report.note("crun, runc, podman: in a mount namespace without the v2 tree; they refuse this machine's hybrid cgroup layout")

    @classmethod
    def end(cls):
        if cls.holder:
            cls.holder.kill()
            cls.holder.wait()

    def words(self, *words):
        return (["nsenter", f"--mount={self.namespace}"] if self.namespace else []) + [*self.argv, *words]

    def __call__(self, *words, **options):
        return sh(*self.words(*words), env={**os.environ, **(self.env or {})}, **options)


class Podman(Elsewhere):
    IMAGE = "localhost/busybox:latest"

    def __init__(self, directory):
        conf = f"{directory}/containers.conf"
        # Without CAP_SYS_RESOURCE podman's default limits can't be set.
        with open(conf, "w") as f:
            f.write('[containers]\ndefault_ulimits=["nofile=1024:1024","nproc=4096:4096"]\n[engine]\ncgroup_manager="cgroupfs"\nevents_logger="file"\n[network]\nnetwork_backend="netavark"\n')
        self.env = {"CONTAINERS_CONF": conf, "TMPDIR": directory}
        self.argv = ["podman", "--root", f"{directory}/podman-root", "--runroot", f"{directory}/podman-run", "--storage-driver", "overlay", "--network-config-dir", f"{directory}/podman-networks"]
        self("load", "-q", "-i", f"{BUILD}/images/busybox.tar")
        names = self("images", "--format", "{{.ID}}").splitlines()
        self("tag", names[0], self.IMAGE)

    def clean(self):
        self("rm", "-f", "-a", "-t", "0", check=False)


class Bundle(Elsewhere):
    """An OCI bundle with what Docker gives a container, for crun and runc."""

    CAPS = (
        "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE"
    ).split()

    def __init__(self, argv, directory, seccomp):
        self.argv = argv
        self.path = tempfile.mkdtemp(dir=directory)
        os.makedirs(f"{self.path}/rootfs/bin")
        shutil.copy("/bin/busybox", f"{self.path}/rootfs/bin/busybox")
        os.symlink("busybox", f"{self.path}/rootfs/bin/true")
        sh("crun", "spec", cwd=self.path)
        with open(f"{self.path}/config.json") as f:
            config = json.load(f)
        process = config["process"]
        process["terminal"] = False
        process["args"] = ["/bin/true"]
        process["rlimits"] = []
        if seccomp:
            caps = ["CAP_" + c for c in self.CAPS]
            process["capabilities"] = {k: caps for k in ("bounding", "effective", "permitted")}
            config["linux"]["seccomp"] = self.oci_seccomp(caps)
        with open(f"{self.path}/config.json", "w") as f:
            json.dump(config, f)

    @staticmethod
    def oci_seccomp(caps):
        with open(os.path.join(TOP, "engine/profiles/seccomp.json")) as f:
            docker = json.load(f)

        def holds(rule):
            want, refuse = rule.get("includes") or {}, rule.get("excludes") or {}
            if want.get("arches") and not {"amd64", "x86", "x32"} & set(want["arches"]):
                return False
            if want.get("caps") and not set(want["caps"]) <= set(caps):
                return False
            if set(refuse.get("caps") or []) & set(caps) or {"amd64"} & set(refuse.get("arches") or []):
                return False
            return True

        keys = ("names", "action", "errnoRet", "args")
        rules = [{k: r[k] for k in keys if r.get(k) is not None} for r in docker["syscalls"] if holds(r)]
        return {
            "defaultAction": docker["defaultAction"],
            "defaultErrnoRet": docker.get("defaultErrnoRet", 1),
            "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
            "syscalls": rules,
        }

    def run(self):
        return [*self.argv, "run", "--bundle", self.path, "bench{}".replace("{}", str(os.getpid()))]


# ---------------------------------------------------------------- the groups


class Bench:
    def __init__(self, directory, report, quick):
        self.dir, self.report, self.quick = directory, report, quick
        self.tare = Tare(directory)
        self.podman = Podman(directory)
        self.tare("run", "--network", "none", "--rm", "busybox", "true")  # the embedded image is unpacked on first use

    def runs(self, n):
        return max(5, n // 5) if self.quick else n

    def run(self):
        podman, tare = self.podman, self.tare
        docker_like = Bundle(["crun"], self.dir, True)
        bare = Bundle(["crun", "--cgroup-manager=disabled"], self.dir, False)
        runc = Bundle(["runc"], self.dir, True)
        runners = {
            "tare": (tare, tare.argv + ["run", "--rm", "--network", "none", "busybox", "true"], 1),
            "crun": (docker_like, docker_like.run(), 1),
            "bare crun": (bare, bare.run(), 1),
            "runc": (runc, runc.run(), 0.5),
            "podman": (podman, podman.argv + ["run", "--rm", "--network", "none", podman.IMAGE, "true"], 0.3),
        }
        targets = {"crun": 0.3, "bare crun": 1.0, "runc": None, "podman": 0.045}
        for pause, word in ((0, "back to back"), (300, "0.3 s pauses")):
            times = race(runners, self.runs(100 if not pause else 50), pause)
            for name, target in targets.items():
                t = times["tare"]
                self.report.row(f"run --rm busybox true, {word}", t.median, times[name].median, name, target, min_p95=t.min_p95)

    def exec(self):
        podman, tare = self.podman, self.tare
        tare("run", "--network", "none", "-d", "--name", "box", "--init", "busybox", "sleep", "1000")
        podman("run", "-d", "--name", "box", "--network", "none", podman.IMAGE, "sleep", "1000")
        runners = {
            "tare": (tare, tare.argv + ["exec", "box", "true"], 1),
            "podman": (podman, podman.argv + ["exec", "box", "true"], 0.3),
        }
        for pause, word in ((0, "back to back"), (300, "0.3 s pauses")):
            times = race(runners, self.runs(60 if not pause else 30), pause)
            self.report.row(f"exec box true, {word}", times["tare"].median, times["podman"].median, "podman", 0.04, min_p95=times["tare"].min_p95)

    def fill(self):
        """MANY running containers of each, started at the same time; the wall time of that."""
        podman, tare = self.podman, self.tare
        t = spawn(tare.argv + ["run", "--network", "none", "-d", "busybox", "sleep", "1000"], at_once=MANY)[0]
        p = spawn(
            podman.argv + ["run", "-d", "--network", "none", podman.IMAGE, "sleep", "1000"],
            at_once=MANY, namespace=podman.namespace, env=podman.env,
        )[0]
        return t, p

    def many(self):
        t, p = self.fill()
        self.report.row(f"{MANY} containers at once", t, p, "podman", 0.08)

    def ps(self):
        self.fill()
        podman, tare = self.podman, self.tare
        runners = {"tare": (tare, tare.argv + ["ps"], 1), "podman": (podman, podman.argv + ["ps"], 0.3)}
        for pause, word in ((0, "back to back"), (300, "0.3 s pauses")):
            times = race(runners, self.runs(60 if not pause else 20), pause)
            self.report.row(f"ps with {MANY} running, {word}", times["tare"].median, times["podman"].median, "podman", 0.1, min_p95=times["tare"].min_p95)

    def stop(self):
        podman, tare = self.podman, self.tare
        obedient = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1000 & wait $!; done"]
        times = {"tare": Times("tare"), "podman": Times("podman")}
        for i in range(self.runs(20)):
            tare("run", "--network", "none", "-d", "--name", f"s{i}", "busybox", *obedient)
            podman("run", "-d", "--name", f"s{i}", "--network", "none", podman.IMAGE, *obedient)
            time.sleep(0.3)
            times["tare"].wall += spawn(tare.argv + ["stop", f"s{i}"])
            times["podman"].wall += spawn(podman.argv + ["stop", f"s{i}"], namespace=podman.namespace, env=podman.env)
        self.report.row("stop, obeys SIGTERM", times["tare"].median, times["podman"].median, "podman", 0.1, min_p95=times["tare"].min_p95)

    @staticmethod
    def processes(name):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/comm") as f:
                    if f.read().strip() == name:
                        yield pid
            except OSError:
                pass

    def memory(self, name):
        """Mean (PSS, anonymous) in KB of all processes of that name."""
        pss, anonymous = [], []
        for pid in self.processes(name):
            with open(f"/proc/{pid}/smaps_rollup") as f:
                text = f.read()
            pss.append(int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1]))
            anonymous.append(int(re.search(r"^Anonymous:\s+(\d+)", text, re.M)[1]))
        return statistics.mean(pss), statistics.mean(anonymous)

    def monitor(self):
        self.fill()
        pss, anonymous = self.memory("tare-monitor")
        conmon_pss, conmon_anonymous = self.memory("conmon")
        self.report.row(f"monitor PSS with {MANY} running", pss, None, "", 150, "KB")
        self.report.row(f"monitor anonymous with {MANY} running", anonymous, None, "", 120, "KB")
        self.report.row(f"monitor PSS with {MANY} running", pss, conmon_pss, "conmon", None, "KB")

    def cpu_seconds(self, name):
        total = 0
        for pid in self.processes(name):
            with open(f"/proc/{pid}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def log(self):
        """From the first byte to the last in the file: what the start and the end cost, measured in the same round with
        an empty file, is taken off on every side. Same producer and same tmpfs for all. A log of lines this long is 41 %
        longer than they are, so what a cat of that much takes stands beside it."""
        podman, tare = self.podman, self.tare
        lines, longer, empty = (f"{self.dir}/{name}" for name in ("lines", "longer", "empty"))

        def write_lines(path, size):
            with open(path, "w") as f:
                line, n = "%08d " + "x" * 90 + "\n", 0
                while n * 100 < size:
                    f.write("".join(line % i for i in range(n, n + 10000)))
                    n += 10000

        write_lines(lines, LOG_BYTES)
        write_lines(longer, LOG_BYTES * (100 + LOG_HEADER) // 100)
        write_lines(empty, 0)

        def cat(file):
            start = time.monotonic()
            subprocess.run(f"busybox cat {file} | cat >{self.dir}/copy", shell=True, check=True)
            took = (time.monotonic() - start) * 1000
            os.unlink(f"{self.dir}/copy")  # not in the next round's time
            return took

        def whole(runner, file, *words):
            start = time.monotonic()
            runner("run", "-d", "--name", "w", "--network", "none", "-v", f"{file}:/lines:ro", *words, "sh", "-c", "cat /lines")
            runner("wait", *(["--interval", "10ms"] if runner is podman else []), "w")
            took = (time.monotonic() - start) * 1000
            if runner is tare:
                with open(f"{self.dir}/logged", "w") as f:
                    subprocess.run([*tare.argv, "logs", "w"], stdout=f, check=True)
                if subprocess.run(["cmp", "-s", file, f"{self.dir}/logged"]).returncode:
                    sys.exit("bench: the log is not what the container wrote")
                os.unlink(f"{self.dir}/logged")
            runner("rm", "w")
            return took

        rounds = 1 if self.quick else 3
        sides = {
            "tare": lambda file: whole(tare, file, "busybox"),
            "cat through a pipe": cat,
            "cat of as much as the log": lambda file: cat(longer if file == lines else file),
            "podman": lambda file: whole(podman, file, podman.IMAGE),
        }
        took = {name: {lines: [], empty: []} for name in sides}
        for _ in range(rounds * 2 + 1):
            for name, side in sides.items():
                for file in (lines, empty):
                    took[name][file].append(side(file))
        net = {name: statistics.median(t[lines]) - statistics.median(t[empty]) for name, t in took.items()}
        for name in list(sides)[1:]:
            target = 1.1 if name == "cat through a pipe" else None
            self.report.row("200 MB of lines into the log", net["tare"], net[name], name, target)
        os.unlink(longer)
        os.unlink(empty)

        stays = ["sh", "-c", "cat /lines; echo end >/done; sleep 1000"]
        tare("run", "--network", "none", "-d", "--name", "w", "-v", f"{lines}:/lines:ro", "busybox", *stays)
        podman("run", "-d", "--name", "w", "--network", "none", "-v", f"{lines}:/lines:ro", podman.IMAGE, *stays)
        for runner in (tare, podman):
            while not runner("exec", "w", "sh", "-c", "test -e /done && echo yes", check=False):
                time.sleep(0.2)
        time.sleep(0.5)
        self.report.row("CPU of the monitor for 200 MB", self.cpu_seconds("tare-monitor"), self.cpu_seconds("conmon"), "conmon", 0.5, "s")
        t, p = [], []
        for _ in range(rounds):
            t += spawn(tare.argv + ["logs", "w"])
            p += spawn(podman.argv + ["logs", "w"], namespace=podman.namespace, env=podman.env)
        self.report.row("logs of 200 MB", statistics.median(t), statistics.median(p), "podman", 0.05)
        os.unlink(lines)

    def init(self):
        # Started without its instructions it ends at once: what is left is the second exec and its start-up.
        floor = statistics.median(int(l.split()[0]) / 1000 for l in sh(SPAWN, "-n", "300", "-0").splitlines())
        words = [SPAWN, "-n", "300", "--", f"{BUILD}/tare-init"]
        done = subprocess.run(words, capture_output=True, text=True)
        whole = statistics.median(int(l.split()[0]) / 1000 for l in done.stdout.splitlines())
        self.report.row("second exec, by tare-init", whole - floor, None, "", 0.6)

    def calls(self):
        out = f"{self.dir}/calls"
        sh("strace", "-f", "-c", "-o", out, *self.tare.argv, "run", "--rm", "--network", "none", "busybox", "true")
        counts = {}
        with open(out) as f:
            for fields in (line.split() for line in f):
                if len(fields) >= 5 and fields[3].isdigit() and fields[-1] != "total":
                    counts[fields[-1]] = int(fields[3])
        total = sum(counts.values())
        self.report.row("system calls of one run", total, None, "", None, "")
        top = sorted(counts.items(), key=lambda c: -c[1])[:14]
        self.report.note("system calls of one run: " + ", ".join(f"{n} {c}" for n, c in top))

    def tui(self):
        DashboardBench(self.dir, self.report, self.tare, BUILD, self.quick).all()

    def network(self):
        NetworkBench(self.dir, self.report, self.tare, self.podman, spawn, race, self.quick).all()

    def registry(self):
        RegistryBench(self.dir, self.report, self.tare, self.podman, self.quick).all()

    def volumes(self):
        VolumesBench(self.dir, self.report, self.tare, self.podman, measure, self.quick).all()

    def defences(self):
        DefencesBench(self.dir, self.report, self.tare, self.podman, race, self.quick).all()

    def million(self):
        VolumesBench(self.dir, self.report, self.tare, self.podman, measure, self.quick).million()

    def group(self, name):
        getattr(self, name)()
        self.tare.clean()
        self.podman.clean()


def main():
    words = sys.argv[1:]
    quick = "quick" in words
    groups = [w for w in words if w != "quick"] or GROUPS
    unknown = set(groups) - set(GROUPS + NAMED_ONLY)
    if unknown:
        sys.exit(f"bench: no group {' '.join(unknown)}; there are: {' '.join(GROUPS + NAMED_ONLY)}")
    if os.geteuid():
        sys.exit("bench: needs root; try: sudo make bench")
    if "TARE_BENCH_NETNS" not in os.environ:  # bridges and rules of all who take part stay out of the host's network
        os.environ["TARE_BENCH_NETNS"] = "1"
        os.execvp("unshare", ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, *sys.argv])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    directory = tempfile.mkdtemp(prefix="tare-bench.", dir="/dev/shm")
    report = Report()
    bench = None
    try:
        Elsewhere.prepare(report)
        bench = Bench(directory, report, quick)
        print(f"Linux {os.uname().release}, {os.cpu_count()} cores; medians; " + "; ".join(sh(*c).splitlines()[0] for c in (["crun", "--version"], ["runc", "--version"], ["podman", "--version"])))
        report.header()
        for name in groups:
            bench.group(name)
    finally:
        if bench:
            bench.tare.clean()
            bench.podman.clean()
        Elsewhere.end()
        shutil.rmtree(directory, ignore_errors=True)
    for note in report.notes:
        print(note)
    with open(f"{BUILD}/bench.json", "w") as f:
        json.dump(dict(kernel=os.uname().release, cores=os.cpu_count(), time=time.time(), rows=report.rows, notes=report.notes), f, indent=1)
    missed = [r for r in report.rows if r["ok"] is False]
    print(f"{sum(r['ok'] is True for r in report.rows)} targets met, {len(missed)} missed")


if __name__ == "__main__":
    main()
