"""The overview in words: what is wrong, since when, whose fault; or that all is well; or that it cannot be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netsky.judging.troubles import Blame, Rise, Trouble, troubles
from netsky.overview import LineState, Overview
from netsky.page.names import line_name, line_names
from netsky.page.words import Words, beijing, points

_MOST_PROVINCES = 4
_MOST_NAMES = 3

_FIRST = {
    Blame.PROVINCE: "bad_province",
    Blame.EXIT: "bad_exit",
    Blame.RECOVERING: "recovering",
    Blame.NOT_JUDGED: "unknown_now",
}


@dataclass(frozen=True, slots=True)
class Headline:
    """`tone`: bad, ok or doubt. `first` says who, `second` how much, `rest` what it is and what else there is."""

    tone: str
    first: str
    second: str = ""
    rest: tuple[str, ...] = ()


def headline(overview: Overview, words: Words) -> Headline:
    """What stands at the top."""
    found = troubles(overview)
    if found:
        return _bad(overview, found, words)
    if not overview.lines:
        return Headline("doubt", words("no_lines"), rest=(words("no_lines_hint"),))
    if not any(line.judged for line in overview.lines):
        return _nothing_judged(overview, words)
    if overview.is_well:
        limit = f"{100 * overview.thresholds.elevated:g}"
        first = words("well", count=len(overview.lines), limit=limit)
        return Headline("ok", first, rest=_largest(overview, words))
    rest = _others(overview.lines, words)
    return Headline("doubt", words("doubt", count=len(overview.doubtful)), rest=rest)


def _bad(overview: Overview, found: Sequence[Trouble], words: Words) -> Headline:
    worst, *_ = found
    first = words(
        _FIRST.get(worst.blame, "bad_line"),
        isps=words.listed([words.isp_short(isp) for isp in worst.isps]),
        exits=words.listed(worst.egresses),
    )
    if worst.since is not None:
        first += words("lasting", duration=words.duration(overview.at - worst.since))
    elif worst.above_since is not None:
        at = beijing(worst.above_since, "%m-%d %H:%M:%S")
        first += words("no_incident_since", at=at)
    else:
        first += words("no_incident")
    others = [line for line in overview.lines if line not in worst.lines]
    tainted = any(line.is_tainted and line.is_alerting for line in worst.lines)
    doubt = (words("blame_tainted"),) if tainted else ()
    rest = (
        _blame(worst, words),
        *doubt,
        *(_others(others, words, of_others=True) if others else ()),
    )
    return Headline("bad", first, _rises(worst, words), rest)


def _rises(trouble: Trouble, words: Words) -> str:
    rises = trouble.rises
    if trouble.is_nationwide:
        most = points(rises[0].increase_ratio or 0.0)
        return words("points_unit", rises=words("nationwide", rises=f" {most}"))
    gap = "\N{IDEOGRAPHIC SPACE}" if words.is_chinese else "\N{EM SPACE}"
    shown = gap.join(_rise(rise, words) for rise in rises[:_MOST_PROVINCES])
    if any(rise.increase_ratio is not None for rise in rises):
        shown = words("points_unit", rises=shown)
    if len(rises) > _MOST_PROVINCES:
        shown = words("and_provinces", rises=shown, count=len(rises))
    return shown


def _rise(rise: Rise, words: Words) -> str:
    name = words.province(rise.province)
    return name if rise.increase_ratio is None else f"{name} {points(rise.increase_ratio)}"


def _blame(trouble: Trouble, words: Words) -> str:
    isps = words.listed([words.isp_short(isp) for isp in trouble.isps])
    exits = words.listed(trouble.egresses)
    match trouble.blame:
        case Blame.LINE if trouble.fine_exits:
            fine = words.listed(trouble.fine_exits[:_MOST_NAMES])
            first = trouble.fine_exits[0]
            return words("blame_line", fine=fine, exits=exits, first=first)
        case Blame.LINE:
            return words("blame_line_mixed", exits=exits)
        case Blame.EXIT:
            return words("blame_exit", exits=exits)
        case Blame.PROVINCE:
            return words("blame_province", isps=isps)
        case other:
            return words(f"blame_{other}")


def _others(
    lines: Sequence[LineState], words: Words, *, of_others: bool = False
) -> tuple[str, ...]:
    """How many of these are in trouble, not to be trusted, or fine, with the names of the first."""
    bad = [line for line in lines if line.is_bad]
    tainted = [line for line in lines if not line.is_bad and line.is_tainted]
    known = [*bad, *tainted]
    unjudged = [line for line in lines if line.is_doubtful and line not in known]
    known += unjudged
    fine = [line for line in lines if line not in known]
    parts = [
        words(name, count=len(some), names=line_names(some, words, most=_MOST_NAMES))
        for name, some in (
            ("others_bad", bad),
            ("others_not_judged", unjudged),
            ("others_tainted", tainted),
        )
        if some
    ]
    if fine:
        parts.insert(0, words("others_fine", count=len(fine)))
    said = words.listed_parts(parts)
    return (words("others", count=len(lines), parts=said) if of_others else f"{said}{words.stop}",)


def _nothing_judged(overview: Overview, words: Words) -> Headline:
    troubles = list(dict.fromkeys(line.trouble for line in overview.lines if line.trouble))
    rest = list(troubles[:_MOST_NAMES])
    newest = overview.newest_at
    if newest is not None:
        age = words.age(newest, overview.at)
        rest.append(words("last_sweep", at=beijing(newest), age=age))
    first = "no_database" if troubles else "nothing_judged"
    return Headline("doubt", words(first), rest=tuple(rest))


def _largest(overview: Overview, words: Words) -> tuple[str, ...]:
    rises = [
        (judgement.increase_ratio, line, judgement.province)
        for line in overview.lines
        for judgement in line.judged
        if judgement.increase_ratio
    ]
    if not rises:
        return ()
    increase, line, province = max(rises, key=lambda each: each[0])
    name = words.province(province)
    return (words("largest", province=name, line=line_name(line, words), rise=points(increase)),)
