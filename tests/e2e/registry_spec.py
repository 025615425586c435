#!/usr/bin/env python3
"""registry_spec.py [--group NAME] [--sparse] [--catalog-max N] URL

What the distribution spec (1.1 and the draft of 1.2) and its clients ask of a registry, each rule by itself, and what
hostile clients try. Prints "ok N - GROUP: RULE" or "not ok …" with what came; the exit code says whether all held."""
import argparse
import base64
import hashlib
import http.client
import json
import os
import re
import socket
import sys
import threading
import time
import urllib.parse

MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
INDEX = 'application/vnd.oci.image.index.v1+json'
CONFIG = 'application/vnd.oci.image.config.v1+json'
LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'
EMPTY = 'application/vnd.oci.empty.v1+json'
DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'
DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json'
DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip'
FOREIGN = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'
OCTETS = 'application/octet-stream'

rules = []
args = None
host = port = None


def rule(group, text):
    def add(f):
        rules.append((group, text, f))
        return f
    return add


class Broken(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Broken(what)


# ---------------------------------------------------------------- HTTP

class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    def __getitem__(self, name):
        return self.headers.get(name)

    def json(self):
        return json.loads(self.body)

    def codes(self):
        return [e['code'] for e in self.json()['errors']]

    def is_(self, *statuses):
        check(self.status in statuses, f'{self.status}, not {statuses}: {self.body[:200]!r}')
        check(self['X-Content-Type-Options'] == 'nosniff', 'no nosniff')
        check(self['Docker-Distribution-API-Version'] == 'registry/2.0', 'no API version')
        return self

    def error(self, status, *codes):
        self.is_(status)
        if self.body:
            document = self.json()
            check(isinstance(document.get('errors'), list) and document['errors'], f'no errors: {self.body!r}')
            for e in document['errors']:
                check(set(e) >= {'code', 'message'}, f'an error without code and message: {e}')
                check(not codes or e['code'] in codes, f'{e["code"]}, not {codes}')
        return self


def connect():
    return http.client.HTTPConnection(host, port, timeout=30)


def ask(method, path, body=None, headers=None, connection=None):
    c = connection or connect()
    headers = headers or {}
    c.request(method, path, body=body, headers=headers, encode_chunked='Transfer-Encoding' in headers)
    r = c.getresponse()
    answer = Answer(r, r.read())
    if not connection:
        c.close()
    return answer


def raw(data, more=b''):
    """What comes for these bytes: the first status, and all that was sent until the connection ended."""
    with socket.create_connection((host, port), timeout=10) as s:
        try:
            s.sendall(data)
            s.sendall(more)
        except OSError:
            pass
        out = b''
        s.settimeout(3)
        try:
            while True:
                piece = s.recv(65536)
                if not piece:
                    break
                out += piece
        except OSError:
            pass
    m = re.match(rb'HTTP/1\.[01] (\d+)', out)
    return int(m.group(1)) if m else 0, out


# ---------------------------------------------------------------- what is pushed

names = 0


def name(kind='r'):
    global names
    names += 1
    return f'spec/{kind}{os.getpid()}-{names}'


def digest(data, alg='sha256'):
    return alg + ':' + hashlib.new(alg, data).hexdigest()


def path_of(location):
    u = urllib.parse.urlsplit(location)
    return u.path + ('?' + u.query if u.query else '')


def with_digest(location, d):
    p = path_of(location)
    return p + ('&' if '?' in p else '?') + 'digest=' + d


def begin(repo, query=''):
    a = ask('POST', f'/v2/{repo}/blobs/uploads/{query}', headers={'Content-Length': '0'}).is_(202)
    check(a['Location'], 'no Location')
    return a['Location']


def push_blob(repo, data, alg='sha256'):
    d = digest(data, alg)
    a = ask('PUT', with_digest(begin(repo), d), data, {'Content-Type': OCTETS}).is_(201)
    check(a['Docker-Content-Digest'] == d, f'digest {a["Docker-Content-Digest"]}')
    return d


def descriptor(content, media, alg='sha256', **more):
    return dict(mediaType=media, digest=digest(content, alg), size=len(content), **more)


def make_manifest(repo, layers=1, alg='sha256', media=MANIFEST, config_media=CONFIG, layer_media=LAYER, **more):
    config = json.dumps({'architecture': 'amd64', 'os': 'linux', 'r': os.urandom(8).hex(),
                         'rootfs': {'type': 'layers', 'diff_ids': []}}).encode()
    contents = [os.urandom(64) for _ in range(layers)]
    for b in [config] + contents:
        push_blob(repo, b, alg)
    return dict(schemaVersion=2, mediaType=media, config=descriptor(config, config_media, alg),
                layers=[descriptor(c, layer_media, alg) for c in contents], **more)


def make_index(*manifests, media=INDEX, **more):
    return dict(schemaVersion=2, mediaType=media,
                manifests=[descriptor(encode(m), m['mediaType'],
                                      platform={'os': 'linux', 'architecture': 'amd64'}) for m in manifests], **more)


def encode(document):
    return json.dumps(document).encode()


def put(repo, reference, document, media=None, query=''):
    data = document if isinstance(document, bytes) else encode(document)
    if media is None and isinstance(document, dict):
        media = document.get('mediaType', MANIFEST)
    return ask('PUT', f'/v2/{repo}/manifests/{reference}{query}', data, {'Content-Type': media} if media else {})


def push(repo, tag='latest', **how):
    m = make_manifest(repo, **how)
    put(repo, tag, m).is_(201)
    return encode(m)


def tags(repo, query=''):
    a = ask('GET', f'/v2/{repo}/tags/list{query}').is_(200)
    check(a.json()['name'] == repo, 'name of another repository')
    return a.json()['tags'], a


# ---------------------------------------------------------------- base

@rule('base', '/v2/ says that this is a registry')
def _():
    a = ask('GET', '/v2/').is_(200)
    check(a['Content-Type'] == 'application/json' and a.body == b'{}', a.body)
    ask('HEAD', '/v2/').is_(200)


@rule('base', 'unknown paths are 404, other methods 405 with Allow')
def _():
    for p in ('/', '/v1/', '/v2/x', '/v2/a/b', '/v2/a/nothing/b', '/v3/a/manifests/b'):
        ask('GET', p).error(404)
    a = ask('POST', '/v2/').error(405, 'UNSUPPORTED')
    check(a['Allow'] and 'GET' in a['Allow'], 'no Allow')
    for method in ('OPTIONS', 'PATCH', 'TRACE', 'PROPFIND'):
        ask(method, '/v2/a/manifests/b').error(405, 'UNSUPPORTED')
    ask('POST', '/v2/a/tags/list').error(405)
    ask('DELETE', '/v2/_catalog').error(405)


# ---------------------------------------------------------------- pull

@rule('pull', 'what is not there is 404, by GET and HEAD')
def _():
    repo = name()
    push(repo)
    no = digest(b'is not there')
    for method in ('GET', 'HEAD'):
        for r in (repo, name('none')):
            ask(method, f'/v2/{r}/blobs/{no}').error(404, 'BLOB_UNKNOWN')
            for reference in ('none', no, '.INVALID_MANIFEST_NAME', digest(b'', 'sha512')):
                ask(method, f'/v2/{r}/manifests/{reference}').error(404, 'MANIFEST_UNKNOWN')


@rule('pull', 'blobs by GET and HEAD, with digest, length and no guessing of types')
def _():
    repo = name()
    for data in (b'', b'x', os.urandom(1000), os.urandom(300000)):
        for alg in ('sha256', 'sha512'):
            d = push_blob(repo, data, alg)
            a = ask('GET', f'/v2/{repo}/blobs/{d}').is_(200)
            check(a.body == data, 'other bytes')
            h = ask('HEAD', f'/v2/{repo}/blobs/{d}').is_(200)
            check(h.body == b'' and h['Content-Length'] == str(len(data)), 'HEAD')
            for x in (a, h):
                check(x['Docker-Content-Digest'] == d, 'digest')
                check(x['Content-Type'] == OCTETS, 'type')
                check(x['ETag'] == f'"{d}"', 'etag')
            ask('GET', f'/v2/{repo}/blobs/{d}', headers={'If-None-Match': a['ETag']}).is_(304)


@rule('pull', 'a digest in the path may be percent-encoded')
def _():
    repo = name()
    d = push_blob(repo, b'encoded')
    ask('GET', f'/v2/{repo}/blobs/{d.replace(":", "%3A")}').is_(200)
    ask('GET', f'/v2/{repo}/blobs/{d.replace(":", "%3a")}').is_(200)


@rule('pull', 'ranges of blobs')
def _():
    repo = name()
    for size in (2000, 200000):
        data = os.urandom(size)
        p = f'/v2/{repo}/blobs/{push_blob(repo, data)}'
        for text, first, last in (('500-1499', 500, 1499), ('500-', 500, size - 1), ('-500', size - 500, size - 1),
                                  ('0-0', 0, 0), (f'{size - 1}-', size - 1, size - 1),
                                  (f'100-{size * 9}', 100, size - 1), (f'-{size * 9}', 0, size - 1),
                                  ('0-18446744073709551615', 0, size - 1),
                                  ('0-99999999999999999999999', 0, size - 1)):
            a = ask('GET', p, headers={'Range': 'bytes=' + text}).is_(206)
            check(a.body == data[first:last + 1], f'{text}: other bytes')
            check(a['Content-Range'] == f'bytes {first}-{last}/{size}', f'{text}: {a["Content-Range"]}')
            check(a['Content-Length'] == str(last - first + 1), f'{text}: {a["Content-Length"]}')
        check(ask('HEAD', p)['Accept-Ranges'] == 'bytes', 'Accept-Ranges')


@rule('pull', 'ranges that cannot be are 416, those that make no sense are ignored')
def _():
    repo = name()
    data = os.urandom(5000)
    p = f'/v2/{repo}/blobs/{push_blob(repo, data)}'
    for text in ('5000-10000', '5000-', '500-0', '-0', '99999999999999999999-', '18446744073709551616-'):
        a = ask('GET', p, headers={'Range': 'bytes=' + text}).error(416)
        check(a['Content-Range'] == 'bytes */5000', f'{text}: {a["Content-Range"]}')
    for text in ('bytes=a-b', 'bytes=', 'bytes=-', 'lines=1-2', 'bytes=--5', 'bytes=1-2x', 'bytes 0-5',
                 'bytes=0-1,2-3', 'bytes=' + ','.join(['0-4999'] * 1000)):
        a = ask('GET', p, headers={'Range': text}).is_(200)
        check(a.body == data, 'other bytes')
    zero = f'/v2/{repo}/blobs/{push_blob(repo, b"")}'
    ask('GET', zero, headers={'Range': 'bytes=0-'}).error(416)


@rule('pull', 'If-Range with another tag gives the whole')
def _():
    repo = name()
    d = push_blob(repo, b'0123456789')
    p = f'/v2/{repo}/blobs/{d}'
    ask('GET', p, headers={'Range': 'bytes=1-2', 'If-Range': '"other"'}).is_(200)
    ask('GET', p, headers={'Range': 'bytes=1-2', 'If-Range': f'"{d}"'}).is_(206)


@rule('pull', 'manifests by tag and digest, GET and HEAD')
def _():
    repo = name()
    data = push(repo, 'Tag_1.0-x')
    for reference in ('Tag_1.0-x', digest(data)):
        for method in ('GET', 'HEAD'):
            a = ask(method, f'/v2/{repo}/manifests/{reference}').is_(200)
            check(a.body == (data if method == 'GET' else b''), 'body')
            check(a['Content-Length'] == str(len(data)), 'length')
            check(a['Content-Type'] == MANIFEST, 'type')
            check(a['Docker-Content-Digest'] == digest(data), 'digest')
            check(a['ETag'] == f'"{digest(data)}"', 'etag')
        ask('GET', f'/v2/{repo}/manifests/{reference}', headers={'If-None-Match': a['ETag']}).is_(304)


@rule('pull', 'a manifest is served whatever types the client lists')
def _():
    repo = name()
    data = push(repo)
    for accept in ('', '*/*', MANIFEST, INDEX, 'text/html', 'application/vnd.docker.distribution.manifest.v1+json'):
        a = ask('GET', f'/v2/{repo}/manifests/latest', headers={'Accept': accept}).is_(200)
        check(a['Content-Type'] == MANIFEST and a.body == data, accept)


@rule('pull', 'malformed digests are 400')
def _():
    repo = name()
    push(repo)
    for d in ('sha256:abc', 'sha256:' + 'g' * 64, 'sha256:' + 'A' * 64, 'md5:' + 'a' * 32, 'sha256:' + 'a' * 65,
              'sha512:' + 'a' * 64, ':', 'sha256:', 'sha256:..%2f..%2f..%2fetc%2fpasswd', 'sha256:' + 'a' * 63 + '%00'):
        for what in ('blobs', 'manifests'):
            a = ask('GET', f'/v2/{repo}/{what}/{d}')
            check(a.status in (400, 404), f'{what}/{d}: {a.status}')
            a.error(a.status)


@rule('pull', 'a blob is only where it was pushed')
def _():
    repo, other = name(), name('other')
    d = push_blob(repo, os.urandom(20))
    push(other)
    ask('GET', f'/v2/{other}/blobs/{d}').error(404, 'BLOB_UNKNOWN')
    m = push(repo)
    ask('GET', f'/v2/{other}/manifests/{digest(m)}').error(404, 'MANIFEST_UNKNOWN')


# ---------------------------------------------------------------- push: blobs

@rule('push', 'POST, then PUT')
def _():
    repo = name()
    a = ask('POST', f'/v2/{repo}/blobs/uploads/').is_(202)
    check(a['Location'].startswith('http'), 'Location')
    check(a['Docker-Upload-UUID'] and a['Docker-Upload-UUID'] in a['Location'], 'Docker-Upload-UUID')
    check(a['Content-Length'] == '0' and a['Range'] == '0-0', 'Range')
    data = os.urandom(70000)
    d = digest(data)
    b = ask('PUT', with_digest(a['Location'], d), data).is_(201)
    check(path_of(b['Location']) == f'/v2/{repo}/blobs/{d}' and b['Docker-Content-Digest'] == d, 'Location')
    check(b['Content-Length'] == '0', 'length')
    check(ask('GET', path_of(b['Location'])).is_(200).body == data, 'bytes')
    ask('GET', path_of(a['Location'])).error(404, 'BLOB_UPLOAD_UNKNOWN')


@rule('push', 'one POST with digest')
def _():
    repo = name()
    for alg in ('sha256', 'sha512'):
        for data in (b'in one go', os.urandom(100000)):
            d = digest(data, alg)
            a = ask('POST', f'/v2/{repo}/blobs/uploads/?digest={d}', data, {'Content-Type': OCTETS}).is_(201)
            check(a['Docker-Content-Digest'] == d and path_of(a['Location']) == f'/v2/{repo}/blobs/{d}', 'answer')
            check(ask('GET', f'/v2/{repo}/blobs/{d}').body == data, 'bytes')
    ask('POST', f'/v2/{repo}/blobs/uploads/?digest={digest(b"a")}', b'b').error(400, 'DIGEST_INVALID')
    ask('POST', f'/v2/{repo}/blobs/uploads/?digest=sha256:zz', b'b').error(400, 'DIGEST_INVALID')
    a = ask('POST', f'/v2/{repo}/blobs/uploads/?digest={digest(b"later")}', headers={'Content-Length': '0'}).is_(202)
    ask('PUT', with_digest(a['Location'], digest(b'later')), b'later').is_(201)


@rule('push', 'empty blobs')
def _():
    repo = name()
    d = push_blob(repo, b'')
    check(ask('GET', f'/v2/{repo}/blobs/{d}').is_(200).body == b'', 'bytes')
    location = begin(repo)
    a = ask('PATCH', path_of(location), b'', {'Content-Type': OCTETS, 'Content-Length': '0'}).is_(202)
    ask('PUT', with_digest(a['Location'], d)).is_(201)


@rule('push', 'algorithms: sha512, and the one that is announced')
def _():
    repo = name()
    data = os.urandom(50)
    d = digest(data, 'sha512')
    ask('PUT', with_digest(begin(repo, '?digest-algorithm=sha512'), d), data).is_(201)
    check(ask('HEAD', f'/v2/{repo}/blobs/{d}')['Docker-Content-Digest'] == d, 'digest')
    ask('GET', f'/v2/{repo}/blobs/{digest(data)}').error(404)
    location = begin(repo, '?digest-algorithm=sha512')
    location = ask('PATCH', path_of(location), data[:20]).is_(202)['Location']
    ask('PUT', with_digest(location, digest(data)), data[20:]).is_(201)
    ask('POST', f'/v2/{repo}/blobs/uploads/?digest-algorithm=md5').error(400)


@rule('push', 'chunks in order')
def _():
    repo = name()
    data = os.urandom(3000)
    location = begin(repo)
    for first in range(0, 3000, 1000):
        a = ask('PATCH', path_of(location), data[first:first + 1000],
                {'Content-Type': OCTETS, 'Content-Range': f'{first}-{first + 999}'}).is_(202)
        check(a['Range'] == f'0-{first + 999}', a['Range'])
        check(a['Docker-Upload-UUID'], 'Docker-Upload-UUID')
        location = a['Location']
    d = digest(data)
    ask('PUT', with_digest(location, d)).is_(201)
    check(ask('GET', f'/v2/{repo}/blobs/{d}').body == data, 'bytes')


@rule('push', 'the last chunk with the closing PUT')
def _():
    repo = name()
    data = os.urandom(3000)
    location = ask('PATCH', path_of(begin(repo)), data[:2000], {'Content-Range': '0-1999'}).is_(202)['Location']
    ask('PUT', with_digest(location, digest(data)), data[2000:], {'Content-Range': '1900-2899'}).error(416)
    ask('PUT', with_digest(location, digest(data)), data[2000:], {'Content-Range': '2000-2999'}).is_(201)


@rule('push', 'chunks out of order or twice are 416, and the upload goes on')
def _():
    repo = name()
    data = os.urandom(3000)
    location = path_of(begin(repo))
    a = ask('PATCH', location, data[1000:2000], {'Content-Range': '1000-1999'}).error(416, 'RANGE_INVALID')
    location = path_of(ask('PATCH', location, data[:1000], {'Content-Range': '0-999'}).is_(202)['Location'])
    a = ask('PATCH', location, data[:1000], {'Content-Range': '0-999'}).error(416, 'RANGE_INVALID')
    check(a['Range'] == '0-999' and a['Location'], 'Range of 416')
    a = ask('GET', location).is_(204)
    check(a['Range'] == '0-999' and a['Location'] and a['Docker-Upload-UUID'], a['Range'])
    ask('HEAD', location).is_(204)
    location = path_of(ask('PATCH', location, data[1000:], {'Content-Range': '1000-2999'}).is_(202)['Location'])
    ask('PUT', with_digest(location, digest(data))).is_(201)


@rule('push', 'streamed by chunked transfer, without a range')
def _():
    repo = name()
    data = os.urandom(200000)
    pieces = [data[i:i + 30000] for i in range(0, len(data), 30000)]
    location = path_of(begin(repo))
    a = ask('PATCH', location, iter(pieces), {'Content-Type': OCTETS, 'Transfer-Encoding': 'chunked'}).is_(202)
    check(a['Range'] == '0-199999', a['Range'])
    ask('PUT', with_digest(a['Location'], digest(data))).is_(201)
    a = ask('PUT', with_digest(begin(repo), digest(data)), iter(pieces), {'Transfer-Encoding': 'chunked'}).is_(201)
    check(ask('GET', path_of(a['Location'])).body == data, 'bytes')


@rule('push', 'ranges that lie are refused')
def _():
    repo = name()
    location = path_of(begin(repo))
    for text in ('-5--1', 'a-b', '0-', '-9', '0', '9-0', 'bytes 0-9/*', '0-9/10', '0-18446744073709551615',
                 '0-99999999999999999999999', '+0-9', '0x0-9', ''):
        a = ask('PATCH', location, b'0123456789', {'Content-Range': text})
        check(a.status in (400, 416), f'{text!r}: {a.status}')
    ask('PATCH', location, b'0123456789', {'Content-Range': '0-99'}).error(400, 'SIZE_INVALID')
    ask('PATCH', location, iter([b'0123', b'456789']),
        {'Content-Range': '0-99', 'Transfer-Encoding': 'chunked'}).error(400, 'SIZE_INVALID')
    check(ask('GET', location).is_(204)['Range'] == '0-0', 'something was kept')
    ask('PUT', with_digest(location, digest(b'0123456789')), b'0123456789', {'Content-Range': '0-9'}).is_(201)


@rule('push', 'an upload is cancelled')
def _():
    location = path_of(begin(name()))
    ask('PATCH', location, b'some').is_(202)
    ask('DELETE', location).is_(204)
    for method in ('GET', 'PATCH', 'DELETE'):
        ask(method, location, b'x' if method == 'PATCH' else None).error(404, 'BLOB_UPLOAD_UNKNOWN')
    ask('PUT', with_digest(location, digest(b'some'))).error(404, 'BLOB_UPLOAD_UNKNOWN')


@rule('push', 'an upload belongs to its repository, and ids are not guessed')
def _():
    repo, other = name(), name('other')
    location = path_of(begin(repo))
    begin(other)
    number = location.rsplit('/', 1)[1]
    ask('PATCH', f'/v2/{other}/blobs/uploads/{number}', b'x').error(404, 'BLOB_UPLOAD_UNKNOWN')
    for bad in ('0' * 32, '..', '.', number[:-1], number + '0', number.upper() + 'G', number + '.json', 'x',
                '%2e%2e%2f' + number, 'lock'):
        for method in ('GET', 'PATCH', 'PUT', 'DELETE'):
            p = f'/v2/{repo}/blobs/uploads/{bad}' + ('?digest=' + digest(b'x') if method == 'PUT' else '')
            a = ask(method, p, b'x' if method in ('PATCH', 'PUT') else None)
            check(a.status in (404, 400), f'{method} {bad}: {a.status}')


@rule('push', 'a wrong or malformed digest is 400, and nothing is visible')
def _():
    repo = name()
    wrong = digest(b'other')
    ask('PUT', with_digest(begin(repo), wrong), b'data').error(400, 'DIGEST_INVALID')
    ask('GET', f'/v2/{repo}/blobs/{wrong}').error(404)
    ask('GET', f'/v2/{repo}/blobs/{digest(b"data")}').error(404)
    for bad in ('', 'x', 'sha256:', 'md5:' + 'a' * 32, 'sha256:' + 'A' * 64):
        ask('PUT', with_digest(begin(repo), bad), b'data').error(400, 'DIGEST_INVALID')
    ask('PUT', path_of(begin(repo)), b'data').error(400, 'DIGEST_INVALID')


@rule('push', 'mount from another repository, and from anywhere')
def _():
    repo, target, third = name(), name('target'), name('third')
    data = os.urandom(100)
    d = push_blob(repo, data)
    a = ask('POST', f'/v2/{target}/blobs/uploads/?mount={d}&from={repo}').is_(201)
    check(path_of(a['Location']) == f'/v2/{target}/blobs/{d}' and a['Docker-Content-Digest'] == d, 'answer')
    check(ask('GET', f'/v2/{target}/blobs/{d}').is_(200).body == data, 'bytes')
    ask('POST', f'/v2/{third}/blobs/uploads/?mount={d}').is_(201)
    ask('GET', f'/v2/{third}/blobs/{d}').is_(200)


@rule('push', 'a mount of what is not there begins an upload')
def _():
    repo, other = name(), name('other')
    no = digest(os.urandom(9))
    push_blob(other, b'exists')
    for query in (f'mount={no}&from={other}', f'mount={no}', f'mount={digest(b"exists")}&from={name("none")}'):
        a = ask('POST', f'/v2/{repo}/blobs/uploads/?{query}').is_(202)
        ask('PUT', with_digest(a['Location'], digest(b'instead')), b'instead').is_(201)
    ask('POST', f'/v2/{repo}/blobs/uploads/?mount=sha256:xyz&from={other}').error(400, 'DIGEST_INVALID')
    ask('POST', f'/v2/{repo}/blobs/uploads/?mount=&from={other}').error(400, 'DIGEST_INVALID')
    for bad in ('..', 'A', 'a//b', '../../etc', '%2e%2e', 'a%00b'):
        ask('POST', f'/v2/{repo}/blobs/uploads/?mount={no}&from={bad}').error(400, 'NAME_INVALID')


# ---------------------------------------------------------------- push: manifests

@rule('push', 'manifests by tag and digest, and what comes back')
def _():
    repo = name()
    m = make_manifest(repo)
    d = digest(encode(m))
    for reference in ('v1', d):
        a = put(repo, reference, m).is_(201)
        check(a['Docker-Content-Digest'] == d, 'digest')
        check(path_of(a['Location']) == f'/v2/{repo}/manifests/{d}', a['Location'])
        check(a['OCI-Subject'] is None, 'OCI-Subject')
    s = digest(encode(m), 'sha512')
    a = put(repo, s, m).is_(201)
    check(a['Docker-Content-Digest'] == s, 'sha512')
    check(ask('GET', f'/v2/{repo}/manifests/{s}').is_(200)['Docker-Content-Digest'] == s, 'sha512 back')


@rule('push', 'many tags in one PUT')
def _():
    repo = name()
    m = make_manifest(repo)
    wanted = [f't{i:02}' for i in range(20)]
    a = put(repo, digest(encode(m)), m, query='?' + '&'.join('tag=' + t for t in wanted)).is_(201)
    check(a.headers.get_all('OCI-Tag') == wanted, f'OCI-Tag {a.headers.get_all("OCI-Tag")}')
    check(tags(repo)[0] == wanted, 'tags')
    put(repo, digest(encode(m)), m, query='?tag=good&tag=.bad').error(400)
    check(tags(repo)[0] == wanted, 'half of a refused request')


@rule('push', 'digests of manifests that are wrong or malformed are 400')
def _():
    repo = name()
    m = make_manifest(repo)
    put(repo, digest(b'other'), m).error(400, 'DIGEST_INVALID')
    put(repo, digest(b'other', 'sha512'), m).error(400, 'DIGEST_INVALID')
    for bad in ('sha256:abc', 'sha256:' + 'A' * 64, 'md5:' + 'a' * 32, 'baddigeststring:abc', 'sha256:' + 'a' * 65):
        put(repo, bad, m).error(400, 'DIGEST_INVALID')
    ask('GET', f'/v2/{repo}/tags/list').error(404, 'NAME_UNKNOWN')


@rule('push', 'tags are of their grammar')
def _():
    repo = name()
    m = make_manifest(repo)
    for good in ('a', '_', 'A' * 128, '0', 'v1.2-rc_3'):
        put(repo, good, m).is_(201)
    for bad in ('.a', '-a', 'A' * 129, 'a+b', 'a%20b', 'a%00', '%c3%a4', 'a%0d%0ab'):
        a = put(repo, bad, m)
        check(a.status in (400, 404), f'{bad}: {a.status}')
    check(len(tags(repo)[0]) == 5, tags(repo)[0])


@rule('push', '4 MiB are taken, more is 413')
def _():
    repo = name()
    m = make_manifest(repo)
    m['annotations'] = {'x': ''}
    m['annotations']['x'] = 'x' * (4 * 1024 * 1024 - len(encode(m)))
    put(repo, 'big', m).is_(201)
    check(len(ask('GET', f'/v2/{repo}/manifests/big').is_(200).body) == 4 * 1024 * 1024, 'length')
    m['annotations']['x'] += 'x'
    put(repo, 'bigger', m).error(413)
    data = b'{' + b' ' * (5 * 1024 * 1024)
    ask('PUT', f'/v2/{repo}/manifests/huge', iter([data[i:i + 65536] for i in range(0, len(data), 65536)]),
        {'Content-Type': MANIFEST, 'Transfer-Encoding': 'chunked'}).error(413)


@rule('push', 'indexes, nested ones, artifacts, no layers, own members, data')
def _():
    repo = name()
    one, two = make_manifest(repo), make_manifest(repo)
    for m in (one, two):
        put(repo, digest(encode(m)), m).is_(201)
    index = make_index(one, two)
    put(repo, 'index', index).is_(201)
    check(ask('GET', f'/v2/{repo}/manifests/index')['Content-Type'] == INDEX, 'type')
    nested = make_index(index, one)
    put(repo, 'nested', nested).is_(201)
    put(repo, 'empty-index', make_index()).is_(201)
    empty = b'{}'
    push_blob(repo, empty)
    artifact = dict(schemaVersion=2, mediaType=MANIFEST, artifactType='application/vnd.spec.thing',
                    config=descriptor(empty, EMPTY), layers=[descriptor(empty, EMPTY)])
    put(repo, 'artifact', artifact).is_(201)
    artifact['layers'] = []
    put(repo, 'no-layers', artifact).is_(201)
    artifact['layers'] = None
    put(repo, 'null-layers', artifact).is_(201)
    one['org.example'] = {'deep': [1, {'er': 'x'}]}
    one['layers'][0]['custom'] = 7
    put(repo, 'custom', one).is_(201)
    check(ask('GET', f'/v2/{repo}/manifests/custom').body == encode(one), 'bytes')
    artifact.update(layers=[descriptor(empty, EMPTY, data=base64.b64encode(empty).decode())],
                    config=descriptor(empty, EMPTY, data=base64.b64encode(empty).decode()))
    put(repo, 'data', artifact).is_(201)
    artifact['config']['data'] = base64.b64encode(b'[]').decode()
    put(repo, 'data-lies', artifact).error(400, 'MANIFEST_INVALID')


@rule('push', 'the type is the request\'s or the document\'s')
def _():
    repo = name()
    m = make_manifest(repo)
    del m['mediaType']
    put(repo, 'header', m, MANIFEST).is_(201)
    check(ask('GET', f'/v2/{repo}/manifests/header')['Content-Type'] == MANIFEST, 'type')
    m['mediaType'] = MANIFEST
    a = put(repo, 'document', encode(m)).is_(201)
    put(repo, 'parameter', m, MANIFEST + '; charset=utf-8').is_(201)
    check(ask('GET', f'/v2/{repo}/manifests/parameter')['Content-Type'] == MANIFEST, 'type with a parameter')


@rule('push', 'Docker\'s manifests and lists')
def _():
    repo = name()
    m = make_manifest(repo, media=DOCKER_MANIFEST, config_media=DOCKER_CONFIG, layer_media=DOCKER_LAYER)
    put(repo, 'docker', m).is_(201)
    check(ask('GET', f'/v2/{repo}/manifests/docker')['Content-Type'] == DOCKER_MANIFEST, 'type')
    listed = make_index(m, media=DOCKER_LIST)
    put(repo, 'list', listed).is_(201)
    a = ask('GET', f'/v2/{repo}/manifests/list').is_(200)
    check(a['Content-Type'] == DOCKER_LIST and a.body == encode(listed), 'list')
    put(repo, 'old', dict(schemaVersion=1, name='x', tag='y'),
        'application/vnd.docker.distribution.manifest.v1+prettyjws').error(400, 'MANIFEST_INVALID')


@rule('push', 'what a manifest names must be there, each that is not is told')
def _():
    repo = name()
    m = make_manifest(repo)
    m['layers'] += [descriptor(b'no1', LAYER), descriptor(b'no2', LAYER)]
    other = make_manifest(name('other'))
    if not args.sparse:
        a = put(repo, 'missing', m).error(400, 'MANIFEST_BLOB_UNKNOWN')
        check(len(a.codes()) == 2, a.codes())
        check(a.json()['errors'][0]['detail']['digest'] == digest(b'no1'), 'detail')
        ask('GET', f'/v2/{repo}/manifests/missing').error(404)
        put(repo, 'missing', make_index(other)).error(400, 'MANIFEST_BLOB_UNKNOWN')
    m = make_manifest(repo)
    m['layers'][0]['size'] += 1
    put(repo, 'size', m).error(400, 'MANIFEST_INVALID')


@rule('push', 'layers that are not distributable may be missing')
def _():
    repo = name()
    for media in (FOREIGN, FOREIGN.replace('+gzip', ''), 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'):
        m = make_manifest(repo)
        m['layers'].append(descriptor(os.urandom(5), media, urls=['https://example.com/layer']))
        a = put(repo, 'foreign', m).is_(201)
        check(re.match(r'299 - "[^"]+"$', a['Warning'] or ''), f'Warning {a["Warning"]}')


@rule('push', 'a layer that comes twice is one')
def _():
    repo = name()
    m = make_manifest(repo)
    m['layers'] *= 3
    put(repo, 'twice', m).is_(201)


@rule('sparse', 'children of an index and blobs of a manifest may be missing when the server is told so')
def _():
    repo = name()
    a = put(repo, 'sparse', make_index(make_manifest(name('other')))).is_(201)
    check(a['Warning'], 'no Warning')
    m = make_manifest(repo)
    m['layers'].append(descriptor(b'no', LAYER))
    a = put(repo, 'blobs', m).is_(201)
    check(a['Warning'], 'no Warning')


@rule('push', 'a tag is moved')
def _():
    repo = name()
    one = push(repo, 'moved')
    two = push(repo, 'moved')
    check(ask('GET', f'/v2/{repo}/manifests/moved').body == two, 'old')
    check(ask('GET', f'/v2/{repo}/manifests/{digest(one)}').is_(200).body == one, 'gone')
    check(tags(repo)[0] == ['moved'], 'tags')


# ---------------------------------------------------------------- discovery

@rule('discovery', 'tags in ASCII order')
def _():
    repo = name()
    m = make_manifest(repo)
    wanted = ['b', 'B', 'a', '_x', '10', '9', 'a.b', 'a-b', 'Z']
    for t in wanted:
        put(repo, t, m).is_(201)
    listed, a = tags(repo)
    check(listed == sorted(wanted), listed)
    check(a['Link'] is None and a['Content-Type'] == 'application/json', 'headers')
    ask('GET', f'/v2/{name("none")}/tags/list').error(404, 'NAME_UNKNOWN')


@rule('discovery', 'tags by pages')
def _():
    repo = name()
    m = make_manifest(repo)
    put(repo, digest(encode(m)), m, query='?' + '&'.join(f'tag=t{i}' for i in range(7))).is_(201)
    check(tags(repo, '?n=3')[0] == ['t0', 't1', 't2'], 'n')
    check(tags(repo, '?n=3&last=t2')[0] == ['t3', 't4', 't5'], 'last')
    check(tags(repo, '?last=t5')[0] == ['t6'], 'last alone')
    check(tags(repo, '?last=t20')[0] == ['t3', 't4', 't5', 't6'], 'last that is no tag')
    check(tags(repo, '?last=zzz')[0] == [] and tags(repo, '?n=0')[0] == [], 'nothing')
    check(tags(repo, '?n=7')[1]['Link'] is None and len(tags(repo, '?n=99999999')[0]) == 7, 'all')
    seen, at = [], f'/v2/{repo}/tags/list?n=2'
    while at:
        a = ask('GET', at).is_(200)
        seen += a.json()['tags']
        link = re.match(r'<(/v2/[^>]+)>; rel="next"$', a['Link'] or '')
        check(len(seen) <= 7, 'pages without end')
        at = link and link.group(1)
    check(seen == [f't{i}' for i in range(7)], seen)


@rule('discovery', 'numbers of pages that cannot be are 400')
def _():
    repo = name()
    push(repo)
    for n in ('-1', '9223372036854775808', '18446744073709551617', 'x', '1x', '1.5', '%00', '+1', '0x10'):
        ask('GET', f'/v2/{repo}/tags/list?n={n}').error(400, 'PAGINATION_NUMBER_INVALID')
        ask('GET', f'/v2/_catalog?n={n}').error(400, 'PAGINATION_NUMBER_INVALID')
    for last in ('%00', '%ff', '..', '/' * 500, "'", '%0d%0aX:y'):
        a = ask('GET', f'/v2/{repo}/tags/list?n=1&last={last}').is_(200)
        check(a['X'] is None, 'a header of the client')


@rule('discovery', 'the catalog, in order, by pages')
def _():
    mine = sorted(name('cat') for _ in range(4))
    for r in mine:
        push(r)
    push_blob(name('cat-without-manifest'), b'x')
    everything, at = [], '/v2/_catalog?n=3'
    while at:
        a = ask('GET', at).is_(200)
        page = a.json()['repositories']
        check(len(page) <= 3, 'a longer page')
        everything += page
        link = re.match(r'<(/v2/_catalog\?[^>]+)>; rel="next"$', a['Link'] or '')
        at = link and link.group(1)
    check(everything == sorted(everything), 'order')
    check([r for r in everything if '/cat' in r and r in mine] == mine, 'not all')
    check(not any('without-manifest' in r for r in everything), 'one that has nothing')
    a = ask('GET', f'/v2/_catalog?n=2&last={mine[0]}').is_(200)
    check(a.json()['repositories'][0] == mine[1], 'last')
    check(ask('GET', '/v2/_catalog?n=0').is_(200).json()['repositories'] == [], 'n=0')


@rule('discovery', 'a page of the catalog is not as long as one likes')
def _():
    ask('GET', f'/v2/_catalog?n={args.catalog_max + 1}').error(400, 'PAGINATION_NUMBER_INVALID')
    ask('GET', f'/v2/_catalog?n={args.catalog_max}').is_(200)
    check(len(ask('GET', '/v2/_catalog').is_(200).json()['repositories']) <= args.catalog_max, 'default')


def referrers(repo, d, query=''):
    a = ask('GET', f'/v2/{repo}/referrers/{d}{query}').is_(200)
    check(a['Content-Type'] == INDEX, 'type')
    document = a.json()
    check(document['schemaVersion'] == 2 and document['mediaType'] == INDEX, 'no index')
    return document['manifests'], a


@rule('discovery', 'referrers of what nobody refers to')
def _():
    repo = name()
    for r in (repo, name('none')):
        for alg in ('sha256', 'sha512'):
            check(referrers(r, digest(b'nothing', alg))[0] == [], 'not empty')
    ask('GET', f'/v2/{repo}/referrers/sha256:abc').error(400, 'DIGEST_INVALID')
    ask('GET', f'/v2/{repo}/referrers/tag').error(400, 'DIGEST_INVALID')


@rule('discovery', 'referrers, their types and annotations, by filter')
def _():
    repo = name()
    subject = make_manifest(repo)
    d = digest(encode(subject))
    about = descriptor(encode(subject), MANIFEST)
    empty = b'{}'
    push_blob(repo, empty)
    own = dict(schemaVersion=2, mediaType=MANIFEST, artifactType='application/vnd.spec.a+json',
               config=descriptor(empty, EMPTY), layers=[descriptor(empty, EMPTY)], subject=about,
               annotations={'key': 'väl"ue'})
    by_config = make_manifest(repo, config_media='application/vnd.spec.config')
    by_config['subject'] = about
    index = make_index(artifactType='application/vnd.spec.index', subject=about)
    plain_index = make_index(subject=about)
    for i, m in enumerate((own, by_config, index, plain_index)):
        a = put(repo, digest(encode(m)), m).is_(201)   # before the subject itself is there
        check(a['OCI-Subject'] == d, 'OCI-Subject')
    found = {e['digest']: e for e in referrers(repo, d)[0]}
    check(set(found) == {digest(encode(m)) for m in (own, by_config, index, plain_index)}, 'others')
    e = found[digest(encode(own))]
    check(e['artifactType'] == own['artifactType'] and e['annotations'] == own['annotations'], e)
    check(e['size'] == len(encode(own)) and e['mediaType'] == MANIFEST, e)
    check(found[digest(encode(by_config))]['artifactType'] == 'application/vnd.spec.config', 'type of the config')
    check(found[digest(encode(index))]['artifactType'] == 'application/vnd.spec.index', 'type of an index')
    check('artifactType' not in found[digest(encode(plain_index))], 'an index without a type')
    for query in ('application/vnd.spec.a+json', 'application/vnd.spec.a%2Bjson', 'application%2Fvnd.spec.a%2bjson'):
        some, a = referrers(repo, d, '?artifactType=' + query)
        check([x['digest'] for x in some] == [digest(encode(own))], query)
        check(a['OCI-Filters-Applied'] == 'artifactType', 'OCI-Filters-Applied')
    some, a = referrers(repo, d, '?artifactType=no/thing')
    check(some == [] and a['OCI-Filters-Applied'] == 'artifactType', 'nothing fits')
    check(referrers(repo, d)[1]['OCI-Filters-Applied'] is None, 'no filter')
    put(repo, 'subject', subject).is_(201)
    check(len(referrers(repo, d)[0]) == 4, 'after the subject')
    put(repo, digest(encode(own)), own).is_(201)
    check(len(referrers(repo, d)[0]) == 4, 'one twice')


@rule('discovery', 'referrers go with their manifests, and stay when the subject goes')
def _():
    repo = name()
    subject = push(repo, 'subject')
    d = digest(subject)
    one, two = (make_manifest(repo, subject=dict(mediaType=MANIFEST, digest=d, size=len(subject))) for _ in range(2))
    for m in (one, two):
        put(repo, digest(encode(m)), m).is_(201)
    ask('DELETE', f'/v2/{repo}/manifests/{d}').is_(202)
    check(len(referrers(repo, d)[0]) == 2, 'gone with the subject')
    ask('DELETE', f'/v2/{repo}/manifests/{digest(encode(one))}').is_(202)
    check([e['digest'] for e in referrers(repo, d)[0]] == [digest(encode(two))], 'not the other one')


# ---------------------------------------------------------------- management

@rule('management', 'a tag is deleted, its manifest stays')
def _():
    repo = name()
    data = push(repo, 'one')
    put(repo, 'two', data, MANIFEST).is_(201)
    ask('DELETE', f'/v2/{repo}/manifests/one').is_(202)
    ask('GET', f'/v2/{repo}/manifests/one').error(404, 'MANIFEST_UNKNOWN')
    ask('HEAD', f'/v2/{repo}/manifests/one').is_(404)
    ask('GET', f'/v2/{repo}/manifests/{digest(data)}').is_(200)
    check(tags(repo)[0] == ['two'], 'tags')
    ask('DELETE', f'/v2/{repo}/manifests/one').error(404, 'MANIFEST_UNKNOWN')


@rule('management', 'a manifest is deleted with its tags')
def _():
    repo = name()
    data = push(repo, 'one')
    put(repo, 'two', data, MANIFEST).is_(201)
    ask('DELETE', f'/v2/{repo}/manifests/{digest(data)}').is_(202)
    for reference in ('one', 'two', digest(data)):
        ask('GET', f'/v2/{repo}/manifests/{reference}').error(404, 'MANIFEST_UNKNOWN')
        ask('DELETE', f'/v2/{repo}/manifests/{reference}').error(404, 'MANIFEST_UNKNOWN')
    check(tags(repo)[0] == [], 'tags')
    put(repo, 'again', data, MANIFEST).is_(201)
    check(ask('GET', f'/v2/{repo}/manifests/again').is_(200).body == data, 'pushed again')


@rule('management', 'a blob is deleted here and nowhere else')
def _():
    repo, other = name(), name('other')
    data = os.urandom(30)
    d = push_blob(repo, data)
    ask('POST', f'/v2/{other}/blobs/uploads/?mount={d}&from={repo}').is_(201)
    ask('DELETE', f'/v2/{repo}/blobs/{d}').is_(202)
    ask('GET', f'/v2/{repo}/blobs/{d}').error(404, 'BLOB_UNKNOWN')
    ask('DELETE', f'/v2/{repo}/blobs/{d}').error(404, 'BLOB_UNKNOWN')
    check(ask('GET', f'/v2/{other}/blobs/{d}').is_(200).body == data, 'gone elsewhere')
    push_blob(repo, data)
    ask('GET', f'/v2/{repo}/blobs/{d}').is_(200)


@rule('management', 'a manifest is not deleted as a blob')
def _():
    repo = name()
    data = push(repo)
    ask('DELETE', f'/v2/{repo}/blobs/{digest(data)}').error(405, 'UNSUPPORTED')
    ask('GET', f'/v2/{repo}/manifests/latest').is_(200)


@rule('management', 'what cannot be deleted')
def _():
    repo = name()
    push(repo)
    for d in ('sha256:x', 'sha256:' + 'A' * 64):
        ask('DELETE', f'/v2/{repo}/blobs/{d}').error(400, 'DIGEST_INVALID')
        ask('DELETE', f'/v2/{repo}/manifests/{d}').error(400, 'DIGEST_INVALID')
    ask('DELETE', f'/v2/{name("none")}/manifests/x').error(404)
    ask('DELETE', f'/v2/{name("none")}/blobs/{digest(b"")}').error(404)


# ---------------------------------------------------------------- hostile

@rule('hostile', 'names that are none')
def _():
    d = digest(b'')
    bad = ['A', 'a/B', '..', '../a', 'a/..', 'a/../b', '%2e%2e', 'a/%2e%2e/b', 'a//b', 'a/', '.a', 'a.', '-a', 'a-', '_a',
           'a__', 'a___b', 'a..b', 'a%00b', 'a%5cb', 'a%20b', 'a+b', 'a%2bb', 'a:b', 'a@b', '%c3%a4', 'a' * 256,
           'a/' * 128 + 'a', 'a%0d%0ab', '%252e%252e', 'a%2', 'a%zz', '*', 'a;b', 'a,b', '~', 'x' * 5000]
    for n in bad:
        for method, tail in (('GET', 'tags/list'), ('POST', 'blobs/uploads/'), ('GET', f'blobs/{d}'), ('GET', 'manifests/x'),
                             ('PUT', 'manifests/x')):
            status, out = raw(f'{method} /v2/{n}/{tail} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n'
                              'Connection: close\r\n\r\n'.encode())
            check(status in (400, 404, 414), f'{method} {n[:40]} {tail}: {status}')
    long = 'l' * 255
    begin(long)
    begin('a/' * 127 + 'a')
    push(f'{"d/" * 50}x{os.getpid()}')


@rule('hostile', 'raw bytes in the path')
def _():
    for n in (b'a\x00b', b'a\x01b', b'a\\b', b'a\xff', b'a\x7f'):
        status, out = raw(b'GET /v2/' + n + b'/tags/list HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
        check(status in (0, 400, 404, 505), f'{n}: {status}')


@rule('hostile', 'heads that are too large')
def _():
    for data in (b'GET /v2/' + b'a' * (1 << 20) + b'/tags/list HTTP/1.1\r\nHost: x\r\n\r\n',
                 b'GET /v2/ HTTP/1.1\r\nHost: x\r\nX: ' + b'a' * (1 << 20) + b'\r\n\r\n',
                 b'GET /v2/ HTTP/1.1\r\nHost: x\r\n' + b'X: y\r\n' * 100000 + b'\r\n'):
        status, out = raw(data)
        check(status in (0, 400, 413, 414, 431), status)
    ask('GET', '/v2/').is_(200)


@rule('hostile', 'smuggling: a request whose end is told in two ways is refused and its connection closed')
def _():
    inner = b'GET /v2/_catalog HTTP/1.1\r\nHost: x\r\n\r\n'
    head = b'POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\n'
    for framing in (b'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n' + inner,
                    b'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n' + inner,
                    b'Content-Length: 0\r\nContent-Length: 44\r\n\r\n' + inner,
                    b'Content-Length: -1\r\n\r\n' + inner,
                    b'Content-Length: +5\r\n\r\n' + inner,
                    b'Content-Length: 99999999999999999999999\r\n\r\n' + inner,
                    b'Content-Length: 0x5\r\n\r\n' + inner,
                    b'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n' + inner,
                    b'Content-Length : 5\r\n\r\n' + inner,
                    b'Content-Length\t: 5\r\n\r\n' + inner,
                    b'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n' + inner,
                    b'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n' + inner,
                    b'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n' + inner):
        status, out = raw(head + framing)
        check(status in (0, 400, 413, 501), f'{framing[:60]}: {status}')
        check(b'repositories' not in out, f'{framing[:60]}: the inner request was answered')


@rule('hostile', 'both layers and manifests (CVE-2021-41190), and types that do not agree')
def _():
    repo = name()
    m = make_manifest(repo)
    put(repo, digest(encode(m)), m).is_(201)
    for media in (MANIFEST, INDEX):
        both = dict(m, mediaType=media, manifests=make_index(m)['manifests'])
        put(repo, 'both', both).error(400, 'MANIFEST_INVALID')
        del both['mediaType']
        put(repo, 'both', both, media).error(400, 'MANIFEST_INVALID')
    put(repo, 'lie', m, INDEX).error(400, 'MANIFEST_INVALID')
    put(repo, 'lie', m, DOCKER_MANIFEST).error(400, 'MANIFEST_INVALID')
    put(repo, 'lie', make_index(m), MANIFEST).error(400, 'MANIFEST_INVALID')
    put(repo, 'lie', dict(m, mediaType=INDEX)).error(400, 'MANIFEST_INVALID')
    put(repo, 'lie', dict(make_index(m), mediaType=MANIFEST)).error(400, 'MANIFEST_INVALID')
    put(repo, 'lie', dict(m, mediaType='text/html')).error(400, 'MANIFEST_INVALID')
    put(repo, 'lie', m, 'text/html').error(400, 'MANIFEST_INVALID')
    put(repo, 'case', dict(m, Layers=[])).error(400, 'MANIFEST_INVALID')
    ask('GET', f'/v2/{repo}/tags/list')


@rule('hostile', 'documents that are none')
def _():
    repo = name()
    good = encode(make_manifest(repo)).decode()
    for text in ('', '{', 'null', '[]', '"x"', '1', '{}', good + 'x', good + good, good.replace('"config"', "'config'"),
                 '{"schemaVersion":2', '[' * 100000, '{"a":' * 100000, good.replace('2', 'NaN', 1),
                 good.replace('"schemaVersion": 2', '"schemaVersion": 1'), good.replace('"size"', '"sice"'),
                 good.replace('"size": ', '"size": -'), good.replace('"digest": "sha256:', '"digest": "sha256:../'),
                 good.replace('{', '{"schemaVersion": 2, "layers": [], ', 1),
                 good.replace('{', '{"l\\u0061yers": [], ', 1),
                 good.replace('"layers": [', '"layers": ["x", ')):
        a = put(repo, 'bad', text.encode(), MANIFEST)
        check(a.status == 400, f'{text[:100]}: {a.status}')
        a.error(400, 'MANIFEST_INVALID')
    for data in (b'\xff\xfe', good.encode().replace(b'layer.v1', b'layer\xff.v1'), good.encode().replace(b'"mediaType"', b'"m\xc0\xaf"', 1),
                 b'\xef\xbb\xbf' + good.encode(), b'\x00' * 100):
        put(repo, 'bad', data, MANIFEST).error(400, 'MANIFEST_INVALID')
    ask('GET', f'/v2/{repo}/tags/list').error(404)


@rule('hostile', 'a hundred thousand members cost no more than their bytes')
def _():
    repo = name()
    m = make_manifest(repo, annotations={f'k{i}': '' for i in range(100000)})
    put(repo, 'many', m).is_(201)


@rule('hostile', 'messages hold no control characters')
def _():
    a = ask('GET', '/v2/a/manifests/%1b[31m')
    check(b'\x1b' not in a.body and a.status in (400, 404), a.body)
    put(name(), 'x', b'{"mediaType":"\\u001b[31m","schemaVersion":2,"config":{}}', MANIFEST)


# ---------------------------------------------------------------- at the same time

def together(*functions):
    errors = []

    def run(f):
        try:
            f()
        except Exception as e:   # shown below
            errors.append(e)
    threads = [threading.Thread(target=run, args=(f,)) for f in functions]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(not errors, errors[:3])


@rule('together', 'eight clients push one blob')
def _():
    data = os.urandom(1 << 20)
    d = digest(data)
    repos = [name('eight') for _ in range(4)] * 2
    together(*[lambda r=r: push_blob(r, data) for r in repos])
    for r in repos:
        check(ask('GET', f'/v2/{r}/blobs/{d}').is_(200).body == data, 'bytes')


@rule('together', 'two at one upload: the second is refused clearly, the first is whole')
def _():
    repo = name()
    location = path_of(begin(repo))
    s = socket.create_connection((host, port), timeout=10)
    s.sendall(f'PATCH {location} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234'.encode())
    for _ in range(200):
        if ask('GET', location).is_(204)['Range'] == '0-4':
            break
    else:
        raise Broken('the first five bytes never came')
    ask('PATCH', location, b'xxxxx').error(409, 'BLOB_UPLOAD_INVALID')
    ask('PUT', with_digest(location, digest(b'01234')), b'').error(409, 'BLOB_UPLOAD_INVALID')
    ask('DELETE', location).error(409)
    s.sendall(b'56789')
    check(s.recv(65536).startswith(b'HTTP/1.1 202'), 'the first')
    s.close()
    ask('PUT', with_digest(location, digest(b'0123456789'))).is_(201)


def open_uploads():
    return int(re.search(rb"^tare_registry_uploads (\d+)", ask('GET', '/metrics').body, re.M).group(1))


def eventually(condition, what):
    for _ in range(200):
        if condition():
            return
        time.sleep(0.02)
    raise Broken(what)


@rule('together', 'one that is cut in one request, or refused, leaves no upload whose name nobody knows')
def _():
    repo, before = name(), open_uploads()
    s = socket.create_connection((host, port), timeout=10)
    s.sendall(f'POST /v2/{repo}/blobs/uploads/?digest={digest(b"0123456789")} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234'.encode())
    eventually(lambda: open_uploads() == before + 1, 'the upload was not begun')
    s.close()
    eventually(lambda: open_uploads() == before, 'the upload is still there')
    ask('POST', f'/v2/{repo}/blobs/uploads/?digest={digest(b"other")}', b'bytes').error(400, 'DIGEST_INVALID')
    check(open_uploads() == before, 'the refused one is still there')
    location = path_of(ask('POST', f'/v2/{repo}/blobs/uploads/?digest={digest(b"x")}').is_(202)['Location'])
    check(open_uploads() == before + 1, 'the announced one is not there')
    ask('PUT', with_digest(location, digest(b'x')), b'x').is_(201)
    check(open_uploads() == before, 'it is a blob now')


@rule('together', 'a dropped upload is not visible, and goes on from where it was')
def _():
    repo = name()
    location = path_of(begin(repo))
    s = socket.create_connection((host, port), timeout=10)
    s.sendall(f'PATCH {location} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234'.encode())
    for _ in range(200):
        if ask('GET', location).is_(204)['Range'] == '0-4':
            break
    s.close()
    ask('GET', f'/v2/{repo}/blobs/{digest(b"01234")}').error(404)
    for _ in range(200):
        a = ask('PATCH', location, b'56789', {'Content-Range': '5-9'})
        if a.status != 409:
            break
    a.is_(202)
    ask('PUT', with_digest(location, digest(b'0123456789'))).is_(201)


@rule('together', 'a blob that is deleted, and a tag that is moved, during a pull')
def _():
    repo = name()
    data = os.urandom(8 << 20)
    d = push_blob(repo, data)
    s = socket.create_connection((host, port), timeout=10)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    s.sendall(f'GET /v2/{repo}/blobs/{d} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'.encode())
    out = s.recv(4096)
    ask('DELETE', f'/v2/{repo}/blobs/{d}').is_(202)
    while True:
        piece = s.recv(1 << 20)
        if not piece:
            break
        out += piece
    s.close()
    check(out.split(b'\r\n\r\n', 1)[1] == data, 'what was begun is not whole')
    ask('GET', f'/v2/{repo}/blobs/{d}').error(404)


@rule('together', 'a tag is the old or the new manifest, never neither')
def _():
    repo = name()
    documents = {digest(encode(m)): encode(m) for m in (make_manifest(repo) for _ in range(4))}
    for data in documents.values():
        put(repo, 'moving', data, MANIFEST).is_(201)
    stop = threading.Event()

    def move():
        for _ in range(30):
            for data in documents.values():
                put(repo, 'moving', data, MANIFEST).is_(201)
        stop.set()

    def read():
        c = connect()
        while not stop.is_set():
            a = ask('GET', f'/v2/{repo}/manifests/moving', connection=c).is_(200)
            check(documents.get(a['Docker-Content-Digest']) == a.body, 'a mix')
    together(move, read, read)


@rule('together', 'tags and manifests come and go')
def _():
    repo = name()
    m = [make_manifest(repo) for _ in range(4)]

    def work(i):
        data = encode(m[i])
        for _ in range(20):
            put(repo, f't{i}', data, MANIFEST).is_(201)
            check(ask('GET', f'/v2/{repo}/manifests/t{i}').is_(200).body == data, 'other bytes')
            check(f't{i}' in tags(repo)[0], 'not listed')
            ask('DELETE', f'/v2/{repo}/manifests/{digest(data)}').is_(202)
            check(f't{i}' not in tags(repo)[0], 'still listed')
    together(*[lambda i=i: work(i) for i in range(4)])
    check(tags(repo)[0] == [], 'left over')


def main():
    global args, host, port
    p = argparse.ArgumentParser()
    p.add_argument('--group', action='append')
    p.add_argument('--rule')
    p.add_argument('--sparse', action='store_true')
    p.add_argument('--catalog-max', type=int, default=1000)
    p.add_argument('url')
    args = p.parse_args()
    u = urllib.parse.urlsplit(args.url)
    host, port = u.hostname, u.port
    bad = n = 0
    for group, text, f in rules:
        if (args.group and group not in args.group) or (args.rule and args.rule not in text):
            continue
        if group == 'sparse' and not args.sparse:
            continue
        n += 1
        try:
            f()
            print(f'ok {n} - {group}: {text}', flush=True)
        except Exception as e:
            bad += 1
            line = e.__traceback__.tb_next.tb_lineno if e.__traceback__.tb_next else 0
            print(f'not ok {n} - {group}: {text}\n#   {type(e).__name__} at line {line}: {e}', flush=True)
    print(f'1..{n}')
    return bad > 0 or n == 0


if __name__ == '__main__':
    sys.exit(main())
