"""The dashboard's part of make bench: measured from outside, in a pseudo terminal of 50 rows and 200 columns, beside
Debian's htop and btop in the same run.

Times are from the exec, or from the write of a key, to the first bytes of output (that hold what was waited for).
CPU time and wake-ups are the kernel's own counts of all threads of the process.
"""
import fcntl
import os
import pty
import re
import select
import signal
import statistics
import struct
import subprocess
import termios
import time

ROWS, COLS = 50, 200


def percentile(values, p):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * p / 100))]


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, argv, env=None):
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})}
        environment.pop("NO_COLOR", None)
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLS, 0, 0))
        self.seen, self.bytes, self.started = b"", 0, time.perf_counter()
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in range(3):
                os.dup2(slave, fd)
            os.closerange(3, 256)
            try:
                os.execvpe(argv[0], argv, environment)
            finally:
                os._exit(127)
        os.close(slave)

    def read(self, seconds):
        """What comes within `seconds`; b"" when nothing does."""
        if not select.select([self.master], [], [], seconds)[0]:
            return b""
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:
            return b""
        self.bytes += len(data)
        return data

    def wait(self, pattern, seconds=20):
        """Milliseconds from the start until the output holds `pattern`."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            self.seen += self.read(0.5)
            if re.search(pattern, self.seen):
                return (time.perf_counter() - self.started) * 1000
        raise TimeoutError(f"{pattern} was never written")

    def drain(self, seconds):
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)

    def quiet(self, seconds=0.05):
        end = time.perf_counter() + 3
        while self.read(seconds) and time.perf_counter() < end:
            pass

    def key(self, key):
        """Milliseconds from the key to the first byte after it."""
        start = time.perf_counter()
        os.write(self.master, key)
        return (time.perf_counter() - start) * 1000 if self.read(2) else 2000.0

    def keys(self, n, pause, down=b"j", up=b"k"):
        times = []
        for i in range(n):
            self.quiet(0.004)
            times.append(self.key(down if (i // 10) % 2 == 0 else up))
            self.drain(pause)
        return times

    def usage(self):
        """CPU seconds and voluntary waits so far, of all threads."""
        cpu = waits = 0
        for task in os.listdir(f"/proc/{self.pid}/task"):
            base = f"/proc/{self.pid}/task/{task}"
            with open(f"{base}/schedstat") as f:
                cpu += int(f.read().split()[0])
            with open(f"{base}/status") as f:
                waits += int(re.search(r"\nvoluntary_ctxt_switches:\s*(\d+)", f.read()).group(1))
        return cpu / 1e9, waits

    def rest(self, seconds):
        """While nobody touches it: CPU in percent of a core, wake-ups per second, bytes per second."""
        self.quiet()
        cpu, waits = self.usage()
        before, start = self.bytes, time.perf_counter()
        self.drain(seconds)
        took = time.perf_counter() - start
        cpu2, waits2 = self.usage()
        return (cpu2 - cpu) / took * 100, (waits2 - waits) / took, (self.bytes - before) / took

    def memory(self):
        """MB of memory that is the program's own or counted as its own."""
        with open(f"/proc/{self.pid}/status") as f:
            return int(re.search(r"VmRSS:\s*(\d+)", f.read()).group(1)) / 1024

    def close(self):
        for sig in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.kill(self.pid, sig)
            except ProcessLookupError:
                break
            for _ in range(100):
                if os.waitpid(self.pid, os.WNOHANG)[0]:
                    os.close(self.master)
                    return
                self.read(0.01)


