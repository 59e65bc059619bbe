"""The process that a lab's network namespaces live in, and with which all of them go.

    python keeper.py NAME COUNT OWNER

Makes COUNT network namespaces that have no name anywhere (inside a user namespace when run by an
ordinary user), keeps them open as file descriptors, prints their numbers as JSON, and waits for the
end of its standard input, the pipe of its OWNER, a pid: so it ends when that process does, however
it ends. After the line "stay" it closes its standard output and waits for SIGTERM only. Before it
ends, it ends all that runs in its namespaces. Needs nothing but the standard library.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_PDEATHSIG = 1
MOST_SECONDS = 5.0

# These are set in each namespace, as far as the kernel has them.
SETTINGS = {
    "ipv4/ip_forward": 1,
    # Any source may come by any wire, so the checks would only cost time.
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


def end_inhabitants(descriptors: list[int]) -> None:
    """End all processes in the namespaces, and what these start meanwhile."""
    namespaces = {os.fstat(descriptor).st_ino for descriptor in descriptors}
    deadline = time.monotonic() + MOST_SECONDS
    while (pids := inhabitants(namespaces)) and time.monotonic() < deadline:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def inhabitants(namespaces: set[int]) -> list[int]:
    """All processes but this one in the namespaces of these inodes."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        # The process has ended, or is another user's.
        with suppress(FileNotFoundError, PermissionError, ProcessLookupError):
            if (entry / "ns" / "net").stat().st_ino in namespaces:
                found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid()]


def main(_name: str, count: str, owner: str) -> None:
    if os.geteuid() != 0:
        become_root_of_own()
    # Not an exception, which could come while the inhabitants are ended, and leave the rest alive.
    ended, end = os.pipe()
    signal.signal(signal.SIGTERM, lambda _number, _frame: os.write(end, b"."))
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # after the above, because that clears it
    if os.getppid() != int(owner):
        sys.exit("the owner is gone")
    descriptors = [make_namespace() for _ in range(int(count))]
    sys.stdout.write(json.dumps(descriptors) + "\n")
    sys.stdout.flush()
    told, _, _ = select.select([sys.stdin, ended], [], [])
    if sys.stdin in told and sys.stdin.readline() == "stay\n":
        libc.prctl(PR_SET_PDEATHSIG, 0)
        os.close(sys.stdout.fileno())  # the owner may go now
        os.read(ended, 1)
    end_inhabitants(descriptors)


if __name__ == "__main__":
    main(*sys.argv[1:])
