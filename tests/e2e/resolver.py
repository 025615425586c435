"""resolver.py ADDRESS ANSWER [tcp-only|truncate|liar|flood]: a name server that gives one IPv4 address for every name.

truncate: says over UDP that there is more. liar: sends forged answers first: a wrong id, another question, another
source. flood: thousands of forged answers to each question. tcp-only: silent over UDP.
"""
import socket
import struct
import sys
import threading
import time

ADDRESS, ANSWER = sys.argv[1:3]
HOW = sys.argv[3] if len(sys.argv) > 3 else ""


def question_of(query):
    end = 12
    while query[end]:
        end += query[end] + 1
    return query[12 : end + 5]


def answer(query, flags=0x8180, address=ANSWER, records=1):
    question = question_of(query)
    kind = struct.unpack("!H", question[-4:-2])[0]
    count = records if kind == 1 else 0
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(address)
    return query[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0) + question + record * count


def serve_udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((ADDRESS, 53))
    while True:
        query, client = s.recvfrom(4096)
        if HOW == "tcp-only":
            continue
        if HOW == "truncate":
            s.sendto(answer(query, 0x8380, records=0), client)
            continue
        if HOW == "liar":
            s.sendto(bytes([query[0] ^ 1]) + answer(query, address="6.6.6.6")[1:], client)
            other = query[:12] + b"\3bad\7example\0\0\1\0\1"
            s.sendto(answer(other, address="6.6.6.6"), client)
            liar = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            liar.sendto(answer(query, address="6.6.6.6"), client)
        if HOW == "flood":
            for i in range(5000):
                s.sendto(struct.pack("!H", i) + answer(query, address="6.6.6.6")[2:] if i != query[0] * 256 + query[1] else b"?", client)
            time.sleep(0.2)  # what was dropped for want of room is not the true one
        s.sendto(answer(query), client)


def serve_tcp():
    s = socket.create_server((ADDRESS, 53))
    while True:
        c, _ = s.accept()
        try:
            c.settimeout(5)
            n = struct.unpack("!H", c.recv(2, socket.MSG_WAITALL))[0]
            reply = answer(c.recv(n, socket.MSG_WAITALL))
            c.sendall(struct.pack("!H", len(reply)) + reply)
        except (OSError, struct.error, IndexError):
            pass
        c.close()


threading.Thread(target=serve_tcp, daemon=True).start()
serve_udp()
