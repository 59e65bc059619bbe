"""The metrics of each job, as Prometheus would read them."""

from dataclasses import replace
from math import isnan, nan

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from netsky import __version__
from netsky.judging.incidents import Watch, after
from netsky.judging.notice import Latency, Notice
from netsky.loss import Band
from netsky.outlets.metrics import (
    JOBS,
    Exposition,
    LibraryFigures,
    alert_metrics,
    baseline_metrics,
    library_metrics,
    probe_metrics,
)
from netsky.places import BUILTIN_ISPS, find_province
from netsky.spool_state import SpoolState
from testing.samples import STARTED_AT, make_alert_report, make_baseline, make_quality, make_sweep
from testing.verdicts import ALERT, MINUTE, QUIET, verdict

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
LIVE = {
    "live_targets": 8,
    "live_packets_sent": 8,
    "live_packets_received": 6,
    "dead_targets": 1,
}
LIBRARY = [
    LibraryFigures(find_province("hunan"), 400, 0.98, provisional=False),
    LibraryFigures(find_province("hubei"), 0, None, provisional=True),
]
GROUP = {"egress": "联通-1", "isp": "cu"}
GUANGDONG = GROUP | {"province": "guangdong", "province_name": "广东"}
XIZANG = GROUP | {"province": "xizang", "province_name": "西藏"}


def exported(*groups):
    """By name: (labels, value) of each sample, all of them gauges with a help text."""
    registry = CollectorRegistry()
    registry.register(Exposition(groups or [sweep_metrics()]))
    samples = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        assert family.type == "gauge"
        assert family.documentation
        for name, labels, value, *_ in family.samples:
            samples.setdefault(name, []).append((labels, value))
    return samples


def sweep_metrics(spool=None, qualities=QUALITIES):
    sweep = make_sweep({"guangdong": [0.1], "xizang": [nan]}, egress="联通-1", local_drops=3)
    return probe_metrics(sweep, qualities, spool)


def alert_metrics_of(rises, watch=None):
    report = make_alert_report(rises)
    return alert_metrics(report.isp, report.egress, report.verdict, watch)


def watch_of(*losses):
    """What is known after a verdict a minute."""
    watch = Watch()
    for minutes, each in enumerate(losses):
        watch = after(watch, verdict(each, STARTED_AT + minutes * MINUTE))
    return watch


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


def test_what_is_not_known_of_the_usually_alive_is_absent():
    learning = {"live_targets": 0, "live_packets_sent": 0, "live_packets_received": 0}
    qualities = [make_quality("guangdong", **LIVE), make_quality("xizang", **learning)]
    samples = exported(sweep_metrics(qualities=qualities))
    assert samples["netsky_live_targets"] == [(GUANGDONG, 8), (XIZANG, 0)]
    assert samples["netsky_live_loss_ratio"] == [(GUANGDONG, 0.25)]
    assert samples["netsky_dead_targets"] == [(GUANGDONG, 1)]
    assert not exported().keys() & {"netsky_live_targets", "netsky_dead_targets"}


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


def test_the_labels_of_each_metric_are_those_that_it_declares():
    groups = {
        "netsky_probe": sweep_metrics(SpoolState(0, 0, 0), [make_quality("hunan", **LIVE)]),
        "netsky_avg_lossrate": baseline_metrics(
            "cu", "b", [make_baseline("hunan", 1, band=Band(0.005, 0.02, 2))], at=STARTED_AT
        ),
        "netsky_alert": alert_metrics(
            BUILTIN_ISPS["cu"],
            "b",
            with_latency(make_alert_report({"hunan": 7.0, "hubei": None}).verdict),
            watch_of(ALERT, ALERT),
        ),
        "netsky_library": library_metrics("cu", "b", LIBRARY, asked_at=7.0, age_seconds=90.0),
    }
    assert groups.keys() == JOBS.keys()
    for job, group in groups.items():
        assert group.job == job
        samples = exported(group)
        assert list(samples) == [gauge.name for gauge in JOBS[job]]
        for gauge in JOBS[job]:
            for labels, _ in samples[gauge.name]:
                assert set(labels) == {"egress", "isp", *gauge.labels}


# Small rises, and the latency


BAND = Band(0.01, 0.03, 2)


