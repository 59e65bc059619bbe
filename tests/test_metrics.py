"""The metrics of a sweep, as Prometheus would read them."""

from math import isnan, nan

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from netsky import __version__
from netsky.metrics import Exposition, probe_metrics
from samples import STARTED_AT, make_quality, make_sweep

QUALITIES = [
    make_quality("guangdong"),
    make_quality(
        "xizang",
        packets_received=0,
        loss_ratio=1.0,
        abnormal_ratio=1.0,
        latency_mean_seconds=None,
        latency_p50_seconds=None,
        latency_p95_seconds=None,
        latency_p99_seconds=None,
    ),
]
GROUP = {"egress": "联通-1", "isp": "cu"}
GUANGDONG = GROUP | {"province": "guangdong", "province_name": "广东"}
XIZANG = GROUP | {"province": "xizang", "province_name": "西藏"}


def exported():
    """By name: (labels, value) of each sample, all of them gauges with a help text."""
    registry = CollectorRegistry()
    sweep = make_sweep({"guangdong": [0.1], "xizang": [nan]}, egress="联通-1", local_drops=3)
    registry.register(Exposition([probe_metrics(sweep, QUALITIES)]))
    samples = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        assert family.type == "gauge"
        assert family.documentation
        for name, labels, value, *_ in family.samples:
            samples.setdefault(name, []).append((labels, value))
    return samples


def test_there_are_these_metrics_and_no_others():
    assert sorted(exported()) == [
        "netsky_abnormal_ratio",
        "netsky_latency_mean_seconds",
        "netsky_latency_seconds",
        "netsky_loss_ratio",
        "netsky_packets_received",
        "netsky_packets_sent",
        "netsky_sweep_duration_seconds",
        "netsky_sweep_info",
        "netsky_sweep_local_drops",
        "netsky_sweep_timestamp_seconds",
        "netsky_targets",
    ]


def test_each_province_has_its_figures():
    samples = exported()
    for name, guangdong, xizang in (
        ("netsky_targets", 10, 10),
        ("netsky_packets_sent", 10, 10),
        ("netsky_packets_received", 9, 0),
        ("netsky_loss_ratio", 0.1, 1),
        ("netsky_abnormal_ratio", 0.3, 1),
    ):
        assert samples[name] == [(GUANGDONG, guangdong), (XIZANG, xizang)]


def test_a_latency_without_any_reply_is_nan_rather_than_0_or_absent():
    samples = exported()
    [guangdong, (labels, value)] = samples["netsky_latency_mean_seconds"]
    assert guangdong == (GUANGDONG, 0.0425)
    assert labels == XIZANG
    assert isnan(value)
    quantiles = [
        value
        for labels, value in samples["netsky_latency_seconds"]
        if XIZANG.items() <= labels.items()
    ]
    assert len(quantiles) == 3
    assert all(isnan(value) for value in quantiles)


def test_latency_quantiles_are_labelled():
    found = [s for s in exported()["netsky_latency_seconds"] if GUANGDONG.items() <= s[0].items()]
    assert found == [
        (GUANGDONG | {"quantile": "0.5"}, 0.04),
        (GUANGDONG | {"quantile": "0.95"}, 0.08),
        (GUANGDONG | {"quantile": "0.99"}, 0.09),
    ]


def test_the_sweep_has_its_figures():
    samples = exported()
    assert samples["netsky_sweep_duration_seconds"] == [(GROUP, 9.5)]
    assert samples["netsky_sweep_timestamp_seconds"] == [(GROUP, STARTED_AT.timestamp())]
    assert samples["netsky_sweep_local_drops"] == [(GROUP, 3)]
    assert samples["netsky_sweep_info"] == [
        (GROUP | {"engine": "fping", "version": __version__}, 1)
    ]
