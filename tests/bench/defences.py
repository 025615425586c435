"""The defences' part of make bench: what each of them costs a start.

One row is a run with the defence beside the same run without it, in turns, in short blocks; what is no part of a plain run (ids of
its own, restricted, limits, health) is added to it, what is a part of it is taken away. Podman pays for ids of its own beside us.
"""
import os
import shutil
import subprocess

RUNS = 200
BLOCKS = 40
USER = 54321
RANGE = "0:700000:65536"


class DefencesBench:
    def __init__(self, directory, report, tare, podman, race, quick):
        self.dir, self.report, self.tare, self.podman, self.race = directory, report, tare, podman, race
        self.runs = RUNS // (5 if quick else 1)
        self.blocks = BLOCKS // (5 if quick else 1)

    def command(self, *options):
        return self.tare.argv + ["run", "--rm", "--network", "none", *options, "busybox", "true"]

    def compare(self, what, with_it, without, against):
        """with_it, without: options of run."""
        runners = {"with": (self.tare, self.command(*with_it), 1), "without": (self.tare, self.command(*without), 1)}
        times = self.race(runners, self.runs, 0, self.blocks)
        w = times["with"]
        self.report.row(f"run with {what}", w.median, times["without"].median, against, None, min_p95=w.min_p95)

    def starts(self):
        off = lambda *words: [word for option in words for word in ("--security-opt", option)]
        self.compare("the same, for the noise", [], [], "itself")
        self.compare("the seccomp filter", [], off("seccomp=unconfined"), "seccomp=unconfined")
        self.compare("hidden paths", [], off("systempaths=unconfined"), "systempaths=unconfined")
        self.compare("a cgroup namespace", [], ["--cgroupns", "host"], "--cgroupns host")
        self.compare("every defence", [], ["--security-profile", "privileged"], "privileged")
        self.compare("a root that can't be written", ["--read-only"], [], "plain run")
        self.compare("limits", ["--memory", "256m", "--cpus", "1", "--pids-limit", "100"], [], "plain run")
        self.compare("ids of its own", ["--userns", "auto"], [], "plain run")
        self.compare("the restricted profile", ["--security-profile", "restricted"], [], "plain run")
        self.compare("a health check", ["--health-cmd", "true"], [], "plain run")
        if os.path.isdir("/sys/module/apparmor") and os.path.isdir("/sys/kernel/security/apparmor/policy"):
            self.compare("AppArmor", [], off("apparmor=unconfined"), "apparmor=unconfined")
        else:
            self.report.note("AppArmor: this kernel has none, so it has no row")

    def own_ids(self):
        """Podman copies or chowns the image for a map it has not seen; it is warm here, as race() runs it once before."""
        podman = self.podman
        runners = {
            "tare": (self.tare, self.command("--uidmap", RANGE, "--gidmap", RANGE), 1),
            "podman": (podman, podman.argv + ["run", "--rm", "--network", "none", "--uidmap", RANGE, "--gidmap", RANGE, podman.IMAGE, "true"], 0.2),
        }
        times = self.race(runners, self.runs // 2, 0, 5)
        t = times["tare"]
        self.report.row("run with --uidmap", t.median, times["podman"].median, "podman", None, min_p95=t.min_p95)

    def execs(self):
        self.tare("run", "--network", "none", "-d", "--name", "plain", "--init", "busybox", "sleep", "1000")
        self.tare("run", "--network", "none", "-d", "--name", "own", "--init", "--userns", "auto", "busybox", "sleep", "1000")
        self.tare("run", "--network", "none", "-d", "--name", "open", "--init", "--security-profile", "privileged", "busybox", "sleep", "1000")
        runners = {name: (self.tare, self.tare.argv + ["exec", name, "true"], 1) for name in ("plain", "own", "open")}
        times = self.race(runners, self.runs, 0, self.blocks)
        for name, what, other, against in (
            ("plain", "exec with every defence", "open", "privileged"),
            ("own", "exec with ids of its own", "plain", "plain container"),
        ):
            self.report.row(what, times[name].median, times[other].median, against, None, min_p95=times[name].min_p95)

    def rootless(self):
        """An ordinary user's run, with the files that give the user ids laid over the host's in a mount namespace."""
        if not shutil.which("newuidmap"):
            self.report.note("newuidmap is missing (package uidmap): no row for an ordinary user")
            return
        place = f"{self.dir}/user"
        os.makedirs(f"{place}/run", mode=0o700)
        os.chmod(self.dir, 0o755)
        for name, line in (("passwd", f"bench:x:{USER}:{USER}::{place}:/bin/sh\n"), ("group", f"bench:x:{USER}:\n")):
            with open(f"/etc/{name}") as f, open(f"{self.dir}/{name}", "w") as g:
                g.write(f.read() + line)
        for name in ("subuid", "subgid"):
            with open(f"{self.dir}/{name}", "w") as f:
                f.write("bench:800000:65536\n")
        for path in (place, f"{place}/run"):
            os.chown(path, USER, USER)
        files = [f"{self.dir}/{n}" for n in ("passwd", "group", "subuid", "subgid")]
        mounts = " && ".join(f"mount --bind {f} /etc/{os.path.basename(f)}" for f in files)
        holder = subprocess.Popen(["unshare", "-m", "sh", "-c", f"{mounts} && echo ready && exec sleep 100000"], stdout=subprocess.PIPE, text=True)
        try:
            if holder.stdout.readline().strip() != "ready":
                raise RuntimeError("bench: the user's files can't be mounted")
            user = User(self.tare.argv[0], f"/proc/{holder.pid}/ns/mnt", place)
            runners = {"user": (user, user.argv + ["run", "--rm", "--network", "none", "busybox", "true"], 1), "root": (self.tare, self.command(), 1)}
            times = self.race(runners, self.runs, 0, self.blocks)
            u = times["user"]
            self.report.row("run by an ordinary user", u.median, times["root"].median, "root", None, min_p95=u.min_p95)
        finally:
            holder.kill()
            holder.wait()

    def all(self):
        self.starts()
        self.own_ids()
        self.execs()
        self.rootless()


class User:
    """Tare as an ordinary user; setpriv's own start is a part of each time."""

    def __init__(self, program, namespace, home):
        self.namespace = namespace
        self.env = {"HOME": home, "XDG_RUNTIME_DIR": f"{home}/run", "XDG_DATA_HOME": f"{home}/data", "USER": "bench"}
        self.argv = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", program]
