#!/usr/bin/env python3
"""Types at random into the dashboard on a terminal of its own, and says when it dies otherwise than asked.

usage: monkey.py SECONDS SEED tare-tui [ARG...]"""
import fcntl, glob, os, pty, random, select, signal, struct, sys, tempfile, termios, time

KEYS = [b"\x1b", b"\r", b"\t", b"\x1b[Z", b" ", b"\x7f", b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D", b"\x1b[5~",
        b"\x1b[6~", b"\x1b[H", b"\x1b[F", b"\x1bOP", b"\x1d", b"\x1dd", b"\x1dx", b"\x1dx\x1dx", b"\x1dr", b"\x1do", b"\x1d[",
        b"\x10", b"\x0c", b"\x13", b"|", b"_", b"-", b"z", b"Z", b"e", b"e", b"l", b"6", b"1", b"2", b"3", b"4", b"4", b"5", b"y", b"n"]


def size(fd, rows, cols):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def mouse(r):
    button = r.choice([0, 0, 0, 1, 2, 32, 32, 64, 65])
    return b"\x1b[<%d;%d;%d%s" % (button, r.randint(1, 120), r.randint(1, 50), r.choice([b"M", b"M", b"m"]))


def paste(r):
    text = bytes(r.choice([r.randint(0, 255), r.randint(32, 126)]) for _ in range(r.choice([3, 30, 3000])))
    return b"\x1b[200~" + text.replace(b"\x1b", b"?") * r.choice([1, 1, 50]) + b"\x1b[201~"


def something(r):
    what = r.random()
    if what < 0.45:
        return r.choice(KEYS)
    if what < 0.80:
        return bytes([r.randint(32, 126)])
    if what < 0.90:
        return mouse(r)
    if what < 0.93:
        return paste(r)
    if what < 0.95:
        return bytes(r.randint(0, 255) for _ in range(r.randint(1, 20)))
    if what < 0.97:
        return b":" + r.choice([b"theme nord", b"exec web", b"containers", b"sort cpu", b"help", b"run busybox", b"networks", b"network-create", b"network ls"]) + b"\r"
    return bytes([r.randint(1, 31)])


TAIL = bytearray()


def drain(fd, seconds):
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and select.select([fd], [], [], left)[0]:
        try:
            got = os.read(fd, 65536)
            if not got:
                return False
            TAIL[:] = (TAIL + got)[-800:]
        except OSError:
            return False
    return True


def environment(home):
    """What a sanitizer finds ends in a file of `home`, since standard error is the dashboard's."""
    report = "log_path=" + os.path.join(home, "report")
    return {"PATH": os.environ["PATH"], "HOME": home, "TERM": "xterm-256color", "LANG": "C.UTF-8",
            "ASAN_OPTIONS": report + ":exitcode=99", "UBSAN_OPTIONS": report + ":abort_on_error=1:print_stacktrace=1"}


def once(r, command, home, until):
    """One life of the dashboard: its wait status and what was typed last."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(command[0], command, environment(home))
    size(fd, 40, 120)
    modes = termios.tcgetattr(fd)  # while it is stopped the terminal would make signals of what is typed
    modes[3] &= ~termios.ISIG
    termios.tcsetattr(fd, termios.TCSANOW, modes)
    os.set_blocking(fd, False)
    log = b""
    while time.monotonic() < until:
        typed = something(r)
        log = (log + b" " + repr(typed)[:60].encode())[-1500:]
        for i in range(0, len(typed), 512):
            try:
                os.write(fd, typed[i:i + 512])
            except BlockingIOError:
                pass
            except OSError:
                break
            if len(typed) > 512 and not drain(fd, 0.001):
                break
        if r.random() < 0.02:
            size(fd, r.choice([1, 5, 10, 24, 40, 60, 300]), r.choice([1, 10, 40, 80, 120, 200, 500]))
        if r.random() < 0.005:
            os.kill(pid, signal.SIGTSTP)
            time.sleep(0.02)
            os.kill(pid, signal.SIGCONT)
        if not drain(fd, r.choice([0, 0, 0.002, 0.03])):
            break
    else:
        os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + 20
    status = None
    while time.monotonic() < end:
        drain(fd, 0.02)
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            os.close(fd)
            return status, log
    os.kill(pid, signal.SIGABRT)
    time.sleep(1)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(fd)
    return "hung", log


def tell(home, status, seed, life, log):
    print(f"seed {seed}, life {life}: ended with {status} after:{log.decode()}\nit wrote: {bytes(TAIL)!r}")
    for name in glob.glob(os.path.join(home, "report*")):
        print(open(name, errors="replace").read())


def main():
    seconds, seed, command = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    with tempfile.TemporaryDirectory(prefix="tare-monkey.") as home:
        os.chdir(home)  # what it saves goes there
        return live(home, seconds, seed, command + ["--demo", "--state", os.path.join(home, "state")])


def live(home, seconds, seed, command):
    r = random.Random(seed)
    until = time.monotonic() + seconds
    lives = 0
    while time.monotonic() < until - 3 or not lives:
        status, log = once(r, command, home, min(until, time.monotonic() + 60))
        lives += 1
        if status != 0:
            tell(home, status, seed, lives, log)
            return 1
    print(f"seed {seed}: {lives} lives, all left as asked")
    return 0


sys.exit(main())
