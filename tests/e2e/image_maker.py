#!/usr/bin/env python3
"""Makes images of random content as an OCI image layout, and pushes them to a registry by plain requests.

image_maker.py DIR [--tag T] [--layers N] [--kib K] [--files N] [--seed S] [--compression gzip|multi|zstd|zstd-long|none]
               [--docker] [--algorithm sha256|sha512] [--platforms linux/amd64,…] [--attestation] [--busybox FILE]
               [--push http://HOST:PORT/NAME:TAG]

The layout in DIR is made anew unless it is there. Each layer has --files files of --kib KiB in all under /data/LAYER; with
--busybox the first one has a shell, too. --push uploads what DIR holds. Prints the digest of what the tag points to.
"""
import argparse
import gzip
import hashlib
import http.client
import io
import json
import os
import random
import subprocess
import tarfile
import urllib.parse

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."


class Layout:
    def __init__(self, path, algorithm):
        self.path, self.algorithm = path, algorithm

    def add(self, data, algorithm=None):
        algorithm = algorithm or self.algorithm
        hexa = hashlib.new(algorithm, data).hexdigest()
        folder = os.path.join(self.path, "blobs", algorithm)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, hexa), "wb") as f:
            f.write(data)
        return {"digest": f"{algorithm}:{hexa}", "size": len(data)}

    def read(self, digest):
        with open(os.path.join(self.path, "blobs", *digest.split(":")), "rb") as f:
            return f.read()


