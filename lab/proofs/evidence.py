"""Traces against known truth: where loss begins, which of two ways is lossy, and that no sweep is disturbed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from lab.network.addresses import Place
from lab.network.faults import Loss
from lab.network.inside import run_inside
from lab.network.lab import Lab
from netsky.addresses import AddressLibrary
from netsky.engines.trace import trace_targets
from netsky.jobs.evidence import OWN_SECONDS, plan_of_places
from netsky.jobs.quiet import trace_quiet
from netsky.jobs.trace import trace_together
from netsky.jobs.trace_choice import QUIET_TARGETS
from netsky.places import PROVINCES, Egress, find_province
from netsky.trace import Finding, Hop, Traced, TracePlan, Verdict
from netsky.trace_locate import locate_all

HOPS = 5
TARGETS = 20
LOSSES = (0.01, 0.02, 0.05, 0.1, 0.3, 1.0)
PLACE = Place("cu", "guangdong")
SURROUNDINGS = ("all answer", "one limited, one silent", "one newly limited, one silent")
# In messages a second: at most this many are less than a router is asked for in the rounds of a fault, 10 on
# average, and many are more than it is asked for in quiet times.
MOST_LIMIT = 9
# In quiet times, of a path of 15 routers to 31 provinces, a round takes 5 seconds. Here it does at this rate, at
# which a router is asked 3 times a second, and 5 times while the way is looked for.
QUIET_RATE = 40


@dataclass(frozen=True, slots=True)
class Case:
    """A path: what its router number `hop` loses, forward or `back`, and how the others answer.

    A `limited` router (with messages a second) and a `silent` one are there, or 0; a `newly` limited one
    answered all in quiet times. Without `loss` it is clean.
    """

    loss: float
    hop: int
    back: bool = False
    limited: int = 0
    per_second: int = 0
    silent: int = 0
    newly: bool = False

    @property
    def surroundings(self) -> str:
        if not self.limited:
            return SURROUNDINGS[0]
        return SURROUNDINGS[2 if self.newly else 1]

    @property
    def begins(self) -> int:
        """The first hop that misses packets; the target is number HOPS + 1."""
        return self.hop + self.back

    def make(self, lab: Lab, egress: str, *, fault: bool) -> None:
        """Let the path of an egress be like this, with its fault or without."""
        for hop in range(1, HOPS + 1):
            limits = hop == self.limited and (fault or not self.newly)
            lab.set_limit(self.per_second if limits else None, egress=egress, hop=hop)
            lab.set_silent(egress=egress, hop=hop, on=hop == self.silent)
            for back in (False, True):
                here = fault and hop == self.hop and back == self.back
                lab.set_hop_loss(
                    Loss(self.loss if here else 0.0), egress=egress, hop=hop, back=back
                )


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict beside its case. `known`: the path was traced in quiet times, too."""

    case: Case
    known: bool
    verdict: Verdict

    @property
    def interval(self) -> tuple[int, int] | None:
        """After which hop, at which hop at the latest; None when it was not told."""
        if self.verdict.after is None:
            return None
        return self.verdict.after, self.verdict.at_latest or HOPS + 1

    @property
    def outcome(self) -> str:
        """`exact`: no hop that tells of loss would make it narrower. `unseen`: no packet was lost."""
        if self.verdict.finding is Finding.CLEAN:
            return "unseen" if self.case.loss else "exact"
        if self.interval is None:
            return "untold"
        if not self.case.loss:
            return "wrong"
        after, at_latest = self.interval
        if not after < self.case.begins <= at_latest:
            return "wrong"
        aside = {self.case.limited, self.case.silent}
        between = set(range(after + 1, at_latest)) - aside
        return "right" if between else "exact"


def cases(losses: Iterable[float] = LOSSES, hops: Iterable[int] = range(1, HOPS + 1)) -> list[Case]:
    """All of them, each with and without routers that answer badly, and paths without loss."""
    drawn = random.Random(1)  # noqa: S311  nothing secret about it
    plain = [Case(loss, hop, back) for loss in losses for hop in hops for back in (False, True)]
    plain += [Case(0.0, 1), Case(0.0, 1)]
    crowded = []
    for newly in (False, True):
        for case in plain:
            limited, silent = drawn.sample(range(1, HOPS + 1), 2)
            per_second = drawn.randint(1, MOST_LIMIT)
            crowded.append(Case(case.loss, case.hop, case.back, limited, per_second, silent, newly))
    return plain + crowded


def judge(lab: Lab, every: Sequence[Case], *, repeats: int, rounds: int) -> list[Judged]:
    """Trace each case so many times; as many at once as the lab has egresses."""
    egresses = [route.egress for route in lab.routes]
    judged: list[Judged] = []
    with ThreadPoolExecutor(len(egresses)) as pool:

        def traced(using: Sequence[str]) -> list[Traced]:
            return list(pool.map(lambda egress: trace(lab, egress, rounds=rounds), using))

        for start in range(0, len(every), len(egresses)):
            here = every[start : start + len(egresses)]
            using = egresses[: len(here)]
            _make(lab, here, using, fault=False)
            quiet = list(pool.map(lambda egress: quiet_hops(lab, egress), using))
            _make(lab, here, using, fault=True)
            for _ in range(repeats):
                for case, hops, result in zip(here, quiet, traced(using), strict=True):
                    judged += _judge(case, hops, result)
    return judged


