#!/usr/bin/env python3
"""A token server as registries want one: signed JWTs for whom they ask.

token_server.py CERT KEY SERVICE LOG [PORT]     prints the port it listens on (127.0.0.1), then serves

GET  /token?service=&scope=&scope=…     Basic joe:sesame gets all that is asked for, nobody gets to pull public/…
POST /token                             grant_type=refresh_token with "remember-joe", or password
LOG gets one JSON line a request: method, scopes, account, user (null: nobody), status.
"""
import base64
import json
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CERT, KEY, SERVICE, LOG = sys.argv[1:5]
WANTED = "Basic " + base64.b64encode(b"joe:sesame").decode()
LOCK = threading.Lock()


def plain(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(claims):
    with open(CERT) as f:
        der = ssl.PEM_cert_to_DER_cert(f.read())
    head = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
    text = ".".join(plain(json.dumps(part).encode()) for part in (head, claims))
    openssl = ["openssl", "dgst", "-sha256", "-sign", KEY]
    return text + "." + plain(subprocess.run(openssl, input=text.encode(), stdout=subprocess.PIPE, check=True).stdout)


def granted(user, scopes):
    access = []
    for scope in scopes:
        kind, name, actions = scope.split(":")
        actions = [a for a in actions.split(",") if user or (name.startswith("public/") and a == "pull")]
        access.append({"type": kind, "name": name, "actions": actions})
    return access


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, user, query):
        scopes = [s for many in query.get("scope", []) for s in many.split()]
        now = int(time.time())
        claims = {"iss": "tests", "sub": user or "", "aud": SERVICE, "iat": now, "nbf": now - 10, "exp": now + 300,
                  "jti": str(now), "access": granted(user, scopes)}
        body = {"token": sign(claims), "expires_in": 300} if status == 200 else {"details": "wrong user or password"}
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        with LOCK, open(LOG, "a") as f:
            f.write(json.dumps({"method": self.command, "scopes": scopes, "user": user, "status": status,
                                "account": query.get("account", [None])[0]}) + "\n")

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        shown = self.headers.get("Authorization")
        self.answer(401 if shown and shown != WANTED else 200, "joe" if shown == WANTED else None, query)

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        first = {k: v[0] for k, v in form.items()}
        good = first.get("refresh_token") == "remember-joe" if first.get("grant_type") == "refresh_token" else \
            (first.get("username"), first.get("password")) == ("joe", "sesame")
        self.answer(200 if good else 401, "joe" if good else None, form)


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[5]) if len(sys.argv) > 5 else 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
