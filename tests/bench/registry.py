"""The images' part of make bench: pull and push beside podman, buildah, skopeo and a pipeline of a shell, and our registry
beside Debian's docker-registry, on loopback and a tmpfs, in the same run.

The image has six layers of real files (libraries, programs, headers), 200 MB as gzip. No docker daemon: docker pull is
measured where one answers only.
"""
import atexit
import hashlib
import http.client
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import time

TREES = ["/usr/lib", "/usr/include", "/usr/bin", "/usr/share", "/usr/libexec", "/usr/sbin"]
LAYERS = 6
WIRE_BYTES = 200_000_000
PIPELINE = """
set -e
cd {dir}
token=; base=http://127.0.0.1:{port}/v2/bench
curl -sf -H 'Accept: application/vnd.oci.image.manifest.v1+json' $base/manifests/latest >manifest
for d in $(jq -r '.layers[].digest' manifest); do
	mkdir -p ${{d#*:}}
	(curl -sf $base/blobs/$d | tee blob-${{d#*:}} | tee >(sha256sum >sum-${{d#*:}}) | igzip -dc | tar -x -C ${{d#*:}}) &
done
wait
"""


def run(*command, env=None, check=True):
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(env or {})})
    if check and done.returncode:
        sys.exit(f"bench: failed: {' '.join(command)}\n{done.stderr[-2000:]}")
    return done.stdout


def timed(*command, env=None):
    start = time.perf_counter()
    run(*command, env=env)
    return (time.perf_counter() - start) * 1000


def wait_for(port):
    deadline = time.monotonic() + 10
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", "/v2/")
            connection.getresponse().read()
            return
        except OSError:
            if time.monotonic() > deadline:
                sys.exit(f"bench: no registry on port {port}")
            time.sleep(0.02)


class DockerRegistry:
    name = "docker-registry"

    def __init__(self, directory, port):
        self.port, self.storage = port, f"{directory}/docker-registry-{port}"
        os.makedirs(self.storage, exist_ok=True)
        config = f"{self.storage}.yml"
        with open(config, "w") as f:
            f.write(f"version: 0.1\nlog: {{accesslog: {{disabled: true}}, level: error}}\nstorage: {{filesystem: {{rootdirectory: {self.storage}}}, delete: {{enabled: true}}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n")
        self.process = subprocess.Popen(["docker-registry", "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "OTEL_TRACES_EXPORTER": "none"})
        self.watch()

    def watch(self):
        atexit.register(self.end)
        wait_for(self.port)

    def pids(self):
        return [self.process.pid]

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        shutil.rmtree(self.storage, ignore_errors=True)


class TareRegistry(DockerRegistry):
    name = "tare registry"

    def __init__(self, directory, port, tare):
        self.port, self.storage = port, f"{directory}/tare-registry-{port}"
        os.makedirs(self.storage, exist_ok=True)
        self.process = subprocess.Popen([*tare.argv, "registry", "start", "-p", str(port), "--storage", self.storage], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.watch()

    def pids(self):
        children = run("ps", "-o", "pid=", "--ppid", str(self.process.pid), check=False).split()
        return [self.process.pid, *map(int, children)]


def rss_mb(pids):
    """The largest of them: the worker's."""
    def one(pid):
        with open(f"/proc/{pid}/status") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1]) / 1024

    return max(one(p) for p in pids)


class Image:
    """An OCI layout of real files; each layer a share of WIRE_BYTES."""

    def __init__(self, path):
        self.path = path
        os.makedirs(f"{path}/blobs/sha256")
        files = self.files()
        layers, diff_ids, self.entries, self.bytes = [], [], 0, 0
        for _ in range(LAYERS):
            descriptor, diff_id = self.layer(files)
            layers.append(descriptor)
            diff_ids.append(diff_id)
        config = json.dumps({"os": "linux", "architecture": "amd64", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
        manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **self.add(config)}, "layers": layers}).encode()
        entry = {"mediaType": "application/vnd.oci.image.manifest.v1+json", **self.add(manifest), "annotations": {"org.opencontainers.image.ref.name": "latest"}}
        self.layers = layers
        with open(f"{path}/index.json", "w") as f:
            json.dump({"schemaVersion": 2, "manifests": [entry]}, f)
        with open(f"{path}/oci-layout", "w") as f:
            f.write('{"imageLayoutVersion":"1.0.0"}')

    @staticmethod
    def files():
        for tree in TREES:
            for folder, folders, names in os.walk(tree):
                folders.sort()
                for name in sorted(names):
                    path = os.path.join(folder, name)
                    if os.path.isfile(path) and not os.path.islink(path) and os.path.getsize(path) < 40_000_000:
                        yield path

    def layer(self, files):
        out = f"{self.path}/layer"
        packer = subprocess.Popen(["igzip", "-3", "-c"], stdin=subprocess.PIPE, stdout=open(out, "wb"))
        inner = hashlib.sha256()

        class Both:
            def write(_, data):
                inner.update(data)
                packer.stdin.write(data)
                return len(data)

        with tarfile.open(fileobj=Both(), mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 18) as tar:
            for path in files:
                tar.add(path, recursive=False)
                self.entries += 1
                self.bytes += os.path.getsize(path)
                if os.path.getsize(out) > WIRE_BYTES // LAYERS:
                    break
        packer.stdin.close()
        packer.wait()
        with open(out, "rb") as f:
            descriptor = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **self.name(f.read())}
        os.rename(out, f"{self.path}/blobs/sha256/{descriptor['digest'][7:]}")
        return descriptor, "sha256:" + inner.hexdigest()

    @staticmethod
    def name(data):
        return {"digest": "sha256:" + hashlib.sha256(data).hexdigest(), "size": len(data)}

    def add(self, data):
        descriptor = self.name(data)
        with open(f"{self.path}/blobs/sha256/{descriptor['digest'][7:]}", "wb") as f:
            f.write(data)
        return descriptor


