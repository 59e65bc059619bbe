"""The end of a sweep, the same for all engines: what was found, made into a `Sweep`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from netsky.addresses import AddressLibrary
from netsky.errors import EngineError
from netsky.places import Egress
from netsky.sweep import ProvinceFailure, Sweep

TargetIndices = npt.NDArray[np.int64]


class Unmeasured:
    """Targets that an engine could not measure, by the reason that people will read."""

    def __init__(self) -> None:
        self._targets: dict[str, list[TargetIndices]] = {}

    def add(self, targets: TargetIndices, reason: str) -> None:
        """`targets` are places in the library's `addresses`; the same may come with two reasons."""
        if len(targets):
            self._targets.setdefault(reason, []).append(targets)

    def mask(self, targets: int) -> npt.NDArray[np.bool_]:
        """Which of the library's so many targets were not measured."""
        mask = np.zeros(targets, np.bool_)
        for indices in self._all():
            mask[indices] = True
        return mask

    def failures(self, library: AddressLibrary) -> tuple[ProvinceFailure, ...]:
        """One for each province concerned, in the order of the library."""
        reasons: dict[int, set[str]] = {}
        for reason, parts in self._targets.items():
            for index in np.unique(_province_of(np.concatenate(parts), library)).tolist():
                reasons.setdefault(index, set()).add(reason)
        where = _province_of(np.flatnonzero(self.mask(library.targets)), library)
        targets = np.bincount(where, minlength=len(library.provinces)).tolist()
        return tuple(
            ProvinceFailure(library.provinces[index], targets[index], "; ".join(sorted(texts)))
            for index, texts in sorted(reasons.items())
        )

    def _all(self) -> Iterable[TargetIndices]:
        return (part for parts in self._targets.values() for part in parts)


@dataclass(frozen=True, slots=True)
class SweepStart:
    """What is known of a sweep when its first packet is about to leave; made at that moment."""

    library: AddressLibrary
    egress: Egress
    engine: str
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=time.monotonic)

    def elapsed(self) -> float:
        """Seconds since then."""
        return time.monotonic() - self.started

    def end(
        self,
        rtt_seconds: npt.NDArray[np.float32],
        unmeasured: Unmeasured,
        *,
        duration_seconds: float,
        dropped: int,
        kept_back: int = 0,
        discarded: Mapping[str, int],
    ) -> Sweep:
        """The sweep, which took so long.

        `rtt_seconds` is float32[targets, count], NaN where no reply came. A target is measured with
        all of its packets, or not at all. `dropped` packets were thrown away by this host, whoever's
        they were; `kept_back` are packets of the sweep that it did not send. EngineError when nothing was measured.
        """
        failures = unmeasured.failures(self.library)
        measured = ~unmeasured.mask(self.library.targets)
        sent = np.repeat(measured[:, np.newaxis], rtt_seconds.shape[1], axis=1)
        if not sent.any():
            raise EngineError(f"nothing could be measured: {_most_frequent_reason(failures)}")
        missing = int(np.count_nonzero(sent & np.isnan(rtt_seconds)))
        return Sweep(
            library=self.library,
            egress=self.egress,
            engine=self.engine,
            started_at=self.started_at,
            duration_seconds=duration_seconds,
            rtt_seconds=np.where(sent, rtt_seconds, np.float32(np.nan)),
            sent=sent,
            local_drops=min(dropped, missing) + kept_back,
            discarded=dict(discarded),
            failures=failures,
        )


def _province_of(targets: TargetIndices, library: AddressLibrary) -> npt.NDArray[np.intp]:
    return np.searchsorted(library.bounds, targets, side="right") - 1


def _most_frequent_reason(failures: Iterable[ProvinceFailure]) -> str:
    return Counter(failure.reason for failure in failures).most_common(1)[0][0]