class DashboardBench:
    def __init__(self, directory, report, tare, build, quick):
        self.dir, self.report, self.tare, self.build, self.quick = directory, report, tare, build, quick
        self.home = {"XDG_CONFIG_HOME": f"{directory}/config", "XDG_STATE_HOME": f"{directory}/state"}
        os.makedirs(f"{directory}/state/tare", exist_ok=True)
        with open(f"{directory}/state/tare/dashboard", "w") as f:
            f.write("welcomed = yes\n")

    # ------------------------------------------------------------ programs

    def demo(self, containers, log_rate=0):
        env = {**self.home, "TARE_DEMO_CONTAINERS": str(containers)}
        if log_rate:
            env["TARE_DEMO_LOG_RATE"] = str(log_rate)
        return Terminal([f"{self.build}/tare-tui", "--demo", "--state", f"{self.dir}/demo"], env)

    def real(self):
        root, state = self.tare.argv[2], self.tare.argv[4]
        return Terminal([f"{self.build}/tare-tui", "--root", root, "--state", state], self.home)

    def peers(self):
        return {"htop": ["htop"], "btop": ["btop", "--utf-force"]}

    # ------------------------------------------------------------ rows

    def starts(self):
        n = 5 if self.quick else 15
        first, rows = [], []
        for _ in range(n):
            t = self.demo(1000)
            first.append(t.wait(rb"Containers"))
            rows.append(t.wait(rb"/1000"))
            t.close()
        peer = {name: [] for name in self.peers()}
        for _ in range(n):
            for name, argv in self.peers().items():
                t = Terminal(argv)
                peer[name].append(t.wait(rb"[^\x00-\x1f]{3,}"))
                t.close()
        for name in peer:
            self.report.row("dashboard: first frame", statistics.median(first), statistics.median(peer[name]), name, None)
        self.report.row("dashboard: first frame", statistics.median(first), None, "", 15, min_p95=(min(first), percentile(first, 95)))
        self.report.row("dashboard: rows of 1,000 containers", statistics.median(rows), None, "", 50, min_p95=(min(rows), percentile(rows, 95)))

    def latency(self, what, terminal, target, keys=200):
        times = terminal.keys(20 if self.quick else keys, 0.03)
        self.report.row(f"dashboard: key to paint, {what}, p99", percentile(times, 99), None, "", target, min_p95=(min(times), percentile(times, 95)))

    def loads(self):
        rest = 4 if self.quick else 15
        for name, argv in self.peers().items():
            t = Terminal(argv)
            t.drain(3)
            times = t.keys(20 if self.quick else 100, 0.03, b"\x1b[B", b"\x1b[A")
            cpu, waits, rate = t.rest(rest)
            self.report.note(f"{name}: key to paint p99 {percentile(times, 99):.1f} ms, at rest {cpu:.2f} % CPU, {waits:.0f} wake-ups/s, {rate:.0f} B/s, {t.memory():.1f} MB")
            t.close()
        for _ in range(30):
            self.tare("run", "--network", "none", "-d", "busybox", "sleep", "1000")
        t = self.real()
        t.wait(rb"/30")
        t.drain(3)
        self.latency("30 real ones", t, 5)
        cpu, waits, rate = t.rest(rest)
        self.report.row("dashboard: CPU at rest, 30 real containers", cpu, None, "", 0.3, "%")
        self.report.row("dashboard: to the terminal at rest", rate, None, "", 1000, "B/s")
        self.report.row("dashboard: memory, 30 real containers", t.memory(), None, "", 8, "MB")
        os.write(t.master, b"Z")  # frozen: nothing moves
        t.drain(6)
        cpu, waits, rate = t.rest(rest)
        self.report.row("dashboard: wake-ups a second, nothing moves", waits, None, "", 0.1, "")
        t.close()
        self.tare.clean()
        t = self.demo(1000)
        t.wait(rb"/1000")
        t.drain(20 if self.quick else 60)  # an hour of history comes bit by bit
        self.latency("1,000 simulated ones", t, 16)
        cpu, waits, rate = t.rest(rest)
        self.report.row("dashboard: CPU at rest, 1,000 containers", cpu, None, "", 1.5, "%")
        os.write(t.master, b"u")  # graphs beside a list of which every row changes
        t.drain(2)
        cpu, waits, rate = t.rest(rest)
        self.report.row("dashboard: graphs beside 48 busy rows", rate, None, "", None, "B/s")
        os.write(t.master, b"z")  # graphs alone
        t.drain(2)
        cpu, waits, rate = t.rest(rest)
        self.report.row("dashboard: to the terminal while graphs run", rate, None, "", 1000, "B/s")
        self.report.row("dashboard: memory, 1,000 and an hour", t.memory(), None, "", 40, "MB")
        t.close()
        t = self.demo(1000, 50_000_000)
        t.wait(rb"/1000")
        t.drain(3)
        self.latency("1,000 and a log of 50 MB/s", t, 16)
        self.report.row("dashboard: memory, with a log of 50 MB/s", t.memory(), None, "", 104, "MB")
        t.close()

    # ------------------------------------------------------------ logs

    def log_file(self, name, size, last):
        """A stopped container whose log has `size` bytes; the file is sparse before the last 64 MB."""
        ident = self.tare("create", "--name", name, "busybox", "true")
        line = b"2026-01-05T12:00:00.000000000Z stdout F " + b"all work and no play makes a dull log, line after line 0123456789\n"
        path = f"{self.tare.argv[2]}/containers/{ident}/log"
        with open(path, "wb") as f:
            filled = min(size, 1 << 30)
            f.seek(size - filled)
            block = line * 10000
            for _ in range(filled // len(block)):
                f.write(block)
            f.write(b"2026-01-05T12:00:01.000000000Z stdout F " + last + b"\n")
        return path

    def show(self, name, end):
        """Open the dashboard on one container's log; milliseconds from the key to the last line on the screen."""
        t = self.real()
        t.wait(name.encode())
        t.drain(1)
        os.write(t.master, b"/" + name.encode() + b"\r")
        t.drain(0.7)
        return t

    def logs(self):
        path = self.log_file("biglog", 10 << 30, b"THE-VERY-END")
        times = []
        for _ in range(3 if self.quick else 7):
            t = self.real()
            t.seen = b""
            times.append(t.wait(rb"THE-VERY-END"))
            t.close()
        self.report.row("dashboard: exec to the end of a 10 GB log", statistics.median(times), None, "", 30 + 50)
        os.unlink(path)
        self.tare.clean()
        self.tare("rm", "-f", "biglog", check=False)
        path = self.log_file("searched", 1 << 30, b"the needle-in-hay is here")
        t = self.real()
        t.wait(rb"needle-in-hay")
        t.drain(1)
        os.write(t.master, b"l")
        t.drain(0.5)
        os.write(t.master, b"/play makes")
        t.drain(0.5)
        t.seen, t.started = b"", time.perf_counter()
        os.write(t.master, b"\r")
        self.report.row("dashboard: first hit of a search of 1 GB", t.wait(rb"48[;:]2[;:]+227[;:]179[;:]65"), None, "", 50)  # a match's colour
        t.drain(3)
        os.write(t.master, b"/" + b"\x15" + b"needle-in-hay")
        t.drain(0.5)
        t.seen, t.started = b"", time.perf_counter()
        os.write(t.master, b"\r")
        took = t.wait(rb"1 (hit|match)")
        self.report.row("dashboard: literal search of 1 GB, to its end", took, None, "", 500)
        self.report.row("dashboard: memory after it", t.memory(), None, "", 72, "MB")
        t.close()
        self.tare("rm", "-f", "searched", check=False)

    def follow(self):
        """200 MB a second into the log of a running container that is on the screen."""
        size = 200_000_000 * (2 if self.quick else 8)
        script = f"yes 'all work and no play makes a dull log, line after line 0123456789' | head -c {size}; echo DONE; sleep 1000"
        t0 = time.perf_counter()
        self.tare("run", "--network", "none", "-d", "--name", "loud", "--log-opt", "max-size=256m", "--log-opt", "max-file=2", "busybox", "sh", "-c", "sleep 2;" + script)
        t = self.real()
        t.wait(rb"loud")
        os.write(t.master, b"l")
        peak, keys = 0, []
        t.drain(max(0, t0 + 2.2 - time.perf_counter()))
        start = time.perf_counter()
        while b"DONE" not in t.seen[-60000:] and time.perf_counter() - start < 60:
            t.seen = t.seen[-60000:] + t.read(0.2)
            peak = max(peak, t.memory())
        took = time.perf_counter() - start
        self.report.note(f"dashboard: {size / 1e6:.0f} MB came into the log it follows in {took:.1f} s ({size / 1e6 / took:.0f} MB/s, the writer's pace), {peak:.1f} MB of memory at most")
        self.report.row("dashboard: memory while following a loud log", peak, None, "", 72, "MB")
        t.close()
        self.tare.clean()

    def all(self):
        self.starts()
        self.loads()
        self.logs()
        self.follow()