class RegistryBench:
    SOURCE, TARGET, OURS = 5101, 5102, 5103

    def __init__(self, directory, report, tare, podman, quick):
        self.dir, self.report, self.tare, self.podman = f"{directory}/registry", report, tare, podman
        self.rounds = 3 if quick else 5
        os.mkdir(self.dir)
        self.image = Image(f"{self.dir}/layout")
        wire = sum(layer["size"] for layer in self.image.layers)
        report.note(f"pull and push: {LAYERS} layers, {wire / 1e6:.0f} MB as gzip, {self.image.bytes / 1e6:.0f} MB in {self.image.entries} files; docker has no daemon here")

    def all(self):
        self.pull()
        self.push()
        self.server()
        shutil.rmtree(self.dir, ignore_errors=True)

    # ------------------------------------------------------------ those who take part

    def ours(self, root, *words):
        return [*self.tare.argv[:1], "--root", f"{self.dir}/{root}", "--state", f"{self.dir}/{root}-state", *words]

    def podman_words(self, *words):
        return self.podman.words(*words)

    def buildah(self, *words):
        return ["buildah", "--root", f"{self.dir}/buildah", "--runroot", f"{self.dir}/buildah-run", "--storage-driver", "overlay", *words]

    def forget(self, name):
        """What a round has made goes, outside of the clock."""
        for path in (name, f"{name}-state"):
            shutil.rmtree(f"{self.dir}/{path}", ignore_errors=True)

    # ------------------------------------------------------------ pull

    def pull(self):
        registry = DockerRegistry(self.dir, self.SOURCE)
        run("skopeo", "copy", "--dest-tls-verify=false", f"oci:{self.image.path}:latest", f"docker://127.0.0.1:{self.SOURCE}/bench:latest")
        ref = f"127.0.0.1:{self.SOURCE}/bench:latest"
        times = {name: [] for name in ("tare", "podman", "buildah", "pipeline", "again", "podman again")}
        peak = []
        for _ in range(self.rounds):
            self.forget("pulled")
            start = time.perf_counter()
            child = subprocess.Popen(self.ours("pulled", "pull", "-q", ref), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            top = 0
            while child.poll() is None:
                top = max(top, self.tree_rss(child.pid))
                time.sleep(0.01)
            times["tare"].append((time.perf_counter() - start) * 1000)
            if child.returncode:
                sys.exit(f"bench: tare pull failed: {child.stderr.read().decode()}")
            peak.append(top)
            times["again"] += [timed(*self.ours("pulled", "pull", "-q", ref)) for _ in range(5)]
            times["podman"].append(timed(*self.podman_words("pull", "-q", "--tls-verify=false", ref), env=self.podman.env))
            times["podman again"].append(timed(*self.podman_words("pull", "-q", "--tls-verify=false", ref), env=self.podman.env))
            run(*self.podman_words("rmi", "-f", ref), env=self.podman.env)
            times["buildah"].append(timed(*self.buildah("pull", "-q", "--tls-verify=false", ref), env=self.podman.env))
            run(*self.buildah("rmi", "-f", ref), env=self.podman.env)
            os.makedirs(f"{self.dir}/pipeline")
            times["pipeline"].append(timed("bash", "-c", PIPELINE.format(dir=f"{self.dir}/pipeline", port=self.SOURCE)))
            self.forget("pipeline")
        registry.end()
        median = {name: statistics.median(t) for name, t in times.items()}
        for peer in ("podman", "buildah"):
            self.report.row("pull and unpack", median["tare"], median[peer], f"{peer} pull", 0.25, min_p95=(min(times["tare"]), max(times["tare"])))
        self.report.row("pull and unpack", median["tare"], median["pipeline"], "curl|sha256|igzip|tar", 1.0)
        self.report.row("pull of what is there", median["again"], median["podman again"], "podman pull", 0.3)
        self.report.row("memory of a pull", max(peak), None, "", 64, "MB")

    @staticmethod
    def tree_rss(pid):
        """The largest process of ours: tare is replaced by tare-transfer, which has a child."""
        try:
            children = open(f"/proc/{pid}/task/{pid}/children").read().split()
            return max(rss_mb([p]) for p in [pid, *map(int, children)])
        except (OSError, TypeError):
            return 0

    # ------------------------------------------------------------ push

    def push(self):
        run(*self.ours("pulled", "version"))
        name = "localhost/bench:latest"
        self.forget("pulled")
        archive = f"{self.dir}/bench.tar"
        run("tar", "-C", self.image.path, "-cf", archive, "oci-layout", "index.json", "blobs")
        run(*self.ours("pulled", "load", "-q", "-i", archive))
        os.unlink(archive)
        image = run(*self.ours("pulled", "images", "-q")).split()[0]
        run(*self.ours("pulled", "tag", image, name))
        run("skopeo", "copy", "-q", f"oci:{self.image.path}:latest", f"oci:{self.dir}/copy:latest")
        run(*self.podman_words("pull", "-q", f"oci:{self.image.path}:latest"), env=self.podman.env, check=False)
        podman_image = run(*self.podman_words("images", "-q", "--no-trunc", "--filter", "dangling=true"), env=self.podman.env).split()
        podman_image = podman_image or run(*self.podman_words("images", "-q"), env=self.podman.env).split()
        times = {key: [] for key in ("tare docker", "skopeo docker", "podman docker", "tare tare", "skopeo tare")}
        for n in range(self.rounds):
            for key, command in (
                ("tare docker", self.ours("pulled", "push", "-q", name, f"127.0.0.1:{self.TARGET}/p:1")),
                ("skopeo docker", ["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{self.dir}/copy:latest", f"docker://127.0.0.1:{self.TARGET}/s{n}:1"]),
                ("podman docker", self.podman_words("push", "-q", "--tls-verify=false", podman_image[0], f"127.0.0.1:{self.TARGET}/q{n}:1")),
            ):
                registry = DockerRegistry(self.dir, self.TARGET)
                times[key].append(timed(*command, env=self.podman.env))
                registry.end()
            for key, command in (
                ("tare tare", self.ours("pulled", "push", "-q", name, f"127.0.0.1:{self.OURS}/p:1")),
                ("skopeo tare", ["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{self.dir}/copy:latest", f"docker://127.0.0.1:{self.OURS}/t{n}:1"]),
            ):
                registry = TareRegistry(self.dir, self.OURS, self.tare)
                times[key].append(timed(*command, env=self.podman.env))
                registry.end()
        median = {key: statistics.median(t) for key, t in times.items()}
        self.report.row("push to docker-registry", median["tare docker"], median["skopeo docker"], "skopeo copy", 0.7)
        self.report.row("push to docker-registry", median["tare docker"], median["podman docker"], "podman push", 0.2)
        self.report.row("push to tare registry", median["tare tare"], median["skopeo docker"], "skopeo copy, docker-registry", 0.3)
        self.report.row("push to tare registry", median["tare tare"], median["skopeo tare"], "skopeo copy, tare registry", None)
        self.forget("pulled")
        shutil.rmtree(f"{self.dir}/copy", ignore_errors=True)

    # ------------------------------------------------------------ server

    @staticmethod
    def wrk(port, path, connections, seconds):
        accept = "Accept: application/vnd.oci.image.manifest.v1+json"
        text = run("wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--latency", "-H", accept, f"http://127.0.0.1:{port}{path}")
        if "Non-2xx" in text:
            sys.exit(f"bench: {path} on port {port}: {text}")
        number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
        return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]

    def upload(self, port, data, digest, n):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", f"/v2/up{n}/blobs/uploads/", headers={"Content-Length": "0"})
        answer = connection.getresponse()
        answer.read()
        location = answer.getheader("Location")
        location = re.sub(r"^https?://[^/]+", "", location)
        start = time.perf_counter()
        connection.request("PUT", f"{location}{'&' if '?' in location else '?'}digest={digest}", data, {"Content-Type": "application/octet-stream"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 201:
            sys.exit(f"bench: upload: {answer.status}")
        return (time.perf_counter() - start) * 1000

    def serve(self, registry, config, big, data, digest):
        run("skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{self.image.path}:latest", f"docker://127.0.0.1:{registry.port}/bench:latest")
        base, seconds = "/v2/bench", 2 if self.rounds == 3 else 5
        out = {}
        out["manifest"] = self.wrk(registry.port, f"{base}/manifests/latest", 32, seconds)
        out["small"] = self.wrk(registry.port, f"{base}/blobs/{config}", 32, seconds)
        watcher = subprocess.Popen(["wrk", "-t2", "-c64", "-d2s", f"http://127.0.0.1:{registry.port}{base}/blobs/{config}"], stdout=subprocess.DEVNULL)
        time.sleep(1)
        out["rss"] = rss_mb(registry.pids())
        watcher.wait()
        command = ["curl", "-sf", "-o", "/dev/null", "-w", "%{speed_download}", f"http://127.0.0.1:{registry.port}{base}/blobs/{big['digest']}"]
        out["throughput"] = statistics.median(float(run(*command)) / 1e6 for _ in range(self.rounds * 3))
        out["upload"] = statistics.median(self.upload(registry.port, data, digest, n) for n in range(self.rounds))
        return out

    def server(self):
        with open(f"{self.image.path}/index.json") as f:
            manifest = json.load(f)["manifests"][0]["digest"]
        with open(f"{self.image.path}/blobs/sha256/{manifest[7:]}") as f:
            config = json.load(f)["config"]["digest"]
        big = max(self.image.layers, key=lambda layer: layer["size"])
        data = os.urandom(100_000_000)
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        result = {}
        for registry in (DockerRegistry(self.dir, self.TARGET), TareRegistry(self.dir, self.OURS, self.tare)):
            result[registry.name] = self.serve(registry, config, big, data, digest)
            registry.end()
        ours, peer = result["tare registry"], result["docker-registry"]
        row = self.report.row
        row("manifest GETs, 32 connections", ours["manifest"][0], peer["manifest"][0], "docker-registry", 10, "/s", at_least=True)
        row("the same, p99", ours["manifest"][1], peer["manifest"][1], "docker-registry", 0.1)
        row("small blob GETs, 32 connections", ours["small"][0], peer["small"][0], "docker-registry", 10, "/s", at_least=True)
        row("the same, p99", ours["small"][1], peer["small"][1], "docker-registry", 0.1)
        row(f"GET of a {big['size'] // 1_000_000} MB blob", ours["throughput"], peer["throughput"], "docker-registry", 1.0, "MB/s", at_least=True)
        row("upload of 100 MB", ours["upload"], peer["upload"], "docker-registry", 0.5)
        row("memory with 64 clients", ours["rss"], None, "", 15, "MB")