def with_latency(verdict, **of_latency):
    """Of all provinces that are judged, as the rule `usual` has them."""
    latency = Latency(
        **{
            "seconds": 0.09,
            "usual_seconds": 0.04,
            "band": Band(0.035, 0.045, 3),
            "increase_seconds": 0.05,
            "is_high": True,
            "notice": None,
            **of_latency,
        }
    )
    judgements = [
        replace(each, latency=latency, baseline=each.baseline and replace(each.baseline, band=BAND))
        for each in verdict.judgements
    ]
    return replace(verdict, judgements=tuple(judgements))


def by_province(verdict):
    samples = exported(alert_metrics(BUILTIN_ISPS["cu"], "b", verdict))
    return {
        name: {labels["province"]: value for labels, value in found}
        for name, found in samples.items()
        if "province" in found[0][0]
    }


def test_grades_are_numbers_for_rules():
    rises = {"hunan": 7.0, "hubei": 12.0, "hebei": 1.0, "henan": None}
    grades = by_province(make_alert_report(rises).verdict)["netsky_loss_grade"]
    assert grades == {"hunan": 1, "hubei": 2, "hebei": 0}


def test_a_notice_is_a_metric_of_its_own_and_moves_no_other():
    verdict = with_latency(make_alert_report({"hunan": 2.5, "hubei": 0.5}).verdict, is_high=False)
    [hunan, hubei] = verdict.judgements
    noticed = replace(verdict, judgements=(replace(hunan, notice=Notice(0.021, 900.0)), hubei))
    before, after_ = (by_province(each) for each in (verdict, noticed))
    assert before.pop("netsky_loss_notice_ratio") == {"hunan": 0, "hubei": 0}
    assert after_.pop("netsky_loss_notice_ratio") == {"hunan": 0.021, "hubei": 0}
    assert before == after_
    assert noticed.active == {}


def test_with_a_mean_nothing_is_said_of_notices_nor_of_latency():
    of_mean = by_province(make_alert_report({"hunan": 2.5}).verdict)
    assert of_mean.keys() == {"netsky_loss_increase_ratio", "netsky_loss_grade"}


def test_the_latency_has_what_is_usual_and_whether_it_is_high():
    notice = Notice(0.012, 720.0)
    verdict = with_latency(make_alert_report({"hunan": 0.0}).verdict, is_high=False, notice=notice)
    found = {name: of["hunan"] for name, of in by_province(verdict).items() if "latency" in name}
    assert found == {
        "netsky_latency_usual_seconds": 0.04,
        "netsky_latency_usual_low_seconds": 0.035,
        "netsky_latency_usual_high_seconds": 0.045,
        "netsky_latency_increase_seconds": 0.05,
        "netsky_latency_high": 0,
        "netsky_latency_notice_seconds": 0.012,
    }


# The library


def test_a_library_tells_targets_who_answered_and_whether_it_is_proved():
    samples = exported(library_metrics("cu", "b", LIBRARY, asked_at=7.0, age_seconds=90.0))
    hunan = {"egress": "b", "isp": "cu", "province": "hunan", "province_name": "湖南"}
    assert samples["netsky_library_targets"][0] == (hunan, 400)
    assert samples["netsky_library_response_ratio"][0] == (hunan, 0.98)
    assert [value for _, value in samples["netsky_library_provisional"]] == [0, 1]
    assert samples["netsky_library_age_seconds"] == [({"egress": "b", "isp": "cu"}, 90.0)]
    assert samples["netsky_library_timestamp_seconds"] == [({"egress": "b", "isp": "cu"}, 7.0)]


def test_a_province_of_whose_targets_none_was_asked_has_no_ratio():
    _, (_, ratio) = exported(library_metrics("cu", "b", LIBRARY, asked_at=7.0, age_seconds=0))[
        "netsky_library_response_ratio"
    ]
    assert isnan(ratio)


# The mean


def test_a_stored_mean_has_its_ratio_and_the_time_of_its_computation():
    hunan = make_baseline("hunan", 12.5, egress="b", hours=2)
    samples = exported(baseline_metrics("cu", "b", [hunan], at=STARTED_AT))
    labels = {"egress": "b", "isp": "cu", "province": "hunan", "province_name": "湖南"}
    assert samples == {
        "netsky_loss_baseline_ratio": [(labels, 0.125)],
        "netsky_loss_baseline_timestamp_seconds": [(labels, STARTED_AT.timestamp() - 7200)],
    }


