"""What follows from the values of a report alone."""

from datetime import UTC, datetime

import pytest

from netsky.fault import Part
from netsky.incident_loss import Step, Sums
from netsky.incident_report import Nature, lost_again, nature


def part(sent, lost, again):
    return Part("203.0.113.0/24", sent, sent, lost, 0.01, again, 1.0)


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ([part(100, 30, 0.3)], Nature.RANDOM),
        ([part(100, 30, 0.55)], Nature.RANDOM),
        ([part(100, 30, 0.6)], Nature.BOTH),
        ([part(100, 30, 0.85)], Nature.FIXED),
        ([part(100, 70, 0.9)], Nature.RANDOM),  # so much is lost that most is lost again by chance
        ([part(100, 99, None)], Nature.ALL),
        ([part(100, 30, None)], Nature.UNKNOWN),
        ([part(0, 0, None)], Nature.UNKNOWN),
        ([], Nature.UNKNOWN),
        # Each counts by what it has lost.
        ([part(100, 90, 1.0), part(1000, 10, 0.0)], Nature.FIXED),
    ],
)
def test_what_is_lost_again_tells_chance_from_dead_addresses(parts, found):
    assert nature(parts) is found


def test_what_is_lost_again_is_of_all_parts_together():
    assert lost_again([part(100, 30, 0.2), part(100, 10, 0.6), part(100, 5, None)]) == (
        pytest.approx(0.3)
    )


@pytest.mark.parametrize(
    ("step", "begin"),
    [
        (Step.MINUTE, datetime(2026, 11, 24, 18, 37, tzinfo=UTC)),
        (Step.TEN_MINUTES, datetime(2026, 11, 24, 18, 30, tzinfo=UTC)),
        (Step.HOUR, datetime(2026, 11, 24, 18, tzinfo=UTC)),
    ],
)
def test_a_step_begins_on_a_whole_one(step, begin):
    assert step.begin(datetime(2026, 11, 24, 18, 37, 59, 999999, tzinfo=UTC)) == begin


def test_what_was_not_sent_has_no_loss():
    assert Sums(0, 0, 0).loss_ratio(live=False) is None
    assert Sums(3, 300, 30).loss_ratio(live=False) == pytest.approx(0.1)
    assert Sums(3, 300, 30).loss_ratio(live=True) is None
    assert Sums(3, 300, 30, 200, 2).loss_ratio(live=True) == pytest.approx(0.01)
