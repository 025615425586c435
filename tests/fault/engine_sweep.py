#!/usr/bin/env python3
"""The fault matrix of the engine: each command is killed (the process that calls, or the whole tree) before each k-th of its
system calls, and each call is made to fail with each error that it can return. After every single fault the next commands
work, `system check` is clean or repairs to clean, what was said to be done is done, what was there is whole, and nothing is
left: no process, mount, cgroup or file.

engine_sweep.py DIRECTORY SECONDS COUNT BUILD [COMMAND… | KIND… | COMMAND:FAULT:PROCESS:NUMBER:CALL…]: COUNT faults of each kind
of each command, spread evenly over its calls, but no longer than SECONDS in all (0: no limit). COUNT 0 or all: a kill at every
call, each error at every call site (a way through the program to a system call). KIND: one (a process is killed), tree (all are),
kills, errors, or an error's name. FAULT_LOG=FILE remembers each fault that was done with what came of it; the next sweep with the
same file leaves those out and counts them. FAULT_SEED (default 1) chooses which, and in which order. FAULT_WORKERS run at a time
(default: twice as many as there are processors, since most of the time is waiting).
"""
import collections
import ctypes
import errno
import itertools
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import sys
import time
import traceback

from engine_audit import found_left
from engine_matrix import COMMANDS
from engine_world import ID, Problem, World

CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
HANG_SECONDS = 30
# A job of the container's own process is one of many mounts: they are told apart by little.
DEEP = re.compile(r"^(0|m)\.\d+\.\d")

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
                if kind == "call" and len(rest) >= 4:
                    self.calls.append((rest[0], int(rest[1]), NAMES.get(int(rest[2]), rest[2]), " ".join(rest[4:]), rest[3]))
                    self.ids.update(ID.findall(line))
                elif kind == "pid":
                    self.processes.append((int(rest[0]), int(rest[1])))
                elif kind == "end":
                    self.end = int(rest[0])
                self.hit |= kind == "hit"
                self.hung |= kind == "hang"


# ---------------------------------------------------------------- the faults


