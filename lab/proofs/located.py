"""What the memory of targets is good for: loss of users, and which part of a province fails.

Provinces have faults of their own, alone and two at once, the others none; a part of all addresses is
dead, and some flap. First the probe learns in quiet, then the faults are there for some sweeps. What
it says is held against what was set, and against what the lab counted, sweep by sweep and exit by exit.
"""

from __future__ import annotations

import json
import math
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

from lab.errors import LabError
from lab.network.addresses import PLACES, Place
from lab.network.faults import Loss
from lab.network.truth import Count, Truth
from lab.proofs.site import Measured, Site
from netsky.places import PROVINCES

ISP = "cu"
QUIET = 0.003
FLAPPING = 0.05
FLAPPING_PERIOD = 64
# The targets of a province: the first addresses of each /24 of a /18, 2,048 in all.
BLOCKS, BLOCK_LENGTH = 64, 27
TRIES = 10
# From the end of a window to the next sweep, of the window: then the lab's counters are read.
PAUSE = 0.4
LEAST_PAUSE = 2.5  # seconds: the last replies are waited for, and the sweep is summed up
_SPARE = 0.3  # seconds that one start may be later than the next


@dataclass(frozen=True, slots=True)
class Trouble:
    """Loss of all, or of one prefix (how far from the province's first address), or dead addresses."""

    name: str
    uniform: float = 0.0
    prefix: tuple[int, int, float] | None = None
    dead: float = 0.0


TROUBLES = (
    Trouble("2 % of all", 0.02),
    Trouble("5 % of all", 0.05),
    Trouble("8 % of all", 0.08),
    Trouble("/20 at 30 %", prefix=(0x2000, 20, 0.3)),
    Trouble("/20 at 100 %", prefix=(0x1000, 20, 1.0)),
    Trouble("/22 at 100 %", prefix=(0x400, 22, 1.0)),
    Trouble("/24 at 100 %", prefix=(0xA00, 24, 1.0)),
    Trouble("8 % dead by hash", dead=0.08),
)


@dataclass(frozen=True, slots=True)
class Case:
    """What is wrong in one province."""

    troubles: tuple[Trouble, ...]

    @property
    def name(self) -> str:
        return " and ".join(each.name for each in self.troubles)

    @property
    def loss(self) -> float:
        """The chance of a packet to be lost anywhere in the province, in quiet times included."""
        arrives = math.prod(1 - each.uniform for each in self.troubles)
        return round(1 - (1 - QUIET) * arrives, 4)

    @property
    def dead(self) -> float:
        return sum(each.dead for each in self.troubles)

    def networks(self, province: str) -> dict[str, IPv4Network]:
        """The prefixes of that province which lose more than the rest of it, by their troubles."""
        first = int(Place(ISP, province).prefix.network_address)
        return {
            each.name: IPv4Network((first + each.prefix[0], each.prefix[1]))
            for each in self.troubles
            if each.prefix
        }


CASES = tuple(Case(pick) for count in (1, 2) for pick in combinations(TROUBLES, count))
"""Each trouble alone, and all pairs."""

ROUNDS = 3


def cases_of(turn: int) -> dict[str, Case]:
    """A third of all cases, each in a province of its own; more than half of these stay quiet."""
    return {PROVINCES[2 * at].slug: case for at, case in enumerate(CASES[turn::ROUNDS])}


@dataclass(slots=True)
class Tally:
    """What was said of the provinces with one case, sweep by sweep; all but counts in points of loss.

    `found` counts how often each prefix that failed was named, `besides` in how many sweeps one that
    did not. `errors` are how far the loss among the usually alive is from what was counted, `rises` and
    `live_rises` how much more was lost than in quiet, of all and of the usually alive. `again`: of what
    was lost beside the named prefixes, the share that was lost again.
    """

    sweeps: int = 0
    found: Counter[str] = field(default_factory=Counter)
    besides: int = 0
    errors: list[float] = field(default_factory=list)
    true_rises: list[float] = field(default_factory=list)
    rises: list[float] = field(default_factory=list)
    live_rises: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Look:
    """A sweep: what was said of each province, and what the lab counted in it."""

    rows: Mapping[str, Mapping[str, Any]]
    counts: Mapping[str, Count]


@dataclass(slots=True)
class Result:
    """By the name of the case what was said, and of the quiet provinces; sweeps made a second time."""

    of: dict[str, Tally] = field(default_factory=dict)
    quiet: Tally = field(default_factory=Tally)
    repeated: int = 0

    def add(self, cases: Mapping[str, Case], look: _Look, quiet: _Look) -> None:
        """Hold a sweep, province by province, against what is wrong there."""
        for province in PROVINCES:
            case = cases.get(province.slug)
            tally = self.of.setdefault(case.name, Tally()) if case else self.quiet
            add(tally, province.slug, case, look, quiet)


