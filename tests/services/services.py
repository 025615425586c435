#!/usr/bin/env python3
"""A PostgreSQL and a Redis that are written to without a pause, backed up by `tare volume backup --pause` to an archive and to a
repository, and started from what is restored. Every write that was acknowledged before the containers stood still is there.

services.py DIRECTORY ROOTFS TARE [postgresql redis]
"""
import json
import os
import re
import subprocess
import sys
import threading
import time

DIRECTORY, ROOTFS, TARE, ONLY = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
ARGV = [TARE, "--root", f"{DIRECTORY}/root", "--state", f"{DIRECTORY}/state"]
IMAGE = "services"
START_SECONDS = 60
BAD_WORDS = re.compile(r"PANIC|FATAL: .*(?:corrupt|invalid|missing)|invalid page|corrupt|checksum|could not (?:read|open|access)|Bad file format|unexpected", re.I)
started = time.monotonic()


def say(text):
    print(f"{time.monotonic() - started:6.1f} s  {text}", flush=True)


def tare(*words, check=True, timeout=300):
    done = subprocess.run([*ARGV, *words], capture_output=True, text=True, errors="replace", timeout=timeout, stdin=subprocess.DEVNULL)
    if check and done.returncode:
        sys.exit(f"services: {done.returncode} of `tare {' '.join(words)}`: {(done.stderr + done.stdout)[-2000:]}")
    return done.stdout


def must(condition, text):
    if not condition:
        sys.exit(f"services: {text}")


