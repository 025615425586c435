"""without_nftables.py COMMAND...: runs it on a kernel that seems to have no nftables: the socket of netfilter's netlink
family is refused by a seccomp filter, as a kernel without it does.
"""
import ctypes
import errno
import os
import struct
import sys

SYS_SOCKET, AF_NETLINK, NETLINK_NETFILTER = 41, 16, 12  # x86_64
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPROTONOSUPPORT


def instruction(code, k, yes=0, no=0):
    return struct.pack("HBBI", code, yes, no, k)


program = b"".join(
    (
        instruction(LOAD, 0),  # the number of the call
        instruction(EQUAL, SYS_SOCKET, 0, 5),
        instruction(LOAD, 16),  # its first argument
        instruction(EQUAL, AF_NETLINK, 0, 3),
        instruction(LOAD, 32),  # its third
        instruction(EQUAL, NETLINK_NETFILTER, 0, 1),
        instruction(RETURN, REFUSE),
        instruction(RETURN, ALLOW),
    )
)
text = ctypes.create_string_buffer(program)


class Filter(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(Filter(len(program) // 8, ctypes.addressof(text))), 0, 0):
    sys.exit(os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[1], sys.argv[1:])
