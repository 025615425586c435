#!/usr/bin/env python3
"""A registry that takes uploads into memory, and is difficult about it.

upload_registry.py PORT RULES LOG      serves on 127.0.0.1:PORT

RULES is a JSON object, read anew for every request:
    "cut": [N, …]         close the connection after so many bytes of a body, once each; what came is kept
    "forget": true        after a cut the upload is not known any more
    "forget_pieces": true the first piece is taken, and at the second the upload is not known any more
    "max_body": N         413 for larger bodies
    "min_piece": N        OCI-Chunk-Min-Length of answers to POST; smaller pieces but the last are refused
    "no_pieces": STATUS   the answer to PATCH
    "mount": STATUS       the answer to ?mount= (201 mounts)
    "busy": N             that many bodies are answered by 429 and Retry-After: 0
    "slow": SECONDS       bodies are read only after so long
    "manifest": STATUS    the answer to manifests that are put
    "stuck": true         Range is always 0-0
    "elsewhere": URL      uploads are to be made there
    "need": TEXT          401 unless Authorization is that (but not for uploads that came from elsewhere)
LOG gets "METHOD PATH CONTENT-RANGE LENGTH AUTHORIZATION STATUS" a line.
"""
import hashlib
import json
import re
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlparse

PORT, RULES, LOG = int(sys.argv[1]), sys.argv[2], sys.argv[3]
BLOBS, MANIFESTS, UPLOADS, USED = {}, {}, {}, {"cut": 0, "busy": 0, "id": 0}
LOCK = threading.Lock()


class Cut(Exception):
    pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, headers=None, body=b""):
        with LOCK, open(LOG, "a") as f:
            f.write(f"{self.command} {self.path} {self.headers.get('Content-Range', '-')} {self.headers.get('Content-Length', '-')} {self.headers.get('Authorization', '-')} {status}\n")
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self, take):
        """Gives the pieces of the body to take(), and may cut it."""
        left = int(self.headers.get("Content-Length") or 0)
        if left > 4096:
            time.sleep(self.rules.get("slow", 0))
        cuts = self.rules.get("cut", [])
        limit = None
        with LOCK:
            if left > 4096 and USED["cut"] < len(cuts):
                limit = cuts[USED["cut"]]
                USED["cut"] += 1
        while left:
            piece = self.rfile.read1(min(left, 65536))
            if not piece:
                raise Cut
            if limit is not None and len(piece) >= limit:
                take(piece[:limit])
                raise Cut
            take(piece)
            left -= len(piece)
            limit = limit if limit is None else limit - len(piece)

    def serve(self):
        try:
            with open(RULES) as f:
                self.rules = json.load(f)
            url = urlparse(self.path)
            self.route(url.path, {k: v[0] for k, v in parse_qs(url.query).items()})
        except Cut:
            with LOCK, open(LOG, "a") as f:
                f.write(f"{self.command} {self.path} {self.headers.get('Content-Range', '-')} {self.headers.get('Content-Length', '-')} {self.headers.get('Authorization', '-')} cut\n")
            self.close_connection = True

    def route(self, path, query):
        if "need" in self.rules and self.headers.get("Authorization") != self.rules["need"]:
            self.body(lambda piece: None)
            return self.answer(401, {"WWW-Authenticate": 'Basic realm="x"'})
        if path == "/v2/":
            return self.answer(200)
        blob = re.fullmatch(r"/v2/(.+)/blobs/(sha\d+:[0-9a-f]+)", path)
        manifest = re.fullmatch(r"/v2/(.+)/manifests/(.+)", path)
        if blob and self.command == "HEAD":
            data = BLOBS.get(blob[2])
            return self.answer(200, {"Content-Length": str(len(data))}) if data is not None else self.answer(404)
        if manifest:
            return self.manifest(manifest[1] + ":" + manifest[2])
        if self.command == "POST":
            return self.start(query)
        upload = UPLOADS.get(path.rsplit("/", 1)[-1])
        if upload is None:
            self.body(lambda piece: None)
            return self.answer(404)
        self.upload(path, upload, query)

    def manifest(self, name):
        if self.command == "PUT":
            data = bytearray()
            self.body(data.extend)
            if "manifest" in self.rules:
                return self.answer(self.rules["manifest"])
            MANIFESTS[name] = bytes(data)
        data = MANIFESTS.get(name)
        if data is None:
            return self.answer(404)
        headers = {"Docker-Content-Digest": "sha256:" + hashlib.sha256(data).hexdigest(), "Content-Type": json.loads(data).get("mediaType", "")}
        self.answer(201 if self.command == "PUT" else 200, headers, b"" if self.command == "PUT" else data)

    def start(self, query):
        if "mount" in query and "mount" in self.rules and self.rules["mount"] != 202:
            if self.rules["mount"] == 201:
                BLOBS.setdefault(query["mount"], b"")
            return self.answer(self.rules["mount"])
        with LOCK:
            USED["id"] += 1
            name = str(USED["id"])
        UPLOADS[name] = bytearray()
        headers = {"Location": self.rules.get("elsewhere", "") + f"/v2/up/{name}?state=a%2Bb"}
        if "min_piece" in self.rules:
            headers["OCI-Chunk-Min-Length"] = str(self.rules["min_piece"])
        self.answer(202, headers)

    def upload(self, path, upload, query):
        at = len(upload)
        location = {"Location": path + f"?state={at}"}
        if self.command == "GET":
            return self.answer(204, {**location, "Range": "0-0" if self.rules.get("stuck") else f"0-{max(0, at - 1)}"})
        length = int(self.headers.get("Content-Length") or 0)
        if self.rules.get("forget_pieces") and at:
            self.body(lambda piece: None)
            return self.answer(404)
        refusal = self.refusal(upload, length)
        if refusal:
            self.body(lambda piece: None)
            return self.answer(refusal, {"Retry-After": "0"})
        try:
            self.body(upload.extend)
        except Cut:
            if self.rules.get("forget"):
                UPLOADS.pop(path.rsplit("/", 1)[-1])
            raise
        if self.command == "PATCH":
            return self.answer(202, {**location, "Range": "0-0" if self.rules.get("stuck") else f"0-{len(upload) - 1}"})
        algorithm, _, want = query["digest"].partition(":")
        if hashlib.new(algorithm, upload).hexdigest() != want:
            return self.answer(400, body=b'{"errors":[{"code":"DIGEST_INVALID","message":"not what it should be"}]}')
        BLOBS[query["digest"]] = bytes(upload)
        self.answer(201)

    def refusal(self, upload, length):
        rules = self.rules
        if self.command == "PATCH" and "no_pieces" in rules:
            return rules["no_pieces"]
        with LOCK:
            if length > 4096 and USED["busy"] < rules.get("busy", 0):
                USED["busy"] += 1
                return 429
        if length > rules.get("max_body", 1 << 60):
            return 413
        wanted = re.fullmatch(r"(\d+)-(\d+)", self.headers.get("Content-Range", "0-0"))
        if self.command == "PATCH" and (not wanted or int(wanted[1]) != len(upload)):
            return 416
        return None

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = serve


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 64

    def handle_error(self, request, client_address):
        pass


Server(("127.0.0.1", PORT), Handler).serve_forever()
