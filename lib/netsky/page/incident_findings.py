"""What is thought of an incident, in sentences: each one says what it rests on, or what cannot be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from netsky.incident_loss import Level, LineAtMoment
from netsky.incident_report import IncidentReport, Nature
from netsky.judging.controls import Extent
from netsky.page.incident_sentences import ONE_WAY
from netsky.page.names import EXIT_WIDTH, cut
from netsky.page.words import Words, beijing, percent
from netsky.places import Province
from netsky.trace import Finding, Located, PathChange, TraceReport

_MOST_NAMES = 3
_MOST_SAID = 6  # of what traces tell beside that
_MOST_PLACES = 2  # where loss begins; provinces of which the same is said are one


@dataclass(frozen=True, slots=True)
class Findings:
    """`headline` tells whose trouble it is, `where` where loss begins, `changed` how paths have changed.

    `reasons` are what both rest on, and what cannot be known.
    """

    headline: str
    where: tuple[str, ...]
    changed: tuple[str, ...]
    reasons: tuple[str, ...]


def findings(report: IncidentReport, words: Words) -> Findings:
    traced = sorted(
        report.failing.reports if report.failing else (),
        key=lambda each: each.located.verdict.finding is not Finding.BEGINS,
    )
    return Findings(
        headline(report, words),
        tuple(_where(alike, words) for alike in _alike(traced, _place)[:_MOST_PLACES]),
        tuple(
            _changed(alike, alike[0].changes[0], words)
            for alike in _alike([each for each in traced if each.changes], _first_change)
        )[:_MOST_PLACES],
        (
            *_unchanged(traced, words),
            *_compared(report, words),
            *_other_provinces(report, words),
            *_nature(report, words),
            # Of several provinces that see the same it is said once.
            *list(dict.fromkeys(said for each in traced for said in _traced(each, words)))[
                :_MOST_SAID
            ],
            *_own_drops(report, traced, words),
            words(ONE_WAY),
        ),
    )


def headline(report: IncidentReport, words: Words) -> str:
    """Whose trouble it is, as far as the other lines tell."""
    isp, egress = words.isp(report.isp), report.egress.name
    comparison = report.comparison()
    match comparison.exits:
        case Extent.ALL:
            return words("all_exits", isp=isp, egress=egress)
        case Extent.SOME:
            return words("some_exits", egress=egress)
        case Extent.THIS_ONLY if comparison.isps is Extent.ALL:
            return words("whole_exit", egress=egress)
        case Extent.THIS_ONLY:
            return words("only_here", isp=isp, egress=egress)
    return words("cannot_tell")


def _alike(
    reports: Sequence[TraceReport], key: Callable[[TraceReport], object]
) -> list[list[TraceReport]]:
    """Those of which the same is said together, in the order of the first of each."""
    groups: dict[object, list[TraceReport]] = {}
    for each in reports:
        groups.setdefault(key(each), []).append(each)
    return list(groups.values())


def _place(report: TraceReport) -> object:
    located, verdict = report.located, report.located.verdict
    addresses = [
        located.hops[ttl - 1].addresses for ttl in (verdict.after, verdict.at_latest) if ttl
    ]
    return verdict.finding, verdict.untold, verdict.after, verdict.at_latest, tuple(addresses)


def _first_change(report: TraceReport) -> object:
    change = report.changes[0]
    return change.hop, change.before, change.now


def _provinces(reports: Sequence[TraceReport], words: Words) -> str:
    return _some([words.province(each.province) for each in reports], words)


def _where(reports: Sequence[TraceReport], words: Words) -> str:
    report = reports[0]
    located, verdict = report.located, report.located.verdict
    province = _provinces(reports, words)
    match verdict.finding:
        case Finding.CLEAN:
            at = beijing(report.traced.started_at, "%m-%d %H:%M")
            return words("clean", at=at, province=province)
        case Finding.UNKNOWN:
            reason = words(f"untold_{verdict.untold or 'none'}")
            return words("untold", province=province, reason=reason)
        case Finding.BEGINS:
            after = _hop(located, verdict.after, words) if verdict.after else words("this_host")
            latest = words("the_target")
            if verdict.at_latest is not None:
                latest = _hop(located, verdict.at_latest, words)
            count = len({trace.target for each in reports for trace in each.located.affected})
            return words("begins", after=after, at_latest=latest, province=province, count=count)


def suspects(report: IncidentReport, words: Words) -> list[str]:
    """The hops between which loss begins, by address."""
    named = [
        _hop(each.located, ttl, words)
        for each in (report.failing.reports if report.failing else ())
        for ttl in (each.located.verdict.after, each.located.verdict.at_latest)
        if ttl and each.located.hops[ttl - 1].addresses
    ]
    return list(dict.fromkeys(named))


def _hop(located: Located, ttl: int, words: Words) -> str:
    addresses = located.hops[ttl - 1].addresses
    if not addresses:
        return words("hop_silent", hop=ttl)
    return words("hop", hop=ttl, address=words.listed(addresses[:2]))


def _traced(report: TraceReport, words: Words) -> list[str]:
    """What else traces tell: who limits answers, a branch, the same targets through other exits."""
    located, said = report.located, []
    if located.verdict.limited:
        hops = words.listed([str(ttl) for ttl in located.verdict.limited])
        said.append(words("limited", hops=hops))
    if located.branch:
        hop, address = located.branch
        said.append(words("branch", hop=hop, address=address, count=len(located.healthy)))
    for other in report.compared[:_MOST_NAMES]:
        if other.located is None:
            continue
        if other.located.verdict.finding is Finding.CLEAN:
            said.append(words("compared_clean", egress=other.egress))
        elif other.located.end.lost:
            loss = percent(other.located.end.loss_ratio)
            said.append(words("compared_lossy", egress=other.egress, loss=loss))
    return said


def _changed(reports: Sequence[TraceReport], change: PathChange, words: Words) -> str:
    return words(
        "changed",
        province=_provinces(reports, words),
        hop=change.hop,
        before=words.listed(change.before[:2]),
        now=words.listed(change.now[:2]),
    )


def _unchanged(traced: Sequence[TraceReport], words: Words) -> list[str]:
    """Where no path has changed, or it is not known what it was before."""
    if not traced or any(each.changes for each in traced):
        return []
    is_known = any(each.quiet for each in traced)
    return [words("no_changes" if is_known else "changes_unknown")]


def _compared(report: IncidentReport, words: Words) -> list[str]:
    """The incident's provinces on other lines."""
    worst, egress = report.provinces[0].province, report.egress.name
    said = []
    fine, risen = _divided(report.other_exits, worst, report.thresholds.elevated)
    for name, lines in (("exits_fine", fine), ("exits_risen", risen)):
        if lines:
            said.append(
                words(name, exits=_some([cut(line.egress, EXIT_WIDTH) for line in lines], words))
            )
    fine, risen = _divided(report.other_isps, worst, report.thresholds.elevated)
    for name, lines in (("isps_fine", fine), ("isps_risen", risen)):
        if lines:
            isps = _some([words.isp(line.isp) for line in lines], words)
            said.append(words(name, egress=egress, isps=isps))
    return said


