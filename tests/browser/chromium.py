#!/usr/bin/env python3
"""Chromium that does not hear of the machine's networks: it runs in place of this program.

When an address comes or goes, Chromium drops what it is loading (net::ERR_NETWORK_CHANGED), and
tests elsewhere give containers their networks meanwhile. Here it is refused the socket on which
the kernel announces that, and takes the machine for connected once and for all, as
AbortAndForceOnline in net/base/address_tracker_linux.cc has it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import socket
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# seccomp.h: SCMP_ACT_ALLOW, SCMP_ACT_ERRNO and SCMP_CMP_EQ.
_ALLOW, _REFUSE, _EQUALS = 0x7FFF0000, 0x00050000, 4


class _Comparison(ctypes.Structure):
    """What seccomp.h calls scmp_arg_cmp."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


def program() -> str | None:
    """Find a browser on PATH."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def refuse(family: int) -> None:
    """Refuse sockets of one address family to this process and to what it becomes.

    Raise OSError where there is no libseccomp; it comes with every container engine of Linux.
    """
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_ALLOW)))
    action = ctypes.c_uint32(_REFUSE | errno.EAFNOSUPPORT)
    call = library.seccomp_syscall_resolve_name(b"socket")
    which = _Comparison(0, _EQUALS, family, 0)
    if library.seccomp_rule_add_array(rules, action, call, 1, ctypes.byref(which)):
        raise OSError(errno.EINVAL, "libseccomp takes no rule for sockets")
    if library.seccomp_load(rules):
        raise OSError(errno.EPERM, "the kernel takes no rules for this process")


if __name__ == "__main__":
    if sys.platform == "linux":
        try:
            refuse(socket.AF_NETLINK)
        except OSError as reason:
            print(f"The browser will hear of networks: {reason}", file=sys.stderr)
    os.execv(program() or NAMES[0], [NAMES[0], *sys.argv[1:]])  # noqa: S606
