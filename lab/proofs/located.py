"""What the memory of targets is good for: loss of users, and which part of a province fails.

Provinces have faults of their own, alone and two at once, the others none; a part of all addresses is
dead, and some flap. First the probe learns in quiet, then the faults are there for some sweeps. What
it says is held against what was set, and against what the lab counted, sweep by sweep and exit by exit.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from statistics import mean
from typing import Any

from lab.errors import LabError
from lab.network.addresses import Place
from lab.network.faults import Loss
from lab.network.truth import Count
from lab.proofs.site import Site
from netsky.places import PROVINCES

ISP = "cu"
QUIET = 0.003
FLAPPING = 0.05
FLAPPING_PERIOD = 64
_TRIES = 5
_PACE = ("--window", "3")


@dataclass(frozen=True, slots=True)
class Case:
    """A fault of one province: loss of all, of prefixes (how far from its first address), dead ones."""

    name: str
    uniform: float = 0.0
    prefixes: tuple[tuple[int, int, float], ...] = ()
    dead: float = 0.0

    def networks(self, province: str) -> dict[IPv4Network, float]:
        """The loss of each prefix of that province."""
        first = int(Place(ISP, province).prefix.network_address)
        return {
            IPv4Network((first + offset, length)): loss for offset, length, loss in self.prefixes
        }


_WIDE = (0x1000, 20, 1.0)
_WIDE_30 = (0x1000, 20, 0.3)
_22, _24 = (0x400, 22, 1.0), (0xA00, 24, 1.0)
_HASH = 0.08
CASES = (
    Case("2 % of all", 0.02),
    Case("5 % of all", 0.05),
    Case("8 % of all", 0.08),
    Case("/20 at 30 %", prefixes=(_WIDE_30,)),
    Case("/20 at 100 %", prefixes=(_WIDE,)),
    Case("/22 at 100 %", prefixes=(_22,)),
    Case("/24 at 100 %", prefixes=(_24,)),
    Case("8 % dead by hash", dead=_HASH),
    Case("8 % of all, /22 at 100 %", 0.08, (_22,)),
    Case("2 % of all, /20 at 30 %", 0.02, (_WIDE_30,)),
    Case("/20 at 30 %, /22 at 100 %", prefixes=(_WIDE_30, _22)),
    Case("/22 and /24 at 100 %", prefixes=(_22, _24)),
    Case("/22 at 100 %, 8 % dead by hash", prefixes=(_22,), dead=_HASH),
    Case("5 % of all, 8 % dead by hash", 0.05, dead=_HASH),
)
# One province in two has a fault, as long as there are cases; the others are quiet.
CASE_OF: Mapping[str, Case] = {
    PROVINCES[2 * number].slug: case for number, case in enumerate(CASES)
}


@dataclass(slots=True)
class Tally:
    """What was said of the provinces with one fault, sweep by sweep; all but counts in points of loss.

    `found`: all its prefixes were named; `besides`: one that is none of them was. `errors` are how far
    the loss among the usually alive is from what was counted, `rises` and `live_rises` how much more
    was lost than in quiet, of all and of the usually alive. `again`: of what was lost beside the named
    prefixes, the share that was lost again.
    """

    sweeps: int = 0
    found: int = 0
    besides: int = 0
    errors: list[float] = field(default_factory=list)
    true_rises: list[float] = field(default_factory=list)
    rises: list[float] = field(default_factory=list)
    live_rises: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)


Tallies = dict[str, Tally]
"""By the name of the case; of the quiet provinces by NOTHING."""

NOTHING = "none"
Rows = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Look:
    """A sweep: what was said of each province, and what the lab counted in it."""

    rows: Rows
    counts: Mapping[str, Count]


def measure(site: Site, *, dead: float, learn: int, sweeps: int) -> Tallies:
    """Learn, then sweep with faults, through each exit; what was said of each fault."""
    lab = site.lab
    lab.set_dead(dead, isp=ISP)
    lab.set_flapping(FLAPPING, period=FLAPPING_PERIOD, isp=ISP)
    lab.set_loss(Loss(QUIET), isp=ISP)
    exits = [route.egress for route in lab.routes]
    _learn(site, learn * len(exits))
    quiet = {egress: _sweep(site, egress) for egress in exits}
    if any(row["live_loss_ratio"] is None for look in quiet.values() for row in look.rows.values()):
        raise LabError("not enough was learned: --learn more sweeps, or let the machine rest")
    _set_faults(site, dead)
    tallies: Tallies = {}
    for _ in range(sweeps):
        for egress in exits:
            look = _sweep(site, egress)
            for province in PROVINCES:
                case = CASE_OF.get(province.slug)
                tally = tallies.setdefault(case.name if case else NOTHING, Tally())
                _add(tally, province.slug, case, look, quiet[egress])
    return tallies


def _learn(site: Site, sweeps: int) -> None:
    """Let the probe run until it has told of so many sweeps."""
    options = ("--egress", "all", *_PACE, "--every", "2", "--format", "line")
    command = site.lab.command(*site.command("netsky_probe", ISP, *options))
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            for _ in range(sweeps):
                if process.stdout is None or not process.stdout.readline():
                    raise LabError("the probe that was to learn has ended")
        finally:
            process.terminate()


def _sweep(site: Site, egress: str) -> _Look:
    """A sweep of all targets, of which the lab has seen each packet and no others."""
    for _ in range(_TRIES):
        before = site.lab.truth()
        measured = site.probe(ISP, egress, *_PACE)
        counts = site.lab.truth().since(before).of(egress, ISP)
        whole = measured.document["not_measured"] == []
        if whole and {slug: count.seen for slug, count in counts.items()} == measured.sent:
            rows = {row["province"]: row for row in measured.document["provinces"]}
            return _Look(rows, counts)
    raise LabError(f"through egress {egress} not all was sent, or not all was seen by the lab")


def _set_faults(site: Site, dead: float) -> None:
    for slug, case in CASE_OF.items():
        if case.uniform:
            site.lab.set_loss(Loss(round(case.uniform + QUIET, 4)), isp=ISP, province=slug)
        if case.dead:
            site.lab.set_dead(dead + case.dead * (1 - dead), isp=ISP, province=slug)
        for prefix, loss in case.networks(slug).items():
            site.lab.set_prefix_loss(Loss(loss), prefix)


def _add(tally: Tally, slug: str, case: Case | None, look: _Look, quiet: _Look) -> None:
    row, before = look.rows[slug], quiet.rows[slug]
    named = {part["prefix"] for part in row["prefixes"]}
    wanted = {str(prefix) for prefix in case.networks(slug)} if case else set()
    truth, usual = (_live_loss(each.counts[slug], quiet.counts[slug]) for each in (look, quiet))
    tally.sweeps += 1
    tally.found += named >= wanted
    tally.besides += bool(named - wanted)
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


def table(dead: float, tallies: Tallies) -> str:
    """What was measured, as Markdown; all but counts of sweeps in points of loss."""
    heads = (
        "fault",
        "found",
        "named besides",
        "users lose",
        "loss rose by",
        "live loss rose by",
        "error of live loss, worst",
        "lost again",
    )
    names = [NOTHING, *(case.name for case in CASES)]
    rows = [f"| {name} | {' | '.join(_cells(name, tallies[name]))} |" for name in names]
    head = f"{100 * dead:g} % of the addresses dead, {100 * FLAPPING:g} % flapping:"
    return "\n".join([head, "", f"| {' | '.join(heads)} |", "|" + "---|" * len(heads), *rows, ""])


def _cells(name: str, tally: Tally) -> tuple[str, ...]:
    has_prefixes = any(case.name == name and case.prefixes for case in CASES)
    return (
        f"{tally.found} of {tally.sweeps}" if has_prefixes else "",
        f"{tally.besides} of {tally.sweeps}",
        f"{mean(tally.true_rises):+.2f}",
        f"{mean(tally.rises):+.2f}",
        f"{mean(tally.live_rises):+.2f}",
        f"{max(tally.errors):.2f}",
        f"{mean(tally.again):.0f} %" if tally.again else "",
    )
