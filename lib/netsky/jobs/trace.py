"""Traces to targets of provinces through an exit and the others: choose, trace, compare, take mtr."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses, AddressLibrary, dotted
from netsky.engines.exit_check import check_exit
from netsky.engines.icmp import IcmpEngine
from netsky.engines.mtr import take_mtr
from netsky.engines.trace import check_traces, trace_targets
from netsky.errors import NetskyError
from netsky.evidence import QuietPaths
from netsky.judging.paths import path_changes, quiet_hops
from netsky.places import Egress, Province
from netsky.sweep import ProbePlan
from netsky.trace import Compared, Hop, MtrReport, Trace, Traced, TracePlan, TraceReport
from netsky.trace_locate import locate_all

# Before the traces some of the province's addresses are looked at, to tell who answers and who loses.
CANDIDATES_PER_TARGET, MOST_CANDIDATES = 5, 200
LOOKS = 3
LOOK_TIMEOUT_SECONDS = 1.0

MOST_OTHERS = 3
"""Through so many other exits the same targets are traced: each of them is asked through all of these."""

QuietTimes = Mapping[str, Sequence[QuietPaths]]
"""By the name of an exit, what its paths looked like in quiet times, oldest first."""


def trace_place(
    place: AddressLibrary,
    egress: Egress,
    others: Sequence[Egress],
    plan: TracePlan,
    *,
    number: int,
    quiet: QuietTimes = {},  # noqa: B006 - nobody changes it
) -> TraceReport:
    """Trace `number` targets of a library of one province through `egress`, and through the others.

    EngineError says why nothing could be traced through `egress`; what fails through another exit is told
    in the report.
    """
    check_traces(egress)
    targets, looked, answering = look_and_choose(
        place, egress, others, number=number, rate=plan.rate
    )
    [report] = trace_together(targets, egress, others, plan, quiet=quiet)
    return replace(report, candidates=looked, answering=answering)


def trace_together(
    targets: AddressLibrary,
    egress: Egress,
    others: Sequence[Egress],
    plan: TracePlan,
    *,
    quiet: QuietTimes,
    seconds: float | None = None,
) -> list[TraceReport]:
    """Trace all targets through all exits at the same time; a report for each province.

    After `seconds` the rounds that are done have to do. EngineError as above: when `egress` has no way to
    the targets, nothing is sent through the others either. Those together send what `egress` does.
    """
    check_exit(targets, egress)
    plans = (plan, *(plan_of_other(plan, len(others)) for _ in others))
    stopped = threading.Event()
    with ThreadPoolExecutor(len(plans)) as pool:
        try:
            running = [
                pool.submit(trace_targets, targets, each, its, stopped=stopped)
                for each, its in zip((egress, *others), plans, strict=True)
            ]
            wait(running, timeout=seconds)
        finally:
            stopped.set()
    traced = running[0].result()
    compared = list(zip(others, running[1:], strict=True))
    reports = []
    for index, province in enumerate(targets.provinces):
        mine = {dotted(int(address)) for address in targets.addresses[targets.slice_of(index)]}
        of_province = _part(traced, mine) if len(targets.provinces) > 1 else traced
        hops = _usual_hops(quiet, egress, province)
        reports.append(
            TraceReport(
                province,
                plan,
                of_province,
                locate_all(of_province.traces, quiet=hops),
                compared=tuple(
                    _compare(other, done, mine, _usual_hops(quiet, other, province))
                    for other, done in compared
                ),
                quiet=hops,
                changes=path_changes(of_province.traces, quiet.get(egress.name, ()), province),
            )
        )
    return reports


def plan_of_other(plan: TracePlan, others: int) -> TracePlan:
    """How each of so many other exits is traced: at a part of the pace, with so many fewer rounds."""
    return replace(plan, rate=max(1, plan.rate // others), rounds=-(-plan.rounds // others))


def look_and_choose(
    place: AddressLibrary, egress: Egress, others: Sequence[Egress], *, number: int, rate: int
) -> tuple[AddressLibrary, int, int]:
    """`number` targets of a library of one province; how many were looked at for that, and answered."""
    with ThreadPoolExecutor(1 + len(others)) as pool:
        candidates, answered = _look(pool, place, egress, others, number=number, rate=rate)
    chosen = choose(answered, number)
    bounds = np.array([0, len(chosen)], np.int64)
    targets = replace(place, addresses=candidates[chosen], bounds=bounds)
    looked = answered.shape[1] if answered.shape[2] else 0
    return targets, looked, int(np.count_nonzero(answered.any(axis=2).any(axis=0)))


def take_mtr_of(
    report: TraceReport, egress: Egress, number: int, take: Callable[..., MtrReport] = take_mtr
) -> TraceReport:
    """The report with mtr to `number` of its targets, those that lose most, one after the other.

    (Several at once would spoil each other: routers limit their answers.)
    """
    targets = lossy_targets(report)[:number]
    return replace(report, mtr=tuple(take(target, egress) for target in targets))


def lossy_targets(report: TraceReport) -> list[str]:
    """The affected targets, those that lose most first."""
    affected = sorted(report.located.affected, key=lambda trace: trace.end.lost, reverse=True)
    return list(dict.fromkeys(trace.target for trace in affected))


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

    Where there are no more targets than are wanted, nothing is sent, and LOOKS is 0. Several other exits send
    a packet each: whoever answers one answers through that exit.
    """
    if place.targets <= number:
        return place.addresses, np.zeros((1, place.targets, 0), np.bool_)
    check_exit(place, egress)
    wanted = max(number, min(CANDIDATES_PER_TARGET * number, MOST_CANDIDATES))
    most = min(place.targets, wanted)
    candidates = place.addresses[np.arange(most) * place.targets // most]
    sample = replace(place, addresses=candidates, bounds=np.array([0, most], np.int64))
    plan = ProbePlan(most * LOOKS / rate, rate, LOOKS, LOOK_TIMEOUT_SECONDS)
    share, looks = max(1, rate // max(1, len(others))), max(1, LOOKS // max(1, len(others)))
    other = replace(plan, window=most * looks / share, rate=share, count=looks)
    running = [
        pool.submit(IcmpEngine().sweep, sample, each, its, lambda _packets: None)
        for each, its in [(egress, plan), *((each, other) for each in others)]
    ]
    wait(running)
    answered = [~np.isnan(running[0].result().rtt_seconds)]
    for each in running[1:]:
        if each.exception() is None:  # else it is told why when that exit is traced
            any_of = ~np.isnan(each.result().rtt_seconds).all(axis=1, keepdims=True)
            answered.append(np.broadcast_to(any_of, answered[0].shape))
    return candidates, np.array(answered)


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


def _compare(
    egress: Egress, running: Future[Traced], targets: set[str], quiet: Sequence[Hop]
) -> Compared:
    """What the other exit says of these targets."""
    try:
        traces = _of(running.result().traces, targets)
    except NetskyError as error:
        return Compared(egress.name, problem=str(error))
    return Compared(egress.name, locate_all(traces, quiet=quiet))


def _usual_hops(quiet: QuietTimes, egress: Egress, province: Province) -> tuple[Hop, ...]:
    return quiet_hops(quiet.get(egress.name, ()), province)


def _part(traced: Traced, targets: set[str]) -> Traced:
    """Of what was traced together the part of these targets, with the packets that its hops tell of."""
    traces = _of(traced.traces, targets)
    hops = [hop for trace in traces for hop in (*trace.hops, trace.end)]
    packets = sum(hop.sent + hop.quick_sent for hop in hops)
    return replace(traced, traces=traces, packets_sent=packets)


def _of(traces: Sequence[Trace], targets: set[str]) -> tuple[Trace, ...]:
    return tuple(trace for trace in traces if trace.target in targets)
