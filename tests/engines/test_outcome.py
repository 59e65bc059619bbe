"""The end of a sweep, the same for all engines."""

import numpy as np
import pytest

from netsky.addresses import AddressLibrary
from netsky.engines.outcome import SweepStart, Unmeasured
from netsky.errors import EngineError
from netsky.places import PROVINCES, Egress
from netsky.sweep import ProvinceFailure

LIBRARY = AddressLibrary(
    "cu", PROVINCES[:3], np.arange(10, 17, dtype=np.uint32), np.array([0, 2, 5, 7])
)
ANSWERED, LOST = 0.01, np.nan


def end(rtts, unmeasured=None, *, dropped=0, kept_back=0):
    start = SweepStart(LIBRARY, Egress("unicom-1"), "icmp")
    return start.end(
        np.array(rtts, np.float32),
        unmeasured or Unmeasured(),
        duration_seconds=1.5,
        dropped=dropped,
        kept_back=kept_back,
        discarded={"late": 3},
    )


def not_measured(targets, reason):
    unmeasured = Unmeasured()
    unmeasured.add(np.array(targets), reason)
    return unmeasured


def test_what_was_measured_whole_is_a_sweep_without_failures():
    sweep = end([[ANSWERED], [LOST]] + [[ANSWERED]] * 5)
    assert (sweep.packets_sent, sweep.packets_received) == (7, 6)
    assert (sweep.engine, sweep.egress.name, sweep.duration_seconds) == ("icmp", "unicom-1", 1.5)
    assert sweep.failures == ()
    assert sweep.discarded == {"late": 3}
    assert not sweep.tainted


def test_a_target_is_measured_with_all_of_its_packets_or_not_at_all():
    sweep = end([[ANSWERED, ANSWERED]] * 7, not_measured([1], "firewall"))
    assert not sweep.sent[1].any()
    assert np.isnan(sweep.rtt_seconds[1]).all()
    assert (sweep.packets_sent, sweep.packets_received) == (12, 12)


def test_each_province_tells_how_many_of_its_targets_failed_and_all_reasons():
    unmeasured = not_measured([3, 2], "no route")
    unmeasured.add(np.array([3, 6]), "firewall")
    unmeasured.add(np.array([], np.int64), "nobody")
    assert end([[ANSWERED]] * 7, unmeasured).failures == (
        ProvinceFailure(PROVINCES[1], 2, "firewall; no route"),
        ProvinceFailure(PROVINCES[2], 1, "firewall"),
    )


def test_local_drops_are_no_more_than_what_is_missing_and_what_never_left():
    lost_two = [[LOST], [LOST]] + [[ANSWERED]] * 5
    assert end(lost_two, dropped=1).local_drops == 1
    assert end(lost_two, dropped=9).local_drops == 2
    assert end(lost_two, not_measured([0], "queue"), dropped=9, kept_back=1).local_drops == 2


def test_when_nothing_was_measured_it_is_an_error_with_the_reason_of_most_provinces():
    unmeasured = not_measured([0, 1], "firewall")
    unmeasured.add(np.arange(2, 7), "no route")
    with pytest.raises(EngineError, match=r"^nothing could be measured: no route$"):
        end([[ANSWERED]] * 7, unmeasured)
