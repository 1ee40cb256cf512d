"""Turns itself into another program after tying its life to the process that asked for it.

Runs alone (standard library only, `python -I -S launch.py PARENT SIGNAL ACCOUNT -- argv…`), between fork and exec:
`preexec_fn` would run Python code in a forked copy of a threaded process.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import struct
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


def become(libc: ctypes.CDLL, account: str) -> None:
    """Leave root for the account. PostgreSQL refuses to run as root, yet its folder may lie below one only root can
    enter (/root, a test's folder): one capability is kept for that, so that no folder has to be opened to others."""
    entry = pwd.getpwnam(account)
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    only = 1 << CAP_DAC_OVERRIDE
    header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
    # effective, permitted, inheritable; twice, for capabilities 0-31 and 32-63
    wanted = struct.pack("IIIIII", only, only, only, 0, 0, 0)
    if libc.capset(header, wanted) == 0:
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def main(arguments: list[str]) -> None:
    parent, end_signal, account, _, *command = arguments
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if account:
            become(libc, account)
        # after the change of user, which clears it
        libc.prctl(PR_SET_PDEATHSIG, int(end_signal), 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit(1)
    try:
        os.execv(command[0], command)  # noqa: S606
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
