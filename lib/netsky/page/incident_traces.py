"""What mtr printed, line by line as it is, and how each line is marked beside its text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from netsky.evidence import Reason, Taking
from netsky.incident_report import DURING, IncidentReport
from netsky.places import Province
from netsky.trace import Finding, MtrReport, TraceReport

MOST_BLOCKS = 4
LINES_ON_PAPER = 50
"""So many lines of mtr have room on the second page; further reports are on screens only."""

_ABOUT_A_BLOCK = 2  # lines
_OF_THE_FAULT_FIRST = 2  # on paper, before the one of when all was well

_HOP = re.compile(r" *(\d+)\.\|-- ")


@dataclass(frozen=True, slots=True)
class Marked:
    """A line of mtr; `mark` is `first` where loss begins, `behind` from there on, `limited`, or empty."""

    text: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A report of mtr. `lines` is empty when it was not taken, and `not_taken` says why.

    `reason` is that for which evidence was taken then, `on_paper` whether it has room there.
    """

    target: str
    province: Province
    egress: str
    taken_at: datetime
    reason: Reason
    lines: tuple[Marked, ...]
    not_taken: str | None
    on_paper: bool = True


def blocks(report: IncidentReport) -> list[Block]:
    """Those of the fault, and one of when all was well; at most four."""
    failing = _blocks(report.failing) if report.failing else []
    healthy = _blocks(report.healthy)[:1] if report.healthy else []
    failing = failing[: MOST_BLOCKS - len(healthy)]
    first = failing[:_OF_THE_FAULT_FIRST]
    room, on_paper = LINES_ON_PAPER, set()
    for block in (*first, *healthy, *failing[_OF_THE_FAULT_FIRST:]):
        needed = len(block.lines) + _ABOUT_A_BLOCK
        if needed <= room:
            room -= needed
            on_paper.add(id(block))
    return [replace(block, on_paper=id(block) in on_paper) for block in (*failing, *healthy)]


def _blocks(taking: Taking) -> list[Block]:
    """Each province's first report, then each one's second."""
    by_province = [[(each, mtr) for mtr in each.mtr] for each in taking.reports]
    most = max(map(len, by_province), default=0)
    in_turn = [pairs[index] for index in range(most) for pairs in by_province if index < len(pairs)]
    return [_block(taking, each, mtr) for each, mtr in in_turn]


def _block(taking: Taking, report: TraceReport, mtr: MtrReport) -> Block:
    lines: Sequence[Marked] = ()
    if mtr.text is not None:
        lines = marked(mtr.text, report, is_failing=taking.reason in DURING)
    return Block(
        mtr.target,
        report.province,
        taking.egress,
        taking.taken_at,
        taking.reason,
        tuple(lines),
        mtr.not_taken,
    )


def marked(text: str, report: TraceReport, *, is_failing: bool) -> list[Marked]:
    """The lines of mtr; marks are of the traces' common verdict, and not of this one report."""
    verdict = report.located.verdict
    lines = text.rstrip("\n").split("\n")
    hops = [int(found[1]) if (found := _HOP.match(line)) else None for line in lines]
    first = None
    if is_failing and verdict.finding is Finding.BEGINS:
        last = max((hop for hop in hops if hop is not None), default=None)
        first = last if verdict.at_latest is None else verdict.at_latest
    return [
        Marked(line, _mark(hop, first, verdict.limited))
        for line, hop in zip(lines, hops, strict=True)
    ]


def _mark(hop: int | None, first: int | None, limited: Sequence[int]) -> str:
    if hop is None:
        return ""
    if hop in limited:
        return "limited"
    if first is None or hop < first:
        return ""
    return "first" if hop == first else "behind"
