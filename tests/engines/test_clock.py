"""A clock that is set during a sweep: RTTs of the icmp engine stay right, fping's do not count."""

import time

import numpy as np
import pytest

from netsky.engines import clock, fping, icmp_receiver
from netsky.engines.clock import WallClock, wall_clock_offset_ns
from netsky.engines.fping import FpingEngine
from netsky.engines.icmp import IcmpEngine
from netsky.engines.libc import Messages
from netsky.errors import EngineError
from netsky.places import Egress
from netsky.sweep import ProbePlan
from testing.netns import needs_root
from testing.samples import load_library

HOUR_NS = 3600 * 10**9


class Clock:
    """The wall clock, which is set by `step_ns` at the monotonic time `at`."""

    def __init__(self, step_ns, at):
        self.step_ns, self.at = step_ns, at
        self.real_offset = wall_clock_offset_ns()

    def offset(self, monotonic_ns):
        return self.real_offset + (self.step_ns if monotonic_ns >= self.at else 0)

    def time_ns(self):
        return time.monotonic_ns() + self.offset(time.monotonic_ns())

    def restamp(self, stamps):
        """Kernel stamps as they would be with this clock."""
        after = stamps - self.real_offset >= self.at
        return stamps + np.where(after, self.step_ns, 0)


@pytest.fixture
def set_clock(monkeypatch):
    def install(step_ns, *, in_seconds):
        wall = Clock(step_ns, time.monotonic_ns() + round(in_seconds * 1e9))
        stamps = Messages.timestamps
        monkeypatch.setattr(clock.time, "time_ns", wall.time_ns)
        monkeypatch.setattr(
            icmp_receiver.Messages,
            "timestamps",
            property(lambda messages: wall.restamp(stamps.fget(messages))),
        )

    return install


@needs_root
@pytest.mark.alone
@pytest.mark.parametrize("step_ns", [HOUR_NS, -HOUR_NS, 300_000_000, -300_000_000, 5_000_000])
def test_a_step_in_the_middle_of_an_icmp_sweep_loses_no_reply_and_spoils_no_rtt(
    tmp_path, set_clock, step_ns, caplog
):
    library = load_library(tmp_path, targets=1000)
    set_clock(step_ns, in_seconds=0.5)
    sweep = IcmpEngine().sweep(library, Egress(), ProbePlan(window=1.0), lambda _packets: None)
    assert not np.isnan(sweep.rtt_seconds).any()
    assert np.median(sweep.rtt_seconds) < 0.001
    assert sweep.rtt_seconds.max() < 0.25
    assert sweep.discarded["late"] == 0
    assert f"the clock was set by {step_ns / 1e9:+.3f} s" in caplog.text


@needs_root
def test_without_a_step_nothing_is_said(tmp_path, caplog):
    library = load_library(tmp_path, targets=100)
    IcmpEngine().sweep(library, Egress(), ProbePlan(window=0.2), lambda _packets: None)
    assert "clock" not in caplog.text


def test_an_fping_sweep_with_a_step_does_not_count(tmp_path, monkeypatch):
    offsets = iter([0, -HOUR_NS])
    monkeypatch.setattr(fping, "wall_clock_offset_ns", lambda: next(offsets))
    library = load_library(tmp_path, targets=2)
    with pytest.raises(EngineError, match=r"the clock was set by -3600\.000 s during the sweep"):
        FpingEngine().sweep(library, Egress(), ProbePlan(window=0.1), lambda _packets: None)


def test_packets_from_before_and_after_a_step_are_told_apart(monkeypatch):
    offset = [7_000]
    monkeypatch.setattr(clock, "wall_clock_offset_ns", lambda: offset[0])
    wall = WallClock()
    since = time.monotonic_ns()
    assert wall.offsets_ns(np.array([since + 7_000])) == 7_000
    offset[0] = 7_000 + HOUR_NS
    moments = np.array([since + 10, time.monotonic_ns()])  # the second after the last look
    stamps = moments + np.array([7_000, 7_000 + HOUR_NS])
    assert (stamps - wall.offsets_ns(stamps)).tolist() == moments.tolist()
    assert wall.stepped_ns == HOUR_NS


@pytest.mark.parametrize("step_ns", [HOUR_NS, -HOUR_NS, 300_000_000, -300_000_000])
def test_a_packet_from_before_a_step_may_be_read_long_after_it(monkeypatch, step_ns):
    offset = [7_000]
    monkeypatch.setattr(clock, "wall_clock_offset_ns", lambda: offset[0])
    wall = WallClock()
    waited = time.monotonic_ns() - 10_000_000
    offset[0] = 7_000 + step_ns
    wall.offsets_ns(np.zeros(0, np.int64))
    moments = np.array([waited, time.monotonic_ns()])
    stamps = moments + np.array([7_000, 7_000 + step_ns])
    assert (stamps - wall.offsets_ns(stamps)).tolist() == moments.tolist()
    assert wall.stepped_ns == step_ns


def test_the_offset_is_read_again_when_the_reading_was_interrupted(monkeypatch):
    """A pause between the two clocks would look like a step."""
    real, calls = time.time_ns, []

    def slow_once():
        calls.append(1)
        if len(calls) == 1:
            time.sleep(0.01)
        return real()

    expected = wall_clock_offset_ns()
    monkeypatch.setattr(clock.time, "time_ns", slow_once)
    assert abs(wall_clock_offset_ns() - expected) < 1_000_000
    assert len(calls) >= 2