def logs(name):
    done = subprocess.run([*ARGV, "logs", name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return done.stdout


# ---------------------------------------------------------------- a writer, and the moment when all stands still


class Counter(threading.Thread):
    """Writes 1, 2, 3, … through a client in the container, each after the one before was acknowledged."""

    def __init__(self, client, statement, answer):
        super().__init__(daemon=True)
        self.statement, self.answer, self.acknowledged, self.error = statement, answer, [], None
        self.client = subprocess.Popen([*ARGV, *client], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.stopped = False

    def run(self):
        n = 0
        while not self.stopped:
            n += 1
            try:
                self.client.stdin.write(self.statement(n).encode())
                self.client.stdin.flush()
                line = self.client.stdout.readline().decode().strip()
            except OSError as why:
                self.error = str(why)
                return
            now = time.monotonic()
            if self.answer(line) != n:
                self.error = f"write {n} is answered {line!r}"
                return
            self.acknowledged.append((now, n))

    def upto(self, moment):
        return max((n for at, n in self.acknowledged if at < moment), default=0)

    def end(self):
        self.stopped = True
        self.join(10)
        self.client.kill()
        self.client.wait()
        must(not self.error, f"the writer: {self.error}")


class FreezeWatch(threading.Thread):
    """When a container first stood still, and how long."""

    def __init__(self, container):
        super().__init__(daemon=True)
        pid = tare("inspect", "--format", "{{.State.Pid}}", container).strip()
        self.files = [row for row in self.find(pid) if os.path.exists(row[0])]
        must(self.files, "this host has no freezer")
        self.first = self.last = None
        self.stopped = False

    @staticmethod
    def find(pid):
        """[(file, what it says then)]: of the v2 tree, of a hybrid layout's, of v1."""
        with open(f"/proc/{pid}/cgroup") as f:
            for _, controllers, path in (line.strip().split(":", 2) for line in f):
                if controllers == "freezer":
                    yield f"/sys/fs/cgroup/freezer{path}/freezer.state", "FROZEN"
                elif not controllers:
                    yield f"/sys/fs/cgroup{path}/cgroup.events", "frozen 1"
                    yield f"/sys/fs/cgroup/unified{path}/cgroup.events", "frozen 1"

    def frozen(self):
        for path, word in self.files:
            with open(path) as f:
                if word in f.read():
                    return True
        return False

    def run(self):
        while not self.stopped:
            try:
                if self.frozen():
                    self.last = time.monotonic()
                    self.first = self.first or self.last
            except OSError:
                return
            time.sleep(0.0005)

    def end(self):
        self.stopped = True
        self.join()


# ---------------------------------------------------------------- the services


class Service:
    def start(self, name, volume):
        tare("run", "-d", "--network", "none", "--name", name, "-v", f"{volume}:/data", IMAGE, "sh", "-c", self.script)
        end = time.monotonic() + START_SECONDS
        while subprocess.run([*ARGV, "exec", name, *self.ready], capture_output=True).returncode:
            must(tare("inspect", "--format", "{{.State.Status}}", name).strip() == "running", f"{name} has ended:\n{logs(name)[-3000:]}")
            must(time.monotonic() < end, f"{name} does not answer:\n{logs(name)[-3000:]}")
            time.sleep(0.05)

    def backups(self):
        """Makes them under load; [(what restores it, the count that must be in it)]."""
        made, repository = [], f"{DIRECTORY}/repository"
        for words, source in (
            ([f"{DIRECTORY}/{self.name}.tar.zst"], f"{DIRECTORY}/{self.name}.tar.zst"),
            (["--to", repository], repository),
            (["--to", repository], repository),  # again: now it is compared with the one before
        ):
            time.sleep(1.5)
            watch = FreezeWatch(self.name)
            watch.start()
            before = time.monotonic()
            tare("volume", "backup", "--pause", self.name, *words)
            took = time.monotonic() - before
            time.sleep(0.1)
            watch.end()
            must(watch.first, f"{self.name}: never stood still")
            sure = self.counter.upto(watch.first)
            must(watch.last - watch.first < took + 0.05, f"{self.name}: stands still after the backup")
            say(f"{self.name}: backed up in {took:.2f} s, stood still for {watch.last - watch.first:.2f} s after {sure} acknowledged writes")
            if source == repository:
                rows = [r for r in json.loads(tare("--json", "volume", "backups", repository)) if r["Volume"] == self.name]
                source = f"{repository}@{rows[-1]['Id']}"
            made.append((source, sure))
        time.sleep(0.5)
        must(not self.counter.error, f"the writer: {self.counter.error}")
        must(self.counter.upto(time.monotonic()) > made[-1][1], f"{self.name}: does not go on after the backup")
        return made

    def run(self):
        self.start(self.name, self.name)
        self.load()
        made = self.backups()
        self.counter.end()
        tare("rm", "-f", self.name)
        for n, (source, sure) in enumerate(made):
            name = f"{self.name}-{n}"
            tare("volume", "restore", self.name, source, "--into", name)
            self.check_files(name)
            self.start(name, name)
            self.check(name, sure)
            text = logs(name)
            bad = [line for line in text.splitlines() if BAD_WORDS.search(line) and not self.harmless(line)]
            must(not bad, f"{name} has in its log:\n" + "\n".join(bad[:5]))
            tare("stop", "-t", "30", name)
            self.check_stopped(name)
            tare("rm", "-f", name)
            tare("volume", "rm", name)
            say(f"{name}: starts from {os.path.basename(source)}, with all {sure} acknowledged writes")

    def check_files(self, volume):
        pass

    def check_stopped(self, volume):
        pass

    @staticmethod
    def harmless(line):
        return False

    @staticmethod
    def once(volume, *words):
        done = subprocess.run([*ARGV, "run", "--rm", "--network", "none", "-v", f"{volume}:/data", IMAGE, *words], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


class PostgreSQL(Service):
    name = "postgresql"
    BIN = "PATH=$(echo /usr/lib/postgresql/*/bin):$PATH; cd /; "
    AS = "setpriv --reuid=postgres --regid=postgres --init-groups "
    script = (
        BIN + "if [ ! -d /data/pg ]; then install -d -o postgres /data/pg && "
        + AS + "initdb -k -A trust -U postgres -D /data/pg >/dev/null; fi; "
        + "exec " + AS + "postgres -D /data/pg -c unix_socket_directories=/tmp -c listen_addresses= -c max_wal_size=64MB"
    )
    ready = ["pg_isready", "-q", "-h", "/tmp"]
    PSQL = ["psql", "-h", "/tmp", "-U", "postgres", "-qAtX", "-v", "ON_ERROR_STOP=1"]

    def load(self):
        tare("exec", self.name, "sh", "-c", self.BIN + "pgbench -q -h /tmp -U postgres -i -s 5 postgres")
        self.sql(self.name, "create table counter (n bigint primary key, noise text)")
        self.pgbench = subprocess.Popen(
            [*ARGV, "exec", self.name, "sh", "-c", self.BIN + "pgbench -h /tmp -U postgres -c 4 -T 600 postgres"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.counter = Counter(
            ["exec", "-i", self.name, "stdbuf", "-oL", *self.PSQL],
            lambda n: f"insert into counter values ({n}, repeat('x', {n % 500})) returning n;\n",
            lambda line: int(line) if line.isdigit() else line,
        )
        self.counter.start()
        say("postgresql: 500,000 accounts; four clients and a counter write")

    def sql(self, name, text):
        return tare("exec", name, *self.PSQL, "-c", text).strip()

    def check(self, name, sure):
        top, n = map(int, self.sql(name, "select max(n), count(*) from counter").split("|"))
        must(top == n, f"{name}: of {top} writes {n} are there")
        must(top >= sure, f"{name}: {sure} writes were acknowledged, {top} are there")
        sums = self.sql(name, "select (select sum(abalance) from pgbench_accounts), (select sum(tbalance) from pgbench_tellers), (select sum(bbalance) from pgbench_branches), (select coalesce(sum(delta), 0) from pgbench_history)")
        must(len(set(sums.split("|"))) == 1, f"{name}: the balances differ: {sums}")
        must(int(self.sql(name, "select count(*) from pgbench_history")) > 0, f"{name}: no client has written")
        must("redo done" in logs(name), f"{name}: has not recovered anything:\n{logs(name)[-2000:]}")
        tare("exec", name, "sh", "-c", self.BIN + "pg_amcheck -h /tmp -U postgres --install-missing --heapallindexed -d postgres")
        tare("exec", name, "sh", "-c", self.BIN + "reindexdb -q -h /tmp -U postgres -d postgres")
        self.sql(name, "insert into counter values (0)")

    def check_stopped(self, volume):
        code, text = self.once(volume, "sh", "-c", self.BIN + self.AS + "pg_checksums -c -D /data/pg")
        must(code == 0 and "Bad checksums:  0" in text, f"{volume}: pg_checksums: {text}")


class Redis(Service):
    name = "redis"
    script = "cd /; exec redis-server --dir /data --appendonly yes --appendfsync always --port 0 --unixsocket /tmp/redis.sock --save 2 1000"
    ready = ["redis-cli", "-s", "/tmp/redis.sock", "ping"]

    def start(self, name, volume):
        super().start(name, volume)
        end = time.monotonic() + START_SECONDS
        while self.cli(name, "ping") != "PONG":  # LOADING is an answer, too
            must(time.monotonic() < end, f"{name}: still loads")
            time.sleep(0.05)

    def load(self):
        self.benchmark = subprocess.Popen(
            [*ARGV, "exec", self.name, "redis-benchmark", "-s", "/tmp/redis.sock", "-q", "-c", "4", "-r", "50000", "-d", "200", "-n", "100000000", "-t", "set,lpush,sadd"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.counter = Counter(
            ["exec", "-i", self.name, "redis-cli", "-s", "/tmp/redis.sock"], lambda n: "incr counter\n", lambda line: int(line) if line.isdigit() else line
        )
        self.counter.start()
        say("redis: four clients and a counter write, each write synced")

    def cli(self, name, *words):
        return tare("exec", name, "redis-cli", "-s", "/tmp/redis.sock", *words).strip()

    def check_files(self, volume):
        code, text = self.once(volume, "sh", "-c", "redis-check-aof /data/appendonlydir/*.manifest")
        must(code == 0 and "All AOF files and manifest are valid" in text, f"{volume}: redis-check-aof: {text[-1000:]}")

    def check(self, name, sure):
        there = int(self.cli(name, "get", "counter"))
        must(there >= sure, f"{name}: {sure} writes were acknowledged, {there} are there")
        must(int(self.cli(name, "dbsize")) > 100, f"{name}: no client has written")
        must(int(self.cli(name, "incr", "counter")) == there + 1, f"{name}: can't be written to")


say(f"the image: {os.path.getsize(ROOTFS) // 1_000_000} MB")
tare("import", "-q", ROOTFS, IMAGE)
for service in (PostgreSQL(), Redis()):
    if not ONLY or service.name in ONLY:
        service.run()
say("services: both start from every backup, and nothing that was acknowledged is lost")
