"""Start the holder of a lab's namespaces, find it again, run commands in what it holds."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from lab.errors import LabError

MOST_SECONDS = 10.0
_SCRIPT = Path(__file__).with_name("keeper.py")
_PACKAGES = {
    "ip": "iproute2",
    "nft": "nftables",
    "nice": "coreutils",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "setsid": "util-linux",
    "tc": "iproute2",
}


@dataclass(frozen=True, slots=True)
class Holder:
    """A running holder; `started` tells it from a later process with the same pid.

    `descriptors` are of the namespaces, by name. `of_user`: they belong to a user namespace.
    """

    pid: int
    started: int
    of_user: bool
    descriptors: Mapping[str, int]

    @property
    def alive(self) -> bool:
        return _started(self.pid) == self.started

    def path(self, namespace: str) -> str:
        """The namespace as a file, for programs that take one."""
        return f"/proc/{self.pid}/fd/{self.descriptors[namespace]}"

    def command(self, namespace: str, *command: str) -> list[str]:
        """The command line that runs a command in a namespace."""
        if namespace not in self.descriptors:
            raise LabError(f"no namespace {namespace!r}; there are: {', '.join(self.descriptors)}")
        enter = [program("nsenter"), f"--net={self.path(namespace)}"]
        if self.of_user:
            enter += ["--preserve-credentials", f"--user=/proc/{self.pid}/ns/user"]
        return [*enter, "--", *command]

    def run(self, namespace: str, *command: str, stdin: str = "") -> str:
        """What a command that must not fail prints."""
        full = self.command(namespace, program(command[0]), *command[1:])
        done = subprocess.run(full, input=stdin, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            if not self.alive:
                raise LabError("the lab has gone while it was worked on")
            raise LabError(f"{' '.join(command)} failed in {namespace}: {done.stderr.strip()}")
        return done.stdout

    def start(self, namespace: str, *command: str) -> None:
        """Start a program that goes with the lab, not with this process; return when it says so.

        Its standard input is readable when the lab has gone; its first line says that it is ready.
        """
        full = self.command(namespace, program("setsid"), "--fork", *command)
        if os.geteuid() == 0:
            # A process that gets its turn late would add jitter.
            full = [program("nice"), "-n", "-20", *full]
        lab = self.open()
        pipe = subprocess.PIPE
        try:
            with subprocess.Popen(full, stdin=lab, stdout=pipe, stderr=pipe, text=True) as process:
                if not _first_line(process):
                    raise LabError(process.communicate()[1].strip())
        finally:
            os.close(lab)

    def open(self) -> int:
        """A pidfd, readable when the holder has ended; LabError when it has already."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            descriptor = -1
        if not self.alive:
            if descriptor >= 0:
                os.close(descriptor)
            raise LabError("the lab has gone")
        return descriptor

    def end(self) -> None:
        """End the holder, and with it all namespaces and what runs in them."""
        try:
            descriptor = self.open()
        except LabError:
            return
        try:
            for number in (signal.SIGTERM, signal.SIGKILL):
                signal.pidfd_send_signal(descriptor, number)
                if select.select([descriptor], [], [], MOST_SECONDS)[0]:
                    return
        finally:
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class IdleHolder(Holder):
    """Does nothing of what it is told, so that it can be tried whether all is said right."""

    def run(self, namespace: str, *command: str, stdin: str = "") -> str:  # noqa: ARG002
        return "[]"

    def start(self, namespace: str, *command: str) -> None:
        pass


@contextmanager
def hold(name: str, namespaces: Iterable[str], *, detached: bool = False) -> Iterator[Holder]:
    """Make the namespaces and keep them while the block runs, at most as long as this process.

    Detached, they stay when the block has ended well, until their holder is ended.
    """
    process, holder = _start(name, namespaces)
    stays = False
    try:
        yield holder
        if detached:
            _let_stay(process)
            stays = True
    finally:
        if not stays:
            holder.end()
            process.communicate()


def _let_stay(process: subprocess.Popen[str]) -> None:
    streams = (process.stdin, process.stdout, process.stderr)
    stdin, stdout, stderr = (cast("IO[str]", stream) for stream in streams)
    with stdin, stdout, stderr:
        stdin.write("stay\n")
        stdin.flush()
        stdout.read()  # it answers when it has understood; from then on this process may end


def _start(name: str, namespaces: Iterable[str]) -> tuple[subprocess.Popen[str], Holder]:
    names = list(namespaces)
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(_SCRIPT), name, str(len(names)), str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # ^C is for the owner, who then ends this process
        text=True,
    )
    line = _first_line(process)
    if not line:
        raise LabError(f"no namespaces for the lab: {process.communicate()[1].strip()}")
    descriptors = dict(zip(names, json.loads(line), strict=True))
    return process, Holder(process.pid, _started(process.pid), os.geteuid() != 0, descriptors)


def _first_line(process: subprocess.Popen[str]) -> str:
    """What a process says first, empty when it ends without a word."""
    return process.stdout.readline() if process.stdout else ""


def program(name: str) -> str:
    """Where a program is; LabError tells what to install."""
    path = shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    if path is None:
        raise LabError(f"no {name} here: install {_PACKAGES.get(name, name)}")
    return path


def _started(pid: int) -> int:
    """When a process began, in clock ticks since boot; 0 when there is none, or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 0 if fields[0] == "Z" else int(fields[19])
