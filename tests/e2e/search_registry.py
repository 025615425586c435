#!/usr/bin/env python3
"""A registry that can be searched: /v1/search and /v2/_catalog as the files in a directory say.
search_registry.py DIR PORT: DIR/v1 (JSON, or missing: 404), DIR/catalog-N (JSON of the page behind `last=N`; the first is
catalog-), DIR/link-N (its Link header), DIR/requests (one path a line is added)."""
import http.server
import os
import sys
import urllib.parse

root, port = sys.argv[1], int(sys.argv[2])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def file(self, name):
        path = os.path.join(root, name)
        return open(path, "rb").read() if os.path.exists(path) else None

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        query = urllib.parse.parse_qs(url.query)
        with open(os.path.join(root, "requests"), "a") as f:
            f.write(self.path + "\n")
        body, headers = None, []
        if url.path == "/v2/":
            body = b"{}"
        elif url.path == "/v1/search":
            body = self.file("v1")
        elif url.path == "/v2/_catalog":
            last = query.get("last", [""])[0]
            body, link = self.file("catalog-" + last), self.file("link-" + last)
            if link:
                headers.append(("Link", link.decode().strip()))
        self.answer(200 if body is not None else 404, body or b"{}", headers)


http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
