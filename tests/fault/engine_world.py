"""What the faults of the engine have in common: a store of their own with bystanders that nothing may harm, the commands,
what must hold after each fault, and the proof that nothing is left of it."""
import collections
import json
import os
import re
import signal
import socket
import subprocess
import time

ID = re.compile(r"[0-9a-f]{64}")
# These grow or are made again whatever happens; none of them belongs to a container.
PASSING = re.compile(r"^(state/events|state/groups|state/booted$|(state|root)/networks$|state/networks/[^/]+$|state/networks/dns.*|root/seccomp/|root/pulls|root/partial$|.*/?[a-z]+\.lock$)")
LONG = 20  # seconds, for what a machine under load does in a moment
DATA = "kept data " * 100


class Problem(Exception):
    """What must hold doesn't."""


def start_time(pid):
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            fields = f.read().rsplit(b")", 1)[1].split()
        return None if fields[0] in b"ZX" else int(fields[19])
    except (OSError, IndexError):
        return None


def serves_names(pid):
    """The name service belongs to all networks, and ends a while after the last container."""
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as f:
            return f.read() == "tare-dns\n"
    except OSError:
        return False


def eventually(seconds, check):
    """What `check` returns in the end: nothing, when all is well."""
    end = time.monotonic() + seconds
    while True:
        found = check()
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.02)


