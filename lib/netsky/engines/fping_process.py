"""Running fping: its life and its death. Addresses go in on standard input."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, BinaryIO, Self, cast

from netsky.addresses import Addresses
from netsky.engines.fping_command import fping_environment
from netsky.engines.fping_output import Results, parse_results, without_packets
from netsky.text import one_line

log = logging.getLogger(__name__)

# These exit codes come with a measurement: every target answered (0), or some did not (1).
MEASURED = (0, 1)

LONGEST_REASON = 200  # characters
MOST_STARTS = 100  # each with the next pid; a sweep has up to some 50 processes
READ_SECONDS = 10.0  # a list of 60,000 addresses takes 0.1 s on a quiet machine
# The smallest pipe there is, because fping has yet to read what is in it when it starts.
PIPE_BYTES = 4096

# The first packet of a process, whose reply may find the socket full of those of the others: they
# are read for the first time after it. 0.0.0.0 is this host; its packet leaves through no interface.
DECOY = b"0.0.0.0"
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_DECOY_LINES = re.compile(rb"^(?: \[<- [\d.]+\])?0\.0\.0\.0 +:.*\n", re.MULTILINE)
_DECOY_RESULT = re.compile(rb"^0\.0\.0\.0 +:(?: [\d.e+-]+)+\n", re.MULTILINE)


class NotMeasuredError(Exception):
    """A process gave no measurement; the text says why. Never to be taken for loss."""


@dataclass(slots=True)
class FpingProcess:
    """A started fping; `pipe` leads to its standard input, `output` is the file of all it prints."""

    popen: subprocess.Popen[bytes]
    pipe: IO[bytes]
    output: BinaryIO
    _looked_at: int = 0  # bytes of the output, whole lines, in which no result stands

    def read_targets(self, targets: Addresses) -> None:
        """Give it the list of its targets, and wait until it has read all but the last page.

        Raises NotMeasuredError when it does not read. When it has ended, `results` will say why.
        """
        lines = DECOY + b"\n" + _lines(targets)
        deadline = time.monotonic() + READ_SECONDS
        room, start = select.poll(), 0
        # This thread has its own descriptor, because whoever stops the sweep closes the other one.
        try:
            own = os.dup(self.pipe.fileno())
        except OSError as error:
            self.kill()
            raise _not_started(error) from error
        with suppress(BrokenPipeError), os.fdopen(own, "wb", 0) as pipe:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
            room.register(pipe, select.POLLOUT)
            while start < len(lines):
                if not room.poll(max(0.0, 1000 * (deadline - time.monotonic()))):
                    self.kill()
                    raise NotMeasuredError("fping did not read its targets and was killed")
                # Only whole lines: when we are killed, fping takes what it has got for the list.
                end = lines.rfind(b"\n", start, start + PIPE_BYTES) + 1
                start += pipe.write(lines[start:end])

    def results(self, targets: Addresses, count: int, deadline: float) -> Results:
        """Wait until it ends, at the latest at `deadline` (monotonic), and take its output apart.

        Raises NotMeasuredError when it failed, was killed, hung, or its output is not whole.
        """
        try:
            code = self.popen.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.kill()
            raise NotMeasuredError("fping did not end in time and was killed") from None
        output = without_packets(_DECOY_LINES.sub(b"", self._printed()))
        self.output.truncate(0)  # the output is in memory, and is given back now
        if code not in MEASURED:
            said = output.decode(errors="backslashreplace").strip().rpartition("\n")[2]
            said = one_line(said, limit=LONGEST_REASON) or "it said nothing"
            raise NotMeasuredError(f"fping failed with {code}: {said}")
        try:
            results = parse_results(output, targets, count)
        except ValueError as error:
            raise NotMeasuredError(str(error)) from error
        if results.icmp_errors:
            log.info("fping tells of %s ICMP errors from routers", results.icmp_errors)
        for line in results.unknown[:5]:
            log.warning("fping says %r", line)
        return results

    def is_receiving(self) -> bool:
        """Whether it still waits for replies; results are printed when there is nothing to wait for."""
        if self.popen.poll() is not None:
            return False
        new = self._printed(self._looked_at)
        if _DECOY_RESULT.search(new):
            return False
        self._looked_at += new.rfind(b"\n") + 1
        return True

    def sockets(self) -> set[int]:
        """The inodes of its sockets; OSError where they may not be seen."""
        found = set()
        try:
            for entry in Path(f"/proc/{self.popen.pid}/fd").iterdir():
                if match := _SOCKET.fullmatch(str(entry.readlink())):
                    found.add(int(match[1]))
        except OSError:
            if self.popen.poll() is None:
                raise
            return set()  # the process has ended in the meantime
        return found

    def _printed(self, start: int = 0) -> bytes:
        end = os.fstat(self.output.fileno()).st_size
        return os.pread(self.output.fileno(), max(0, end - start), start)

    def kill(self) -> None:
        with suppress(ProcessLookupError):  # the process may have ended by itself
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


class FpingProcesses:
    """All processes of a sweep; leaving the block kills those that still run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: list[FpingProcess] = []
        self._claims: list[socket.socket] = []
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._closed = True
            for process in self._running:
                if process.popen.poll() is None:
                    process.kill()
                process.pipe.close()
                process.output.close()
            for claim in self._claims:
                claim.close()

    def go(self) -> None:
        """Let all that were started send, at once: each waits for the end of its list."""
        with self._lock:
            for process in self._running:
                process.pipe.close()

    def receiving_sockets(self) -> set[int] | None:
        """The sockets of those that still wait for replies; None where they may not be seen.

        A lost reply keeps its process waiting until the timeout, so that what is seen too late
        here lost nothing; but a process that prints leaves its socket to be overrun.
        """
        with self._lock:
            receiving = [process for process in self._running if process.is_receiving()]
        try:
            return {inode for process in receiving for inode in process.sockets()}
        except OSError:  # as an ordinary user we may not look into an fping with a file capability
            return None

    def start(self, command: list[str]) -> FpingProcess:
        """Start `command`; NotMeasuredError when it cannot be started."""
        with self._lock:
            if self._closed:
                raise NotMeasuredError("the sweep was stopped")
            try:
                # The output goes to memory instead of a pipe, which could be full and would need a
                # thread to read it.
                output = os.fdopen(os.memfd_create("fping-output"), "r+b")
            except (OSError, MemoryError) as error:
                raise _not_started(error) from error
            try:
                popen, claim = _start_with_own_id(command, output)
            except (OSError, MemoryError) as error:
                output.close()
                raise _not_started(error) from error
            except NotMeasuredError:
                output.close()
                raise
            self._claims.append(claim)
            process = FpingProcess(popen, cast("IO[bytes]", popen.stdin), output)
            self._running.append(process)
            return process


