"""The process that a lab's network namespaces live in, and with which all of them go.

    python holder.py NAME COUNT OWNER

Makes COUNT network namespaces that have no name anywhere (inside a user namespace when run by an
ordinary user), keeps them open as file descriptors, prints their numbers as JSON, and waits. With
OWNER, a pid, it ends when that process does, however it ends: its standard input is then the
owner's pipe. With 0 it stays until it is killed. Needs nothing but the standard library.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_PDEATHSIG = 1

# Written in each namespace, as far as the kernel has them.
SETTINGS = {
    "ipv4/ip_forward": 1,
    # Any source is right on any wire: the checks would only cost time.
    "ipv4/conf/all/rp_filter": 0,
    "ipv4/conf/default/rp_filter": 0,
    "ipv4/conf/all/accept_local": 1,
    "ipv4/conf/all/send_redirects": 0,
    # No ICMP message is rate limited, but where `lab limit` says so.
    "ipv4/icmp_ratemask": 0,
    "ipv4/ping_group_range": "0 0",
    "ipv6/conf/all/disable_ipv6": 1,
    "ipv6/conf/default/disable_ipv6": 1,
}

libc = ctypes.CDLL(None, use_errno=True)


def unshare(kind: int) -> None:
    if libc.unshare(kind) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def become_root_of_own() -> None:
    """Enter a user namespace where this user is root."""
    user, group = os.geteuid(), os.getegid()
    try:
        unshare(CLONE_NEWUSER)
        # Some kernels let everybody make one, and refuse what comes then.
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1", encoding="ascii")
    except OSError as error:
        hint = "be root, or make `unshare -Ur true` work"
        sys.exit(f"cannot make a user namespace: {error.strerror}; {hint}")


def make_namespace() -> int:
    try:
        unshare(CLONE_NEWNET)
    except OSError as error:
        sys.exit(f"cannot make a network namespace: {error.strerror}")
    for name, value in SETTINGS.items():
        with suppress(FileNotFoundError):
            Path("/proc/sys/net", name).write_text(str(value), encoding="ascii")
    return os.open("/proc/self/ns/net", os.O_RDONLY)


def main(_name: str, count: str, owner: str) -> None:
    if os.geteuid() != 0:
        become_root_of_own()
    if owner != "0":
        # After the above, which clears it.
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(owner):
            sys.exit("the owner is gone")
    descriptors = [make_namespace() for _ in range(int(count))]
    sys.stdout.write(json.dumps(descriptors) + "\n")
    sys.stdout.close()
    if owner != "0":
        sys.stdin.read()
    else:
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