def faults_of(calls):
    """(process, number, call) of all that can be done to these calls, by kind of fault; an error once at each call site."""
    found, linking, seen = collections.defaultdict(list), set(), set()
    for process, number, name, path, site in calls:
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
        if process in linking or (process, name, site) in seen:
            continue
        seen.add((process, name, site))
        for error, names in FAILURES.items():
            if path == "WNOHANG" and error == "EINTR":
                continue  # who doesn't wait isn't interrupted
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

    def inject(self, world, command, *options):
        report, words = f"{world.dir}/report", command.words_in(world)
        how = ("-t", str(HANG_SECONDS), "-q", str(command.quiet_ms), *(("-a", command.monitor(world)) if command.in_monitor else ()))
        done = subprocess.run([f"{self.build}/fault/inject", "-o", report, *how, *options, *world.argv, *words],
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
        report = self.inject(world, command)
        if report.end not in command.ends_with:
            raise Problem(f"{command.name} fails untouched: {report.stderr}")
        world.ids |= report.ids
        self.tidy(command, world, report)
        return [c for c in report.calls if c[0].startswith("m") == command.in_monitor]

    def tidy(self, command, world, report):
        if world is not self.world:
            world.must("rm", "-f", "--all")
            world.end()
            shutil.rmtree(world.dir, ignore_errors=True)
            return
        world.clear()
        found_left(world, command.nets)
        world.audit(report.processes)

    def judge(self, command, world, fault, process, report):
        """What was seen, or a Problem."""
        done = report.end in command.ends_with or bool(ID.search(report.stdout))
        if report.hung:
            raise Problem("it hangs")
        if fault not in ("one", "tree") and report.hit:
            if report.end is None or 128 < report.end < 160:
                raise Problem(f"it ends with {report.end}: {report.stderr[-300:]}")
            if report.end and not (report.stderr + report.stdout).strip():
                raise Problem(f"it ends with {report.end} and says nothing")
        world.next_commands()
        repairs = world.check()
        found_left(world, command.nets)
        if world is self.world:
            world.bystanders()
        world.failing = fault not in ("one", "tree")
        world.cut_short = report.end is None or report.end >= 128
        world.struck = report.hit and fault in ("one", "tree") and process != "0"
        command.after(world, done)
        self.tidy(command, world, report)
        return "missed" if not report.hit else "repaired" if repairs else "clean"

    def carry_out(self, command, fault, process, number, name):
        world, report = None, None
        try:
            world = self.world_for(command)
            command.before(world)
            report = self.inject(world, command, *self.options(fault, process, number, name))
            world.ids |= report.ids
            return self.judge(command, world, fault, process, report), ""
        except Exception as why:  # pylint: disable=broad-except
            if isinstance(why, subprocess.TimeoutExpired):
                why = Problem(f"`{' '.join(why.cmd[5:])}` hangs")
            text = str(why) if isinstance(why, Problem) else traceback.format_exc()
            at = next((f"{c[2]} {c[3]}" for c in report.calls if c[:2] == (process, number)), "?") if report else "?"
            said = f"; it ended with {report.end}, said {report.stdout.strip()[-80:]!r} {report.stderr.strip()[-200:]!r}" if report else ""
            self.renew()
            return "problem", f"{command.name}:{fault}:{process}:{number}:{name} ({at}): {text}{said}"


def work(directory, build, jobs, results):
    try:
        worker = Worker(directory, build)
        for job in iter(jobs.get, None):
            name, *fault = job
            command = next(c for c in COMMANDS if c.name == name)
            if fault == ["calls"]:
                results.put((job, "calls", worker.calls(command)))
            else:
                results.put((job, *worker.carry_out(command, *fault)))
        worker.close()
    except Exception:  # pylint: disable=broad-except
        results.put((None, "dead", traceback.format_exc()))


# ---------------------------------------------------------------- the sweep


class Log:
    """What was done, one fault a line; without a name only in memory."""

    def __init__(self, name):
        self.counts, self.problems, self.done, self.file = collections.Counter(), [], set(), None
        if not name:
            return
        self.file = open(name, "a+", encoding="utf-8")  # pylint: disable=consider-using-with
        self.file.seek(0)
        for line in self.file:
            if line.count("\t") == 2 and line.endswith("\n"):  # the last one may be cut off
                fault, outcome, _ = line.rstrip("\n").split("\t")
                self.count(fault, outcome)

    def count(self, fault, outcome):
        self.done.add(fault)
        self.counts[(*fault.split(":")[:2], outcome)] += 1

    def add(self, fault, outcome, text):
        self.count(fault, outcome)
        if self.file:
            self.file.write(f"{fault}\t{outcome}\t{' '.join(text.split())}\n")
            self.file.flush()
        if text:
            self.problems.append(text)
            print("lost:", text, file=sys.stderr, flush=True)


class Sweep:
    def __init__(self, directory, seconds, build, log):
        self.end = time.monotonic() + seconds if seconds else None
        self.jobs, self.results = multiprocessing.Queue(), multiprocessing.Queue()
        self.log = log
        n = int(os.environ.get("FAULT_WORKERS", 0)) or 2 * os.cpu_count()
        self.workers = [multiprocessing.Process(target=work, args=(f"{directory}/{i}", build, self.jobs, self.results)) for i in range(n)]
        for w in self.workers:
            w.start()

    def take(self):
        result = self.results.get(timeout=600)
        if result[1] == "dead":
            for w in self.workers:
                w.kill()
            sys.exit(result[2])
        return result

    def calls(self, commands):
        for c in commands:
            self.jobs.put((c.name, "calls"))
        return {job[0]: calls for job, _, calls in (self.take() for _ in commands)}

    def run(self, jobs):
        """How many were done."""
        waiting = done = 0
        while True:
            while waiting < len(jobs) and waiting - done < 2 * len(self.workers) and not (self.end and time.monotonic() > self.end):
                self.jobs.put(jobs[waiting])
                waiting += 1
            if waiting == done:
                return done
            job, outcome, text = self.take()
            done += 1
            self.log.add(":".join(map(str, job)), outcome, text)

    def stop(self):
        for _ in self.workers:
            self.jobs.put(None)
        for w in self.workers:
            w.join()


def plan(calls, count, kinds, rng):
    """Each kind of each command in turn, so that whenever time is up all have had the same."""
    lists = []
    for name in sorted(calls):
        for fault, places in sorted(faults_of(calls[name]).items()):
            if kinds and fault not in kinds:
                continue
            shallow = [p for p in places if not DEEP.match(p[0])]
            deep = [p for p in places if DEEP.match(p[0])]
            few = count and max(1, count // 5)
            jobs = [(name, fault, *place) for place in spread(shallow, count, rng) + spread(deep, few, rng)]
            rng.shuffle(jobs)
            lists.append(jobs)
    rng.shuffle(lists)
    return [job for row in itertools.zip_longest(*lists) for job in row if job]


def exact(words):
    """COMMAND:FAULT:PROCESS:NUMBER:CALL"""
    return [(name, fault, process, int(number), call) for name, fault, process, number, call in (w.split(":") for w in words if ":" in w)]


def tell(counts):
    """Commands x kinds: how many faults, and with a + how many problems."""
    kinds, outcomes = ("one", "tree", *FAILURES), ("clean", "repaired", "missed", "problem")

    def total(name, kind=None, outcome=None):
        return sum(n for (c, k, o), n in counts.items() if name in ("all", c) and kind in (None, k) and outcome in (None, o))

    print(f"  {'command':<20}" + "".join(f"{k:>8}" for k in kinds) + f"{'all':>8}" + "".join(f"{o:>10}" for o in outcomes))
    for name in [*(c.name for c in COMMANDS if total(c.name)), "all"]:
        cells = [f"{total(name, k)}+{total(name, k, 'problem')}" if total(name, k, "problem") else str(total(name, k)) for k in kinds]
        print(f"  {name:<20}" + "".join(f"{c:>8}" for c in cells) + f"{total(name):>8}" + "".join(f"{total(name, None, o):>10}" for o in outcomes))


def main():
    directory, seconds, count, build, *words = sys.argv[1:]
    seed = int(os.environ.get("FAULT_SEED", 1))
    rng = random.Random(seed)
    log = Log(os.environ.get("FAULT_LOG"))
    groups = {"kills": ("one", "tree"), "errors": tuple(FAILURES)}
    kinds = {k for w in words for k in groups.get(w, (w,)) if k in (*groups["kills"], *FAILURES)}
    wanted = {w.split(":")[0] for w in words} & {c.name for c in COMMANDS}
    unknown = [w for w in words if ":" not in w and w not in wanted and w not in groups and w not in kinds]
    if unknown:
        sys.exit(f"no such command or kind of fault: {' '.join(unknown)}")
    commands = [c for c in COMMANDS if not wanted or c.name in wanted]
    sweep = Sweep(directory, float(seconds), os.path.abspath(build), log)
    jobs = exact(words) or plan(sweep.calls(commands), 0 if count == "all" else int(count), kinds, rng)
    jobs = [j for j in jobs if ":".join(map(str, j)) not in log.done]
    print(f"  FAULT_SEED={seed}: {len(jobs)} faults" + (f" besides {len(log.done)} in the log" if log.done else ""), flush=True)
    done = sweep.run(jobs)
    sweep.stop()
    tell(log.counts)
    if done < len(jobs):
        print(f"  time is up; {len(jobs) - done} are left")
    sys.exit(1 if log.problems else 0)


if __name__ == "__main__":
    main()