def _divided(
    lines: Sequence[LineAtMoment], province: Province, elevated: float
) -> tuple[list[LineAtMoment], list[LineAtMoment]]:
    """Those that are fine there, and those that have risen; what lies between is in neither."""
    rises = [(line, _rise(line.provinces.get(province))) for line in lines]
    fine = [line for line, rise in rises if rise is not None and rise < elevated / 2]
    return fine, [line for line, rise in rises if rise is not None and rise >= elevated]


def _rise(level: Level | None) -> float | None:
    return level.increase_ratio if level else None


def _some(names: Sequence[str], words: Words) -> str:
    shown = words.listed(names[:_MOST_NAMES])
    if len(names) <= _MOST_NAMES:
        return shown
    return f"{shown} 等 {len(names)} 个" if words.is_chinese else f"{shown} and {len(names)} in all"


def _other_provinces(report: IncidentReport, words: Words) -> list[str]:
    rest = report.own.others
    rise = rest.increase_ratio
    if rise is None:
        return []
    name = "others_risen" if rise >= report.thresholds.elevated else "others_fine"
    return [
        words(
            name,
            egress=report.egress.name,
            loss=percent(rest.loss_ratio),
            usual=percent(rest.usual_ratio),
        )
    ]


def _nature(report: IncidentReport, words: Words) -> list[str]:
    match report.nature:
        case Nature.RANDOM:
            return [words("is_random")]
        case Nature.FIXED:
            return [words("is_fixed")]
        case _:
            return []


def _own_drops(report: IncidentReport, traced: Sequence[TraceReport], words: Words) -> list[str]:
    dropped = sum(each.traced.local_drops for each in traced)
    name = "only_tainted" if report.only_tainted else "tainted"
    said = [words(name, count=report.tainted)] if report.tainted else []
    return said + ([words("dropped_answers", count=dropped)] if dropped else [])
