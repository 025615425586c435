#!/usr/bin/env python3
"""A registry that serves an OCI image layout, and lies where a rule says so.

hostile_registry.py LAYOUT NAME RULES LOG [PORT]     prints the port it listens on (127.0.0.1), then serves
NAME "*": LAYOUT is a folder of layouts, each of which is the repository of that name.

RULES is a JSON file, read anew for every request: a list of objects
    {"match": REGEX on "METHOD /path?query", "times": N (default: always), "skip": N (leave the first N alone), …what to do}
What to do, any of:
    "status": 503, "headers": {"Retry-After": "1"}, "body": "text"       answer that and nothing else
    "add": {"Docker-Content-Digest": "sha256:…"}                         the real answer with these headers (null: without)
    "cut": 1000              close the connection after so many bytes of the body
    "slow": 100000           bytes a second
    "flip": 10               the byte at that offset of the blob is another one
    "length": 5              claim that Content-Length
    "empty": true            200, the right Content-Length in words, no body
    "grow": 1000             as many bytes more than there are; -1: for ever
    "no_range": true         Range is not understood: 200 and everything
    "range_from": 5          the 206 starts elsewhere
    "redirect": URL          307 ("{path}" stands for path and query)
    "hang": SECONDS          say nothing for so long
    "raw": "bytes"           exactly these (latin-1) instead of an answer
    "need": "Bearer x"       401 unless Authorization is that; "challenge": the WWW-Authenticate header(s), string or list
LOG gets one JSON line a request: method, path, range, authorization, status, sent (bytes of body), host.
Uploads (POST, PATCH, PUT) are taken and thrown away; "uploads" rules may be written with the same words.
"""
import hashlib
import json
import os
import re
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler

LAYOUT, NAME, RULES, LOG = sys.argv[1:5]
COUNTS = {}
LOCK = threading.Lock()


def rule_for(line):
    try:
        with open(RULES) as f:
            rules = json.load(f)
    except (OSError, ValueError):
        return {}
    for number, rule in enumerate(rules):
        if not re.search(rule["match"], line):
            continue
        with LOCK:
            key = (number, rule["match"])
            COUNTS[key] = COUNTS.get(key, 0) + 1
            seen = COUNTS[key] - rule.get("skip", 0)
        if seen > 0 and seen <= rule.get("times", 1 << 60):
            return rule
    return {}


def blob(layout, digest):
    try:
        with open(os.path.join(layout, "blobs", *digest.split(":", 1)), "rb") as f:
            return f.read()
    except OSError:
        return None