def claim_id(pid: int) -> socket.socket | None:
    """Claim the ICMP id that fping makes of its pid; None when another sweep has claimed it.

    Replies come to every fping of a network namespace, which knows its own by this id alone; but in
    two PID namespaces (containers on the host's network) two have the same pid. An abstract Unix
    socket is of the network namespace, asks for no privilege, and goes with its process.
    """
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0netsky-fping-{pid & 0xFFFF}")
    except OSError as error:
        claim.close()
        if error.errno != errno.EADDRINUSE:
            raise
        return None
    return claim


def _start_with_own_id(
    command: list[str], output: BinaryIO
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start an fping whose id no other sweep has. None sends anything before it has its list."""
    for _ in range(MOST_STARTS):
        popen = subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=output,  # the same file: the beginning of some lines comes by the other
            stderr=output,
            env=fping_environment(),
            start_new_session=True,  # ^C on the terminal is for us to handle
        )
        try:
            claim = claim_id(popen.pid)
        except OSError:
            _discard(popen)
            raise
        if claim is not None:
            return popen, claim
        _discard(popen)
    raise NotMeasuredError(
        f"{MOST_STARTS} fping processes in a row had ICMP ids that other sweeps use: let fewer "
        "sweeps run at once, or use --engine icmp"
    )


def _discard(popen: subprocess.Popen[bytes]) -> None:
    # Killed before its list ends: an fping whose input ends would begin to send.
    with suppress(ProcessLookupError):
        os.killpg(popen.pid, signal.SIGKILL)
    popen.wait()
    cast("IO[bytes]", popen.stdin).close()


def _not_started(error: OSError | MemoryError) -> NotMeasuredError:
    said = error.strerror if isinstance(error, OSError) else "no memory is left"
    return NotMeasuredError(f"cannot start fping: {said}")


def _lines(targets: Addresses) -> bytes:
    octets = targets.astype(">u4").view("u1").reshape(-1, 4).tolist()
    return b"".join(b"%d.%d.%d.%d\n" % (a, b, c, d) for a, b, c, d in octets)
