"""The fping engine: 31 province workers, each running fping processes on its province's list.

Needs fping 5.0 or newer with its file capability (or root). The kernel copies every reply to
every raw ICMP socket, so that the cost grows with the number of processes: fine for some 100,000
targets, slow for a million.
"""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from netsky.addresses import AddressLibrary
from netsky.engines.clock import wall_clock_offset_ns
from netsky.engines.exit_check import watch_exit
from netsky.engines.fping_command import fping_command, fping_environment
from netsky.engines.fping_output import Results, parse_version
from netsky.engines.fping_process import FpingProcess, FpingProcesses, NotMeasuredError
from netsky.engines.local_drops import socket_drops, watch_local_drops
from netsky.engines.outcome import SweepStart, TargetIndices, Unmeasured
from netsky.errors import EngineError, EngineUnavailableError
from netsky.places import PROVINCES, Egress
from netsky.sweep import ProbePlan, Progress, Sweep

OLDEST_VERSION = (5, 0)
OLDEST_VERSION_WITH_FWMARK = (5, 2)

# fping gives up, with no result line at all, once it has sent 65,535 packets within 10 s.
MAX_PACKETS_PER_PROCESS = 60_000

# A slower fping hangs and is not just busy: 31 processes on 2 cores send 16,000 packets a second.
SLOWEST_PACKETS_PER_SECOND = 5_000
GRACE_SECONDS = 10.0
OPENING_SECONDS = 1.0  # for fping to open its socket

CLOCK_STEP_NS = 10_000_000  # after a smaller step RTTs and timeouts are wrong by 10 ms at most


