"""What lines in alarm come to: a province's network, an exit as a whole, or one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from netsky.judging.controls import Comparison, Extent
from netsky.judging.grading import Grade
from netsky.overview import LineState, Overview
from netsky.places import ISP, PROVINCES, Province


class Blame(StrEnum):
    """Where the fault is, as far as the other lines show it."""

    LINE = "line"
    EXIT = "exit"
    PROVINCE = "province"
    PARTLY = "partly"
    UNKNOWN = "unknown"
    RECOVERING = "recovering"
    NOT_JUDGED = "not_judged"


@dataclass(frozen=True, slots=True)
class Rise:
    """A province, and its largest rise now on the lines concerned; None: not judged now."""

    province: Province
    increase_ratio: float | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Lines in alarm for one reason. `rises` the worst first; `since` the first sweep of it, if an
    incident is open, and else `above_since` the first that is above the threshold; `fine_exits` are those through which the same provinces are fine.
    """

    lines: tuple[LineState, ...]
    blame: Blame
    rises: tuple[Rise, ...]
    since: datetime | None
    above_since: datetime | None = None
    fine_exits: tuple[str, ...] = ()

    @property
    def isps(self) -> list[ISP]:
        return list(dict.fromkeys(line.isp for line in self.lines))

    @property
    def egresses(self) -> list[str]:
        return list(dict.fromkeys(line.egress for line in self.lines))

    @property
    def is_nationwide(self) -> bool:
        return len(self.rises) >= len(PROVINCES)


def troubles(overview: Overview) -> list[Trouble]:
    """The worst first. Lines that see the same rise are one: of an ISP through all exits, or of all ISPs
    through one exit.
    """
    groups: dict[tuple[Blame, str], list[LineState]] = {}
    for line in overview.bad:
        blame = _blame(line)
        if blame is Blame.PROVINCE:
            key = line.isp.slug
        elif blame is Blame.EXIT:
            key = line.egress
        else:
            key = f"{line.isp.slug} {line.egress}"
        groups.setdefault((blame, key), []).append(line)
    found = [_trouble(blame, lines) for (blame, _), lines in groups.items()]
    return sorted(found, key=_badness, reverse=True)


def _blame(line: LineState) -> Blame:
    if not line.is_alerting:
        return Blame.NOT_JUDGED if not _judges_its_incident(line) else Blame.RECOVERING
    comparisons = list((line.comparisons or {}).values())
    exits = _common([each.exits for each in comparisons])
    if exits is Extent.ALL:
        return Blame.PROVINCE
    if exits is Extent.SOME:
        return Blame.PARTLY
    isps = _common([each.isps for each in comparisons])
    if isps is Extent.ALL:
        return Blame.EXIT
    return Blame.LINE if exits is Extent.THIS_ONLY else Blame.UNKNOWN


def _judges_its_incident(line: LineState) -> bool:
    incident = line.open_incident
    concerned = set(incident.provinces) if incident else set()
    return bool(concerned & {judgement.province for judgement in line.judged})


def _common(extents: Sequence[Extent | None]) -> Extent | None:
    """What most provinces say of those that can tell; None: none can."""
    told = [extent for extent in extents if extent is not None]
    if not told:
        return None
    most = max(set(told), key=lambda extent: (told.count(extent), extent))
    return most if told.count(most) * 2 > len(told) else Extent.SOME


def _trouble(blame: Blame, lines: Sequence[LineState]) -> Trouble:
    worst: dict[Province, float | None] = {}
    for line in lines:
        for judgement in line.judged:
            if judgement.grade not in (None, Grade.NONE):
                before = worst.get(judgement.province) or 0.0
                worst[judgement.province] = max(before, judgement.increase_ratio or 0.0)
    if not worst:  # nothing stands now: the provinces of the incidents that are still open
        now = {each.province: each.increase_ratio for line in lines for each in line.judged}
        for line in lines:
            if line.open_incident:
                worst |= {each: now.get(each) for each in line.open_incident.provinces}
    rises = [Rise(province, increase) for province, increase in worst.items()]
    rises.sort(key=lambda rise: rise.increase_ratio or 0.0, reverse=True)
    opened = [line.open_incident.opened_at for line in lines if line.open_incident]
    above = [line.above_since for line in lines if line.above_since]
    return Trouble(
        tuple(lines),
        blame,
        tuple(rises),
        min(opened, default=None),
        min(above, default=None),
        _fine_exits(blame, lines),
    )


def _fine_exits(blame: Blame, lines: Sequence[LineState]) -> tuple[str, ...]:
    """The exits through which all the provinces that rise are fine; the one with the least rise first."""
    if blame not in (Blame.LINE, Blame.EXIT):
        return ()
    comparisons = [each for line in lines for each in (line.comparisons or {}).values()]
    fine = [_fine(comparison) for comparison in comparisons]
    if not fine:
        return ()
    everywhere = set.intersection(*(set(each) for each in fine))
    return tuple(sorted(everywhere, key=lambda egress: max(each[egress] for each in fine)))


def _fine(comparison: Comparison) -> dict[str, float]:
    return {
        control.egress: control.increase_ratio
        for control in comparison.by_exit
        if control.grade is Grade.NONE
    }


def _badness(trouble: Trouble) -> tuple[bool, float, int]:
    is_now = any(line.is_alerting for line in trouble.lines)
    worst = max((rise.increase_ratio or 0.0 for rise in trouble.rises), default=0.0)
    return is_now, worst, len(trouble.rises)
