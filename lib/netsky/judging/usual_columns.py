"""The columns of what is usual on a line: the provinces, once for each of what is measured of them.

They are the loss of all targets, that of the targets that usually answer, where enough of these are known, and
the mean latency.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import numpy as np

from netsky.judging.grading import Thresholds
from netsky.judging.usual import Each, Floats, Tuning
from netsky.judging.usual_sweeps import Kept, Rises, Steps, nothing_kept
from netsky.places import PROVINCES, Province


class Kind(StrEnum):
    """What a column is of, in the order of the columns."""

    ALL = "all"
    LIVE = "live"
    LATENCY = "rtt"


_KINDS = {kind: index * len(PROVINCES) for index, kind in enumerate(Kind)}
COLUMNS = len(Kind) * len(PROVINCES)
IS_LOSS = np.arange(COLUMNS) < _KINDS[Kind.LATENCY]

INDEX = {province: index for index, province in enumerate(PROVINCES)}

# From which rises of latency on it is noticed, and an alarm: in seconds, and as a part of what is usual.
LATENCY_NOTICE, LATENCY_NOTICE_PART = 0.010, 0.25
LATENCY_HIGH, LATENCY_HIGH_PART = 0.030, 0.5
# Tuning in which latencies differ: what the level may go up by, in seconds. A lasting rise is usual after a day
# however large it is.
LATENCY_TUNING = Tuning(up=0.002, first=0.015, week_most=0.01, accept_most=np.inf, most=np.inf)


def column_of(province: Province, kind: Kind = Kind.ALL) -> int:
    return INDEX[province] + _KINDS[kind]


def nothing_known_of() -> Kept:
    """Before the first averaging of a line."""
    return nothing_kept(COLUMNS, is_loss=IS_LOSS)


def rises_of(thresholds: Thresholds, tuning: Tuning) -> Rises:
    """Those of all columns; thresholds and tuning are those of losses."""
    of_latency = latency_rises()
    high, latency = of_latency.steps, of_latency.tuning
    steps = Steps(
        notice=_by_column(Steps().notice, high.notice),
        elevated=_by_column(thresholds.elevated, high.elevated),
        severe=_by_column(thresholds.severe, high.severe),
        notice_part=_by_column(0.0, high.notice_part),
        elevated_part=_by_column(0.0, high.elevated_part),
    )
    of_columns = replace(
        tuning,
        up=_by_column(tuning.up, latency.up),
        first=_by_column(tuning.first, latency.first),
        week_most=_by_column(tuning.week_most, latency.week_most),
        accept_most=_by_column(tuning.accept_most, latency.accept_most),
        most=_by_column(tuning.most, latency.most),
    )
    return Rises(steps, of_columns)


def latency_rises() -> Rises:
    """Those of latencies alone."""
    steps = Steps(LATENCY_NOTICE, LATENCY_HIGH, np.inf, LATENCY_NOTICE_PART, LATENCY_HIGH_PART)
    return Rises(steps, LATENCY_TUNING)


def _by_column(loss: Each, latency: Each) -> Floats:
    return np.where(IS_LOSS, loss, latency)
