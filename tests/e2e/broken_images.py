#!/usr/bin/env python3
"""Layouts of images that no honest registry has, beside an honest one.

broken_images.py LAYOUT DIR: for every kind below DIR/KIND is LAYOUT with one lie in it.
"""
import gzip
import hashlib
import json
import lzma
import os
import shutil
import sys

LAYOUT, DIR = sys.argv[1:3]
OCI = "application/vnd.oci.image."


class Image:
    """The manifest and config of LAYOUT, to be bent, in DIR/KIND."""

    def __init__(self, kind):
        self.path = os.path.join(DIR, kind)
        shutil.copytree(LAYOUT, self.path)
        with open(os.path.join(self.path, "index.json")) as f:
            self.entry = json.load(f)["manifests"][0]
        self.manifest = self.read(self.entry["digest"])
        self.config = self.read(self.manifest["config"]["digest"])

    def read(self, digest):
        with open(os.path.join(self.path, "blobs", *digest.split(":"))) as f:
            return json.load(f)

    def add(self, data):
        if not isinstance(data, bytes):
            data = json.dumps(data).encode()
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(self.path, "blobs/sha256", digest), "wb") as f:
            f.write(data)
        return {"digest": "sha256:" + digest, "size": len(data)}

    def use_config(self):
        self.manifest["config"].update(self.add(self.config))

    def end(self, document=None, media=None):
        self.entry.update(self.add(document if document is not None else self.manifest))
        if media:
            self.entry["mediaType"] = media
        with open(os.path.join(self.path, "index.json"), "w") as f:
            json.dump({"schemaVersion": 2, "manifests": [self.entry]}, f)


def member(image, document, **more):
    return {"mediaType": OCI + "manifest.v1+json", "platform": {"os": "linux", "architecture": "amd64"}, **image.add(document), **more}


def index(children):
    return {"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": children}


i = Image("diffid")  # a layer that unpacks to something else
i.config["rootfs"]["diff_ids"][1] = "sha256:" + "1" * 64
i.use_config()
i.end()

i = Image("count")  # fewer diffIDs than layers
i.config["rootfs"]["diff_ids"].pop()
i.use_config()
i.end()

i = Image("twice")  # one layer twice: allowed
i.config["rootfs"]["diff_ids"].append(i.config["rootfs"]["diff_ids"][0])
i.manifest["layers"].append(i.manifest["layers"][0])
i.use_config()
i.end()

i = Image("two-in-one")  # one blob, said to be two layers of different content
i.config["rootfs"]["diff_ids"][1] = "sha256:" + "1" * 64
i.manifest["layers"][1] = i.manifest["layers"][0]
i.use_config()
i.end()

i = Image("larger")  # the manifest says more bytes than the layer has
i.manifest["layers"][1]["size"] += 1000
i.end()

i = Image("smaller")
i.manifest["layers"][1]["size"] -= 1000
i.end()

i = Image("nothing")  # no bytes, but not the digest of nothing
i.manifest["layers"][1]["size"] = 0
i.end()

i = Image("negative")
i.manifest["layers"][1]["size"] = -1
i.end()

i = Image("traversal")  # CVE-2024-3727
i.manifest["layers"][1]["digest"] = "sha256:../../../../../../etc/passwd"
i.end()

i = Image("artifact")
i.manifest["config"]["mediaType"] = "application/vnd.cncf.helm.config.v1+json"
i.end()

i = Image("strange-layer")
i.manifest["layers"][1]["mediaType"] = "application/vnd.in-toto+json"
i.end()

i = Image("schema1")
i.end({"schemaVersion": 1, "name": "x", "tag": "latest", "fsLayers": [], "history": []}, "application/vnd.docker.distribution.manifest.v1+prettyjws")

i = Image("confused")  # CVE-2021-41190
i.end({**i.manifest, "manifests": []})

i = Image("config-json")
i.manifest["config"].update(i.add(b'{"rootfs":'))
i.end()

i = Image("config-large")
i.manifest["config"]["size"] = 1 << 40
i.end()

i = Image("deep")  # JSON that nests
i.end(b'{"schemaVersion":2,"annotations":' + b"[" * 100000 + b"]" * 100000 + b"}")

i = Image("many")  # more layers than any file system could stack
i.manifest["layers"] *= 1000
i.end()

i = Image("huge")  # a manifest of 5 MiB
i.manifest["annotations"] = {"x": "y" * (5 << 20)}
i.end()

i = Image("dense")  # four megabytes that would be a gigabyte once they are parsed
i.manifest["annotations"] = [{}] * (1 << 20)
i.end(json.dumps(i.manifest, separators=(",", ":")).encode())

i = Image("config-dense")
i.config["x"] = [0] * (1 << 20)
i.manifest["config"].update(i.add(json.dumps(i.config, separators=(",", ":")).encode()))
i.end()

i = Image("xz")  # one may ask for gigabytes of memory to be undone, and no media type has it
with open(os.path.join(i.path, "blobs", *i.manifest["layers"][1]["digest"].split(":")), "rb") as f:
    i.manifest["layers"][1].update(i.add(lzma.compress(gzip.decompress(f.read()))))
i.end()

i = Image("child-size")  # the index says another size than its member has
child = member(i, i.manifest)
child["size"] += 1
i.end(index([child]), OCI + "index.v1+json")

i = Image("child-type")  # and another type
child = member(i, i.manifest)
child["mediaType"] = "application/vnd.docker.distribution.manifest.v2+json"
i.end(index([child]), OCI + "index.v1+json")

i = Image("nested")  # an index in an index: allowed
inner = index([member(i, i.manifest)])
i.end(index([{**member(i, inner), "mediaType": OCI + "index.v1+json"}]), OCI + "index.v1+json")

i = Image("nested-deep")
document = index([member(i, i.manifest)])
for _ in range(10):
    document = index([{**member(i, document), "mediaType": OCI + "index.v1+json"}])
i.end(document, OCI + "index.v1+json")

i = Image("empty-index")
i.end(index([]), OCI + "index.v1+json")

i = Image("escapes")  # a registry's words on a terminal
i.end(index([member(i, i.manifest, platform={"os": "linux\x1b[2J", "architecture": "\x1b]0;owned\x07"})]), OCI + "index.v1+json")
