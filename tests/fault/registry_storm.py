#!/usr/bin/env python3
"""A storm on a registry: clients that push, pull, delete, cut uploads off and push the same blobs at once, while its garbage
collection runs all the time. What was pushed and not deleted must be there, whole; whatever is answered must be right.

registry_storm.py URL STORAGE SECONDS CLIENTS GC-COMMAND…

Each client has a repository of its own, in which it knows what must be there, and all share two others, where anything may be
missing at any time but nothing may be wrong. Exits 1 and says what was lost.
"""
import collections
import hashlib
import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
import urllib.parse

URL, STORAGE, SECONDS, CLIENTS, GC = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), sys.argv[5:]
HOST = urllib.parse.urlsplit(URL).netloc
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
END = time.monotonic() + SECONDS
problems = []
counts = collections.Counter()
shared_blobs = [os.urandom(random.choice((0, 1, 1000, 70_000, 900_000))) for _ in range(12)]


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Client(threading.Thread):
    def __init__(self, number):
        super().__init__()
        self.random = random.Random(number)
        self.number, self.own = number, {}  # tag: (digest, document, blobs)
        self.connection = None

    def ask(self, method, path, body=None, headers=None):
        for attempt in (0, 1):
            try:
                if not self.connection:
                    self.connection = http.client.HTTPConnection(HOST, timeout=30)
                self.connection.request(method, path, body, headers or {})
                answer = self.connection.getresponse()
                return answer.status, answer.read(), answer
            except (OSError, http.client.HTTPException) as why:
                self.connection = None
                if attempt:
                    problems.append(f"{method} {path}: {why!r}")
                    return 0, b"", None

    # -------------------------------------------------------- verbs

    def push_blob(self, repository, data):
        digest = digest_of(data)
        if self.random.random() < 0.5 and self.ask("HEAD", f"/v2/{repository}/blobs/{digest}")[0] == 200:
            return digest
        start = f"/v2/{repository}/blobs/uploads/"
        if self.random.random() < 0.2:
            status, _, answer = self.ask("POST", f"{start}?mount={digest}")
            if status == 201:
                return digest
        else:
            status, _, answer = self.ask("POST", start)
        if status != 202:
            return self.failed(f"POST {start}: {status}")
        location = answer.getheader("Location").replace(URL, "")
        half = len(data) // 2
        if half and self.random.random() < 0.3:
            status, _, answer = self.ask("PATCH", location, data[:half], {"Content-Type": "application/octet-stream", "Content-Range": f"0-{half - 1}"})
            if status != 202:
                return self.failed(f"PATCH: {status}")
            location = answer.getheader("Location").replace(URL, "")
            data = data[half:]
        status, text, _ = self.ask("PUT", f"{location}{'&' if '?' in location else '?'}digest={digest}", data, {"Content-Type": "application/octet-stream"})
        return digest if status == 201 else self.failed(f"PUT of a blob: {status} {text[:200]}")

    def failed(self, what):
        problems.append(f"client {self.number}: {what}")

    def push(self, repository, tag, known):
        blobs = [self.random.choice(shared_blobs) for _ in range(3)] + [os.urandom(self.random.randrange(5000))]
        described = []
        for data in blobs:
            digest = self.push_blob(repository, data)
            if not digest:
                return
            described.append({"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": len(data)})
        document = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": described[0], "layers": described[1:]}).encode()
        status, text, _ = self.ask("PUT", f"/v2/{repository}/manifests/{tag}", document, {"Content-Type": MANIFEST})
        counts["push"] += 1
        if known and status != 201:
            self.failed(f"PUT of a manifest of a repository of its own: {status} {text[:200]}")
        elif known:
            self.own[tag] = (digest_of(document), document, dict((digest_of(b), b) for b in blobs))
        elif status not in (201, 400, 404):  # somebody else deleted a blob meanwhile
            self.failed(f"PUT of a manifest: {status} {text[:200]}")

    def pull_own(self):
        if not self.own:
            return
        tag = self.random.choice(list(self.own))
        self.verify(tag)

    def verify(self, tag):
        digest, document, blobs = self.own[tag]
        repository = f"own/{self.number}"
        status, text, _ = self.ask("GET", f"/v2/{repository}/manifests/{tag}", headers={"Accept": MANIFEST})
        counts["pull"] += 1
        if status != 200 or text != document:
            return self.failed(f"{repository}:{tag} is lost: {status}")
        for name, data in blobs.items():
            status, text, _ = self.ask("GET", f"/v2/{repository}/blobs/{name}")
            if status != 200 or text != data:
                self.failed(f"blob {name} of {repository}:{tag} is lost: {status}, {len(text)} of {len(data)} bytes")

    def pull_shared(self, repository):
        status, text, answer = self.ask("GET", f"/v2/{repository}/manifests/t{self.random.randrange(4)}", headers={"Accept": MANIFEST})
        if status != 200:
            return
        if digest_of(text) != answer.getheader("Docker-Content-Digest"):
            self.failed(f"a manifest of {repository} is wrong")
        for layer in json.loads(text)["layers"]:
            status, data, _ = self.ask("GET", f"/v2/{repository}/blobs/{layer['digest']}")
            if status == 200 and digest_of(data) != layer["digest"]:
                self.failed(f"blob {layer['digest']} of {repository} is wrong")
        counts["pull"] += 1

    def delete_own(self):
        if len(self.own) < 3:
            return
        tag = self.random.choice(list(self.own))
        digest = self.own.pop(tag)[0]
        what = digest if self.random.random() < 0.5 and all(o[0] != digest for o in self.own.values()) else tag
        status = self.ask("DELETE", f"/v2/own/{self.number}/manifests/{what}")[0]
        counts["delete"] += 1
        if status != 202:
            self.failed(f"DELETE of {what}: {status}")

    def delete_shared(self, repository):
        what = f"manifests/t{self.random.randrange(4)}"
        if self.random.random() < 0.5:
            what = f"blobs/{digest_of(self.random.choice(shared_blobs))}"
        self.ask("DELETE", f"/v2/{repository}/{what}")
        counts["delete"] += 1

    def cut(self, repository):
        """An upload that its client walks away from."""
        connection = http.client.HTTPConnection(HOST, timeout=30)
        try:
            connection.request("POST", f"/v2/{repository}/blobs/uploads/")
            answer = connection.getresponse()
            answer.read()
            location = answer.getheader("Location").replace(URL, "")
            connection.putrequest("PATCH", location)
            connection.putheader("Content-Length", "100000")
            connection.endheaders()
            connection.send(os.urandom(20_000))
        except (OSError, http.client.HTTPException, AttributeError):
            pass
        connection.close()
        counts["cut"] += 1

    def run(self):
        mine, shared = f"own/{self.number}", ("shared/a", "shared/b")
        while time.monotonic() < END and len(problems) < 20:
            where = self.random.choice(shared)
            self.random.choice(
                [lambda: self.push(mine, f"t{self.random.randrange(8)}", True)] * 3
                + [lambda: self.push(where, f"t{self.random.randrange(4)}", False)] * 3
                + [self.pull_own] * 3
                + [lambda: self.pull_shared(where)] * 3
                + [self.delete_own, lambda: self.delete_shared(where), lambda: self.cut(where)]
            )()


def collect():
    while time.monotonic() < END:
        done = subprocess.run(GC, capture_output=True, text=True)
        counts["gc"] += 1
        if done.returncode:
            problems.append(f"gc: {done.stderr[-300:]}")
            return
        time.sleep(0.3)


def check_storage():
    """Every blob on the disk is what its name says."""
    for folder, _, names in os.walk(os.path.join(STORAGE, "blobs")):
        for name in names:
            with open(os.path.join(folder, name), "rb") as f:
                if hashlib.new(os.path.basename(folder), f.read()).hexdigest() != name:
                    problems.append(f"the stored blob {name} is damaged")


clients = [Client(n) for n in range(CLIENTS)]
collector = threading.Thread(target=collect)
for t in (*clients, collector):
    t.start()
for t in (*clients, collector):
    t.join()
subprocess.run(GC, capture_output=True)
for client in clients:
    for tag in client.own:
        client.verify(tag)
check_storage()
print("storm:", ", ".join(f"{n} {what}" for what, n in sorted(counts.items())))
for problem in problems[:20]:
    print("lost:", problem, file=sys.stderr)
sys.exit(1 if problems else 0)