def test_what_is_usual_has_a_band_and_the_days_that_know_it():
    usual = make_baseline("hunan", 1, egress="b", band=Band(0.005, 0.02, 2))
    samples = exported(
        baseline_metrics("cu", "b", [usual, make_baseline("hubei", 1)], at=STARTED_AT)
    )
    labels = {"egress": "b", "isp": "cu", "province": "hunan", "province_name": "湖南"}
    assert samples["netsky_loss_usual_low_ratio"] == [(labels, 0.005)]
    assert samples["netsky_loss_usual_high_ratio"] == [(labels, 0.02)]
    assert samples["netsky_loss_usual_days"] == [(labels, 2)]


def test_several_egresses_in_one_textfile_share_the_head_of_each_metric():
    groups = [
        baseline_metrics("cu", egress, [make_baseline("hunan", 1, egress=egress)], at=STARTED_AT)
        for egress in ("a", "b")
    ]
    samples = exported(*groups)["netsky_loss_baseline_ratio"]
    assert [labels["egress"] for labels, _ in samples] == ["a", "b"]


# The alert


def alert_samples(rises):
    """By metric: the values by the labels that are its own."""
    return {
        name: {
            "/".join(v for k, v in labels.items() if k not in ("egress", "isp", "province_name")): x
            for labels, x in samples
        }
        for name, samples in exported(alert_metrics_of(rises)).items()
    }


def test_a_verdict_with_alerts():
    samples = alert_samples({"hunan": 7.0, "hubei": 50.0, "hebei": 20.0, "henan": 0.0})
    assert samples["netsky_alert"] == {"medium": 1, "heavy": 0, "critical": 1}
    assert samples["netsky_alert_provinces"] == {"medium": 1, "heavy": 0, "critical": 2}
    assert samples["netsky_alert_judged_provinces"] == {"": 4}
    increases = samples["netsky_loss_increase_ratio"]
    assert increases == {"hunan": 0.07, "hubei": 0.5, "hebei": 0.2, "henan": 0}
    assert samples["netsky_alert_timestamp_seconds"] == {"": STARTED_AT.timestamp()}


def test_the_name_of_the_isp_is_there_for_people():
    assert alert_samples({"hunan": 0.0})["netsky_isp_info"] == {"中国联通": 1}


def test_without_an_alert_every_severity_is_0():
    samples = alert_samples({"hunan": 0.0})
    assert samples["netsky_alert"] == {"medium": 0, "heavy": 0, "critical": 0}


def test_a_province_that_is_not_judged_has_a_reason_and_no_increase():
    samples = alert_samples({"hunan": None, "hubei": 1.0})
    assert samples["netsky_loss_increase_ratio"] == {"hubei": 0.01}
    assert samples["netsky_alert_not_judged"] == {"hunan/no_baseline": 1}
    assert samples["netsky_alert_judged_provinces"] == {"": 1}


def test_what_cannot_be_told_is_neither_0_nor_1():
    samples = alert_samples({"hunan": None})
    assert samples["netsky_alert"] == {"heavy": 0}  # one silent province is not four
    assert samples["netsky_alert_provinces"] == {"heavy": 0}
    assert samples["netsky_alert_judged_provinces"] == {"": 0}


def test_the_spool_has_its_figures_where_there_is_one():
    samples = exported(sweep_metrics(SpoolState(sweeps=3, dropped_sweeps=2, quarantined_rows=1)))
    assert samples["netsky_spool_sweeps"] == [(GROUP, 3)]
    assert samples["netsky_spool_dropped_sweeps"] == [(GROUP, 2)]
    assert samples["netsky_spool_quarantined_rows"] == [(GROUP, 1)]


def test_an_open_incident_is_1_since_its_first_sweep_and_none_is_0():
    open_one = exported(alert_metrics_of({"hunan": 45.0}, watch_of(ALERT, ALERT)))
    assert [value for _, value in open_one["netsky_incident_open"]] == [1]
    [(_, started)] = open_one["netsky_incident_started_seconds"]
    assert started == STARTED_AT.timestamp()
    for losses in ([ALERT], [ALERT, ALERT, QUIET, QUIET, QUIET]):
        samples = exported(alert_metrics_of({"hunan": 1.0}, watch_of(*losses)))
        assert [value for _, value in samples["netsky_incident_open"]] == [0]
        assert samples.get("netsky_incident_started_seconds", []) == []


def test_an_incident_that_cannot_be_told_is_neither_0_nor_1():
    samples = exported(alert_metrics_of({"hunan": 45.0}))
    assert samples.get("netsky_incident_open", []) == []