class World:
    """DIRECTORY is made; BUILD has the programs."""

    def __init__(self, directory, build):
        self.dir, self.build = directory, build
        self.argv = [f"{build}/tare", "--root", f"{directory}/root", "--state", f"{directory}/state"]
        self.env = {**os.environ, "TARE_DNS_LINGER": "1"}
        os.makedirs(f"{directory}/files")
        self.ids, self.struck, self.cut_short, self.failing, self.alive_id = set(), False, False, False, None
        self.links = {name for _, name in socket.if_nameindex()}

    # ------------------------------------------------------------ commands

    def tare(self, *words, timeout=60, stdin=subprocess.DEVNULL):
        return subprocess.run([*self.argv, *words], capture_output=True, timeout=timeout, stdin=stdin, env=self.env, cwd=self.dir)

    def must(self, *words):
        """It succeeds; what it prints."""
        done = self.tare(*words)
        if done.returncode:
            said = (done.stderr or done.stdout).decode(errors="replace").strip()[-400:]
            raise Problem(f"`tare {' '.join(words)}` ends with {done.returncode}: {said}")
        return done.stdout.decode(errors="replace").strip()

    def field(self, ref, template):
        """Of a container; None when there is no such container."""
        done = self.tare("container", "inspect", "--format", template, ref)
        said = done.stderr.decode(errors="replace")
        if done.returncode and "no such" not in said:
            raise Problem(f"inspect {ref}: {said.strip()}")
        return None if done.returncode else done.stdout.decode().strip()

    def status(self, ref):
        return self.field(ref, "{{.State.Status}}")

    def state(self, ref):
        """Its state.json, as far as it matters here."""
        with open(f"{self.dir}/state/containers/{self.field(ref, '{{.Id}}')}/state.json", encoding="utf-8") as f:
            return json.load(f)

    def strike(self, *whom, ref="mine"):
        """Kill its `process`, its `monitor`, or both, and see them gone."""
        state = self.state(ref)
        for who in whom:
            os.kill(state[who]["pid"], signal.SIGKILL)
        for who in whom:
            if eventually(10, lambda who=who: start_time(state[who]["pid"]) == state[who]["startTime"]):
                raise Problem(f"{who} outlives SIGKILL")

    # ------------------------------------------------------------ bystanders

    def begin(self):
        """An image, a container with data of its own and in a volume, and one that runs."""
        self.must("run", "--rm", "busybox", "true")
        self.must("volume", "create", "kept-data")
        self.must("run", "--name", "kept", "--network", "none", "-v", "kept-data:/data", "busybox", "sh", "-c",
                  f"printf '%s' '{DATA}' | tee /own >/data/shared")
        self.must("run", "-d", "--name", "alive", "--network", "none", "busybox", "sleep", "1000000")
        self.kept_id = self.field("kept", "{{.Id}}")
        self.alive_pid = self.field("alive", "{{.State.Pid}}")
        self.alive_id = self.field("alive", "{{.Id}}")
        self.files = self.listing()
        self.mounts = self.mount_points()

    def bystanders(self):
        """Nobody touched them."""
        if self.field("kept", "{{.Id}} {{.State.Status}} {{.State.ExitCode}}") != f"{self.kept_id} exited 0":
            raise Problem("the container `kept` is not what it was")
        for path in (f"containers/{self.kept_id}/upper/own", "volumes/kept-data/data/shared"):
            with open(f"{self.dir}/root/{path}", encoding="ascii") as f:
                if f.read() != DATA:
                    raise Problem(f"{path}: its data is not whole")
        if self.field("alive", "{{.State.Status}} {{.State.Pid}}") != f"running {self.alive_pid}":
            raise Problem("the container `alive` is not what it was")
        self.must("exec", "alive", "true")

    # ------------------------------------------------------------ after a fault

    def next_commands(self):
        """They work as if nothing had been."""
        self.must("ps", "-a")
        self.must("run", "--rm", "--network", "none", "busybox", "true")

    def check(self):
        """Clean, or clean after a repair. How many repairs it took."""
        for repairs in range(6):
            done = self.tare("system", "check")
            said = (done.stdout + done.stderr).decode(errors="replace").strip()
            if done.returncode == 0:
                return repairs
            if done.returncode != 1 or repairs == 5:
                break
            if repairs > 0:
                time.sleep(0.2 * repairs)
            self.tare("system", "check", "--repair")
        raise Problem(f"system check --repair doesn't make it clean: {said[-600:]}")

    def clear(self):
        """Remove what the command made, as a user would."""
        for line in self.must("ps", "-a", "--no-trunc", "--format", "{{.ID}}").split():
            self.ids.add(line)
            if line not in (self.kept_id, self.alive_id):
                self.must("rm", "-f", "-v", line)
        for name in self.must("volume", "ls", "-q").split():
            if name != "kept-data":
                self.must("volume", "rm", name)
        for name in set(self.must("images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").splitlines()):
            name, image = name.split()
            if not name.startswith(("busybox:", "docker.io/library/busybox:")):
                self.must("rmi", "-f", image if name.startswith("<none>") else name)
        self.must("network", "prune", "-f")
        self.must("image", "prune", "-f")  # and what of images nothing reaches

    # ------------------------------------------------------------ the audit

    def listing(self):
        found = set()
        for top in ("root", "state"):
            for path, directories, files in os.walk(f"{self.dir}/{top}"):
                below = path[len(self.dir) + 1:]
                if below.count("/") >= 3 and below.startswith(("root/layers/", "root/containers/", "root/volumes/")):
                    directories.clear()
                    continue
                found.update(f"{below}/{name}" for name in [*directories, *files])
        return {name for name in found if not PASSING.match(name)}

    @staticmethod
    def mount_points():
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as f:
            return sorted(line.split(" ", 3)[3] for line in f)

    def cgroups(self):
        found = []
        for top in ("/sys/fs/cgroup", *(f"/sys/fs/cgroup/{name}" for name in os.listdir("/sys/fs/cgroup"))):
            found += [f"{top}/tare/{i}" for i in self.ids if i != self.alive_id and os.path.isdir(f"{top}/tare/{i}")]
        return found

    def left_files(self):
        left = self.listing() - self.files
        if any("/.tmp-" in name for name in left):  # a draft is only taken for one that was left when it has some age
            time.sleep(0.5)
            self.tare("system", "check", "--repair")
        return left

    def audit(self, processes):
        """Nothing is left of the command, whose processes (pid, start time) these were."""
        left = eventually(LONG, lambda: [pid for pid, since in processes if since and start_time(pid) == since and not serves_names(pid)])
        if left:
            names = [open(f"/proc/{pid}/cmdline", "rb").read().replace(b"\0", b" ").decode()[:150] for pid in left if start_time(pid)]
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            raise Problem(f"processes are left: {names}")
        left = eventually(LONG, self.cgroups)
        if left:
            raise Problem(f"cgroups are left: {left}")
        left = eventually(LONG, self.left_files)
        if left:
            raise Problem(f"files are left: {sorted(left)[:8]}")
        lost = self.files - self.listing()
        if lost:
            raise Problem(f"files are gone: {sorted(lost)[:8]}; kept is {self.kept_id[:6]}, alive {self.alive_id[:6]}")
        # others' mounts that this namespace has a copy of may go meanwhile, with the directory that they are on
        left = collections.Counter(self.mount_points()) - collections.Counter(self.mounts)
        if left:
            raise Problem(f"mounts are left: {sorted(left)[:8]}")

    def end(self):
        """Whatever state it is in."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    ours = self.dir.encode() + b"/" in f.read()
                if ours and int(pid) != os.getpid():
                    os.kill(int(pid), signal.SIGKILL)
            except OSError:
                pass
