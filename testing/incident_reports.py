"""Reports on incidents as values, from the least that there may be to the most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from netsky.evidence import Evidence, Reason
from netsky.incident_loss import Level, LineAtMoment, ProvinceFault, ProvinceLoss, Step, Sums
from netsky.incident_report import IncidentReport
from netsky.judging.grading import Severity, Thresholds
from netsky.judging.incidents import Incident
from netsky.places import BUILTIN_ISPS, PROVINCES, Egress, Province
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
        "lines": (_line("cu", egress, concerned, 0.25), _line("cu", "a", concerned, 0.006)),
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
                _line("cu", f"{number}-{LONGEST_NAME}"[:40], PROVINCES, 0.006)
                for number in range(9)
            ),
        ),
        faults=faults,
        tainted=3,
        evidence=Evidence((taking, replace(taking, reason=Reason.CLEARED)), ("a file is gone",)),
    )


def mtr_text(hops: int) -> str:
    head = "Start: 2026-11-25T03:08:41+0800\nHOST: probe                        Loss%   Snt   Last   Avg  Best  Wrst StDev\n"
    return head + "".join(
        f" {hop:2}.|-- 198.51.100.{100 + hop:<17} 40.0%    20  131.8 131.7 131.6 132.2   0.2\n"
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


def _line(isp: str, egress: str, provinces: Sequence[Province], loss: float) -> LineAtMoment:
    levels = dict.fromkeys(provinces, Level(loss, 0.006))
    return LineAtMoment(
        BUILTIN_ISPS[isp], egress, levels, Level(0.006, 0.006), worst=_loss(provinces[0])
    )