def _make(lab: Lab, every: Sequence[Case], egresses: Sequence[str], *, fault: bool) -> None:
    for case, egress in zip(every, egresses, strict=True):
        case.make(lab, egress, fault=fault)


def _judge(case: Case, quiet: Sequence[Hop], traced: Traced) -> list[Judged]:
    return [
        Judged(case, known, locate_all(traced.traces, quiet=quiet if known else ()).verdict)
        for known in (False, True)
    ]


def trace(lab: Lab, egress: str, *, rounds: int, place: Place = PLACE) -> Traced:
    """Traces to addresses all over a province through an egress of the lab."""
    targets, exit_line = _targets([place], TARGETS), _exit(lab, egress)
    return run_inside(
        lab.holder.path("probe"),
        lambda: trace_targets(targets, exit_line, TracePlan(rounds=rounds)),
    )


def quiet_hops(lab: Lab, egress: str) -> Sequence[Hop]:
    """The path to users of `PLACE`, looked at as in quiet times: with those to all other provinces."""
    places = [Place(PLACE.isp, province.slug) for province in PROVINCES]
    targets, exit_line = _targets(places, QUIET_TARGETS), _exit(lab, egress)
    paths = run_inside(
        lab.holder.path("probe"),
        lambda: trace_quiet(targets, exit_line, TracePlan(rate=QUIET_RATE)),
    )
    return paths.get(find_province(PLACE.province), ())


def _targets(places: Sequence[Place], each: int) -> AddressLibrary:
    """So many addresses all over each of the places."""
    addresses = [
        int(place.prefix[0]) + np.arange(each) * (place.prefix.num_addresses // each)
        for place in places
    ]
    return AddressLibrary(
        places[0].isp,
        tuple(find_province(place.province) for place in places),
        np.concatenate(addresses).astype(np.uint32),
        np.arange(len(places) + 1, dtype=np.int64) * each,
    )


def _exit(lab: Lab, egress: str) -> Egress:
    return Egress(egress, source=str(lab.route(egress).source))


def name_branches(lab: Lab, loss: float, *, repeats: int, rounds: int) -> tuple[int, int, int]:
    """How often the lossy one of two ways to hop 3 was named, another one was, and no flow took it."""
    egresses = [route.egress for route in lab.routes][:repeats]
    named = wrong = untaken = 0
    for egress in egresses:
        Case(0.0, 1).make(lab, egress, fault=False)
        lab.set_branch(egress=egress, hop=3, on=True)
        lab.set_hop_loss(Loss(loss), egress=egress, hop=3, branch=True)
    with ThreadPoolExecutor(len(egresses)) as pool:
        results = pool.map(lambda egress: trace(lab, egress, rounds=rounds), egresses)
        for egress, traced in zip(egresses, results, strict=True):
            second = str(lab.route(egress).second_wire(3).far)
            located = locate_all(traced.traces)
            flows = [each for each in traced.traces if second in each.hops[2].addresses]
            untaken += not 0 < len(flows) < len(traced.traces)
            named += located.branch == (3, second)
            wrong += located.branch is not None and located.branch != (3, second)
    for egress in egresses:
        lab.set_hop_loss(Loss(0), egress=egress, hop=3, branch=True)
        lab.set_branch(egress=egress, hop=3, on=False)
    return named, wrong, untaken


def trace_at_once(lab: Lab, provinces: int) -> str:
    """Evidence of several provinces through egress b, whose second router sends 20 messages a second, and a row."""
    loss, hop, slow = 0.1, 6, 2
    lab.set_hop_loss(Loss(loss), egress="b", hop=hop)
    lab.set_limit(20, egress="b", hop=slow)
    places = [Place(PLACE.isp, province.slug) for province in PROVINCES[:provinces]]
    targets, plan = _targets(places, TARGETS), plan_of_places(TracePlan(), provinces)
    started = time.monotonic()
    reports = run_inside(
        lab.holder.path("probe"),
        lambda: trace_together(
            targets, _exit(lab, "b"), [_exit(lab, "a")], plan, quiet={}, seconds=OWN_SECONDS
        ),
    )
    seconds = time.monotonic() - started
    asked = [report.located.hops[slow - 1] for report in reports]
    verdicts = [report.located.verdict for report in reports]
    right = sum(v.after is not None and v.after < hop <= (v.at_latest or hop + 1) for v in verdicts)
    exact = sum((v.after, v.at_latest) == (hop - 1, hop) for v in verdicts)
    return (
        f"{provinces} provinces x {TARGETS} targets at once: {right} right, {exact} exact; router {slow} "
        f"answered {sum(each.answered for each in asked)} of {sum(each.sent for each in asked)}; "
        f"{min(report.located.end.sent for report in reports)} echoes at least to the targets of a "
        f"province; {seconds:.1f} s\n"
    )


def while_tracing(lab: Lab, egress: str, job: Callable[[], None]) -> int:
    """Do `job` while traces to users of cm run, one after the other; how many ended."""
    place = Place("cm", PLACE.province)
    traced = 0
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(job)
        while not running.done():
            trace(lab, egress, rounds=3, place=place)
            traced += 1
        running.result()
    return traced
