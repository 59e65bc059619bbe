"""Verdicts on a sweep of any time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from netsky.judging.grading import Thresholds, Verdict, judge
from testing.samples import make_baseline, make_newest

MINUTE = timedelta(minutes=1)
QUIET = {"beijing": 1.0, "hunan": 1.0}
ALERT = {"beijing": 1.0, "hunan": 45.0}
NOT_JUDGED: Mapping[str, float | None] = {"beijing": None, "hunan": None}


def verdict(losses: Mapping[str, float | None], at: datetime) -> Verdict:
    """On a sweep that started then; by province the loss in percent above 0, None: it has no baseline."""
    return judge(
        [make_newest(slug, loss or 0, age=0, now=at) for slug, loss in losses.items()],
        [make_baseline(slug, 0, now=at) for slug, loss in losses.items() if loss is not None],
        now=at + timedelta(seconds=5),
        thresholds=Thresholds(),
    )
