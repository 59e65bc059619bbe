"""From a sweep to figures a person can use: loss, abnormal rate and latency, by province."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from netsky.fault import Fault
from netsky.places import Province
from netsky.sweep import Sweep

QUANTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class ProvinceQuality:
    """How the users of one province were reached in a sweep: ratios 0 to 1, seconds.

    `targets` are those measured. A target is abnormal when it lost a packet or its mean RTT is
    above the threshold. The latencies are None when nothing replied. The figures of `live` are of
    the targets that usually answer, as remembered from sweeps before; None when that is not known.
    `fault` is what fails in a province that loses far more than usual. `dead_targets` have not
    answered for a week; None before there was a week.
    """

    province: Province
    targets: int
    packets_sent: int
    packets_received: int
    loss_ratio: float
    abnormal_ratio: float
    latency_mean_seconds: float | None
    latency_p50_seconds: float | None
    latency_p95_seconds: float | None
    latency_p99_seconds: float | None
    live_targets: int | None = None
    live_packets_sent: int | None = None
    live_packets_received: int | None = None
    latency_max_seconds: float | None = None
    fault: Fault | None = None
    dead_targets: int | None = None

    @property
    def packets_lost(self) -> int:
        return self.packets_sent - self.packets_received

    @property
    def abnormal_targets(self) -> int:
        return round(self.abnormal_ratio * self.targets)

    @property
    def live_packets_lost(self) -> int | None:
        if self.live_packets_sent is None or self.live_packets_received is None:
            return None
        return self.live_packets_sent - self.live_packets_received

    @property
    def live_loss_ratio(self) -> float | None:
        """Packets lost / packets sent, of the targets that usually answer; None when not known."""
        lost = self.live_packets_lost
        return None if lost is None or not self.live_packets_sent else lost / self.live_packets_sent


def aggregate(
    sweep: Sweep,
    *,
    abnormal_rtt: float,
    live: npt.NDArray[np.bool_] | None = None,
    faults: Mapping[str, Fault] = {},
    dead: npt.NDArray[np.bool_] | None = None,
) -> list[ProvinceQuality]:
    """One ProvinceQuality for each province with a measured target, in the library's order.

    `abnormal_rtt` is in seconds; `live` is bool[targets], True for those that usually answer, or
    None when that is not known; `faults` are by the slug of the province; `dead` is
    bool[targets] again, those that had not answered for a week. Quantiles are over all replies of a
    province, with linear interpolation between ranks (numpy's default, type 7 of Hyndman and Fan 1996).
    """
    replied = ~np.isnan(sweep.rtt_seconds)
    sent = sweep.sent.sum(axis=1, dtype=np.int64)
    received = replied.sum(axis=1, dtype=np.int64)
    measured = sent > 0
    abnormal = measured & ((received < sent) | _slow(sweep.rtt_seconds, replied, abnormal_rtt))
    qualities = []
    for index, province in enumerate(sweep.library.provinces):
        rows = sweep.library.slice_of(index)
        targets = int(measured[rows].sum())
        if not targets:
            continue
        packets_sent, packets_received = int(sent[rows].sum()), int(received[rows].sum())
        rtts = sweep.rtt_seconds[rows][replied[rows]]
        p50, p95, p99 = _quantiles(rtts)
        qualities.append(
            ProvinceQuality(
                province=province,
                targets=targets,
                packets_sent=packets_sent,
                packets_received=packets_received,
                loss_ratio=(packets_sent - packets_received) / packets_sent,
                abnormal_ratio=int(abnormal[rows].sum()) / targets,
                latency_mean_seconds=_mean(rtts),
                latency_p50_seconds=p50,
                latency_p95_seconds=p95,
                latency_p99_seconds=p99,
                latency_max_seconds=float(rtts.max()) if len(rtts) else None,
                fault=faults.get(province.slug),
                dead_targets=None if dead is None else _silent(dead[rows], received[rows]),
                **({} if live is None else _live(sent[rows], received[rows], live[rows])),
            )
        )
    return qualities


def _slow(
    rtt_seconds: npt.NDArray[np.float32], replied: npt.NDArray[np.bool_], above: float
) -> npt.NDArray[np.bool_]:
    """Which targets have a mean RTT above that."""
    sums = np.where(replied, rtt_seconds, 0).sum(axis=1, dtype=np.float64)
    means = sums / np.maximum(replied.sum(axis=1), 1)
    # RTTs are float32: one of exactly the threshold must not come out above it.
    return np.asarray(means.astype(np.float32) > np.float32(above))


def _live(
    sent: npt.NDArray[np.int64], received: npt.NDArray[np.int64], live: npt.NDArray[np.bool_]
) -> dict[str, int]:
    """The figures of those targets of a province that usually answer."""
    return {
        "live_targets": int(np.count_nonzero(live & (sent > 0))),
        "live_packets_sent": int(sent[live].sum()),
        "live_packets_received": int(received[live].sum()),
    }


def _silent(dead: npt.NDArray[np.bool_], received: npt.NDArray[np.int64]) -> int:
    """How many of the dead are so still."""
    return int(np.count_nonzero(dead & (received == 0)))


def _mean(rtts: npt.NDArray[np.float32]) -> float | None:
    return float(rtts.mean(dtype=np.float64)) if len(rtts) else None


def _quantiles(rtts: npt.NDArray[np.float32]) -> tuple[float, ...] | tuple[None, ...]:
    if not len(rtts):
        return (None,) * len(QUANTILES)
    return tuple(float(value) for value in np.quantile(rtts, QUANTILES))


@dataclass(frozen=True, slots=True)
class Total:
    """The figures of all provinces together: sums over sums, never a mean of ratios.

    Those that are from the memory of targets are None where no province has them.
    """

    targets: int
    packets_sent: int
    packets_received: int
    loss_ratio: float
    abnormal_ratio: float
    latency_mean_seconds: float | None
    live_targets: int | None = None
    live_loss_ratio: float | None = None
    dead_targets: int | None = None


def total_of(qualities: Sequence[ProvinceQuality]) -> Total:
    """Sum up the provinces (at least one) of a sweep."""
    targets = sum(q.targets for q in qualities)
    sent = sum(q.packets_sent for q in qualities)
    received = sum(q.packets_received for q in qualities)
    abnormal = sum(q.abnormal_ratio * q.targets for q in qualities)
    rtt_sum = sum((q.latency_mean_seconds or 0.0) * q.packets_received for q in qualities)
    known = [q for q in qualities if q.live_targets is not None]
    live_sent = sum(q.live_packets_sent or 0 for q in known)
    dead = [q.dead_targets for q in qualities if q.dead_targets is not None]
    live_received = sum(q.live_packets_received or 0 for q in known)
    return Total(
        targets=targets,
        packets_sent=sent,
        packets_received=received,
        loss_ratio=(sent - received) / sent,
        abnormal_ratio=abnormal / targets,
        latency_mean_seconds=rtt_sum / received if received else None,
        live_targets=sum(q.live_targets or 0 for q in known) if known else None,
        live_loss_ratio=(live_sent - live_received) / live_sent if live_sent else None,
        dead_targets=sum(dead) if dead else None,
    )
