"""For a look by hand: a list of addresses probed one by one, and the silent ones of a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import numpy as np

from netsky.addresses import AddressLibrary
from netsky.errors import DeliveryError, LibraryError
from netsky.files import replace_file
from netsky.places import Egress, Province
from netsky.sweep import Engine, ProbePlan, Progress, Sweep
from netsky.targets.library import load_list

STANDARD_INPUT = Path("-")
LIST = Province("targets", "名单")  # what stands for the province where there is none
MOST_LISTED = 100_000  # of which each has a line of its own


@dataclass(frozen=True, slots=True)
class TargetQuality:
    """How one address was reached: a ratio 0 to 1, seconds; None when nothing replied."""

    address: str
    packets_sent: int
    packets_received: int
    loss_ratio: float
    latency_mean_seconds: float | None
    latency_max_seconds: float | None


@dataclass(frozen=True, slots=True)
class TargetsReport:
    """A sweep over a list, and its addresses, worst first."""

    sweep: Sweep
    targets: list[TargetQuality]

    @property
    def complete(self) -> bool:
        return not self.sweep.failures


def read_list(file: Path, exclude_from: Path) -> AddressLibrary:
    """The addresses of a file (`-`: of standard input), without those that are never to be probed.

    `exclude_from` is the folder of the address libraries, which may have an exclude.txt. Raises
    LibraryError as for a library.
    """
    library = load_list(Path("/dev/stdin") if file == STANDARD_INPUT else file, exclude_from, LIST)
    if library.targets > MOST_LISTED:
        raise LibraryError(
            f"{file} names {library.targets:,} addresses, and {MOST_LISTED:,} are the most of a "
            "list: make an address library of them (--library)"
        )
    return library


def probe_targets(
    engine: Engine, library: AddressLibrary, egress: Egress, plan: ProbePlan, progress: Progress
) -> TargetsReport:
    """One sweep over a list; EngineError when nothing could be measured."""
    sweep = engine.sweep(library, egress, plan, progress)
    return TargetsReport(sweep, worst_first(sweep))


def worst_first(sweep: Sweep) -> list[TargetQuality]:
    """The measured addresses by loss, then mean, descending."""
    sent = sweep.sent.sum(axis=1)
    replied = ~np.isnan(sweep.rtt_seconds)
    qualities = []
    for index in np.flatnonzero(sent).tolist():
        rtts = sweep.rtt_seconds[index][replied[index]].astype(np.float64)
        packets_sent, received = int(sent[index]), len(rtts)
        qualities.append(
            TargetQuality(
                address=str(IPv4Address(int(sweep.library.addresses[index]))),
                packets_sent=packets_sent,
                packets_received=received,
                loss_ratio=(packets_sent - received) / packets_sent,
                latency_mean_seconds=float(rtts.mean()) if received else None,
                latency_max_seconds=float(rtts.max()) if received else None,
            )
        )
    return sorted(
        qualities, key=lambda q: (q.loss_ratio, q.latency_mean_seconds or 0.0), reverse=True
    )


def dump_silent(file: Path, sweep: Sweep, fields: Mapping[str, str]) -> None:
    """Write the addresses that answered no packet, with their province, and put the file in place.

    {isp} and {egress} in its name are filled in from `fields`. The file can be given to `--targets`
    as it is. DeliveryError when it cannot be written.
    """
    sent, replied = sweep.sent.sum(axis=1), ~np.isnan(sweep.rtt_seconds)
    silent = (sent > 0) & (replied.sum(axis=1) == 0)
    lines = [
        f"{IPv4Address(address)}\t{province.slug}\t{province.name}\n"
        for index, province in enumerate(sweep.library.provinces)
        for address in sweep.library.addresses[sweep.library.slice_of(index)][
            silent[sweep.library.slice_of(index)]
        ].tolist()
    ]
    name = str(file)
    for key, value in fields.items():
        name = name.replace(f"{{{key}}}", value)
    try:
        replace_file(Path(name), "".join(lines).encode(), mode=0o644)
    except OSError as error:
        raise DeliveryError(f"cannot write {name}: {error.strerror}") from error
