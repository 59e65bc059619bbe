"""Figures by province, held against a plain computation in exact fractions."""

from dataclasses import astuple, replace
from fractions import Fraction
from math import floor, nan

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netsky.aggregate import aggregate, total_of
from netsky.places import PROVINCES
from testing.samples import make_quality, make_sweep

# One packet: its RTT in 1/1024 s (float32 holds it exactly), "lost", or "not sent".
packets = st.one_of(st.integers(0, 1024), st.just("lost"), st.just("not sent"))


@st.composite
def measurements(draw):
    """Province, target, packet: a small sweep of one packet count."""
    targets = st.lists(packets, min_size=(count := draw(st.integers(1, 3))), max_size=count)
    unmeasured = st.just(["not sent"] * count)
    provinces = st.lists(st.one_of(targets, unmeasured), min_size=1, max_size=8)
    return draw(st.lists(provinces, min_size=1, max_size=4))


def sweep_of(measurement):
    """The Sweep in which this was measured."""
    rows = [target for province in measurement for target in province]
    template = make_sweep(
        {
            province.slug: [nan] * len(targets)
            for province, targets in zip(PROVINCES, measurement, strict=False)
        }
    )
    rtts = [[nan if isinstance(packet, str) else packet / 1024 for packet in row] for row in rows]
    return replace(
        template,
        rtt_seconds=np.array(rtts, np.float32),
        sent=np.array([[packet != "not sent" for packet in row] for row in rows]),
    )


def quantile(ordered, q):
    """Type 7 of Hyndman and Fan: linear between the ranks, of which the first is 0."""
    rank = Fraction(q) * (len(ordered) - 1)
    below, above = ordered[floor(rank)], ordered[min(floor(rank) + 1, len(ordered) - 1)]
    return below + (above - below) * (rank - floor(rank))


def is_abnormal(target, threshold):
    rtts = [packet for packet in target if isinstance(packet, int)]
    return "lost" in target or (bool(rtts) and sum(rtts) > threshold * len(rtts))


def figures_of(targets, threshold):
    """Everything about these targets, or None when none was measured."""
    measured = [t for t in targets if any(packet != "not sent" for packet in t)]
    if not measured:
        return None
    sent = [packet for target in measured for packet in target if packet != "not sent"]
    rtts = sorted(Fraction(packet, 1024) for packet in sent if packet != "lost")
    return (
        len(measured),
        len(sent),
        len(rtts),
        Fraction(sent.count("lost"), len(sent)),
        Fraction(sum(is_abnormal(t, threshold) for t in measured), len(measured)),
        sum(rtts) / len(rtts) if rtts else None,
        *(quantile(rtts, q) if rtts else None for q in ("0.5", "0.95", "0.99")),
        None,
        None,
        None,
        rtts[-1] if rtts else None,
        None,
        None,
    )


def close(figures):
    """None stays None: a latency that nobody measured is never a number."""
    return tuple(
        None if figure is None else pytest.approx(float(figure), rel=1e-6, abs=1e-9)
        for figure in figures
    )


@given(measurement=measurements(), threshold=st.integers(0, 1024))
@example(measurement=[[["lost"]] * 3, [["not sent"]] * 3, [[1]]], threshold=300)
@example(measurement=[[["not sent"]]], threshold=300)
def test_figures_are_those_of_a_plain_computation(measurement, threshold):
    qualities = aggregate(sweep_of(measurement), abnormal_rtt=threshold / 1024)
    expected = {
        province: figures
        for province, targets in zip(PROVINCES, measurement, strict=False)
        if (figures := figures_of(targets, threshold))
    }
    assert [quality.province for quality in qualities] == list(expected)
    for quality in qualities:
        assert astuple(quality)[1:] == close(expected[quality.province])
    everything = figures_of([target for province in measurement for target in province], threshold)
    if everything is not None:
        assert astuple(total_of(qualities)) == close((*everything[:6], None, None, None))


@given(measurement=measurements(), data=st.data())
def test_figures_of_those_that_usually_answer_are_those_of_a_sweep_of_them_alone(measurement, data):
    live = [[data.draw(st.booleans()) for _ in targets] for targets in measurement]
    rows = np.array([flag for flags in live for flag in flags])
    for quality in aggregate(sweep_of(measurement), abnormal_rtt=0.3, live=rows):
        index = PROVINCES.index(quality.province)
        alone = [t for t, flag in zip(measurement[index], live[index], strict=True) if flag]
        targets, sent, received, loss, *_ = figures_of(alone, 300) or (0, 0, 0, None)
        assert quality.live_targets == targets
        assert (quality.live_packets_sent, quality.live_packets_received) == (sent, received)
        assert quality.live_loss_ratio == (None if loss is None else pytest.approx(float(loss)))


