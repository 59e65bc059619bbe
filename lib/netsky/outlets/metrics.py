"""The metrics of each job: names, labels and help in one place, apart from how they are sent.

Ratios 0 to 1 and seconds. A latency without any reply is NaN: the series stays, without a value.
All are gauges, and all have the labels `egress` and `isp`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from netsky import __version__
from netsky.aggregate import ProvinceQuality
from netsky.figures import BY_PROVINCE, FIGURES, Gauge
from netsky.judging.grading import Grade, Judgement, Severity, Verdict
from netsky.judging.incidents import Watch
from netsky.loss import Baseline
from netsky.places import ISP, Province
from netsky.spool_state import SpoolState
from netsky.sweep import Sweep

PROBE_JOB = "netsky_probe"
SWEEP_DURATION = Gauge("netsky_sweep_duration_seconds", "How long the sweep took.")
SWEEP_TIMESTAMP = Gauge(
    "netsky_sweep_timestamp_seconds", "When the newest sweep started, in Unix time."
)
SWEEP_LOCAL_DROPS = Gauge(
    "netsky_sweep_local_drops",
    "Packets that the probe host itself threw away; not 0: the sweep is tainted.",
)
SWEEP_INFO = Gauge(
    "netsky_sweep_info",
    "Which engine of which version made the newest sweep; always 1.",
    ("engine", "version"),
)
SPOOL_SWEEPS = Gauge("netsky_spool_sweeps", "Sweeps that the database has not taken yet.")
SPOOL_DROPPED = Gauge(
    "netsky_spool_dropped_sweeps", "Sweeps lost because the spool was full, since it was made."
)
SPOOL_QUARANTINED = Gauge(
    "netsky_spool_quarantined_rows", "Rows that the database refused for good, since then."
)

BASELINE_JOB = "netsky_avg_lossrate"
BASELINE = Gauge(
    "netsky_loss_baseline_ratio",
    "The loss ratio that the newest is compared with: what is usual, or the mean of the past 12 hours.",
    BY_PROVINCE,
)
USUAL_LOW = Gauge(
    "netsky_loss_usual_low_ratio",
    "From this loss ratio on chance and the usual swing explain what is measured.",
    BY_PROVINCE,
)
USUAL_HIGH = Gauge("netsky_loss_usual_high_ratio", "Up to this loss ratio they do.", BY_PROVINCE)
USUAL_DAYS = Gauge("netsky_loss_usual_days", "So many past days know this hour.", BY_PROVINCE)
BASELINE_TIMESTAMP = Gauge(
    "netsky_loss_baseline_timestamp_seconds",
    "When that baseline was computed, in Unix time.",
    BY_PROVINCE,
)

ALERT_JOB = "netsky_alert"
INCREASE = Gauge(
    "netsky_loss_increase_ratio",
    "Newest loss ratio minus its baseline, at least 0; only of provinces that could be judged.",
    BY_PROVINCE,
)
GRADE = Gauge(
    "netsky_loss_grade",
    "0: loss is as usual; 1: elevated; 2: severe; it ends below 0.7 of what began it. Only of provinces that "
    "could be judged.",
    BY_PROVINCE,
)
NOTICE = Gauge(
    "netsky_loss_notice_ratio",
    "By how much loss is up where a small rise stands, that alerts nobody; 0: none does.",
    BY_PROVINCE,
)
LATENCY_USUAL = Gauge(
    "netsky_latency_usual_seconds",
    "What the mean RTT of the replies usually is at this hour.",
    BY_PROVINCE,
)
LATENCY_LOW = Gauge(
    "netsky_latency_usual_low_seconds",
    "From this mean RTT on chance and the usual swing explain what is measured.",
    BY_PROVINCE,
)
LATENCY_UP_TO = Gauge("netsky_latency_usual_high_seconds", "Up to it they do.", BY_PROVINCE)
LATENCY_INCREASE = Gauge(
    "netsky_latency_increase_seconds", "Newest mean RTT minus that, at least 0.", BY_PROVINCE
)
LATENCY_HIGH = Gauge(
    "netsky_latency_high",
    "1: the mean RTT is up by 30 ms and by half of what is usual; 0: it is not, or no more.",
    BY_PROVINCE,
)
LATENCY_NOTICE = Gauge(
    "netsky_latency_notice_seconds",
    "By how much the mean RTT is up where a small rise stands, that alerts nobody; 0: none does.",
    BY_PROVINCE,
)
ALERT = Gauge(
    "netsky_alert",
    "1: an alert of that severity stands; 0: it does not; absent: cannot be told.",
    ("severity",),
)
ALERT_PROVINCES = Gauge(
    "netsky_alert_provinces", "Provinces that an alert of that severity is about.", ("severity",)
)
ALERT_JUDGED = Gauge("netsky_alert_judged_provinces", "Provinces that could be judged.")
ALERT_NOT_JUDGED = Gauge(
    "netsky_alert_not_judged",
    "1 for each province that could not be judged, with the reason.",
    (*BY_PROVINCE, "reason"),
)
ALERT_TIMESTAMP = Gauge("netsky_alert_timestamp_seconds", "When it was judged, in Unix time.")
INCIDENT_OPEN = Gauge(
    "netsky_incident_open", "1: an incident is open; 0: none is; absent: cannot be told."
)
INCIDENT_STARTED = Gauge(
    "netsky_incident_started_seconds",
    "When the open incident began, in Unix time: the start of its first sweep with an alert.",
)
ISP_INFO = Gauge("netsky_isp_info", "The ISP's name for people; always 1.", ("isp_name",))

LIBRARY_JOB = "netsky_library"
LIBRARY_TARGETS = Gauge("netsky_library_targets", "Published addresses.", BY_PROVINCE)
LIBRARY_RESPONSE = Gauge(
    "netsky_library_response_ratio",
    "Published addresses that answered the newest look / published addresses.",
    BY_PROVINCE,
)
LIBRARY_PROVISIONAL = Gauge(
    "netsky_library_provisional",
    "1: the published addresses are not proved yet, and not fit for alerting; 0: they are.",
    BY_PROVINCE,
)
LIBRARY_AGE = Gauge(
    "netsky_library_age_seconds", "How long ago the library was last changed, when this was pushed."
)
LIBRARY_TIMESTAMP = Gauge(
    "netsky_library_timestamp_seconds", "When its addresses were last asked, in Unix time."
)

JOBS: Mapping[str, tuple[Gauge, ...]] = {
    PROBE_JOB: (
        *dict.fromkeys(figure.gauge for figure in FIGURES if figure.gauge),
        SWEEP_DURATION,
        SWEEP_TIMESTAMP,
        SWEEP_LOCAL_DROPS,
        SWEEP_INFO,
        SPOOL_SWEEPS,
        SPOOL_DROPPED,
        SPOOL_QUARANTINED,
    ),
    BASELINE_JOB: (BASELINE, BASELINE_TIMESTAMP, USUAL_LOW, USUAL_HIGH, USUAL_DAYS),
    ALERT_JOB: (
        INCREASE,
        GRADE,
        NOTICE,
        LATENCY_USUAL,
        LATENCY_LOW,
        LATENCY_UP_TO,
        LATENCY_INCREASE,
        LATENCY_HIGH,
        LATENCY_NOTICE,
        ALERT,
        ALERT_PROVINCES,
        ALERT_JUDGED,
        ALERT_NOT_JUDGED,
        ALERT_TIMESTAMP,
        INCIDENT_OPEN,
        INCIDENT_STARTED,
        ISP_INFO,
    ),
    LIBRARY_JOB: (
        LIBRARY_TARGETS,
        LIBRARY_RESPONSE,
        LIBRARY_PROVISIONAL,
        LIBRARY_AGE,
        LIBRARY_TIMESTAMP,
    ),
}

Samples = list[tuple[tuple[str, ...], float]]
"""Values of one metric, each behind the values of its own labels."""


@dataclass(frozen=True, slots=True)
class MetricGroup:
    """What one job says of one egress and ISP: a group of the Pushgateway.

    `at` is the time that it is of, in Unix time: when the sweep started, when it was judged.
    """

    job: str
    egress: str
    isp: str
    at: float
    samples: Mapping[Gauge, Samples]


@dataclass(frozen=True, slots=True)
class LibraryFigures:
    """What is published for one province; `response_ratio` is None when nobody was asked."""

    province: Province
    targets: int
    response_ratio: float | None
    provisional: bool


class Exposition(Collector):
    """Groups of one job, for a registry of prometheus_client.

    `own_time`: each with the time that it is of, and with the label `job`, which a Pushgateway adds.
    """

    def __init__(self, groups: Sequence[MetricGroup], *, own_time: bool = False) -> None:
        self._groups = groups
        self._own_time = own_time

    def collect(self) -> Iterator[Metric]:
        job = ["job"] if self._own_time else []
        for gauge in dict.fromkeys(gauge for group in self._groups for gauge in group.samples):
            # A Pushgateway has these labels in the grouping key as well; a textfile has no other.
            labels = [*job, "egress", "isp", *gauge.labels]
            family = GaugeMetricFamily(gauge.name, gauge.help, labels=labels)
            for group in self._groups:
                its = [group.job for _ in job] + [group.egress, group.isp]
                at = group.at if self._own_time else None
                for values, value in group.samples.get(gauge, ()):
                    family.add_metric([*its, *values], value, at)
            yield family


def probe_metrics(
    sweep: Sweep, qualities: Iterable[ProvinceQuality], spool: SpoolState | None = None
) -> MetricGroup:
    """The metrics of one sweep, and of the spool, if there is one."""
    samples: dict[Gauge, Samples] = {gauge: [] for gauge in JOBS[PROBE_JOB]}
    for quality in qualities:
        for figure in FIGURES:
            value = getattr(quality, figure.name)
            if figure.gauge and not (figure.may_be_unknown and value is None):
                labels = (*_labels(quality.province), *filter(None, [figure.quantile]))
                samples[figure.gauge].append((labels, _or_nan(value)))
    samples[SWEEP_DURATION].append(((), sweep.duration_seconds))
    samples[SWEEP_TIMESTAMP].append(((), sweep.started_at.timestamp()))
    samples[SWEEP_LOCAL_DROPS].append(((), sweep.local_drops))
    samples[SWEEP_INFO].append(((sweep.engine, __version__), 1))
    if spool:
        samples[SPOOL_SWEEPS].append(((), spool.sweeps))
        samples[SPOOL_DROPPED].append(((), spool.dropped_sweeps))
        samples[SPOOL_QUARANTINED].append(((), spool.quarantined_rows))
    at = sweep.started_at.timestamp()
    return MetricGroup(PROBE_JOB, sweep.egress.name, sweep.library.isp, at, samples)


def baseline_metrics(
    isp: str, egress: str, baselines: Iterable[Baseline], *, at: datetime
) -> MetricGroup:
    """The metrics of the baselines of one egress that are stored at that time."""
    samples: dict[Gauge, Samples] = {gauge: [] for gauge in JOBS[BASELINE_JOB]}
    for baseline in baselines:
        labels = _labels(baseline.province)
        samples[BASELINE].append((labels, baseline.loss_ratio))
        samples[BASELINE_TIMESTAMP].append((labels, baseline.computed_at.timestamp()))
        if band := baseline.band:
            samples[USUAL_LOW].append((labels, band.low_ratio))
            samples[USUAL_HIGH].append((labels, band.high_ratio))
            samples[USUAL_DAYS].append((labels, band.days))
    return MetricGroup(BASELINE_JOB, egress, isp, at.timestamp(), samples)


def alert_metrics(
    isp: ISP, egress: str, verdict: Verdict, watch: Watch | None = None
) -> MetricGroup:
    """The metrics of one verdict. A severity that cannot be told is absent: neither 0 nor 1.

    So is the incident when `watch` is None: what there is could not be read.
    """
    samples: dict[Gauge, Samples] = {gauge: [] for gauge in JOBS[ALERT_JOB]}
    for judgement in verdict.judgements:
        _add_judgement(samples, judgement)
    for severity in Severity:
        if severity not in verdict.undetermined:
            provinces = verdict.active.get(severity, ())
            samples[ALERT].append(((severity,), 1 if provinces else 0))
            samples[ALERT_PROVINCES].append(((severity,), len(provinces)))
    samples[ALERT_JUDGED].append(((), len(verdict.judged)))
    samples[ALERT_TIMESTAMP].append(((), verdict.judged_at.timestamp()))
    if watch:
        incident = watch.open_incident
        samples[INCIDENT_OPEN].append(((), int(incident is not None)))
        if incident:
            samples[INCIDENT_STARTED].append(((), incident.opened_at.timestamp()))
    samples[ISP_INFO].append(((isp.name,), 1))
    return MetricGroup(ALERT_JOB, egress, isp.slug, verdict.judged_at.timestamp(), samples)


def library_metrics(
    isp: str,
    egress: str,
    libraries: Iterable[LibraryFigures],
    *,
    asked_at: float,
    age_seconds: float,
) -> MetricGroup:
    """The metrics of an ISP's library after a discovery or a refresh; provinces without targets too."""
    samples: dict[Gauge, Samples] = {gauge: [] for gauge in JOBS[LIBRARY_JOB]}
    for figures in libraries:
        labels = _labels(figures.province)
        samples[LIBRARY_TARGETS].append((labels, figures.targets))
        samples[LIBRARY_RESPONSE].append((labels, _or_nan(figures.response_ratio)))
        samples[LIBRARY_PROVISIONAL].append((labels, int(figures.provisional)))
    samples[LIBRARY_AGE].append(((), age_seconds))
    samples[LIBRARY_TIMESTAMP].append(((), asked_at))
    return MetricGroup(LIBRARY_JOB, egress, isp, asked_at, samples)


def _add_judgement(samples: Mapping[Gauge, Samples], judgement: Judgement) -> None:
    labels = _labels(judgement.province)
    if judgement.not_judged is not None:
        samples[ALERT_NOT_JUDGED].append(((*labels, judgement.not_judged), 1))
    elif judgement.increase_ratio is not None:
        samples[INCREASE].append((labels, judgement.increase_ratio))
        samples[GRADE].append((labels, list(Grade).index(judgement.grade or Grade.NONE)))
        if judgement.band:  # with a mean nothing is noticed
            notice = judgement.notice
            samples[NOTICE].append((labels, notice.increase if notice else 0))
    if latency := judgement.latency:
        notice = latency.notice
        for gauge, value in (
            (LATENCY_USUAL, latency.usual_seconds),
            (LATENCY_LOW, latency.band.low_ratio),
            (LATENCY_UP_TO, latency.band.high_ratio),
            (LATENCY_INCREASE, latency.increase_seconds),
            (LATENCY_HIGH, int(latency.is_high)),
            (LATENCY_NOTICE, notice.increase if notice else 0),
        ):
            samples[gauge].append((labels, value))


def _labels(province: Province) -> tuple[str, str]:
    return province.slug, province.name


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
