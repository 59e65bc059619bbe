"""Evidence as the tool takes it, made up for tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from netsky.evidence import IncidentThen, Reason, Taking
from netsky.places import find_province
from netsky.trace import (
    Compared,
    Finding,
    Hop,
    Located,
    MtrReport,
    MtrState,
    PathChange,
    Trace,
    Traced,
    TracePlan,
    TraceReport,
    Verdict,
    pool_ends,
    pool_hops,
)

OPENED_AT = datetime(2026, 11, 28, 18, 9, tzinfo=UTC)
MTR = """Start: 2026-11-28T18:10:20+0000
HOST: probe          Loss%   Snt   Last   Avg  Best  Wrst StDev
  1.|-- 198.18.1.2    0.0%    20    0.1   0.1   0.1   0.2   0.0
"""

INCIDENT = IncidentThen(
    7, OPENED_AT, None, "critical", (find_province("guangdong"),), ("10.25.16.0/20",)
)


def make_trace(target: str = "10.25.0.1", flow: int = 0, *, lost: int = 3) -> Trace:
    """Three routers, of which the second says nothing; from the third on `lost` of ten are lost."""
    rtts = tuple(number / 1000 for number in range(10 - lost))
    return Trace(
        target,
        flow,
        (
            Hop(1, 10, tuple([0.001] * 10), ("198.18.1.2",), 1, 0),
            Hop(2, 10, (), (), 1, 1),
            Hop(3, 10, rtts, ("198.18.1.10", "198.18.1.11")),
        ),
        Hop(None, 10, rtts, (target,) if rtts else ()),
    )


def make_located(*, lost: int = 3) -> Located:
    affected = (make_trace(lost=lost), make_trace("10.25.0.2", 1, lost=lost))
    healthy = (make_trace("10.25.64.1", 2, lost=0),)
    return Located(
        Verdict(Finding.BEGINS, 1, 3, (), (2,)),
        pool_hops(affected),
        pool_ends(affected),
        affected,
        healthy,
        (3, "198.18.1.10"),
    )


def make_report(province: str = "guangdong", *, mtr_text: str | None = MTR) -> TraceReport:
    located = make_located()
    traced = Traced(
        "b",
        OPENED_AT + timedelta(seconds=60),
        12.5,
        620,
        (*located.affected, *located.healthy),
    )
    mtr = MtrReport("10.25.0.1", ("/usr/bin/mtr", "-n", "10.25.0.1"), mtr_text)
    if mtr_text is None:
        mtr = replace(mtr, not_taken="mtr saw no hop but this host", state=MtrState.EMPTY)
    return TraceReport(
        find_province(province),
        TracePlan(),
        traced,
        located,
        100,
        91,
        (Compared("a", make_located(lost=0)),),
        (mtr,),
        (Hop(1, 60, tuple([0.001] * 60), ("198.18.1.2",)),),
        (PathChange(3, ("198.18.1.10",), ("198.18.1.11",), 3),),
    )


def make_taking(*, mtr_text: str | None = MTR, **changed: Any) -> Taking:
    values: dict[str, Any] = {
        "isp": "cu",
        "egress": "b",
        "reason": Reason.OPENED,
        "taken_at": OPENED_AT + timedelta(seconds=60),
        "incident": INCIDENT,
        "reports": (make_report(mtr_text=mtr_text),),
    }
    return Taking(**values | changed)
