"""Traces by hand: choose targets of a province, trace them, compare, take mtr."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses, AddressLibrary
from netsky.engines.icmp import IcmpEngine
from netsky.engines.mtr import take_mtr
from netsky.engines.trace import check_traces, trace_targets
from netsky.errors import NetskyError
from netsky.places import Egress
from netsky.sweep import ProbePlan
from netsky.trace import Compared, MtrReport, Traced, TracePlan, TraceReport
from netsky.trace_locate import locate_all

# Before the traces some of the province's addresses are looked at, to tell who answers and who loses.
CANDIDATES_PER_TARGET, MOST_CANDIDATES = 5, 200
LOOKS = 3
LOOK_TIMEOUT_SECONDS = 1.0


def trace_place(
    place: AddressLibrary,
    egress: Egress,
    others: Sequence[Egress],
    plan: TracePlan,
    *,
    number: int,
) -> TraceReport:
    """Trace `number` targets of a library of one province through `egress`, and through the others.

    All exits are traced at the same time. EngineError says why nothing could be traced through `egress`; what
    fails through another exit is told in the report.
    """
    check_traces(egress)
    stopped = threading.Event()
    with ThreadPoolExecutor(1 + len(others)) as pool:
        try:
            candidates, answered = _look(pool, place, egress, others, number=number, rate=plan.rate)
            chosen = choose(answered, number)
            targets = replace(
                place, addresses=candidates[chosen], bounds=np.array([0, len(chosen)], np.int64)
            )
            running = [
                pool.submit(trace_targets, targets, each, plan, stopped=stopped)
                for each in (egress, *others)
            ]
            traced = running[0].result()
            compared = tuple(map(_compare, others, running[1:]))
        finally:
            stopped.set()
    looked = answered.shape[1] if answered.shape[2] else 0
    return TraceReport(
        place.provinces[0],
        plan,
        traced,
        locate_all(traced.traces),
        candidates=looked,
        answering=int(np.count_nonzero(answered.any(axis=2).any(axis=0))),
        compared=compared,
    )


def take_mtr_of(
    report: TraceReport, egress: Egress, number: int, take: Callable[..., MtrReport] = take_mtr
) -> TraceReport:
    """The report with mtr to `number` of its targets, the affected ones that lose most, one after the other.

    (Several at once would spoil each other: routers limit their answers.)
    """
    affected = sorted(report.located.affected, key=lambda trace: trace.end.lost, reverse=True)
    targets = list(dict.fromkeys(trace.target for trace in affected))[:number]
    return replace(report, mtr=tuple(take(target, egress) for target in targets))


def _look(
    pool: ThreadPoolExecutor,
    place: AddressLibrary,
    egress: Egress,
    others: Sequence[Egress],
    *,
    number: int,
    rate: int,
) -> tuple[Addresses, npt.NDArray[np.bool_]]:
    """Candidates all over the place, and whether they answered: bool[exits, candidates, LOOKS].

    Where there are no more targets than are wanted, nothing is sent, and LOOKS is 0.
    """
    if place.targets <= number:
        return place.addresses, np.zeros((1, place.targets, 0), np.bool_)
    wanted = max(number, min(CANDIDATES_PER_TARGET * number, MOST_CANDIDATES))
    most = min(place.targets, wanted)
    candidates = place.addresses[np.arange(most) * place.targets // most]
    sample = replace(place, addresses=candidates, bounds=np.array([0, most], np.int64))
    plan = ProbePlan(most * LOOKS / rate, rate, LOOKS, LOOK_TIMEOUT_SECONDS)
    running = [
        pool.submit(IcmpEngine().sweep, sample, each, plan, lambda _packets: None)
        for each in (egress, *others)
    ]
    wait(running)
    running[0].result()
    # Why another exit fails is told when it is traced.
    sweeps = [each.result() for each in running if each.exception() is None]
    return candidates, np.array([~np.isnan(sweep.rtt_seconds) for sweep in sweeps])


def choose(answered: npt.NDArray[np.bool_], number: int) -> npt.NDArray[np.int64]:
    """The numbers of the candidates to trace: half of them lose through the exit asked for, if there are.

    An address that answers through no exit may have nobody behind it: it is taken only when all are so.
    """
    every = np.arange(answered.shape[1])
    if not answered.shape[2]:
        return every
    living = answered.any(axis=2).any(axis=0)
    if not living.any():
        return _spread(every, number)
    lossy = every[living & ~answered[0].all(axis=1)]
    whole = every[living & answered[0].all(axis=1)]
    some = _spread(lossy, max(number // 2, number - len(whole)))
    return np.sort(np.concatenate([some, _spread(whole, number - len(some))]))


def _spread(numbers: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    """At most so many of them, from all over."""
    count = min(most, len(numbers))
    return numbers[np.arange(count) * len(numbers) // max(1, count)]


def _compare(egress: Egress, running: Future[Traced]) -> Compared:
    try:
        return Compared(egress.name, locate_all(running.result().traces))
    except NetskyError as error:
        return Compared(egress.name, problem=str(error))