class FpingEngine:
    """Sweeps with the program fping; see `netsky.sweep.Engine`."""

    name = "fping"

    def __init__(self, fping: str = "fping") -> None:
        self._program = fping
        self._check_source = False

    def check(self, egress: Egress) -> None:
        version = self._version()
        shown = ".".join(map(str, version))
        if version < OLDEST_VERSION:
            raise EngineError(
                f"{self._program} is fping {shown}, netsky needs 5.0 or newer: upgrade it or give "
                "another with --fping PATH"
            )
        if egress.fwmark is not None and version < OLDEST_VERSION_WITH_FWMARK:
            raise EngineError(
                f"egress {egress.name!r} has an fwmark, which fping knows from 5.2 on and "
                f"{self._program} is {shown}: upgrade fping, or use --engine icmp"
            )
        self._check_privilege()
        # From 5.3 on; before, fping takes any reply with its id for one of its target.
        self._check_source = b"--check-source" in self._run("--help").stdout

    def _version(self) -> tuple[int, int]:
        try:
            return parse_version(self._run("-v").stdout)
        except ValueError as error:
            raise EngineError(f"{self._program} -v: {error}: is it fping?") from error

    def _check_privilege(self) -> None:
        # Without privilege fping 5.1 may get a socket whose id the kernel changes; it then knows
        # none of its replies and reports every target as lost. Only a real echo tells.
        ping = self._run("-C", "1", "-t", "500", "127.0.0.1")
        if ping.returncode != 0 and not self._opens_raw_socket():
            said = " / ".join(ping.stderr.decode(errors="backslashreplace").split("\n"))
            raise EngineUnavailableError(
                f"{self._program} gets no reply from 127.0.0.1 ({said.strip(' /')}): give it its "
                f"privilege with `setcap cap_net_raw+ep $(command -v {self._program})` or run as "
                "root; in a bare network namespace, set lo up"
            )

    def _opens_raw_socket(self) -> bool:
        """Whether it has its privilege, though this host may answer no pings: a firewall, a sysctl."""
        before = set(socket_drops())
        fping = subprocess.Popen(
            [self._program, "-q", "-f", "-"],  # waits for its list and sends nothing
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=fping_environment(),
        )
        try:
            deadline = time.monotonic() + OPENING_SECONDS
            while fping.poll() is None and time.monotonic() < deadline:
                if set(socket_drops()) - before:
                    return True
                time.sleep(0.01)
            return False
        finally:
            fping.kill()
            fping.communicate()

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                [self._program, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=fping_environment(),
                timeout=5,
                check=False,
            )
        except FileNotFoundError as error:
            raise EngineUnavailableError(
                f"no fping at {self._program!r}: install it (Debian: apt-get install fping) or "
                "give its path with --fping PATH"
            ) from error
        except OSError as error:
            hint = (
                ": check its mode and its privilege" if isinstance(error, PermissionError) else ""
            )
            raise EngineUnavailableError(
                f"cannot run {self._program!r}: {error.strerror}{hint}"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise EngineError(
                f"{self._program} {arguments[0]} hung for 5 s: is it fping?"
            ) from error

    def sweep(
        self, library: AddressLibrary, egress: Egress, plan: ProbePlan, progress: Progress
    ) -> Sweep:
        rtt_seconds = np.full((library.targets, plan.count), np.nan, np.float32)
        discarded: Counter[str] = Counter()
        unmeasured = Unmeasured()
        packets_done = 0
        start = SweepStart(library, egress, self.name)
        clock = wall_clock_offset_ns()
        with (
            watch_exit(library, egress) as watch,
            ThreadPoolExecutor(len(PROVINCES), "province") as pool,
            # Innermost, because the workers end when their processes do.
            FpingProcesses() as processes,
        ):
            command = partial(
                fping_command, self._program, egress, plan, check_source=self._check_source
            )
            worker = _ProvinceWorker(command, library, plan, processes)
            provinces = list(pool.map(worker.prepare, range(len(library.provinces))))
            with watch_local_drops(processes.receiving_sockets) as drops:
                processes.go()
                for done in as_completed([pool.submit(worker.measure, each) for each in provinces]):
                    outcome = done.result()
                    for targets, results in outcome.measured:
                        rtt_seconds[targets] = results.rtt_seconds
                        discarded["wrong_source"] += results.wrong_source
                        for reason, places in results.unmeasured.items():
                            unmeasured.add(targets[places], reason)
                        packets_done += results.rtt_seconds.size
                    for targets, reason in outcome.failed:
                        unmeasured.add(targets, reason)
                    progress(packets_done)
        stepped_ns = wall_clock_offset_ns() - clock
        if abs(stepped_ns) > CLOCK_STEP_NS:
            raise EngineError(
                f"the clock was set by {stepped_ns / 1e9:+.3f} s during the sweep, and fping goes by "
                "it: nothing of this sweep counts"
            )
        return start.end(
            rtt_seconds,
            unmeasured,
            duration_seconds=start.elapsed(),
            dropped=drops.total + watch.overflows,
            discarded=discarded,
        )


@dataclass(slots=True)
class _Outcome:
    """What a worker brings home of its province: results, and what failed, as values."""

    started: list[tuple[TargetIndices, FpingProcess]] = field(default_factory=list)
    measured: list[tuple[TargetIndices, Results]] = field(default_factory=list)
    failed: list[tuple[TargetIndices, str]] = field(default_factory=list)


class _ProvinceWorker:
    """Probes a province: as many fping processes side by side as its list needs.

    In two steps: a process that still reads its list while others send has no time for replies.
    """

    def __init__(
        self,
        command: Callable[..., list[str]],
        library: AddressLibrary,
        plan: ProbePlan,
        processes: FpingProcesses,
    ) -> None:
        self._command = command
        self._library = library
        self._plan = plan
        self._processes = processes
        self._span = plan.span(library.targets)
        slowest = library.targets * plan.count / SLOWEST_PACKETS_PER_SECOND
        self._longest_seconds = self._span + plan.timeout + slowest + GRACE_SECONDS

    def prepare(self, index: int) -> _Outcome:
        """Start the processes of province `index` of the library; none sends yet."""
        outcome = _Outcome()
        for batch in self._batches(index):
            command = self._command(targets=len(batch), span=self._span)
            try:
                process = self._processes.start(command)
                process.read_targets(self._library.addresses[batch])
            except NotMeasuredError as error:
                outcome.failed.append((batch, str(error)))
            else:
                outcome.started.append((batch, process))
        return outcome

    def measure(self, outcome: _Outcome) -> _Outcome:
        """Wait for the results of a prepared province, whose processes now send."""
        deadline = time.monotonic() + self._longest_seconds
        for batch, process in outcome.started:
            targets = np.sort(batch)
            addresses = self._library.addresses[targets]
            try:
                results = process.results(addresses, self._plan.count, deadline)
            except NotMeasuredError as error:
                outcome.failed.append((batch, str(error)))
            else:
                outcome.measured.append((targets, results))
        return outcome

    def _batches(self, index: int) -> list[TargetIndices]:
        """The targets of a province in random order, so that no /24 sees a burst, cut to size."""
        where = self._library.slice_of(index)
        shuffled = np.random.default_rng().permutation(np.arange(where.start, where.stop))
        parts = -(-len(shuffled) * self._plan.count // MAX_PACKETS_PER_PROCESS)
        return np.array_split(shuffled, parts)
