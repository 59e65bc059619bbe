"""What netsky_probe.py --dry-run shows of a sweep that is not made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from rich.text import Text

from netsky.console import local_time
from netsky.console.province_table import ProvinceTable, Row
from netsky.jobs.dry_run import DatabaseCheck, DryRun
from netsky.places import ISP, Province


@dataclass(frozen=True, slots=True)
class DryRunView:
    """Targets by province, and what would be sent, how fast, through which exit."""

    found: DryRun
    isp: ISP

    def document(self) -> Mapping[str, Any]:
        found, library = self.found, self.found.library
        return {
            "dry_run": {
                "isp": self.isp.slug,
                "egress": asdict(found.egress),
                "engine": found.engine,
                "targets": library.targets,
                "duplicates": library.duplicates,
                "excluded": library.excluded,
                "packets": found.packets,
                "packets_per_second": found.packets / found.seconds,
                "seconds": found.seconds,
                "networks_24": found.networks,
                "most_targets_in_24": found.most_in_network,
                "database": None if found.database is None else asdict(found.database),
            },
            "provinces": [
                {"province": p.slug, "province_name": p.name, "targets": self._targets(index)}
                for index, p in enumerate(library.provinces)
            ],
        }

    def line(self) -> tuple[datetime, Mapping[str, object]]:
        found, library = self.found, self.found.library
        return found.checked_at, {
            "dry_run": self.isp.slug,
            "egress": found.egress.name,
            "engine": found.engine,
            "provinces": len(library.provinces),
            "targets": library.targets,
            "packets": found.packets,
            "rate": f"{found.packets / found.seconds:.0f}/s",
            "duration": f"{found.seconds:.1f}s",
            "networks_24": found.networks,
            "most_in_24": found.most_in_network,
            "excluded": library.excluded,
            "database": _state(found.database),
        }

    def screen(self) -> Sequence[ProvinceTable | Text]:
        found, library = self.found, self.found.library
        by_size = sorted(range(len(library.provinces)), key=self._targets)
        summary = self._summary()
        table = ProvinceTable(
            title=f"演练（不发包）  {self.isp.name} ({self.isp.slug})  出口 {found.egress.name}  "
            f"{local_time(found.checked_at)}  {found.engine}",
            headings=("省份", "目标"),
            rows=[Row([_name(library.provinces[i]), f"{self._targets(i):,}"]) for i in by_size],
            below=summary,
            folded="的目标数不少于以上各省",
        )
        return [table, summary]

    def _targets(self, index: int) -> int:
        bounds = self.found.library.bounds
        return int(bounds[index + 1] - bounds[index])

    def _summary(self) -> Text:
        found, library, egress = self.found, self.found.library, self.found.egress
        through = [
            f"{name} {value}"
            for name, value in (
                ("源地址", egress.source),
                ("网卡", egress.interface),
                ("标记", egress.fwmark),
            )
            if value is not None
        ]
        text = Text(
            f"{len(library.provinces)} 省 {library.targets:,} 个目标，每个 {found.plan.count} 个包："
            f"共 {found.packets:,} 个包，每秒 {found.packets / found.seconds:,.0f} 个，"
            f"发送 {found.seconds:.1f} s\n"
            f"{found.networks:,} 个 /24 网段，单个网段最多 {found.most_in_network} 个目标；"
            f"去重 {library.duplicates:,}，排除 {library.excluded:,}\n"
            f"出口 {egress.name}：{'，'.join(through) or '由系统路由决定'}；引擎 {found.engine} 可用"
        )
        text.append(f"\n数据库：{_STATES[_state(found.database)]}")
        if found.database and found.database.problem:
            text.append(f"\n{found.database.problem}", style="bold red")
        return text


def _name(province: Province) -> str:
    return f"{province.name} {province.slug}"


def _state(database: DatabaseCheck | None) -> str:
    if database is None:
        return "unused"
    if database.problem:
        return "unreachable"
    return "new" if database.new else "reachable"


_STATES = {
    "unused": "不写入",
    "unreachable": "无法写入",
    "new": "尚不存在，首轮探测时创建",
    "reachable": "可以连接",
}
