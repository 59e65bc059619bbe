"""The tables of an incident: its line beside others at one moment, and the prefixes that failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from netsky.fault import Part
from netsky.incident_loss import NOT_KNOWN, Level, LineAtMoment, ProvinceFault
from netsky.incident_report import IncidentReport
from netsky.judging.grading import Grade, grade
from netsky.page.names import EXIT_WIDTH, cut
from netsky.page.words import UNKNOWN, Words, beijing, percent
from netsky.places import Province

MOST_PREFIXES = 6
MOST_LINES = 7
_MINUTE = "%m-%d %H:%M"


@dataclass(frozen=True, slots=True)
class Cell:
    """A loss and its usual level; `part` of the widest bar in percent, `is_bad` when it is a rise."""

    loss: str
    usual: str
    part: float
    is_bad: bool


@dataclass(frozen=True, slots=True)
class CompareRow:
    """A line of the table of lines; without cells nothing is known of it."""

    name: str
    is_own: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class PartRow:
    """A prefix, or all of a province, that failed."""

    prefix: str
    province: str
    at: str
    alive: str
    lost: str
    cell: Cell
    again: str
    samples: str


def compare_rows(
    report: IncidentReport, provinces: Sequence[Province], words: Words
) -> list[CompareRow]:
    shown = report.lines[:MOST_LINES]
    levels = [
        [*(line.provinces.get(each, NOT_KNOWN) for each in provinces), line.others]
        for line in shown
    ]
    widest = max((level.loss_ratio or 0.0 for row in levels for level in row), default=0.0)
    return [
        CompareRow(
            _line_name(line, report, words),
            line is report.own,
            tuple(_cell(level, widest, report) for level in row) if line.is_known else (),
        )
        for line, row in zip(shown, levels, strict=True)
    ]


def _line_name(line: LineAtMoment, report: IncidentReport, words: Words) -> str:
    name = f"{words.isp_short(line.isp)} · {cut(line.egress, EXIT_WIDTH)}"
    return f"{name} ({words('this_line')})" if line is report.own else name


def _cell(level: Level, widest: float, report: IncidentReport) -> Cell:
    rise = level.increase_ratio
    return Cell(
        percent(level.loss_ratio),
        percent(level.usual_ratio),
        100 * (level.loss_ratio or 0.0) / widest if widest else 0.0,
        rise is not None and grade(rise, report.thresholds) is not Grade.NONE,
    )


def compare_note(report: IncidentReport, words: Words) -> str:
    if report.moment is None:
        return words("no_series")
    return words("compare_note", at=beijing(report.moment, _MINUTE))


def parts(report: IncidentReport, words: Words) -> list[PartRow]:
    named = report.parts[:MOST_PREFIXES]
    if named:
        return [_part(report, each, part, words) for each, part in named]
    return [_part(report, each, each.fault.rest, words) for each in report.faults[:MOST_PREFIXES]]


def _part(report: IncidentReport, whose: ProvinceFault, part: Part, words: Words) -> PartRow:
    ratio = part.loss_ratio
    inside = [each for each in report.samples if part.prefix is None or _is_in(each, part.prefix)]
    return PartRow(
        part.prefix or words("whole"),
        words.province(whose.province),
        beijing(whose.at, _MINUTE),
        f"{part.live_targets:,}",
        words("lost_of", lost=f"{part.packets_lost:,}", sent=f"{part.packets_sent:,}"),
        Cell(
            percent(ratio, 0),
            percent(part.usual_loss_ratio),
            100 * (ratio or 0.0),
            is_bad=True,
        ),
        percent(part.lost_again_ratio, 0),
        words.listed(inside[:2]) or UNKNOWN,
    )


def _is_in(address: str, prefix: str) -> bool:
    try:
        return IPv4Address(address) in IPv4Network(prefix)
    except ValueError:
        return False


def parts_notes(report: IncidentReport, words: Words) -> list[str]:
    if not report.faults:
        return [words("no_parts")]
    shown = {part.prefix for _, part in report.parts[:MOST_PREFIXES]}
    left = [part.prefix for _, part in report.parts[MOST_PREFIXES:] if part.prefix]
    earlier = [each for each in report.incident.prefixes if each not in shown | set(left)]
    notes = []
    if left:
        listed = words.listed(left[: 2 * MOST_PREFIXES])
        notes.append(words("parts_left", count=len(left), prefixes=listed))
    if earlier:
        listed = words.listed(earlier[: 2 * MOST_PREFIXES])
        notes.append(words("earlier_parts", prefixes=listed))
    return notes
