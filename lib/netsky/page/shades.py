"""The classes of style.css: how bad a rise is, by the thresholds of the alert itself."""

from __future__ import annotations

from netsky.judging.grading import TOLERANCE_RATIO, Grade, Thresholds, grade

NOT_JUDGED = "sn"


def shade(increase_ratio: float | None, thresholds: Thresholds) -> str:
    """`s0` calm to `s4` severe; `sn` for what was not judged."""
    if increase_ratio is None:
        return NOT_JUDGED
    match grade(increase_ratio, thresholds):
        case Grade.SEVERE:
            return "s4"
        case Grade.ELEVATED:
            return "s3"
        case Grade.NONE:
            steps = (thresholds.severe / 10, thresholds.severe / 4)
            return f"s{sum(increase_ratio >= step - TOLERANCE_RATIO for step in steps)}"
