"""How fast the parts are: `make bench`. Medians; the machine's noise is the spread.

Loads a million addresses, sums up a million RTTs, starts `--help`, and sweeps 93,000 loopback
targets with fping as a whole command, counting what is falsely lost.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from netsky.addresses import AddressLibrary
from netsky.aggregate import aggregate
from netsky.jobs.library_build import build_candidates
from netsky.jobs.memory import Remembering
from netsky.judging.learning import losses
from netsky.judging.locating import locate
from netsky.places import PROVINCES, Egress
from netsky.sweep import Sweep
from netsky.targets import library
from netsky.targets.geo import read_source
from netsky.targets.memory import ALWAYS, ProvinceMemory, nothing_of
from netsky.targets.memory_file import file_name
from testing import ROOT
from testing.geo import large_ipdb

RUNS = 5
FIRST_LOOPBACK = 0x7F100000  # 127.16.0.0


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, medians of {RUNS} runs")
        _show("load 1,000,000 addresses, one a line", *_time(_load_lines(directory)))
        _show("load 1,015,808 addresses, 31 CIDRs", *_time(lambda: _load_demo() and None))
        _show_memory(directory / "memory")
        _show("build candidates, 683,843 rows of ip2region", *_time(_build(directory)))
        _show("read an ipdb, 2,097,152 rows", *_time(_read_ipdb(directory)))
        _show("netsky_probe.py --help", *_time(lambda: _run("--help") and None))
        _write_loopback(directory, per_province=3000)
        for engine in ("fping", "icmp"):
            _sweep(directory, engine)


def _time(function: Callable[[], object]) -> tuple[float, float]:
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds), max(seconds)


def _show(what: str, median: float, worst: float) -> None:
    print(f"{what:40} {median:8.3f} s   (slowest {worst:.3f})")


def _load_lines(directory: Path) -> Callable[[], object]:
    rng = np.random.default_rng(1)
    folder = directory / "cu"
    folder.mkdir()
    for index, province in enumerate(PROVINCES):
        size = 1_000_000 // 31 + (index < 1_000_000 % 31)
        octets = rng.integers(1, 220, (size, 4)).tolist()
        lines = [f"{a}.{b}.{c}.{d}\n" for a, b, c, d in octets]
        (folder / f"{province.slug}.txt").write_text("".join(lines))
    return lambda: library.load(directory, "cu")


def _build(directory: Path) -> Callable[[], object]:
    return lambda: build_candidates(directory / "library", [], None, accept_change=False)


def _read_ipdb(directory: Path) -> Callable[[], object]:
    file = directory / "large.ipdb"
    file.write_bytes(large_ipdb())
    return lambda: read_source(file)


def _load_demo() -> AddressLibrary:
    return library.load(ROOT / "ipdata", "demo")


def _show_memory(folder: Path) -> None:
    """What the memory costs a sweep, beside the same without it: time, and the peak of a process."""
    sweep = _million()
    memory = Remembering(folder / file_name("demo", "default"), 0o600, folder / "no cities")
    _show("aggregate 1,015,808 RTTs", *_time(partial(aggregate, sweep, abnormal_rtt=0.3)))
    _show("the same, with memory", *_time(partial(_aggregate_and_remember, sweep, memory)))
    for what, million in (("one province", _one_province(sweep)), ("31 provinces", sweep)):
        _show(f"locate what fails, {what} up", *_time(_locate_dead(million)))
    _show_sweeps(folder)


def _show_sweeps(folder: Path) -> None:
    """Whole commands with the memory and without, in turn, since a busy machine is so for both."""
    without = folder / "without"  # in which one that cannot be read is left alone
    (without / file_name("demo", "default")).mkdir(parents=True)
    costs: dict[str, list[tuple[float, float, float]]] = {"with": [], "without": []}
    for _ in range(RUNS):
        for what, place in (("without", without), ("with", folder)):
            options = ("--isp", "demo", "--library", str(ROOT / "ipdata"), "--memory", str(place))
            database = f"sqlite:///{folder}/{what}.db"
            _, seconds, usage = _run(*options, "--database", database, "--spool", f"{place}.spool")
            costs[what].append((seconds, usage.ru_utime, usage.ru_maxrss / 1024))
    for what, runs in costs.items():
        seconds, user, peak = (statistics.median(each) for each in zip(*runs, strict=True))
        print(
            f"sweep of 1,015,808 loopback targets {what} memory: {seconds:.2f} s wall, "
            f"{user:.2f} s user, {peak:.1f} MiB peak"
        )
    more = [a[1] - b[1] for a, b in zip(costs["with"], costs["without"], strict=True)]
    print(
        f"    with it {statistics.median(more):+.3f} s user ({min(more):+.3f} to {max(more):+.3f})"
    )


def _one_province(sweep: Sweep) -> Sweep:
    provinces, bounds = sweep.library.provinces[:1], np.array([0, sweep.library.targets])
    return replace(sweep, library=replace(sweep.library, provinces=provinces, bounds=bounds))


def _locate_dead(sweep: Sweep) -> Callable[[], object]:
    """Every 16th of the /20s is dead, and each province lost nothing before."""
    rtts = sweep.rtt_seconds.copy()
    rtts[(sweep.library.addresses >> np.uint32(12)) % 16 == 1] = np.nan
    dead = replace(sweep, rtt_seconds=rtts)
    memory = replace(
        nothing_of(sweep.library.addresses),
        answered=np.full(sweep.library.targets, ALWAYS, np.uint16),
        provinces={each.slug: ProvinceMemory(100) for each in sweep.library.provinces},
    )

    def run() -> None:
        located = locate(dead, memory, losses(dead, memory))
        assert len(located) == len(sweep.library.provinces)

    return run


def _million() -> Sweep:
    targets = _load_demo()
    rng = np.random.default_rng(1)
    rtts = rng.exponential(0.05, (targets.targets, 1)).astype(np.float32)
    rtts[rng.random(targets.targets) < 0.02] = np.nan
    sent = np.ones(rtts.shape, np.bool_)
    return Sweep(targets, Egress(), "bench", datetime.now(UTC), 10.0, rtts, sent)


def _aggregate_and_remember(sweep: Sweep, memory: Remembering) -> None:
    known = memory.recall(sweep)
    assert known is not None
    aggregate(sweep, abnormal_rtt=0.3, live=known.memory.live)
    memory.learn(sweep, known, in_incident=())


def _write_loopback(directory: Path, *, per_province: int) -> None:
    folder = directory / "demo"
    folder.mkdir()
    for index, province in enumerate(PROVINCES):
        first = FIRST_LOOPBACK + (index << 15)
        last = first + per_province - 1
        (folder / f"{province.slug}.txt").write_text(f"{_dotted(first)}-{_dotted(last)}\n")


def _sweep(directory: Path, engine: str) -> None:
    """One whole command over loopback targets: everything that is lost is falsely lost."""
    database = f"sqlite:///{directory}/bench.db"
    arguments = ["--isp", "demo", "--engine", engine, "--database", database]
    output, seconds, usage = _run(
        *arguments,
        *("--library", str(directory), "--lock-dir", str(directory), "--format", "json"),
    )
    sweep = json.loads(output)["sweep"]
    print(
        f"{sweep['engine']} sweep of {sweep['targets']:,} loopback targets, --window 10: "
        f"{seconds:.1f} s wall, {usage.ru_utime:.1f} s user, {usage.ru_stime:.1f} s system, "
        f"{usage.ru_maxrss / 1024:.0f} MiB peak (largest process); falsely lost "
        f"{sweep['packets_sent'] - sweep['packets_received']}, local drops {sweep['local_drops']}"
    )


def _dotted(address: int) -> str:
    return ".".join(str(octet) for octet in address.to_bytes(4, "big"))


def _run(*arguments: str) -> tuple[str, float, resource.struct_rusage]:
    """Standard output, seconds and resource usage of one run of netsky_probe.py."""
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        command = [sys.executable, str(ROOT / "netsky_probe.py"), *arguments]
        actions = [(os.POSIX_SPAWN_DUP2, output.fileno(), 1)]
        pid = os.posix_spawn(sys.executable, command, os.environ, file_actions=actions)
        _, status, usage = os.wait4(pid, 0)
        seconds = time.perf_counter() - started
        if status:
            raise SystemExit(f"{command} failed with {os.waitstatus_to_exitcode(status)}")
        output.seek(0)
        return output.read().decode(), seconds, usage


if __name__ == "__main__":
    main()
