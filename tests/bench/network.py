"""The networks' part of make bench, beside podman with netavark (and docker where a daemon answers), in the same run.

Everything happens in the network namespace that bench.py made for itself: a "client" namespace beside it is the host
on the other side of the wire, and two more hold the bare veth pair that throughput is compared with.
"""
import json
import shutil
import socket
import statistics
import subprocess
import time

WIRE = ("192.0.2.1", "192.0.2.2")  # ours, the client's (RFC 5737)
PAIR = ("198.51.100.1", "198.51.100.2")
LISTEN = """
import socket, sys
s = socket.create_server(("", int(sys.argv[1])), backlog=512)
while True:
    c, a = s.accept()
    c.close()
"""
CONNECT = """
import socket, sys, time
for _ in range(int(sys.argv[3])):
    t = time.perf_counter()
    c = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
    print((time.perf_counter() - t) * 1e6)
    c.close()
"""
# The host's programs and libraries inside a container.
TOOLS = ["-v", "/usr:/usr:ro", "-v", "/usr/lib:/lib:ro", "-v", "/usr/lib64:/lib64:ro"]


def sh(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout.strip()


class Namespace:
    """A network namespace, held by a process."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up && echo ready && exec sleep 100000"], stdout=subprocess.PIPE, text=True)
        self.holder.stdout.readline()
        self.pid = self.holder.pid

    def words(self, *words):
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", *words]

    def __call__(self, *words):
        return sh(*self.words(*words))

    def end(self):
        self.holder.kill()
        self.holder.wait()


def eventually(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("bench: a server did not come up")
        time.sleep(0.02)


def answers(address, port):
    try:
        socket.create_connection((address, port), 0.5).close()
        return True
    except OSError:
        return False


class NetworkBench:
    def __init__(self, directory, report, tare, podman, spawn, race, quick):
        self.dir, self.report, self.tare, self.podman = directory, report, tare, podman
        self.spawn, self.race, self.quick = spawn, race, quick
        self.namespaces = []
        self.children = []

    def runs(self, n):
        return max(5, n // 5) if self.quick else n

    # ------------------------------------------------------------ start and end

    def start(self):
        tare, podman = self.tare, self.podman
        words = ["run", "--rm"]
        runners = {
            "tare": (tare, tare.argv + words + ["busybox", "true"], 1),
            "its own --network none": (tare, tare.argv + words + ["--network", "none", "busybox", "true"], 1),
            "podman": (podman, podman.argv + words + [podman.IMAGE, "true"], 0.2),
        }
        docker = self.docker()
        if docker:
            runners["docker"] = (docker, docker.argv + words + ["busybox", "true"], 0.2)
        targets = {"its own --network none": 2.0, "podman": 0.05, "docker": 0.03}
        for pause, word in ((0, "back to back"), (300, "0.3 s pauses")):
            times = self.race(runners, self.runs(100 if not pause else 50), pause)
            t = times["tare"]
            for name in runners:
                if name != "tare":
                    self.report.row(f"run --rm on the default network, {word}", t.median, times[name].median, name, targets[name], min_p95=t.min_p95)

    def docker(self):
        if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True).returncode:
            return None

        class Docker:
            argv, namespace, env = ["docker"], None, None

        return Docker()

    def many(self, count=50):
        tare, podman = self.tare, self.podman
        t = self.spawn(tare.argv + ["run", "-d", "busybox", "sleep", "1000"], at_once=count)[0]
        tare.clean()
        p = self.spawn(podman.argv + ["run", "-d", podman.IMAGE, "sleep", "1000"], at_once=count, namespace=podman.namespace, env=podman.env)[0]
        podman.clean()
        self.report.row(f"{count} at once on the default network", t, p, "podman", 0.08)

    # ------------------------------------------------------------ throughput

    def namespace(self):
        self.namespaces.append(Namespace())
        return self.namespaces[-1]

    def wire(self, near, far, addresses):
        """A veth pair between two namespaces; None is ours."""
        name = f"w{len(self.namespaces)}"
        sh("ip", "link", "add", f"{name}a", "type", "veth", "peer", "name", f"{name}b")
        for end, ns, address in ((f"{name}a", near, addresses[0]), (f"{name}b", far, addresses[1])):
            inside = (lambda *w: sh(*w)) if ns is None else ns
            if ns is not None:
                sh("ip", "link", "set", end, "netns", str(ns.pid))
            inside("ip", "addr", "add", f"{address}/24", "dev", end)
            inside("ip", "link", "set", end, "up")

    def background(self, words):
        self.children.append(subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    @staticmethod
    def gbits(words, seconds):
        out = json.loads(sh(*words, "-J", "-t", str(seconds)))
        return out["end"]["sum_received"]["bits_per_second"] / 1e9

    def engines(self):
        """(name, runner, image): who takes part."""
        return [("tare", self.tare, "busybox"), ("podman", self.podman, self.podman.IMAGE)]

    def throughput(self):
        seconds, rounds = (2, 3) if self.quick else (3, 7)
        left, right = self.namespace(), self.namespace()
        self.wire(left, right, PAIR)
        self.background(right.words("iperf3", "-s"))
        ports = {"tare": "5301", "podman": "5302"}
        ways = {"bare veth pair": left.words("iperf3", "-c", PAIR[1])}
        for name, runner, image in self.engines():
            runner("run", "-d", "--name", "server", "-p", f"{ports[name]}:5201", *TOOLS, image, "/usr/bin/iperf3", "-s")
            runner("run", "-d", "--name", "client", *TOOLS, image, "sleep", "100000")
            path = "{{.NetworkSettings.IPAddress}}"
            address = runner("inspect", "--format", path, "server")
            ways[f"{name}, published port"] = ["iperf3", "-c", WIRE[0], "-p", ports[name]]
            ways[f"{name}, 127.0.0.1"] = ["iperf3", "-c", "127.0.0.1", "-p", ports[name]]
            exec_words = runner.words("exec", "client", "/usr/bin/iperf3", "-c", address) if hasattr(runner, "words") else [*runner.argv, "exec", "client", "/usr/bin/iperf3", "-c", address]
            ways[f"{name}, container to container"] = exec_words
        eventually(lambda: subprocess.run([*ways["bare veth pair"], "-t", "1"], capture_output=True).returncode == 0)
        results = {name: [] for name in ways}
        for _ in range(rounds):  # they take turns
            for name, words in ways.items():
                results[name].append(self.gbits_again(words, seconds))
        bare = statistics.median(results["bare veth pair"])
        for name, values in results.items():
            if name != "bare veth pair":
                target = 0.95 if name in ("tare, published port", "tare, container to container") else None
                self.report.row(f"throughput: {name}", statistics.median(values), bare, "bare veth", target, unit="Gbit/s", at_least=True)
        for _, runner, _ in self.engines():
            runner.clean()

    def gbits_again(self, words, seconds):
        """A server that was just in use says so for a moment."""
        for _ in range(20):
            try:
                return self.gbits(words, seconds)
            except subprocess.CalledProcessError:
                time.sleep(0.1)
        return self.gbits(words, seconds)

    # ------------------------------------------------------------ many published ports

    def latency(self, client, port, count):
        out = client("python3", "-c", CONNECT, WIRE[0], str(port), str(count))
        return [float(line) for line in out.splitlines()]

    def ports(self):
        tare, client = self.tare, self.namespace()
        self.wire(None, client, WIRE)
        server = ["python3", "-c", LISTEN, "80"]
        tare("run", "-d", "--name", "server", "-p", "8080:80", *TOOLS, "busybox", *server)
        eventually(lambda: answers(WIRE[0], 8080))
        count, rounds = (300, 4) if self.quick else (1000, 8)
        few, many = [], []
        for i in range(rounds):
            few += self.latency(client, 8080, count)
            tare("run", "-d", "--name", f"ports{i}", "-p", "20000-21999:20000-21999", "busybox", "sleep", "100000")
            many += self.latency(client, 8080, count)
            tare("rm", "-f", f"ports{i}")
        self.report.row("connection with 2,000 published ports", statistics.median(many), statistics.median(few), "one port", 1.1, unit="us")
        tare.clean()

    # ------------------------------------------------------------ all

    def all(self):
        try:
            self.start()
            self.many()
            self.ports()  # makes the wire
            self.throughput()
        finally:
            for child in self.children:
                child.kill()
                child.wait()
            for ns in self.namespaces:
                ns.end()
