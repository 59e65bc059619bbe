"""Paths in quiet times, once an hour: what is always so must not look like a fault."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from netsky.addresses import AddressLibrary, dotted
from netsky.engines.trace import trace_targets
from netsky.evidence import QuietPaths
from netsky.jobs.evidence import Keeping, TracedLine, not_written
from netsky.jobs.trace import QuietTimes
from netsky.judging.paths import quiet_path
from netsky.places import Egress, Province
from netsky.store.evidence_files import KEPT_QUIET, read_quiet, write_quiet
from netsky.store.evidence_names import QUIET
from netsky.trace import Hop, TracePlan

ROUNDS, FLOWS = 3, 2
SECONDS = 50.0  # so that evidence of an incident waits for the next minute at most


def look_at_quiet_paths(
    line: TracedLine, keeping: Keeping, plan: TracePlan, *, without: Collection[Province]
) -> QuietPaths:
    """Trace a few targets of each province but those in `without`, and keep the paths without loss.

    It is kept, too, that nothing is known: of a new installation, say, whose memory knows no targets.
    Raises EngineError, LibraryError, DeliveryError.
    """
    quiet = nothing_known(line.key.isp, line.key.egress)
    try:
        quiet = replace(quiet, paths=trace_quiet(line.choice.quiet(without), line.egress, plan))
    finally:
        keep_look(keeping, quiet)
    return quiet


def nothing_known(isp: str, egress: str) -> QuietPaths:
    """Kept of a line that cannot be traced: it is not tried again before an hour, and others have their turn."""
    return QuietPaths(isp, egress, datetime.now(UTC).replace(microsecond=0), {})


def keep_look(keeping: Keeping, quiet: QuietPaths) -> None:
    """Raises DeliveryError."""
    try:
        write_quiet(keeping.root, quiet, mode=keeping.mode)
    except OSError as error:
        raise not_written(keeping, QUIET, error) from error


def trace_quiet(
    targets: AddressLibrary, egress: Egress, plan: TracePlan
) -> Mapping[Province, tuple[Hop, ...]]:
    """The hops toward each province in those traces in which nothing was lost. Raises EngineError."""
    if not targets.targets:
        return {}
    stopped = threading.Event()
    timer = threading.Timer(SECONDS, stopped.set)
    timer.start()
    try:
        few = replace(plan, rounds=ROUNDS, flows=FLOWS)
        traced = trace_targets(targets, egress, few, stopped=stopped)
    finally:
        timer.cancel()
    paths = {}
    for index, province in enumerate(targets.provinces):
        mine = {dotted(int(each)) for each in targets.addresses[targets.slice_of(index)]}
        of_province = [trace for trace in traced.traces if trace.target in mine]
        path = quiet_path(of_province, among=traced.traces)
        if path:
            paths[province] = path
    return paths


def quiet_times(root: Path, isp: str, exits: Iterable[Egress]) -> QuietTimes:
    """What the paths through each exit toward an ISP looked like in the past week."""
    since = datetime.now(UTC) - KEPT_QUIET
    return {each.name: read_quiet(root, isp, each.name, since=since) for each in exits}
