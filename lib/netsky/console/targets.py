"""What netsky_probe.py --targets shows of a list of addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from netsky.console import WORST_IN_LINE, listed, local_time, loss_text, milliseconds, percent
from netsky.console.province_table import ProvinceTable, Row
from netsky.jobs.targets import TargetQuality, TargetsReport


@dataclass(frozen=True, slots=True)
class TargetsView:
    """Each address with loss, mean and greatest RTT, worst first; its JSON has them as `targets`."""

    report: TargetsReport

    def document(self) -> Mapping[str, Any]:
        sweep = self.report.sweep
        return {
            "sweep": {
                "egress": sweep.egress.name,
                "engine": sweep.engine,
                "started_at": sweep.started_at.astimezone(UTC).isoformat(),
                "duration_seconds": sweep.duration_seconds,
                "targets": len(self.report.targets),
                "packets_sent": sweep.packets_sent,
                "packets_received": sweep.packets_received,
                "local_drops": sweep.local_drops,
                "tainted": sweep.tainted,
            },
            "targets": [asdict(target) for target in self.report.targets],
            "not_measured": [failure.reason for failure in sweep.failures],
        }

    def line(self) -> tuple[datetime, Mapping[str, object]]:
        sweep = self.report.sweep
        lossy = [
            f"{t.address}:{percent(t.loss_ratio)}" for t in self.report.targets if t.loss_ratio
        ]
        return sweep.started_at, {
            "egress": sweep.egress.name,
            "engine": sweep.engine,
            "targets": len(self.report.targets),
            "sent": sweep.packets_sent,
            "received": sweep.packets_received,
            "lossy": len(lossy),
            "silent": len(self._silent()),
            "local_drops": sweep.local_drops,
            "worst": listed(lossy[:WORST_IN_LINE]),
        }

    def screen(self) -> Sequence[ProvinceTable | Text]:
        summary = self._summary()
        sweep = self.report.sweep
        table = ProvinceTable(
            title=f"名单  出口 {sweep.egress.name}  {local_time(sweep.started_at)}  {sweep.engine}",
            headings=("地址", "丢包率", "平均 ms", "最大 ms", "发", "收"),
            rows=[_row(target) for target in self.report.targets],
            dispensable=(4, 5, 3, 2),
            below=summary,
            unit="个地址",
        )
        return [table, summary]

    def _silent(self) -> list[TargetQuality]:
        return [target for target in self.report.targets if not target.packets_received]

    def _summary(self) -> Text:
        sweep, targets = self.report.sweep, self.report.targets
        text = Text(
            f"{len(targets)} 个地址：{sum(t.loss_ratio > 0 for t in targets)} 个有丢包，"
            f"其中 {len(self._silent())} 个无应答；发 {sweep.packets_sent:,}，收 "
            f"{sweep.packets_received:,}，用时 {sweep.duration_seconds:.1f} s"
        )
        if sweep.tainted:
            text.append("\n本机自身可能丢弃了数据包：以上丢包不一定全是网络所致", style="bold red")
        for failure in sweep.failures:
            text.append(f"\n{failure.targets} 个未测：{failure.reason}", style="bold red")
        return text


def _row(target: TargetQuality) -> Row:
    return Row(
        [
            target.address,
            loss_text(target.loss_ratio),
            milliseconds(target.latency_mean_seconds),
            milliseconds(target.latency_max_seconds),
            str(target.packets_sent),
            str(target.packets_received),
        ]
    )
