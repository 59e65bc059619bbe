"""mtr: its report is the text that a carrier's desk is used to.

What is known of mtr 0.95, and heeded here: ICMP leaves by the mark alone; the source of `-a` is written into the
packets but does not choose their way, and `-I` gives no more than a source. A report without any hop has exit
code 0. This host's own "unreachable" stands in it as a hop without loss. With names, or `-z`, it hangs
where no name server answers. MTR_OPTIONS and MTR_PACKET change what it does.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
from contextlib import suppress
from ipaddress import IPv4Address
from typing import IO

from netsky.engines import libc
from netsky.engines.routing import find_route, rule_marks
from netsky.places import Egress
from netsky.text import one_line
from netsky.trace import MtrReport, MtrState

PACKETS = 20
DEADLINE_SECONDS = 40.0  # one that answers takes 22
LONGEST_REPORT = 64 << 10
_HOP = re.compile(r"^ *\d+\.\|-- (\S+)", re.MULTILINE)
_ALSO = re.compile(r"^ {4,}(?:\|  )?`?\|?-- (\S+)", re.MULTILINE)
_SILENT = "???"


def take_mtr(
    target: str,
    egress: Egress,
    *,
    packets: int = PACKETS,
    program: str = "mtr",
    deadline: float = DEADLINE_SECONDS,
) -> MtrReport:
    """The report of mtr on the way to `target` through `egress`, of `packets` packets in as many seconds.

    A report that was not taken says why; after `deadline` seconds mtr is killed.
    """
    path = shutil.which(program)
    if path is None:
        reason = f"no {program} here: install mtr-tiny"
        return MtrReport(target, not_taken=reason, state=MtrState.MISSING)
    try:
        way = _way(IPv4Address(target), egress)
    except OSError as error:
        reason = f"this host has no route there: {error.strerror}"
        return MtrReport(target, not_taken=reason, state=MtrState.NO_WAY)
    if way is None:
        return MtrReport(
            target,
            not_taken="mtr chooses an exit by its firewall mark only, and no `ip rule` of this host "
            f"leads a mark to egress {egress.name!r}: add one, and its fwmark to netsky.toml",
            state=MtrState.NO_WAY,
        )
    options = ("-n", "-w", "-G", "1", "-c", str(packets), "-i", "1")
    command = (path, *options, *way, target)
    try:
        code, printed, said = _run(command, deadline)
    except subprocess.TimeoutExpired:
        state, reason = MtrState.HUNG, f"mtr did not end within {deadline:g} s and was killed"
    except OSError as error:
        state, reason = MtrState.REFUSED, f"cannot start {path}: {error.strerror}"
    else:
        if code == 0 and _hops(printed) - {_SILENT, *way}:
            return MtrReport(target, command, printed)
        state, reason = MtrState.EMPTY, "mtr saw no hop but this host"
        if code:
            told = one_line(said.strip().rpartition("\n")[2], limit=200) or "it said nothing"
            state, reason = MtrState.REFUSED, f"mtr failed with {code}: {told}"
    return MtrReport(target, command, not_taken=reason, state=state)


def _way(target: IPv4Address, egress: Egress) -> tuple[str, ...] | None:
    """The options with which mtr's packets leave through `egress`; None when there are none."""
    wanted = find_route(target, egress)
    source = egress.source or wanted.source
    marks = [egress.fwmark] if egress.fwmark is not None else [None, *rule_marks()]
    for mark in marks:
        with suppress(OSError):  # that mark leads nowhere
            found = find_route(target, Egress(fwmark=mark))
            if (found.interface, found.gateway) == (wanted.interface, wanted.gateway):
                by_mark = () if mark is None else ("-M", str(mark))
                return (*(("-a", str(source)) if source else ()), *by_mark)
    return None


def _run(command: tuple[str, ...], deadline: float) -> tuple[int, str, str]:
    """The exit code, and what it printed to standard output and standard error.

    Those are files in memory: one that prints without end is ended by the kernel, and not by a lack of memory.
    """
    with (
        os.fdopen(os.memfd_create("printed"), "w+b") as printed,
        os.fdopen(os.memfd_create("said"), "w+b") as said,
    ):
        with subprocess.Popen(
            command,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=said,
            start_new_session=True,  # so that mtr-packet, which it starts, ends with it
            preexec_fn=_prepare,  # noqa: PLW1509 - no other thread of ours runs now
        ) as process:
            try:
                process.wait(timeout=deadline)
            except BaseException:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
        return process.returncode, _text(printed), _text(said)


def _prepare() -> None:
    libc.end_with_parent()
    resource.setrlimit(resource.RLIMIT_FSIZE, (LONGEST_REPORT, LONGEST_REPORT))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "backslashreplace")


def _hops(report: str) -> set[str]:
    return {*_HOP.findall(report), *_ALSO.findall(report)}