class _Probe:
    """netsky_probe.py through one exit, which sweeps again and again."""

    def __init__(self, site: Site, egress: str, window: float) -> None:
        self._lab, self._egress = site.lab, egress
        self._every = every = window + max(LEAST_PAUSE, PAUSE * window)
        options = ("--egress", egress, "--window", f"{window:g}", "--format", "json")
        command = site.command("netsky_probe", ISP, *options, "--every", f"{every:g}")
        self._process = subprocess.Popen(
            site.lab.command(*command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.repeated = 0

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()

    def sweep(self) -> Measured:
        """What is told of the sweep that is under way."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise LabError(f"the probe through egress {self._egress} has ended")
        return Measured.of(json.loads(line))

    def _count(self, measured: Measured) -> tuple[Truth, bool]:
        """What the lab has counted so far, and whether that was before the sweep after this one began."""
        counts = self._lab.counts(self._egress)
        started_at = datetime.fromisoformat(measured.document["sweep"]["started_at"])
        taken = (datetime.now(UTC) - started_at).total_seconds()
        return counts, taken < self._every - _SPARE

    def looks(self, number: int) -> list[_Look]:
        """So many sweeps from now on of which the lab has seen each packet, and no others."""
        looks: list[_Look] = []
        before, was_between = self._count(self.sweep())  # it had begun before
        for _ in range(TRIES * number):
            measured = self.sweep()
            counted, is_between = self._count(measured)
            counts = counted.since(before).of(self._egress, ISP)
            is_exact = measured.whole and {s: c.seen for s, c in counts.items()} == measured.sent
            if was_between and is_between and is_exact:
                looks.append(
                    _Look({r["province"]: r for r in measured.document["provinces"]}, counts)
                )
                if len(looks) == number:
                    return looks
            else:
                self.repeated += 1
            before, was_between = counted, is_between
        raise LabError(
            "this host is too busy: of most sweeps not all was sent in time, or seen alone"
        )


@dataclass(frozen=True, slots=True)
class Proof:
    """A site in a lab where such a share of the addresses is `dead`; a sweep takes `window` seconds."""

    site: Site
    dead: float
    window: float

    def measure(self, *, learn: int, sweeps: int) -> Result:
        """Learn, then sweep with faults, through all exits at once; what was said of each case."""
        self._prepare()
        probes = [_Probe(self.site, route.egress, self.window) for route in self.site.lab.routes]
        try:
            return self._measure(probes, learn=learn, sweeps=sweeps)
        finally:
            for probe in probes:
                probe.end()

    def _measure(self, probes: Sequence[_Probe], *, learn: int, sweeps: int) -> Result:
        result = Result()
        with ThreadPoolExecutor(len(probes)) as pool:
            list(pool.map(lambda probe: [probe.sweep() for _ in range(learn)], probes))
            for turn in range(ROUNDS):
                cases = cases_of(turn)
                quiet = [look for [look] in pool.map(lambda probe: probe.looks(1), probes)]
                if any(r["live_loss_ratio"] is None for look in quiet for r in look.rows.values()):
                    raise LabError("not enough was learned: --learn more sweeps")
                self._set_faults(cases)
                looked = pool.map(lambda probe: probe.looks(sweeps), probes)
                for looks, before in zip(looked, quiet, strict=True):
                    for look in looks:
                        result.add(cases, look, before)
                self._end_faults(cases)
        result.repeated = sum(probe.repeated for probe in probes)
        return result

    def _prepare(self) -> None:
        lab = self.site.lab
        for place in PLACES:
            if place.isp == ISP:
                first = place.prefix.network_address
                blocks = [f"{first + (number << 8)}/{BLOCK_LENGTH}" for number in range(BLOCKS)]
                file = self.site.folder / "ipdata" / ISP / f"{place.province}.txt"
                file.write_text("\n".join(blocks) + "\n", encoding="ascii")
        lab.set_dead(self.dead, isp=ISP)
        lab.set_flapping(FLAPPING, period=FLAPPING_PERIOD, isp=ISP)
        lab.set_loss(Loss(QUIET), isp=ISP)

    def _set_faults(self, cases: Mapping[str, Case]) -> None:
        lab = self.site.lab
        for slug, case in cases.items():
            lab.set_loss(Loss(case.loss), isp=ISP, province=slug)
            if case.dead:
                dead = self.dead + case.dead * (1 - self.dead)
                lab.set_dead(dead, isp=ISP, province=slug)
            for trouble in case.troubles:
                if trouble.prefix:
                    network = case.networks(slug)[trouble.name]
                    lab.set_prefix_loss(Loss(trouble.prefix[2]), network)

    def _end_faults(self, cases: Mapping[str, Case]) -> None:
        lab = self.site.lab
        for slug, case in cases.items():
            lab.set_loss(Loss(QUIET), isp=ISP, province=slug)
            if case.dead:
                lab.set_dead(self.dead, isp=ISP, province=slug)
            for network in case.networks(slug).values():
                lab.set_prefix_loss(Loss(0), network)


def add(tally: Tally, slug: str, case: Case | None, look: _Look, quiet: _Look) -> None:
    """Hold one sweep of a province against what is wrong there and what was counted."""
    row, before = look.rows[slug], quiet.rows[slug]
    named = {part["prefix"] for part in row["prefixes"]}
    wanted = case.networks(slug) if case else {}
    truth, usual = (_live_loss(each.counts[slug], quiet.counts[slug]) for each in (look, quiet))
    tally.sweeps += 1
    tally.found.update(name for name, network in wanted.items() if str(network) in named)
    tally.besides += bool(named - {str(network) for network in wanted.values()})
    tally.errors.append(100 * abs(row["live_loss_ratio"] - truth))
    tally.true_rises.append(100 * (truth - usual))
    tally.rises.append(100 * (row["loss_ratio"] - before["loss_ratio"]))
    tally.live_rises.append(100 * (row["live_loss_ratio"] - before["live_loss_ratio"]))
    if row["rest"] and row["rest"]["lost_again_ratio"] is not None:
        tally.again.append(100 * row["rest"]["lost_again_ratio"])


def _live_loss(count: Count, quiet: Count) -> float:
    """What those lose that are not dead in quiet, nor in their silence of the flapping ones."""
    alive = count.seen - quiet.dead - count.flapping
    return (count.loss + count.dead - quiet.dead) / alive
