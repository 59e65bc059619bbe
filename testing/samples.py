"""Small address libraries on loopback, and sweeps made up from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from netsky.addresses import AddressLibrary
from netsky.aggregate import ProvinceQuality
from netsky.jobs.alert import AlertReport
from netsky.judging.grading import Thresholds, judge
from netsky.loss import Baseline, NewestLoss
from netsky.places import BUILTIN_ISPS, PROVINCES, Egress, Province, find_province
from netsky.sweep import Sweep
from netsky.targets import library

STARTED_AT = datetime(2024, 5, 6, 7, 8, 9, 654321, tzinfo=UTC)


def write_library(
    directory: Path,
    *,
    isp: str = "demo",
    targets: int = 20,
    provinces: Sequence[Province] = PROVINCES,
) -> Path:
    """A library of `targets` addresses a province: 127.16.0.0/16 for the first, then upwards."""
    folder = directory / isp
    folder.mkdir(parents=True)
    for index, province in enumerate(provinces, 16):
        last = targets - 1
        addresses = f"127.{index}.0.0-127.{index}.{last >> 8}.{last & 255}\n"
        (folder / f"{province.slug}.txt").write_text(addresses)
    return directory


def load_library(directory: Path, *, isp: str = "demo", **options: Any) -> AddressLibrary:
    return library.load(write_library(directory, isp=isp, **options), isp)


def make_sweep(rtts: dict[str, list[float]], *, egress: str = "default", **fields: Any) -> Sweep:
    """A sweep of ISP `cu`, one packet a target; by province the RTTs in seconds, NaN is lost."""
    rtt_seconds = np.concatenate([np.array(part, np.float32) for part in rtts.values()])[:, None]
    addresses = AddressLibrary(
        isp="cu",
        provinces=tuple(find_province(slug) for slug in rtts),
        addresses=np.arange(0x7F100000, 0x7F100000 + len(rtt_seconds), dtype=np.uint32),
        bounds=np.cumsum([0, *map(len, rtts.values())]),
    )
    return Sweep(
        library=addresses,
        egress=Egress(egress),
        engine="fping",
        started_at=STARTED_AT,
        duration_seconds=9.5,
        rtt_seconds=rtt_seconds,
        sent=np.ones_like(rtt_seconds, np.bool_),
        **fields,
    )


def make_quality(province: str, **fields: Any) -> ProvinceQuality:
    """10 targets of which 9 replied."""
    figures = {
        "targets": 10,
        "packets_sent": 10,
        "packets_received": 9,
        "loss_ratio": 0.1,
        "abnormal_ratio": 0.3,
        "latency_mean_seconds": 0.0425,
        "latency_p50_seconds": 0.04,
        "latency_p95_seconds": 0.08,
        "latency_p99_seconds": 0.09,
    }
    return ProvinceQuality(province=find_province(province), **figures | fields)


def make_newest(
    province: str, loss_percent: float, *, age: float = 10, now: datetime = STARTED_AT, **live: Any
) -> NewestLoss:
    """A loss rate of a sweep that started `age` seconds before `now`."""
    measured_at = now - timedelta(seconds=age)
    return NewestLoss(find_province(province), loss_percent / 100, measured_at, **live)


def make_baseline(
    province: str,
    loss_percent: float,
    *,
    hours: float = 0.5,
    egress: str = "default",
    now: datetime = STARTED_AT,
    **live: Any,
) -> Baseline:
    """A baseline that was computed `hours` before `now`."""
    computed_at = now - timedelta(hours=hours)
    return Baseline(find_province(province), egress, loss_percent / 100, computed_at, **live)


def make_alert_report(
    losses: dict[str, float | None], *, baseline: float = 0, not_delivered: Sequence[str] = ()
) -> AlertReport:
    """By province the loss in percent, above a baseline of so many; None: there is none yet."""
    newest = [make_newest(province, loss or 0) for province, loss in losses.items()]
    known = [province for province, loss in losses.items() if loss is not None]
    baselines = [make_baseline(province, baseline) for province in known]
    verdict = judge(newest, baselines, now=STARTED_AT, thresholds=Thresholds())
    return AlertReport(BUILTIN_ISPS["cu"], "unicom-1", Thresholds(), verdict, tuple(not_delivered))
