"""A made-up Internet as an engine: who answers when is known, and every packet is counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from netsky.addresses import Addresses, AddressLibrary
from netsky.engines.outcome import SweepStart, Unmeasured
from netsky.places import PROVINCES, Egress
from netsky.sweep import ProbePlan, Progress, Sweep
from netsky.targets.candidates import Candidates

HOUR = 3600.0


@dataclass
class Clock:
    """Time that passes when the test says so, and while packets are sent."""

    seconds: float = 1_790_000_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class World:
    """An engine. `steady` of all addresses always answer, `restless` come and go, the rest is dead.

    By day more of the restless answer than by night. `loss` is of packets, by province index;
    `down` provinces lose that share more. `most_answers` is what a router in the way lets pass of a
    sweep. `born` and `died` are moments of single addresses.
    """

    clock: Clock
    steady: float = 0.02
    restless: float = 0.04
    loss: float = 0.01
    down: dict[str, float] = field(default_factory=dict)
    most_answers: int | None = None
    local_drops: int = 0
    seed: int = 1
    died: dict[int, float] = field(default_factory=dict)
    sent: Counter[int] = field(default_factory=Counter)
    name: str = "world"

    def check(self, _egress: Egress) -> None:
        """It always works."""

    def sweep(
        self, library: AddressLibrary, egress: Egress, plan: ProbePlan, progress: Progress
    ) -> Sweep:
        start = SweepStart(library, egress, self.name, datetime.fromtimestamp(self.clock(), UTC))
        self.sent.update(library.addresses.tolist())
        answers = self.answers(library.addresses)
        for index, province in enumerate(library.provinces):
            rows = library.slice_of(index)
            lost = self.loss + self.down.get(province.slug, 0.0)
            answers[rows] &= self._chance(library.addresses[rows], int(self.clock())) >= lost
        if self.most_answers is not None:
            answers[np.flatnonzero(answers)[self.most_answers :]] = False
        self.clock.seconds += plan.span(library.targets) + plan.timeout
        progress(library.targets)
        rtt = np.where(answers, np.float32(0.02), np.float32(np.nan))[:, np.newaxis]
        return start.end(
            rtt.astype(np.float32),
            Unmeasured(),
            duration_seconds=1.0,
            dropped=self.local_drops,
            discarded={},
        )

    def answers(self, addresses: Addresses) -> np.ndarray:
        """Who would answer now, were no packet lost."""
        kind = self._chance(addresses, 0)
        hour = (self.clock() / HOUR) % 24
        day = 0.5 - 0.3 * np.cos(2 * np.pi * hour / 24)
        restless = (kind < self.steady + self.restless) & (
            self._chance(addresses, 1 + int(self.clock() // (1.5 * HOUR))) < day
        )
        alive: np.ndarray = (kind < self.steady) | restless
        if self.died:
            at = np.array([self.died.get(a, np.inf) for a in addresses.tolist()])
            alive &= self.clock() < at
        return alive

    def always(self, addresses: Addresses) -> np.ndarray:
        """Who never rests."""
        steady: np.ndarray = self._chance(addresses, 0) < self.steady
        return steady

    def _chance(self, addresses: Addresses, salt: int) -> Any:
        values = addresses.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        values ^= np.uint64((salt * 0xD6E8FEB86659FD93 + self.seed) % 2**64)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            values = (values ^ (values >> np.uint64(shift))) * np.uint64(factor)
        chance: np.ndarray = (values ^ (values >> np.uint64(31))) / 2.0**64
        return chance


def candidates(blocks: int = 16, provinces: int = len(PROVINCES), isp: int = 0) -> Candidates:
    """So many whole /24s for each of the first provinces, in two cities, from 1.0.0.0 on."""
    first, last, province, city = [], [], [], []
    for index in range(provinces):
        for half in range(2):
            start = (1 << 24) + (index << 16) + half * (blocks << 7)
            first.append(start)
            last.append(start + (blocks << 7) - 1)
            province.append(index)
            city.append(1 + half)
    size = len(first)
    return Candidates(
        np.array(first, np.uint32),
        np.array(last, np.uint32),
        np.full(size, isp, np.int32),
        np.array(province, np.int32),
        np.array(city, np.int32),
        ("", "甲市", "乙市"),
    )
