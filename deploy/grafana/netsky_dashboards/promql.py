"""The questions that the overview asks of Prometheus; metric names come from `netsky.outlets.metrics`.

The variables of the dashboard in them: `$isp`, and `$egress` and `$province`, which Grafana makes
into regular expressions. Sums of packets are over all provinces, whatever `$province` says.
"""

from __future__ import annotations

from netsky import figures
from netsky.figures import Gauge
from netsky.outlets import metrics
from netsky_dashboards.style import ALERT_STATE_VALUES
from netsky_dashboards.words import STALE_AFTER, Severity, seconds

ISP, EGRESS, PROVINCE = 'isp="$isp"', 'egress=~"$egress"', 'province_name=~"$province"'

BY_PROVINCE = "by (egress, province_name)"


def chosen(gauge: Gauge, *labels: str) -> str:
    """The series of what is chosen at the top of the dashboard."""
    province = [PROVINCE] if "province_name" in gauge.labels else []
    return f"{gauge.name}{{{', '.join([ISP, EGRESS, *province, *labels])}}}"


def all_provinces(gauge: Gauge, *, every_isp: bool = False) -> str:
    labels = [EGRESS] if every_isp else [ISP, EGRESS]
    return f"{gauge.name}{{{', '.join(labels)}}}"


def last(series: str, span: str = "12h") -> str:
    """The last sample of that time: only a Pushgateway repeats what comes seldom, or comes no more."""
    return f"last_over_time({series}[{span}])"


def age(timestamp: Gauge, *, by: str = "") -> str:
    """Of the oldest; `by` is a clause."""
    return f"max {by}(time() - {last(chosen(timestamp))})"


def fresh(expression: str, timestamp: Gauge = metrics.SWEEP_TIMESTAMP) -> str:
    """Without what is older than STALE_AFTER: a gap in the graph instead of the last value.

    `expression` must have the labels isp and egress.
    """
    limit = seconds(STALE_AFTER)
    return f"{expression} and on (isp, egress) (time() - {timestamp.name}{{{EGRESS}}} < {limit})"


def quantile(of: str) -> str:
    return chosen(figures.LATENCY, f'quantile="{of}"')


def total_loss(*, every_isp: bool = False) -> str:
    """All packets lost / all packets sent; never a mean of ratios."""
    received, sent = (
        f"sum by (isp, egress) ({all_provinces(gauge, every_isp=every_isp)})"
        for gauge in (figures.PACKETS_RECEIVED, figures.PACKETS_SENT)
    )
    return fresh(f"(1 - {received} / {sent})")


def dead_share() -> str:
    """By line, of all targets: those that have not answered for a week; nothing where that is not known."""
    dead, targets = (
        f"sum by (isp, egress) ({all_provinces(gauge)})"
        for gauge in (figures.DEAD_TARGETS, figures.TARGETS)
    )
    return fresh(f"({dead} / {targets})")


def total_latency() -> str:
    """The mean RTT of all replies: that of each province weighs as many replies as it had."""
    received, mean = all_provinces(figures.PACKETS_RECEIVED), all_provinces(figures.LATENCY_MEAN)
    # A province without any reply has no mean, which is NaN: `>= 0` leaves it out.
    replied = f"sum by (isp, egress) ({received} * ({mean} >= 0))"
    return fresh(f"({replied} / sum by (isp, egress) ({received}))")


def worst(gauge: Gauge, timestamp: Gauge = metrics.SWEEP_TIMESTAMP) -> str:
    return f"topk(1, {fresh(chosen(gauge), timestamp)})"


def worst_egress(gauge: Gauge) -> str:
    """By province; sorted by its slug, which is the order of the alphabet in Pinyin."""
    return f"max by (province, province_name) ({fresh(chosen(gauge))})"


def each(gauge: Gauge) -> str:
    return f"max by (province, province_name, egress) ({fresh(chosen(gauge))})"


def alert_state(severity: Severity) -> str:
    """By egress: an alert stands, does not, or cannot be told, also because it was judged long ago."""
    alert = fresh(chosen(metrics.ALERT, f'severity="{severity}"'), metrics.ALERT_TIMESTAMP)
    unknown = ALERT_STATE_VALUES["undetermined"]
    return (
        f"max by (egress) ({alert}) or "
        f"max by (egress) ({chosen(metrics.ALERT_TIMESTAMP)} * 0 + {unknown:g})"
    )


def not_judged_count() -> str:
    return (
        f"count by (egress) ({chosen(metrics.ALERT_NOT_JUDGED)}) or "
        f"max by (egress) ({chosen(metrics.ALERT_JUDGED)} * 0)"
    )


def sweep_age_by_province() -> str:
    loss, timestamp = chosen(figures.LOSS), chosen(metrics.SWEEP_TIMESTAMP)
    ages = f"{loss} * 0 + on (isp, egress) group_left () (time() - {timestamp})"
    return f"max {BY_PROVINCE} ({ages})"


def library(gauge: Gauge) -> str:
    """The series of the chosen ISP's library, through whichever exit it was asked last."""
    province = [PROVINCE] if "province_name" in gauge.labels else []
    asked_at = last(f"{metrics.LIBRARY_TIMESTAMP.name}{{{ISP}}}", "1d")
    value = last(f"{gauge.name}{{{', '.join([ISP, *province])}}}", "1d")
    return f"{value} and on (isp, egress) topk by (isp) (1, {asked_at})"


def library_response() -> str:
    """Of all provinces together: that of each weighs as many targets as it has."""
    targets, ratio = library(metrics.LIBRARY_TARGETS), library(metrics.LIBRARY_RESPONSE)
    # A province of which nobody was asked has no ratio, which is NaN: `>= 0` leaves it out.
    asked = f"(({ratio}) >= 0)"
    return f"sum(({targets}) * {asked}) / sum(({targets}) * ({asked} * 0 + 1))"


def library_age() -> str:
    """Since its last change: it was so old when that was pushed, and is older now."""
    age, asked_at = library(metrics.LIBRARY_AGE), library(metrics.LIBRARY_TIMESTAMP)
    return f"max(({age}) + on (isp, egress) (time() - ({asked_at})))"


def best_egress(gauge: Gauge) -> str:
    """The lowest by province. Of equal losses that with the lower latency: a second of it weighs as
    a hundredth of a percent of loss.

    What has no reply is NaN, and `>= 0` leaves it out: where nothing replies there is no best.
    """
    score = f"max {BY_PROVINCE} ({fresh(chosen(gauge))})"
    if gauge is figures.LOSS:
        score += f" + max {BY_PROVINCE} ({chosen(figures.LATENCY_MEAN)}) / 10000"
    return f"bottomk by (province_name) (1, ({score}) >= 0)"


def spread(gauge: Gauge) -> str:
    """Worst egress minus best, by province."""
    values = fresh(chosen(gauge))
    return f"max by (province_name) ({values}) - min by (province_name) ({values})"
