#!/usr/bin/env python3
"""The fault matrix of the engine: each command is killed (the process that calls, or the whole tree) before each k-th of its
system calls, and each call is made to fail with each error that it can return. After every single fault the next commands
work, `system check` is clean or repairs to clean, what was said to be done is done, what was there is whole, and nothing is
left: no process, mount, cgroup or file.

engine_sweep.py DIRECTORY SECONDS COUNT BUILD [COMMAND… | COMMAND:FAULT:PROCESS:NUMBER:CALL…]: COUNT faults of each kind of each
command, spread evenly over its calls (0: all), but no longer than SECONDS in all (0: no limit). FAULT is one, tree, or an
error's name. FAULT_SEED chooses order and offsets, FAULT_FROM goes on where a run with the same seed ended. FAULT_WORKERS run
at a time (default: as many as there are processors).
"""
import collections
import ctypes
import errno
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import sys
import time
import traceback

from engine_matrix import COMMANDS
from engine_world import ID, Problem, World

CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
HANG_SECONDS = 30
# A job of the container's own process is one of many mounts: they are told apart by little.
DEEP = re.compile(r"^0\.\d+\.\d")

OPENERS = """openat openat2 open socket socketpair pipe2 epoll_create1 timerfd_create signalfd4 memfd_create pidfd_open fsopen fsmount
open_tree fspick accept4 eventfd2 inotify_init1 dup""".split()
WRITERS = "write pwrite64 writev ftruncate fallocate mkdirat mkdir mknodat symlinkat linkat renameat renameat2 rename fsync fdatasync copy_file_range sendfile".split()
DEVICES = """read pread64 write pwrite64 getdents64 fsync fdatasync readlink readlinkat openat unlinkat renameat renameat2 mkdirat newfstatat
fstat statx ftruncate copy_file_range linkat""".split()
MEMORY = """mmap clone clone3 fork vfork execve execveat mount fsconfig fsmount move_mount open_tree mount_setattr openat socket poll epoll_ctl
pidfd_open unshare setns memfd_create pivot_root seccomp mkdirat renameat""".split()
WAITERS = "flock wait4 waitid poll ppoll epoll_wait epoll_pwait connect accept4 recvmsg recvfrom sendmsg sendto nanosleep clock_nanosleep".split()
FAILURES = {"ENOSPC": WRITERS, "EIO": DEVICES, "ENOMEM": MEMORY, "EMFILE": OPENERS, "EINTR": WAITERS}
# A file's own reads and writes are never interrupted, those of a pipe or a socket are.
INTERRUPTED = re.compile(r"^(pipe:|socket:|.*/(out|err)$)")


def call_names():
    """Number -> name of this machine's system calls."""
    text = subprocess.run(["cc", "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null"], capture_output=True, text=True, check=True).stdout
    return {int(n): name for name, n in re.findall(r"^#define __NR_(\w+) (\d+)$", text, re.M)}


NAMES = call_names()
NUMBERS = {name: number for number, name in NAMES.items()}


class Report:
    """What inject wrote down."""

    def __init__(self, path):
        self.calls, self.processes, self.ids = [], [], set()
        self.end, self.hit, self.hung = None, False, False
        with open(path, encoding="ascii", errors="replace") as f:
            for line in f:
                kind, *rest = line.rstrip("\n").split(" ")
                if kind == "call" and len(rest) >= 3:
                    self.calls.append((rest[0], int(rest[1]), NAMES.get(int(rest[2]), rest[2]), " ".join(rest[3:])))
                    self.ids.update(ID.findall(line))
                elif kind == "pid":
                    self.processes.append((int(rest[0]), int(rest[1])))
                elif kind == "end":
                    self.end = int(rest[0])
                self.hit |= kind == "hit"
                self.hung |= kind == "hang"


# ---------------------------------------------------------------- the faults


def faults_of(calls):
    """(fault, process, number) of all that can be done to these calls, by kind of fault."""
    found, linking = collections.defaultdict(list), set()
    for process, number, name, path in calls:
        if (process, number) == ("0", 1):
            linking.add(process)
            continue  # the command itself
        found["one"].append((process, number, ""))
        if not DEEP.match(process):
            found["tree"].append((process, number, ""))
        # What the dynamic linker does without memory (it ends, by a signal if it must) is not ours.
        if name in ("execve", "execveat"):
            linking.add(process)
        elif name == "set_tid_address":
            linking.discard(process)
        if process in linking:
            continue
        for error, names in FAILURES.items():
            if name in names or (error == "EINTR" and name in ("read", "write") and INTERRUPTED.match(path)):
                found[error].append((process, number, name))
    return found


