#!/usr/bin/env python3
"""Pushes to a registry whose processes are killed all the time: what was answered 201 is there afterwards, and every blob on
the disk is what its name says.

registry_kills.py URL STORAGE SECONDS CLIENTS TARE… (the command that `registry start …` and `registry status` can be added to)
"""
import hashlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.parse

URL, STORAGE, SECONDS, CLIENTS, TARE = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), sys.argv[5:]
HOST = urllib.parse.urlsplit(URL).netloc
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
END = time.monotonic() + SECONDS
problems, kills = [], {"worker": 0, "supervisor": 0}
shared = [os.urandom(n) for n in (0, 1, 70_000, 900_000)]


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def ask(method, path, body=None, headers=None):
    """None: the registry was killed meanwhile."""
    connection = http.client.HTTPConnection(HOST, timeout=20)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer
    except (OSError, http.client.HTTPException):
        time.sleep(0.02)
        return None
    finally:
        connection.close()


class Client(threading.Thread):
    def __init__(self, number):
        super().__init__()
        self.repository, self.blobs, self.tags = "", {}, {}
        self.number, self.random = number, random.Random(number)

    def push_blob(self, data):
        digest = digest_of(data)
        begun = ask("POST", f"/v2/{self.repository}/blobs/uploads/")
        if not begun:
            return None
        if begun[0] != 202:
            return problems.append(f"POST in {self.repository}: {begun[0]} {begun[1][:200]}")
        location = urllib.parse.urlsplit(begun[2].getheader("Location")).path
        done = ask("PUT", f"{location}?digest={digest}", data)
        if done and done[0] == 201:
            self.blobs[self.repository, digest] = data
            return {"mediaType": LAYER, "digest": digest, "size": len(data)}
        if done and done[0] != 404:  # 404: the upload went in with a kill, and is a blob already
            problems.append(f"PUT of a blob: {done[0]} {done[1][:200]}")
        return None

    def run(self):
        n = 0
        while time.monotonic() < END and len(problems) < 10:
            # A new repository now and then: making one is cut, too.
            self.repository = f"kills/{self.number}/{n // 4}"
            n += 1
            layers = [self.push_blob(d) for d in (self.random.choice(shared), os.urandom(self.random.randrange(50_000)))]
            if None in layers:
                continue
            document = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": layers[0], "layers": layers[1:]}).encode()
            done = ask("PUT", f"/v2/{self.repository}/manifests/t{n}", document, {"Content-Type": MANIFEST})
            if done and done[0] == 201:
                self.tags[self.repository, f"t{n}"] = document
            elif done:
                problems.append(f"PUT of a manifest: {done[0]} {done[1][:200]}")

    def verify(self):
        for (repository, tag), document in self.tags.items():
            got = ask("GET", f"/v2/{repository}/manifests/{tag}")
            if not got or got[1] != document:
                problems.append(f"{repository}:{tag} is lost: {got and got[0]}")
        for (repository, digest), data in self.blobs.items():
            got = ask("GET", f"/v2/{repository}/blobs/{digest}")
            if not got or got[1] != data:
                problems.append(f"{digest} of {repository} is lost: {got and got[0]}")


def state():
    done = subprocess.run(TARE + ["registry", "status", "--json"], capture_output=True, text=True)
    return json.loads(done.stdout)[0] if done.returncode == 0 and done.stdout.strip() not in ("", "[]") else {}


def start():
    port = HOST.rsplit(":", 1)[1]
    for _ in range(100):
        if subprocess.run(TARE + ["registry", "start", "-d", "-p", port, "--storage", STORAGE], capture_output=True).returncode == 0:
            return
        time.sleep(0.05)
    problems.append("the registry does not start again")


def kill():
    while time.monotonic() < END and not problems:
        time.sleep(random.uniform(0.2, 1.2))
        what = "supervisor" if random.random() < 0.4 else "worker"
        pid = state().get("pid" if what == "supervisor" else "worker")
        if not pid:
            continue
        os.kill(pid, signal.SIGKILL)
        kills[what] += 1
        if what == "supervisor":
            start()


start()
clients = [Client(n) for n in range(CLIENTS)]
killer = threading.Thread(target=kill)
for t in (*clients, killer):
    t.start()
for t in (*clients, killer):
    t.join()
for _ in range(400):  # the worker may be about to start
    if ask("GET", "/v2/"):
        break
for c in clients:
    c.verify()
for folder, _, names in os.walk(os.path.join(STORAGE, "blobs")):
    for name in names:
        with open(os.path.join(folder, name), "rb") as f:
            if hashlib.new(os.path.basename(folder), f.read()).hexdigest() != name:
                problems.append(f"the stored blob {name} is damaged")
print(f"kills: {kills['worker']} of the worker, {kills['supervisor']} of the supervisor; {sum(len(c.tags) for c in clients)} images and "
      f"{sum(len(c.blobs) for c in clients)} blobs were kept")
for problem in problems[:10]:
    print("lost:", problem, file=sys.stderr)
sys.exit(1 if problems or not sum(kills.values()) else 0)
