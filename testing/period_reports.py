"""Period reports as values, of as many lines as are wanted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from netsky.period_report import Kind, LinePeriod, Period, PeriodReport, Totals
from netsky.places import BUILTIN_ISPS, PROVINCES

NOVEMBER = Period(Kind.MONTH, date(2026, 11, 1))
NOW = datetime(2026, 12, 1, tzinfo=UTC)
TOTALS = Totals(
    sweeps=259_200,
    sent=518_400_000,
    lost=12_000_000,
    live_sent=466_000_000,
    live_lost=2_000_000,
    rtt_sum=1.5e10,
    replies=506_400_000,
    p95=88.5,
    alarm_minutes=7,
    tainted_sweeps=3,
    judged_sweeps=259_000,
    bad_sweeps=40,
)


def make_line(number: int) -> LinePeriod:
    return LinePeriod(
        BUILTIN_ISPS["cu"],
        f"unicom-{number}",
        dict.fromkeys(PROVINCES, TOTALS),
        dict.fromkeys(PROVINCES, TOTALS),
        [(NOVEMBER.begin + timedelta(days=day), TOTALS) for day in range(30)],
        [(period, TOTALS) for period in NOVEMBER.back(12)],
    )


def make_report(lines: int) -> PeriodReport:
    return PeriodReport(NOVEMBER, NOW, NOW, tuple(make_line(number) for number in range(lines)))