def spread(jobs, count, rng):
    """`count` of them, evenly."""
    if not count or len(jobs) <= count:
        return jobs
    step = len(jobs) / count
    offset = rng.random() * step
    return [jobs[int(offset + i * step)] for i in range(count)]


class Worker:
    """A world of its own in namespaces of its own."""

    def __init__(self, directory, build):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        self.directory, self.build, self.generation, self.world = directory, build, 0, None
        self.renew()

    def renew(self):
        self.close()
        self.generation += 1
        self.world = World(f"{self.directory}/{self.generation}", self.build)
        self.world.begin()

    def close(self):
        if self.world:
            try:
                self.world.tare("rm", "-f", "--all")
            except subprocess.TimeoutExpired:
                print("lost: rm -f --all hangs", file=sys.stderr, flush=True)
            self.world.end()
            shutil.rmtree(self.world.dir, ignore_errors=True)

    def inject(self, world, words, *options):
        report = f"{world.dir}/report"
        done = subprocess.run([f"{self.build}/fault/inject", "-o", report, "-t", str(HANG_SECONDS), *options, *world.argv, *words],
                              capture_output=True, stdin=subprocess.DEVNULL, env=world.env, cwd=world.dir, timeout=HANG_SECONDS * 3)
        result = Report(report)
        os.unlink(report)
        result.stdout, result.stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        return result

    def options(self, fault, process, number, name):
        how = ("-k", fault) if fault in ("one", "tree") else ("-e", str(getattr(errno, fault)))
        if name:
            how = ("-c", str(NUMBERS[name]), *how)
        return ("-p", process, "-n", str(number), *how)

    def world_for(self, command):
        if not getattr(command, "fresh", False):
            return self.world
        directory = f"{self.directory}/fresh"
        shutil.rmtree(directory, ignore_errors=True)
        return World(directory, self.build)

    def calls(self, command):
        world = self.world_for(command)
        command.before(world)
        report = self.inject(world, command.words)
        if report.end != 0:
            raise Problem(f"{command.name} fails untouched: {report.stderr}")
        world.ids |= report.ids
        self.tidy(command, world, report)
        return report.calls

    def tidy(self, command, world, report):
        if world is not self.world:
            world.must("rm", "-f", "--all")
            world.end()
            shutil.rmtree(world.dir, ignore_errors=True)
            return
        world.clear()
        world.audit(report.processes)

    def judge(self, command, world, fault, process, report):
        """What was seen, or a Problem."""
        done = report.end == 0 or bool(ID.search(report.stdout))
        if report.hung:
            raise Problem("it hangs")
        if fault not in ("one", "tree") and report.hit:
            if report.end is None or 128 < report.end < 160:
                raise Problem(f"it ends with {report.end}: {report.stderr[-300:]}")
            if report.end and not report.stderr.strip():
                raise Problem(f"it ends with {report.end} and says nothing")
        world.next_commands()
        repairs = world.check()
        if world is self.world:
            world.bystanders()
        world.struck = report.hit and fault in ("one", "tree") and process != "0"
        command.after(world, done)
        self.tidy(command, world, report)
        return "missed" if not report.hit else "repaired" if repairs else "clean"

    def carry_out(self, command, fault, process, number, name):
        world, report = None, None
        try:
            world = self.world_for(command)
            command.before(world)
            report = self.inject(world, command.words, *self.options(fault, process, number, name))
            world.ids |= report.ids
            return self.judge(command, world, fault, process, report), ""
        except Exception as why:  # pylint: disable=broad-except
            text = str(why) if isinstance(why, Problem) else traceback.format_exc()
            at = next((f"{c[2]} {c[3]}" for c in report.calls if c[:2] == (process, number)), "?") if report else "?"
            said = f"; it ended with {report.end}, said {report.stdout.strip()[-80:]!r} {report.stderr.strip()[-200:]!r}" if report else ""
            self.renew()
            return "problem", f"{command.name}:{fault}:{process}:{number}:{name} ({at}): {text}{said}"