def manifest(layout, reference):
    with open(os.path.join(layout, "index.json")) as f:
        entry = json.load(f)["manifests"][0]
    if ":" in reference:
        data = blob(layout, reference)
        return data, (json.loads(data).get("mediaType") if data else None)
    if reference != entry["annotations"]["org.opencontainers.image.ref.name"]:
        return None, None
    return blob(layout, entry["digest"]), entry["mediaType"]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self, status, sent):
        with LOCK, open(LOG, "a") as f:
            f.write(json.dumps({"method": self.command, "path": self.path, "range": self.headers.get("Range"), "authorization": self.headers.get("Authorization"), "status": status, "sent": sent, "host": self.headers.get("Host")}) + "\n")

    def answer(self, status, headers, body, rule):
        headers = {"Content-Length": str(len(body)), **headers}
        for name, value in rule.get("add", {}).items():
            headers.pop(name, None)
            if value is not None:
                headers[name] = value
        if "length" in rule:
            headers["Content-Length"] = str(rule["length"])
        grow = rule.get("grow", 0)
        if grow and "length" not in rule:
            headers.pop("Content-Length", None)
            headers["Connection"] = "close"
        self.send_response(status)
        for name, value in headers.items():
            for one in value if isinstance(value, list) else [value]:
                self.send_header(name, one)
        self.end_headers()
        sent = 0
        if self.command != "HEAD" and not rule.get("empty"):
            sent = self.body(body, rule)
        self.note(status, sent)
        if rule.get("empty") or "cut" in rule or grow or "length" in rule:
            self.close_connection = True

    def body(self, body, rule):
        cut, rate, sent = rule.get("cut", len(body)), rule.get("slow"), 0
        step = max(1, rate // 20) if rate else 1 << 16
        try:
            while sent < min(cut, len(body)):
                piece = body[sent : min(sent + step, cut)]
                self.wfile.write(piece)
                self.wfile.flush()
                sent += len(piece)
                if rate:
                    time.sleep(0.05)
            more = rule.get("grow", 0)
            while more:
                self.wfile.write(b"x" * (1 << 16 if more < 0 else more))
                sent += 1 << 16 if more < 0 else more
                more = more if more < 0 else 0
        except OSError:
            pass
        return sent

    def serve(self):
        rule = rule_for(f"{self.command} {self.path}")
        length = int(self.headers.get("Content-Length") or 0)
        taken = self.rfile.read(length) if length else b""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            taken = self.chunks()
        if "hang" in rule:
            time.sleep(rule["hang"])
        if "raw" in rule:
            self.wfile.write(rule["raw"].encode("latin-1"))
            self.close_connection = True
            return self.note(0, len(rule["raw"]))
        if "need" in rule and self.headers.get("Authorization") != rule["need"]:
            return self.answer(401, {"WWW-Authenticate": rule["challenge"]}, b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}', {})
        if "redirect" in rule:
            return self.answer(307, {"Location": rule["redirect"].replace("{path}", self.path)}, b"", {})
        if "status" in rule:
            return self.answer(rule["status"], rule.get("headers", {}), rule.get("body", "").encode(), rule)
        self.content(rule, taken)

    def chunks(self):
        out = b""
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            out += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return out

    def content(self, rule, taken):
        path, _, query = self.path.partition("?")
        name = path.split("/")[2] if NAME == "*" and path.count("/") > 2 else NAME
        base, layout = f"/v2/{name}/", os.path.join(LAYOUT, name) if NAME == "*" else LAYOUT
        if path in ("/v2", "/v2/"):
            return self.answer(200, {"Content-Type": "application/json"}, b"{}", rule)
        if not path.startswith(base):
            return self.answer(404, {}, b'{"errors":[{"code":"NAME_UNKNOWN","message":"no such repository"}]}', rule)
        kind, _, reference = path[len(base) :].partition("/")
        if kind == "blobs" and self.command in ("GET", "HEAD"):
            return self.send_blob(layout, reference, rule)
        if kind == "manifests" and self.command in ("GET", "HEAD"):
            data, media = manifest(layout, reference)
            if data is None:
                return self.answer(404, {}, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no such manifest"}]}', rule)
            digest = reference if ":" in reference else "sha256:" + hashlib.sha256(data).hexdigest()
            return self.answer(200, {"Content-Type": media, "Docker-Content-Digest": digest}, data, rule)
        if self.command == "POST":
            return self.answer(202, {"Location": f"{base}blobs/uploads/1", "Range": "0-0"}, b"", rule)
        if self.command == "PATCH":
            return self.answer(202, {"Location": f"{base}blobs/uploads/1", "Range": f"0-{max(0, len(taken) - 1)}"}, b"", rule)
        if self.command == "PUT":
            digest = re.sub(".*digest=", "", query).replace("%3A", ":") if kind == "blobs" else "sha256:" + hashlib.sha256(taken).hexdigest()
            return self.answer(201, {"Location": path, "Docker-Content-Digest": digest}, b"", rule)
        self.answer(404, {}, b"", rule)

    def send_blob(self, layout, digest, rule):
        data = blob(layout, digest)
        if data is None:
            return self.answer(404, {}, b'{"errors":[{"code":"BLOB_UNKNOWN","message":"no such blob"}]}', rule)
        if "flip" in rule:
            at = rule["flip"] % len(data)
            data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        headers = {"Content-Type": "application/octet-stream", "Docker-Content-Digest": digest, "Accept-Ranges": "bytes"}
        if not wanted or rule.get("no_range"):
            return self.answer(200, headers, data, rule)
        start = rule.get("range_from", int(wanted[1]))
        end = min(int(wanted[2] or len(data) - 1), len(data) - 1)
        if start > end:
            return self.answer(416, {}, b"", rule)
        headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
        self.answer(206, headers, data[start : end + 1], rule)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = serve


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 64

    def handle_error(self, request, client_address):
        pass


server = Server(("127.0.0.1", int(sys.argv[5]) if len(sys.argv) > 5 else 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