def member(tar, name, data=b"", mode=0o644, kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.type, info.linkname, info.mtime = len(data), mode, kind, link, 1700000000
    tar.addfile(info, io.BytesIO(data))


def layer_tar(options, rng, number):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        if number == 0 and options.busybox:
            with open(options.busybox, "rb") as f:
                member(tar, "bin", mode=0o755, kind=tarfile.DIRTYPE)
                member(tar, "bin/busybox", f.read(), 0o755)
            for word in ("sh", "cat", "ls", "echo", "true", "sleep"):
                member(tar, f"bin/{word}", kind=tarfile.SYMTYPE, link="busybox")
        member(tar, "data", mode=0o755, kind=tarfile.DIRTYPE)
        member(tar, f"data/{number}", mode=0o755, kind=tarfile.DIRTYPE)
        each = options.kib * 1024 // max(1, options.files)
        for i in range(options.files):
            # Half of it random, half of it text: compresses about as much as programs do.
            member(tar, f"data/{number}/{i}", rng.randbytes(each // 2) + (b"text %d %d\n" % (number, i) * each)[: each - each // 2])
    return out.getvalue()


def compress(data, kind):
    if kind == "gzip":
        return gzip.compress(data, 6, mtime=0)
    if kind == "multi":
        half = len(data) // 2
        return gzip.compress(data[:half], 6, mtime=0) + gzip.compress(data[half:], 6, mtime=0)
    if kind.startswith("zstd"):
        window = ["--long=23"] if kind == "zstd-long" else []
        return subprocess.run(["zstd", "-q", "-3", *window, "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


def layer_type(options):
    suffix = {"gzip": "gzip", "multi": "gzip", "zstd": "zstd", "zstd-long": "zstd", "none": ""}[options.compression]
    if options.docker:
        return DOCKER + "image.rootfs.diff.tar" + ("." + suffix if suffix else "")
    return OCI + "layer.v1.tar" + ("+" + suffix if suffix else "")


def make_manifest(layout, options, platform, seed):
    rng = random.Random(seed)
    parts = platform.split("/")
    layers, diff_ids = [], []
    for number in range(options.layers):
        tar = layer_tar(options, rng, number)
        diff_ids.append(f"sha256:{hashlib.sha256(tar).hexdigest()}")
        layers.append({"mediaType": layer_type(options), **layout.add(compress(tar, options.compression))})
    config = {
        "created": "2024-01-01T00:00:00Z",
        "os": parts[0],
        "architecture": parts[1],
        "config": {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"], "Labels": {"maker": "tests"}},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created": "2024-01-01T00:00:00Z", "created_by": f"layer {n}"} for n in range(options.layers)],
    }
    if len(parts) > 2:
        config["variant"] = parts[2]
    media = DOCKER + "container.image.v1+json" if options.docker else OCI + "config.v1+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": DOCKER + "distribution.manifest.v2+json" if options.docker else OCI + "manifest.v1+json",
        "config": {"mediaType": media, **layout.add(json.dumps(config).encode())},
        "layers": layers,
    }
    described = {"mediaType": manifest["mediaType"], **layout.add(json.dumps(manifest).encode())}
    described["platform"] = {"os": parts[0], "architecture": parts[1]}
    if len(parts) > 2:
        described["platform"]["variant"] = parts[2]
    return described


def attestation(layout, subject):
    layer = {"mediaType": "application/vnd.in-toto+json", **layout.add(b'{"_type":"statement"}')}
    config = {"mediaType": OCI + "config.v1+json", **layout.add(b'{"architecture":"unknown","os":"unknown","config":{},"rootfs":{"type":"layers","diff_ids":[]}}')}
    manifest = {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "config": config, "layers": [layer]}
    return {
        "mediaType": OCI + "manifest.v1+json",
        **layout.add(json.dumps(manifest).encode()),
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": subject},
    }


def make(options):
    layout = Layout(options.dir, options.algorithm)
    platforms = options.platforms.split(",")
    top = [make_manifest(layout, options, p, f"{options.seed} {p}") for p in platforms]
    if len(top) > 1 or options.attestation:
        children = top + ([attestation(layout, top[0]["digest"])] if options.attestation else [])
        media = DOCKER + "distribution.manifest.list.v2+json" if options.docker else OCI + "index.v1+json"
        document = {"schemaVersion": 2, "mediaType": media, "manifests": children}
        entry = {"mediaType": media, **layout.add(json.dumps(document).encode())}
    else:
        entry = dict(top[0])
    entry["annotations"] = {"org.opencontainers.image.ref.name": options.tag}
    with open(os.path.join(options.dir, "oci-layout"), "w") as f:
        f.write('{"imageLayoutVersion":"1.0.0"}')
    with open(os.path.join(options.dir, "index.json"), "w") as f:
        json.dump({"schemaVersion": 2, "manifests": [entry]}, f)


class Registry:
    def __init__(self, url):
        at = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPConnection(at.netloc, timeout=60)
        name, _, self.tag = at.path[1:].rpartition(":")
        self.base = f"/v2/{name}/"

    def ask(self, method, path, body=None, headers=None):
        self.connection.request(method, path, body, headers or {})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300 and not (method == "HEAD" and answer.status == 404):
            raise SystemExit(f"{method} {path}: {answer.status} {text[:200]}")
        return answer

    def blob(self, digest, data):
        if self.ask("HEAD", f"{self.base}blobs/{digest}").status == 200:
            return
        location = self.ask("POST", f"{self.base}blobs/uploads/").getheader("Location")
        at = urllib.parse.urlsplit(location)
        query = "&".join(q for q in (at.query, "digest=" + urllib.parse.quote(digest)) if q)
        self.ask("PUT", f"{at.path}?{query}", data, {"Content-Type": "application/octet-stream"})

    def manifest(self, layout, descriptor, reference):
        document = layout.read(descriptor["digest"])
        parsed = json.loads(document)
        for child in parsed.get("manifests", []):
            self.manifest(layout, child, child["digest"])
        for blob in parsed.get("layers", []) + ([parsed["config"]] if "config" in parsed else []):
            self.blob(blob["digest"], layout.read(blob["digest"]))
        self.ask("PUT", f"{self.base}manifests/{reference}", document, {"Content-Type": descriptor["mediaType"]})


def main():
    p = argparse.ArgumentParser()
    p.add_argument("dir")
    p.add_argument("--tag", default="latest")
    p.add_argument("--layers", type=int, default=3)
    p.add_argument("--kib", type=int, default=64)
    p.add_argument("--files", type=int, default=4)
    p.add_argument("--seed", default="1")
    p.add_argument("--compression", choices=("gzip", "multi", "zstd", "zstd-long", "none"), default="gzip")
    p.add_argument("--docker", action="store_true")
    p.add_argument("--algorithm", choices=("sha256", "sha512"), default="sha256")
    p.add_argument("--platforms", default="linux/amd64")
    p.add_argument("--attestation", action="store_true")
    p.add_argument("--busybox")
    p.add_argument("--push")
    options = p.parse_args()
    if not os.path.exists(os.path.join(options.dir, "index.json")):
        os.makedirs(options.dir, exist_ok=True)
        make(options)
    with open(os.path.join(options.dir, "index.json")) as f:
        entry = json.load(f)["manifests"][0]
    if options.push:
        registry = Registry(options.push)
        registry.manifest(Layout(options.dir, options.algorithm), entry, registry.tag)
    print(entry["digest"])


if __name__ == "__main__":
    main()
