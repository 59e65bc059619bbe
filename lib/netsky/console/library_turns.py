"""What netsky_library.py shows of what it sends: before a discovery, after it, after a refresh."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from netsky.console import listed, make_table, percent
from netsky.jobs.asking import Estimate
from netsky.jobs.library_check import deviation_of
from netsky.jobs.library_discover import DiscoveryReport
from netsky.jobs.library_refresh import RefreshReport
from netsky.places import ISP, PROVINCES
from netsky.targets.pool import LOOKS


@dataclass(frozen=True, slots=True)
class EstimateView:
    """What a discovery, or a refresh, is about to send."""

    estimate: Estimate
    isp: ISP
    egress: str
    rate: int

    def document(self) -> Mapping[str, Any]:
        return {
            "estimate": {
                "isp": self.isp.slug,
                "egress": self.egress,
                "rate": self.rate,
                **asdict(self.estimate),
            }
        }

    def line(self) -> tuple[datetime, Mapping[str, object]]:
        return datetime.now(UTC), {
            "isp": self.isp.slug,
            "egress": self.egress,
            "packets": self.estimate.packets,
            "blocks": self.estimate.blocks,
            "minutes": self._minutes(),
            "mbit_per_second": f"{self.estimate.bits_per_second / 1e6:.1f}",
        }

    def screen(self) -> Sequence[Table | Text]:
        return [Text(self.text())]

    def _minutes(self) -> int:
        return max(1, math.ceil(self.estimate.seconds / 60))

    def text(self) -> str:
        """All of it in a sentence."""
        estimate = self.estimate
        return (
            f"{self.isp.name} ({self.isp.slug})，经出口 {self.egress}：最多发送 "
            f"{estimate.packets:,} 个包，每秒最多 {math.ceil(estimate.packets_per_second):,} 个（{estimate.bits_per_second / 1e6:.1f} "
            f"Mbit/s），约 {self._minutes()} 分钟，涉及 {estimate.blocks:,} 个 /24（每个平均每秒最多 "
            f"0.4 个包）；今天还可发送 {estimate.left:,} 个包"
        )


@dataclass(frozen=True, slots=True)
class DiscoveryView:
    """What a discovery found, by province."""

    report: DiscoveryReport

    def document(self) -> Mapping[str, Any]:
        report = self.report
        return {
            "discovery": {
                "isp": report.place.isp.slug,
                "complete": report.complete,
                "packets_sent": int(report.sent.sum()),
                "answered": int(report.answered.sum()),
                "confirmed": int(report.confirmed.sum()),
                "published": int(report.published.sum()),
            },
            "provinces": [
                {
                    "province": province.slug,
                    "province_name": province.name,
                    "blocks": int(report.blocks[index]),
                    "packets_sent": int(report.sent[index]),
                    "answered": int(report.answered[index]),
                    "confirmed": int(report.confirmed[index]),
                    "published": int(report.published[index]),
                }
                for index, province in enumerate(PROVINCES)
            ],
        }

    def line(self) -> tuple[datetime, Mapping[str, object]]:
        report = self.report
        return datetime.now(UTC), {
            "isp": report.place.isp.slug,
            "packets": int(report.sent.sum()),
            "answered": int(report.answered.sum()),
            "confirmed": int(report.confirmed.sum()),
            "published": int(report.published.sum()),
            "complete": "yes" if report.complete else "no",
        }

    def screen(self) -> Sequence[Table | Text]:
        return [self._table(), self._summary()]

    def _table(self) -> Table:
        report = self.report
        isp = report.place.isp
        table = make_table(
            f"{isp.name} ({isp.slug})  寻找会应答的地址",
            *("省份", "/24", "发包", "应答", "应答率", "再次应答", "发布", "± 百分点"),
        )
        for index, province in enumerate(PROVINCES):
            if report.sent[index] or report.published[index]:
                table.add_row(
                    f"{province.name} {province.slug}",
                    f"{report.blocks[index]:,}",
                    f"{report.sent[index]:,}",
                    f"{report.answered[index]:,}",
                    _share(report.answered[index], report.sent[index]),
                    f"{report.confirmed[index]:,}",
                    f"{report.published[index]:,}",
                    _deviation(int(report.published[index])),
                )
        return table

    def _summary(self) -> Text:
        report = self.report
        sent, answered = int(report.sent.sum()), int(report.answered.sum())
        text = Text(
            f"共发送 {sent:,} 个包，{answered:,} 个地址应答（{_share(answered, sent)}），"
            f"其中 {int(report.confirmed.sum()):,} 个再次应答"
        )
        if not report.complete:
            text.append(
                "\n今天的发包额度已用完，还没有发布：明天再运行一次，接着做", style="yellow"
            )
            return text
        text.append(_published(report.place, int(report.published.sum())))
        if report.provisional.any():
            text.append(
                f"\n这是临时地址库：要等 {LOOKS} 次 refresh（每天 8 次，约 3 天）筛选之后才稳定，"
                "在此之前不要据此告警",
                style="yellow",
            )
        return text


@dataclass(frozen=True, slots=True)
class RefreshView:
    """What a refresh saw and changed, by province."""

    report: RefreshReport

    def document(self) -> Mapping[str, Any]:
        report = self.report
        return {
            "refresh": {
                "isp": report.place.isp.slug,
                "packets_sent": report.packets,
                "found": report.found,
                "published": int(report.published.sum()),
                "changed": report.changes.published,
                "provisional": int(report.provisional.sum()),
            },
            "provinces": [
                {
                    "province": province.slug,
                    "province_name": province.name,
                    "published": int(report.published[index]),
                    "response_ratio": _or_none(report.response[index]),
                    "added": int(report.changes.added[index]),
                    "removed": int(report.changes.removed[index]),
                    "moved": int(report.moved[index]),
                    "looks": int(report.looks[index]),
                    "provisional": bool(report.provisional[index]),
                    "judged": bool(report.judgement.judged[index]),
                    "missing_ratio": _or_none(report.judgement.missing[index]),
                }
                for index, province in enumerate(PROVINCES)
            ],
        }

    def line(self) -> tuple[datetime, Mapping[str, object]]:
        report = self.report
        return datetime.now(UTC), {
            "isp": report.place.isp.slug,
            "packets": report.packets,
            "published": int(report.published.sum()),
            "added": int(report.changes.added.sum()),
            "removed": int(report.changes.removed.sum()),
            "provisional": int(report.provisional.sum()),
            "not_judged": listed(self._not_judged("slug")),
        }

    def screen(self) -> Sequence[Table | Text]:
        return [self._table(), self._summary()]

    def _table(self) -> Table:
        report = self.report
        isp = report.place.isp
        table = make_table(
            f"{isp.name} ({isp.slug})  复查地址库",
            *("省份", "目标", "± 百分点", "应答率", "换入", "换出", "状态"),
        )
        for index, province in enumerate(PROVINCES):
            if report.published[index] or report.changes.removed[index]:
                table.add_row(
                    f"{province.name} {province.slug}",
                    f"{report.published[index]:,}",
                    _deviation(int(report.published[index])),
                    _ratio(report.response[index]),
                    f"{report.changes.added[index]:,}",
                    f"{report.changes.removed[index]:,}",
                    self._condition(index),
                )
        return table

    def _condition(self, index: int) -> Text:
        report = self.report
        if not report.judgement.judged[index]:
            return Text("同时不应答的太多，本次不算", style="red")
        if report.provisional[index]:
            return Text(f"临时 {min(LOOKS, int(report.looks[index]))}/{LOOKS}", style="yellow")
        return Text("稳定", style="green")

    def _summary(self) -> Text:
        report = self.report
        text = Text(f"共发送 {report.packets:,} 个包")
        if report.found:
            text.append(f"；新网段中找到 {report.found:,} 个地址")
        if moved := int(report.moved.sum()):
            text.append(f"；{moved:,} 个地址换了省份")
        text.append(_published(report.place, int(report.published.sum())))
        if waiting := self._not_judged("name"):
            text.append(
                f"\n{'、'.join(waiting)} 可能正在故障：本次结果不计，一个地址也没有换掉",
                style="red",
            )
        return text

    def _not_judged(self, what: str) -> list[str]:
        judged = self.report.judgement.judged
        return [getattr(PROVINCES[index], what) for index in np.flatnonzero(~judged).tolist()]


def _published(place: Any, targets: int) -> str:
    return f"\n地址库 {place.directory / place.isp.slug}：{targets:,} 个目标"


def _share(part: int, whole: int) -> str:
    return percent(part / whole) if whole else "-"


def _ratio(value: float) -> str:
    return "-" if math.isnan(value) else percent(float(value))


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _deviation(targets: int) -> str:
    deviation = deviation_of(targets)
    return "-" if deviation is None else f"{100 * deviation:.2f}"