def work(directory, build, jobs, results):
    try:
        worker = Worker(directory, build)
        for index, name, *fault in iter(jobs.get, None):
            command = next(c for c in COMMANDS if c.name == name)
            if fault == ["calls"]:
                results.put((index, name, "calls", worker.calls(command), ""))
            else:
                results.put((index, name, fault[0], *worker.carry_out(command, *fault)))
        worker.close()
    except Exception:  # pylint: disable=broad-except
        results.put((-1, "", "", "dead", traceback.format_exc()))


# ---------------------------------------------------------------- the sweep


class Sweep:
    def __init__(self, directory, seconds, build):
        self.end = time.monotonic() + seconds if seconds else None
        self.jobs, self.results = multiprocessing.Queue(), multiprocessing.Queue()
        self.counts, self.problems = collections.Counter(), []
        n = int(os.environ.get("FAULT_WORKERS", 0)) or os.cpu_count()
        self.workers = [multiprocessing.Process(target=work, args=(f"{directory}/{i}", build, self.jobs, self.results)) for i in range(n)]
        for w in self.workers:
            w.start()

    def take(self):
        result = self.results.get(timeout=600)
        if result[3] == "dead":
            for w in self.workers:
                w.kill()
            sys.exit(result[4])
        return result

    def calls(self, commands):
        for c in commands:
            self.jobs.put((0, c.name, "calls"))
        return {name: calls for _, name, _, calls, _ in (self.take() for _ in commands)}

    def run(self, jobs, first):
        """How many were done."""
        waiting = under_way = first
        done = 0
        while True:
            while waiting < len(jobs) and under_way - first < 2 * len(self.workers) and not (self.end and time.monotonic() > self.end):
                self.jobs.put((waiting, *jobs[waiting]))
                waiting += 1
                under_way += 1
            if under_way == first:
                return done
            _, name, fault, outcome, text = self.take()
            under_way -= 1
            done += 1
            self.counts[name, "kills" if fault in ("one", "tree") else "errors", outcome] += 1
            if text:
                self.problems.append(text)
                print("lost:", text, file=sys.stderr, flush=True)

    def stop(self):
        for _ in self.workers:
            self.jobs.put(None)
        for w in self.workers:
            w.join()


def plan(calls, count, rng):
    jobs = []
    for name in sorted(calls):
        for fault, places in sorted(faults_of(calls[name]).items()):
            shallow = [p for p in places if not DEEP.match(p[0])]
            deep = [p for p in places if DEEP.match(p[0])]
            few = count and max(1, count // 5)
            jobs += [(name, fault, *place) for place in spread(shallow, count, rng) + spread(deep, few, rng)]
    rng.shuffle(jobs)
    return jobs


def exact(words):
    """COMMAND:FAULT:PROCESS:NUMBER:CALL"""
    return [(name, fault, process, int(number), call) for name, fault, process, number, call in (w.split(":") for w in words if ":" in w)]


def tell(sweep, names):
    outcomes = ("clean", "repaired", "missed", "problem")
    print(f"  {'command':<20}{'kills':>8}{'errors':>8}" + "".join(f"{o:>10}" for o in outcomes))
    for name in [*names, "all"]:
        def total(kind=None, outcome=None, name=name):
            return sum(n for (c, k, o), n in sweep.counts.items() if name in ("all", c) and kind in (None, k) and outcome in (None, o))
        print(f"  {name:<20}{total('kills'):>8}{total('errors'):>8}" + "".join(f"{total(outcome=o):>10}" for o in outcomes))


def main():
    directory, seconds, count, build, *words = sys.argv[1:]
    seed, first = int(os.environ.get("FAULT_SEED", 0)) or random.randrange(1, 10 ** 6), int(os.environ.get("FAULT_FROM", 0))
    rng = random.Random(seed)
    sweep = Sweep(directory, float(seconds), os.path.abspath(build))
    wanted = {w.split(":")[0] for w in words}
    commands = [c for c in COMMANDS if not wanted or c.name in wanted]
    jobs = exact(words) or plan(sweep.calls(commands), int(count), rng)
    print(f"  FAULT_SEED={seed}: {len(jobs)} faults", flush=True)
    done = sweep.run(jobs, first)
    sweep.stop()
    tell(sweep, [c.name for c in commands])
    if first + done < len(jobs):
        print(f"  time is up; go on with FAULT_SEED={seed} FAULT_FROM={first + done}")
    sys.exit(1 if sweep.problems else 0)


if __name__ == "__main__":
    main()
