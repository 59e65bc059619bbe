"""The figures of a province in a sweep, each written down once.

JSON, tables, metrics and the rows of the database are all made from `FIGURES`, so that what is added
here, and to `ProvinceQuality`, is in all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """The unit in which a figure is measured inside; ratios are 0 to 1."""

    COUNT = "count"
    RATIO = "ratio"
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class Gauge:
    """A metric; `labels` are those beside egress and isp."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """`name` is its attribute of `ProvinceQuality` and its key in JSON.

    `heading` is that of its column on screens, `gauge` its metric (with `quantile` as the value of
    that label), `column` that of netsky_sweep, `kind` the table netsky_<kind> which has it alone.
    None: it is not there.
    `may_be_unknown`: where its value is None there is no metric, and where it is for all, no column.
    """

    name: str
    unit: Unit
    heading: str | None = None
    gauge: Gauge | None = None
    quantile: str | None = None
    column: str | None = None
    kind: str | None = None
    may_be_unknown: bool = False


BY_PROVINCE = ("province", "province_name")

TARGETS = Gauge("netsky_targets", "Targets measured in the newest sweep.", BY_PROVINCE)
PACKETS_SENT = Gauge("netsky_packets_sent", "Echo requests sent in it.", BY_PROVINCE)
PACKETS_RECEIVED = Gauge("netsky_packets_received", "Echo replies counted in it.", BY_PROVINCE)
LOSS = Gauge("netsky_loss_ratio", "Packets lost / packets sent.", BY_PROVINCE)
ABNORMAL = Gauge("netsky_abnormal_ratio", "Abnormal targets / targets.", BY_PROVINCE)
LATENCY_MEAN = Gauge("netsky_latency_mean_seconds", "Mean RTT of the replies.", BY_PROVINCE)
LATENCY = Gauge(
    "netsky_latency_seconds", "Quantiles of the RTT of the replies.", (*BY_PROVINCE, "quantile")
)
LIVE_TARGETS = Gauge(
    "netsky_live_targets", "Of the targets measured, those that usually answer.", BY_PROVINCE
)
LIVE_LOSS = Gauge(
    "netsky_live_loss_ratio",
    "Packets lost / packets sent, of those that usually answer.",
    BY_PROVINCE,
)
DEAD_TARGETS = Gauge(
    "netsky_dead_targets", "Of the targets, those that have not answered for a week.", BY_PROVINCE
)

# Screens have their columns in this order.
FIGURES = (
    Figure("loss_ratio", Unit.RATIO, "丢包率", LOSS, column="lossrate", kind="lossrate"),
    Figure("live_loss_ratio", Unit.RATIO, "常在线丢包率", LIVE_LOSS, may_be_unknown=True),
    Figure(
        "abnormal_ratio", Unit.RATIO, "异常率", ABNORMAL, column="abnormalrate", kind="abnormalrate"
    ),
    Figure(
        "latency_mean_seconds", Unit.SECONDS, "平均 ms", LATENCY_MEAN, column="mean", kind="latency"
    ),
    Figure("latency_p50_seconds", Unit.SECONDS, "P50", LATENCY, quantile="0.5", column="p50"),
    Figure("latency_p95_seconds", Unit.SECONDS, "P95", LATENCY, quantile="0.95", column="p95"),
    Figure("latency_p99_seconds", Unit.SECONDS, "P99", LATENCY, quantile="0.99", column="p99"),
    Figure("latency_max_seconds", Unit.SECONDS, column="max"),
    Figure("targets", Unit.COUNT, "目标", TARGETS, column="targets"),
    Figure(
        "live_targets",
        Unit.COUNT,
        "常在线目标",
        LIVE_TARGETS,
        column="live_targets",
        may_be_unknown=True,
    ),
    Figure("packets_lost", Unit.COUNT, "丢包"),
    Figure("packets_sent", Unit.COUNT, gauge=PACKETS_SENT, column="sent"),
    Figure("packets_received", Unit.COUNT, gauge=PACKETS_RECEIVED, column="received"),
    Figure("abnormal_targets", Unit.COUNT, column="abnormal"),
    Figure("live_packets_sent", Unit.COUNT, column="live_sent"),
    Figure("live_packets_received", Unit.COUNT),
    Figure("dead_targets", Unit.COUNT, gauge=DEAD_TARGETS, may_be_unknown=True),
    Figure("live_packets_lost", Unit.COUNT, column="live_lost"),
)
