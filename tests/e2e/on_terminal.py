"""on_terminal.py [STEP...] -- COMMAND...: runs a command on a terminal of its own and plays a person.

Steps, in order:  see:TEXT   wait until TEXT was printed (after what the step before saw)
                  type:TEXT  type it; \\n \\t \\xNN are understood
                  size:RxC   resize the window
                  close      hang up
                  pause:S    a person's pause; only where nothing can be waited for
Prints all that the terminal showed; the exit code is the command's (128+n for signal n), 124 when a text was
never seen. The terminal starts with 24 rows and 80 columns.
"""
import codecs
import fcntl
import os
import select
import signal
import struct
import sys
import termios
import time

PATIENCE = 200 if os.environ.get("TARE_VM") else 20


def resize(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Terminal:
    def __init__(self, command):
        self.shown = b""
        self.seen = 0
        self.open = True
        master, slave = os.openpty()
        resize(master, 24, 80)
        self.pid = os.fork()
        if self.pid == 0:
            os.close(master)
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in (0, 1, 2):
                os.dup2(slave, fd)
            os.closerange(3, 64)
            os.execvp(command[0], command)
        os.close(slave)
        self.master = master

    def read(self, seconds):
        """One read; False when nothing came or the other end is closed."""
        if not self.open or not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: nobody has the terminal open any more
            data = b""
        self.open = bool(data)
        self.shown += data
        return self.open

    def see(self, text):
        end = time.monotonic() + PATIENCE
        while True:
            at = self.shown.find(text, self.seen)
            if at >= 0:
                self.seen = at + len(text)
                return
            if not self.open or time.monotonic() > end:
                self.finish(f"never seen: {text!r}")
            self.read(0.2)

    def type(self, text):
        while text:
            text = text[os.write(self.master, text) :]

    def hang_up(self):
        os.close(self.master)
        self.open = False

    def drain(self):
        end = time.monotonic() + PATIENCE
        while self.open and time.monotonic() < end:
            self.read(0.5)
        if self.open:
            self.finish("the command does not end")

    def finish(self, complaint=None):
        if complaint:
            os.kill(self.pid, signal.SIGKILL)
        status = os.waitpid(self.pid, 0)[1]
        sys.stdout.buffer.write(self.shown)
        sys.stdout.flush()
        if complaint:
            print(f"on_terminal: {complaint}", file=sys.stderr)
            sys.exit(124)
        code = os.waitstatus_to_exitcode(status)
        sys.exit(code if code >= 0 else 128 - code)


def main():
    split = sys.argv.index("--")
    terminal = Terminal(sys.argv[split + 1 :])
    for step in sys.argv[1:split]:
        verb, _, text = step.partition(":")
        if verb == "see":
            terminal.see(text.encode())
        elif verb == "type":
            terminal.type(codecs.decode(text, "unicode_escape").encode("latin-1"))
        elif verb == "size":
            resize(terminal.master, *map(int, text.split("x")))
        elif verb == "pause":
            time.sleep(float(text))
        elif verb == "close":
            terminal.hang_up()
        else:
            sys.exit(f"unknown step {step}")
    terminal.drain()
    terminal.finish()


if __name__ == "__main__":
    main()
