"""Reports on incidents as values, from the least that there may be to the most."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from netsky.evidence import Evidence, Reason
from netsky.incident_loss import Level, LineAtMoment, ProvinceFault, ProvinceLoss, Step, Sums
from netsky.incident_report import IncidentReport
from netsky.judging.grading import Severity, Thresholds
from netsky.judging.incidents import Incident
from netsky.loss import Band
from netsky.places import BUILTIN_ISPS, PROVINCES, Egress, Province, find_province
from netsky.trace import MtrReport
from testing.evidence import make_report, make_taking
from testing.incidents import prefix_fault

OPENED_AT = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
NOW = OPENED_AT + timedelta(minutes=42)
MINUTE = timedelta(minutes=1)
LONGEST_NAME = "联通骨干" * 10
LONGEST_SAID = "𠮷" * 100  # four bytes each


def make_incident_report(
    provinces: int = 1, *, egress: str = "b", **changed: Any
) -> IncidentReport:
    """Some provinces that lose 25 % in place of 0.6, and one other exit that is well."""
    concerned = PROVINCES[:provinces]
    incident = Incident(
        OPENED_AT,
        OPENED_AT,
        None,
        Severity.CRITICAL,
        Severity.CRITICAL,
        0.244,
        provinces,
        concerned,
        id=7,
    )
    values: dict[str, Any] = {
        "isp": BUILTIN_ISPS["cu"],
        "egress": Egress(egress),
        "incident": incident,
        "made_at": NOW,
        "thresholds": Thresholds(),
        "first": OPENED_AT - 42 * MINUTE,
        "until": NOW,
        "step": Step.MINUTE,
        "data_until": NOW,
        "provinces": tuple(map(_loss, concerned)),
        "moment": NOW - MINUTE,
        "lines": (
            _line("cu", egress, dict.fromkeys(concerned, 0.244)),
            _line("cu", "a", dict.fromkeys(concerned, 0.0)),
        ),
        "faults": (),
        "tainted": 0,
        "only_tainted": False,
        "evidence": None,
    }
    return IncidentReport(**values | changed)


def most_of_all() -> IncidentReport:
    """All provinces, many prefixes, lines and long names, four reports of mtr with 12 hops each."""
    faults = tuple(
        ProvinceFault(
            each,
            NOW - MINUTE,
            prefix_fault(*((f"10.{number}.{part}.0/24", 90, 0.9, 0.01) for part in range(3))),
        )
        for number, each in enumerate(PROVINCES)
    )
    egress = replace(
        Egress(LONGEST_NAME), source="198.51.100.200", circuit=LONGEST_SAID, contact=LONGEST_SAID
    )
    report = make_incident_report(31, egress=LONGEST_NAME)
    mtr = MtrReport("198.51.100.201", ("mtr",), mtr_text(12))
    traced = [replace(make_report(each.slug), mtr=(mtr, mtr)) for each in PROVINCES[:6]]
    taking = make_taking(reports=tuple(traced), problems=("too many",))
    prefixes = tuple(f"10.{number}.0.0/24" for number in range(100))
    return replace(
        report,
        egress=egress,
        incident=replace(report.incident, prefixes=prefixes),
        lines=(
            *report.lines,
            *(
                _line("cu", f"{number}-{LONGEST_NAME}"[:40], dict.fromkeys(PROVINCES, 0.0))
                for number in range(9)
            ),
        ),
        faults=faults,
        tainted=3,
        evidence=Evidence((taking, replace(taking, reason=Reason.CLEARED)), ("a file is gone",)),
    )


def outage() -> IncidentReport:
    """As a night brings it: three provinces, a rise within ten minutes, prefixes, three reports of mtr, nine lines."""
    concerned = tuple(map(find_province, ("guangdong", "guangxi", "hainan")))
    losses = dict(zip(concerned, (0.235, 0.118, 0.074), strict=True))
    egress = Egress(
        "unicom-1",
        source="192.0.2.10",
        circuit="ABC0123-45",
        contact="bj1 网络值班 010-0000-0000，noc@example.com",
    )
    mtr = MtrReport("10.25.0.1", ("mtr", "-a", "192.0.2.10"), mtr_text(12))
    traced = [replace(make_report(each.slug), mtr=(mtr,)) for each in concerned]
    taking = make_taking(egress="unicom-1", reports=tuple(traced))
    report = make_incident_report(egress="unicom-1")
    incident = replace(
        report.incident, provinces=concerned, peak_provinces=3, peak_increase_ratio=0.235
    )
    return replace(
        report,
        egress=egress,
        incident=incident,
        provinces=tuple(rising(each, loss) for each, loss in losses.items()),
        lines=(
            _line("cu", "unicom-1", losses),
            *(
                _line("cu", name, dict.fromkeys(concerned, 0.002))
                for name in ("telecom-1", "mobile-1")
            ),
            *(_line(isp, "unicom-1", dict.fromkeys(concerned, 0.001)) for isp in ("ct", "cm")),
        ),
        faults=(
            ProvinceFault(
                concerned[0],
                NOW - 14 * MINUTE,
                prefix_fault(
                    ("203.0.113.0/26", 58, 0.38, 0.004), ("203.0.113.64/26", 51, 0.31, 0.006)
                ),
            ),
            ProvinceFault(
                concerned[1], NOW - 9 * MINUTE, prefix_fault(("203.0.113.128/26", 47, 0.17, 0.007))
            ),
        ),
        evidence=Evidence((taking,)),
    )


def longest_outage() -> IncidentReport:
    """The most that an outage may bring in practice: half of the country, many prefixes and lines, full lists."""
    most, likely = most_of_all(), outage()
    concerned = PROVINCES[:16]
    return replace(
        most,
        egress=likely.egress,
        provinces=tuple(rising(each, 0.3 - number / 100) for number, each in enumerate(concerned)),
        incident=replace(most.incident, provinces=concerned, peak_provinces=16),
        lines=tuple(
            replace(line, egress="unicom-1" if not number else f"exit-of-site-{number}")
            for number, line in enumerate(most.lines)
        ),
        faults=most.faults[:16],
    )


def hostile_outage(text: str) -> IncidentReport:
    """The same with that text wherever text comes from outside: names, errors, what mtr printed."""
    report = longest_outage()
    [opened, *_] = report.evidence.takings if report.evidence else []
    mtr = MtrReport(text, ("mtr",), mtr_text(3) + text)
    none = MtrReport(text, ("mtr",), None, not_taken=text)
    traced = tuple(replace(each, mtr=(mtr, none)) for each in opened.reports[:2])
    return replace(
        report,
        isp=replace(report.isp, name=text),
        egress=replace(report.egress, name=text, source=text, circuit=text, contact=text),
        lines=tuple(replace(line, egress=text, problem=text) for line in report.lines),
        evidence=Evidence((replace(opened, reports=traced, problems=(text,)),), (text,)),
    )


def rising(province: Province, rise: float, *, usual: float = 0.006) -> ProvinceLoss:
    """Within ten minutes, with a little chance in it, as the alert knows it: with a band."""
    chance = random.Random(province.slug)
    series = []
    for number in range(-42, 42):
        loss = usual + rise * min(1.0, max(0.0, number / 10)) + chance.uniform(-0.003, 0.003)
        series.append(
            (OPENED_AT + number * MINUTE, Sums(1, 1000, 400, 800, round(800 * loss), 800))
        )
    ratios = [sums.live_lost / sums.live_sent for _, sums in series]
    peak = ratios.index(max(ratios[42:]), 42)
    return ProvinceLoss(
        province,
        live=True,
        usual_ratio=usual,
        series=series,
        peak_at=series[peak][0],
        peak_ratio=ratios[peak],
        newest_ratio=ratios[-1],
        band=Band(0.002, 0.014, 4),
    )


def mtr_text(hops: int) -> str:
    head = "Start: 2026-11-25T03:08:41+0800\nHOST: probe-1.example      Loss%   Snt   Last   Avg  Best  Wrst StDev\n"
    return head + "".join(
        f" {hop:2}.|-- 198.51.100.{100 + hop:<8} 40.0%    20  131.8 131.7 131.6 132.2   0.2\n"
        for hop in range(1, hops + 1)
    )


def _loss(province: Province) -> ProvinceLoss:
    times = [OPENED_AT + number * MINUTE for number in range(-42, 42)]
    series = tuple(
        (at, Sums(1, 1000, 400, 800, 200 if at >= OPENED_AT else 5, 800)) for at in times
    )
    return ProvinceLoss(
        province,
        live=True,
        usual_ratio=0.006,
        series=series,
        peak_at=OPENED_AT,
        peak_ratio=0.25,
        newest_ratio=0.25,
    )


def _line(isp: str, egress: str, rises: Mapping[Province, float]) -> LineAtMoment:
    """The first of the provinces is that over time, too."""
    levels = {province: Level(0.006 + rise, 0.006) for province, rise in rises.items()}
    [(province, rise), *_] = rises.items()
    return LineAtMoment(
        BUILTIN_ISPS[isp], egress, levels, Level(0.006, 0.006), worst=rising(province, rise)
    )
