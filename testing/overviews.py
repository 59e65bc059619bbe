"""Overviews made up for tests of what shows them: a fault at night, all well, in doubt, none to be had."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from netsky.judging.controls import compare
from netsky.judging.grading import Severity, Thresholds, judge
from netsky.judging.incidents import Incident
from netsky.loss import Baseline, NewestLoss
from netsky.overview import CELLS, LineState, Overview, SweepState
from netsky.places import BUILTIN_ISPS, ISP, PROVINCES, find_province

AT = datetime(2026, 11, 24, 19, 12, 20, tzinfo=UTC)
EXITS = ("unicom-1", "telecom-1", "mobile-1")
ISPS = tuple(BUILTIN_ISPS[slug] for slug in ("cu", "ct", "cm"))
FAULT = {"guangdong": 23.5, "guangxi": 11.8, "hainan": 7.4, "hunan": 1.9}


def line_state(
    isp: ISP,
    egress: str,
    rises: Mapping[str, float] = {},
    *,
    age: float = 15,
    tainted: bool = False,
    without_baseline: Sequence[str] = (),
    incidents: Sequence[Incident] = (),
    spooled: int = 0,
    at: datetime = AT,
) -> LineState:
    """A line whose provinces rise by so many points, and others by a little chance."""
    chance = random.Random(f"{isp.slug} {egress}")
    newest, baselines, day, latency = [], [], {}, {}
    for province in PROVINCES:
        usual = chance.uniform(0.004, 0.012)
        rise = rises.get(province.slug, chance.uniform(-0.2, 0.6)) / 100
        newest.append(NewestLoss(province, usual + rise, at - timedelta(seconds=age)))
        if province.slug not in without_baseline:
            baselines.append(Baseline(province, egress, usual, at - timedelta(minutes=12)))
        day[province] = _day(chance, rise if province.slug in rises else 0.0)
        distance = random.Random(province.slug).uniform(0.012, 0.055)
        latency[province] = distance + chance.uniform(0.0, 0.006)
    thresholds = Thresholds()
    verdict = judge(newest, baselines, now=at, thresholds=thresholds)
    return LineState(
        isp,
        egress,
        verdict=verdict,
        sweep=SweepState(at - timedelta(seconds=age), tainted, 62_000, 58_000, latency),
        baseline_at=at - timedelta(minutes=12),
        incidents=tuple(incidents),
        rises=day,
        spooled=spooled,
        library_at=at - timedelta(days=3),
    )


def _day(chance: random.Random, rise: float) -> tuple[float | None, ...]:
    cells: list[float | None] = [
        0.014 if chance.random() < 0.01 else max(0.0, chance.uniform(-0.002, 0.008))
        for _ in range(CELLS)
    ]
    if rise:
        cells[-3:] = [rise * 0.6, rise * 0.9, rise]
    return tuple(cells)


def incident(
    *provinces: str,
    opened_minutes: float = 42,
    cleared_minutes: float | None = None,
    peak: float = 0.235,
    prefixes: Sequence[str] = (),
    at: datetime = AT,
) -> Incident:
    """An incident that opened so many minutes ago."""
    opened_at = at - timedelta(minutes=opened_minutes)
    return Incident(
        opened_at=opened_at,
        changed_at=opened_at,
        cleared_at=None if cleared_minutes is None else at - timedelta(minutes=cleared_minutes),
        severity=Severity.CRITICAL,
        peak_severity=Severity.CRITICAL,
        peak_increase_ratio=peak,
        peak_provinces=len(provinces),
        provinces=tuple(find_province(slug) for slug in provinces),
        prefixes=tuple(prefixes),
        id=17,
    )


def with_comparisons(overview: Overview) -> Overview:
    """As the job compares them."""
    verdicts = [
        (line.isp.slug, line.egress, line.verdict)
        for line in overview.lines
        if line.verdict and not line.is_tainted
    ]
    elevated = overview.thresholds.elevated
    lines = [
        replace(
            line,
            comparisons=compare(
                line.isp.slug,
                line.egress,
                line.verdict,
                [each for each in verdicts if each[:2] != (line.isp.slug, line.egress)],
                elevated=elevated,
            ),
        )
        if line.verdict and line.verdict.active
        else line
        for line in overview.lines
    ]
    return replace(overview, lines=tuple(lines))


def overview_of(*lines: LineState, at: datetime = AT) -> Overview:
    return with_comparisons(Overview(at, Thresholds(), lines))


def night() -> Overview:
    """One line loses packets, another has no new data, a third is tainted, a fourth waits for the database."""
    lines = []
    for isp in ISPS:
        for egress in EXITS:
            key = (isp.slug, egress)
            lines.append(
                line_state(
                    isp,
                    egress,
                    FAULT if key == ("cu", "unicom-1") else {},
                    age=560 if key == ("ct", "mobile-1") else 15,
                    tainted=key == ("cm", "mobile-1"),
                    without_baseline=("xizang",) if key == ("cu", "mobile-1") else (),
                    spooled=4 if key == ("ct", "telecom-1") else 0,
                    incidents=_incidents(*key),
                )
            )
    return overview_of(*lines)


def _incidents(isp: str, egress: str) -> Sequence[Incident]:
    if (isp, egress) == ("cu", "unicom-1"):
        prefixes = ("203.0.113.0/26", "203.0.113.64/26")
        return [incident("guangdong", "guangxi", "hainan", prefixes=prefixes)]
    if (isp, egress) == ("ct", "telecom-1"):
        over = incident("chongqing", "sichuan", opened_minutes=1032, cleared_minutes=952, peak=0.12)
        return [over]
    return []


def well(at: datetime = AT) -> Overview:
    """Every province of every line is judged, and fine."""
    return overview_of(*(line_state(isp, egress, at=at) for isp in ISPS for egress in EXITS), at=at)


def away() -> Overview:
    """The database cannot be read."""
    said = "database mysql+pymysql://netsky:***@192.0.2.9/netsky_cu: is the server running?"
    return overview_of(*(LineState(isp, egress, trouble=said) for isp in ISPS for egress in EXITS))


def many(isps: int = 3, exits: int = 80) -> Overview:
    """Lines by the hundred; a few of them are bad or in doubt."""
    lines = [
        line_state(
            isp,
            f"exit-{number:02}",
            {"guangdong": 12.0} if number % 40 == 7 else {},
            age=600 if number % 40 == 9 else 15,
        )
        for isp in ISPS[:isps]
        for number in range(exits)
    ]
    return overview_of(*lines)
