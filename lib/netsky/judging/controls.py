"""Whose fault a rise is: the same province through the other exits, and of the other ISPs through this exit.

What rises through all exits is not this data centre's: it is the province's network. What rises through one
exit only is that exit's, or its carrier's way to the province.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from netsky.judging.grading import Grade, Verdict
from netsky.places import Province

# Below this part of what makes a province elevated, another line is fine; between, it cannot be told.
_FINE_PART = 0.5


class Extent(StrEnum):
    """Which of the lines that are compared see the rise, too."""

    ALL = "all"
    SOME = "some"
    THIS_ONLY = "this_only"


@dataclass(frozen=True, slots=True)
class Control:
    """The same province at the same time on another line."""

    isp: str
    egress: str
    increase_ratio: float
    grade: Grade


@dataclass(frozen=True, slots=True)
class Comparison:
    """A province that rises: its controls of the same ISP `by_exit`, and through the same exit `by_isp`.

    `elevated` is from which increase on (a ratio) a province is elevated.
    """

    by_exit: tuple[Control, ...]
    by_isp: tuple[Control, ...]
    elevated: float

    @property
    def exits(self) -> Extent | None:
        """None: no other exit was judged, or it cannot be told."""
        return _extent(self.by_exit, self.elevated)

    @property
    def isps(self) -> Extent | None:
        return _extent(self.by_isp, self.elevated)


Comparisons = Mapping[Province, Comparison]


def compare(
    isp: str,
    egress: str,
    verdict: Verdict,
    others: Sequence[tuple[str, str, Verdict]],
    *,
    elevated: float,
) -> Comparisons:
    """For each province that an alert is about; `others` are ISP, exit and verdict of other lines."""
    alerting = {judgement.province for each in verdict.active.values() for judgement in each}
    found: dict[Province, list[Control]] = {province: [] for province in alerting}
    for other_isp, other_egress, of_other in others:
        for judgement in of_other.judged:
            if judgement.province in found and judgement.increase_ratio is not None:
                grade = judgement.grade or Grade.NONE
                control = Control(other_isp, other_egress, judgement.increase_ratio, grade)
                found[judgement.province].append(control)
    return {
        province: Comparison(
            tuple(control for control in controls if control.isp == isp),
            tuple(control for control in controls if control.egress == egress),
            elevated,
        )
        for province, controls in found.items()
    }


def _extent(controls: Sequence[Control], elevated: float) -> Extent | None:
    graded = sum(control.grade is not Grade.NONE for control in controls)
    fine = sum(control.increase_ratio < _FINE_PART * elevated for control in controls)
    if graded:
        return Extent.SOME if fine else Extent.ALL
    return Extent.THIS_ONLY if controls and fine == len(controls) else None