def test_dead_targets_are_those_that_are_silent_in_this_sweep_too():
    sweep = sweep_of([[["lost"], [1], ["lost"], [1]]])
    dead = np.array([True, True, False, False])
    [quality] = aggregate(sweep, abnormal_rtt=0.3, dead=dead)
    assert (quality.dead_targets, total_of([quality]).dead_targets) == (1, 1)
    [unknown] = aggregate(sweep, abnormal_rtt=0.3)
    assert (unknown.dead_targets, total_of([unknown]).dead_targets) == (None, None)


def test_the_total_of_those_that_usually_answer_is_of_the_provinces_where_they_are_known():
    known = {"live_targets": 4, "live_packets_sent": 8, "live_packets_received": 6}
    more = {"live_targets": 1, "live_packets_sent": 2, "live_packets_received": 2}
    learning = {"live_targets": 0, "live_packets_sent": 0, "live_packets_received": 0}
    slugs = ("beijing", "hebei", "hunan", "hubei")
    total = total_of(
        [make_quality(s, **f) for s, f in zip(slugs, (known, more, learning, {}), strict=True)]
    )
    assert (total.live_targets, total.live_loss_ratio) == (5, 0.2)
    total = total_of([make_quality("beijing", **learning)])
    assert (total.live_targets, total.live_loss_ratio) == (0, None)


def test_loss_of_those_that_usually_answer_is_not_known_without_a_memory():
    [quality] = aggregate(sweep_of([[["lost"], [1]]]), abnormal_rtt=0.3)
    assert (quality.live_targets, quality.live_loss_ratio) == (None, None)


def test_a_target_is_abnormal_above_the_threshold_only_or_when_it_lost_a_packet():
    targets = [[256, 256], [257, 256], [255, 257], [10, "lost"], ["lost", "lost"]]
    [quality] = aggregate(sweep_of([targets]), abnormal_rtt=0.25)
    assert quality.abnormal_ratio == 3 / 5
    assert quality.loss_ratio == 3 / 10


def test_without_any_reply_there_is_no_latency_rather_than_0():
    [quality] = aggregate(sweep_of([[["lost"], ["lost"]]]), abnormal_rtt=0.3)
    assert (quality.loss_ratio, quality.abnormal_ratio) == (1.0, 1.0)
    assert [
        quality.latency_mean_seconds,
        quality.latency_p50_seconds,
        quality.latency_p95_seconds,
        quality.latency_p99_seconds,
        total_of([quality]).latency_mean_seconds,
    ] == [None] * 5


def test_an_rtt_of_0_is_a_reply():
    [quality] = aggregate(sweep_of([[[0], [0]]]), abnormal_rtt=0.3)
    assert (quality.packets_received, quality.latency_mean_seconds) == (2, 0.0)
    assert total_of([quality]).latency_mean_seconds == 0.0


def test_what_was_not_measured_is_neither_lost_nor_abnormal():
    [quality] = aggregate(sweep_of([[["not sent"], [10], [10]]]), abnormal_rtt=0.3)
    assert (quality.targets, quality.packets_sent) == (2, 2)
    assert (quality.loss_ratio, quality.abnormal_ratio) == (0.0, 0.0)


def test_the_total_weighs_provinces_by_their_packets():
    small = make_quality(
        "beijing",
        targets=1,
        packets_sent=1,
        packets_received=0,
        loss_ratio=1.0,
        abnormal_ratio=1.0,
        latency_mean_seconds=None,
    )
    large = make_quality(
        "hebei",
        targets=99,
        packets_sent=99,
        packets_received=99,
        loss_ratio=0.0,
        abnormal_ratio=0.0,
        latency_mean_seconds=0.05,
    )
    total = total_of([small, large])
    assert (total.loss_ratio, total.abnormal_ratio) == (0.01, 0.01)
    assert total.latency_mean_seconds == pytest.approx(0.05)


def test_many_small_rtts_do_not_lose_precision():
    sweep = make_sweep({"beijing": [0.1] * 1_000_000})
    [quality] = aggregate(sweep, abnormal_rtt=0.3)
    assert quality.latency_mean_seconds == pytest.approx(float(np.float32(0.1)), rel=1e-9)


def test_a_target_at_exactly_the_threshold_is_not_abnormal():
    [quality] = aggregate(make_sweep({"beijing": [0.3]}), abnormal_rtt=0.3)
    assert quality.abnormal_ratio == 0.0
