"""The metrics of each job: names, labels and help in one place, apart from how they are sent.

Ratios 0 to 1 and seconds. A latency without any reply is NaN: the series stays, without a value.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from netsky import __version__
from netsky.aggregate import ProvinceQuality
from netsky.sweep import Sweep

PROBE_JOB = "netsky_probe"

# Metric, help, field of ProvinceQuality.
_BY_PROVINCE = (
    ("netsky_targets", "Targets measured in the newest sweep.", "targets"),
    ("netsky_packets_sent", "Echo requests sent in the newest sweep.", "packets_sent"),
    ("netsky_packets_received", "Echo replies counted in it.", "packets_received"),
    ("netsky_loss_ratio", "Packets lost / packets sent.", "loss_ratio"),
    ("netsky_abnormal_ratio", "Abnormal targets / targets.", "abnormal_ratio"),
    ("netsky_latency_mean_seconds", "Mean RTT of the replies.", "latency_mean_seconds"),
)
# Label `quantile`, field of ProvinceQuality.
_LATENCY_QUANTILES = (
    ("0.5", "latency_p50_seconds"),
    ("0.95", "latency_p95_seconds"),
    ("0.99", "latency_p99_seconds"),
)


class ProbeMetrics(Collector):
    """The metrics of one sweep, for a registry of prometheus_client."""

    def __init__(self, sweep: Sweep, qualities: Sequence[ProvinceQuality]) -> None:
        self._sweep = sweep
        self._qualities = qualities
        # In the Pushgateway the grouping key says the same; a textfile has only these.
        self._group = {"egress": sweep.egress.name, "isp": sweep.library.isp}

    def collect(self) -> Iterator[Metric]:
        for name, text, field in _BY_PROVINCE:
            yield self._gauge(name, text, ("province", "province_name"), self._values(field))
        yield self._gauge(
            "netsky_latency_seconds",
            "Quantiles of the RTT of the replies.",
            ("province", "province_name", "quantile"),
            (
                ((*labels, quantile), value)
                for quantile, field in _LATENCY_QUANTILES
                for labels, value in self._values(field)
            ),
        )
        sweep = self._sweep
        for name, text, value in (
            ("netsky_sweep_duration_seconds", "How long the sweep took.", sweep.duration_seconds),
            (
                "netsky_sweep_timestamp_seconds",
                "When the newest sweep started, in Unix time.",
                sweep.started_at.timestamp(),
            ),
            (
                "netsky_sweep_local_drops",
                "Packets that the probe host itself threw away; not 0: the sweep is tainted.",
                sweep.local_drops,
            ),
        ):
            yield self._gauge(name, text, (), [((), value)])
        yield self._gauge(
            "netsky_sweep_info",
            "Which engine of which version made the newest sweep; always 1.",
            ("engine", "version"),
            [((sweep.engine, __version__), 1)],
        )

    def _values(self, field: str) -> Iterator[tuple[tuple[str, ...], float]]:
        for quality in self._qualities:
            value = getattr(quality, field)
            labels = (quality.province.slug, quality.province.name)
            yield labels, math.nan if value is None else value

    def _gauge(
        self,
        name: str,
        text: str,
        labels: tuple[str, ...],
        values: Iterable[tuple[tuple[str, ...], float]],
    ) -> Metric:
        family = GaugeMetricFamily(name, text, labels=[*self._group, *labels])
        for label_values, value in values:
            family.add_metric([*self._group.values(), *label_values], value)
        return family
