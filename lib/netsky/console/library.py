"""What netsky_library.py shows: the matrix of candidates, and a library's sizes and faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from netsky.console import listed, local_time, make_table, percent
from netsky.console.tiles import tile_map
from netsky.jobs.library_build import BuildReport, age_in_days
from netsky.jobs.library_check import FEW_TARGETS, Fault, Finding, LibraryReport
from netsky.places import BUILTIN_ISPS, PROVINCES, Province
from netsky.targets.candidate_files import BuildRecord
from netsky.targets.geo.names import ISPS

_OLD_SOURCE_DAYS = 180
_MOST_NAMES = 6  # of provinces in a line; JSON has all
_FAULTS = {
    Fault.EXCLUDED: "{count:,} 个地址在 exclude.txt 里，探测时会跳过，请从地址库删掉",
    Fault.RESERVED: "{count:,} 个保留地址，不属于任何用户：{where}",
    Fault.OUTSIDE_CANDIDATES: "{count:,} 个地址不在本运营商、本省的候选范围里：{where}",
    Fault.DEAD: "{count:,} 个目标一周以上没有应答（经任何出口）：{where}",
    Fault.CROWDED_BLOCKS: "{count:,} 个 /24 里的目标超过 4 个，容易被运营商限速：{where}",
    Fault.DUPLICATES: "{count:,} 个重复地址",
    Fault.OLD: "{count:,} 天没有更新",
    Fault.NOT_REFRESHED: "{count:,} 小时没有复查：netsky_library.py refresh 应每 3 小时运行一次",
    Fault.PROVISIONAL: "{count} 省还是临时的，要满 24 次复查，在此之前不要据此告警：{where}",
    Fault.FEW_TARGETS: "{count} 省不足 400 个目标，丢包率不够准：{where}",
    Fault.NO_TARGETS: "{count} 省没有目标：{where}",
}


@dataclass(frozen=True, slots=True)
class BuildView:
    """The matrix of ISPs and provinces, what was left out, and what has changed."""

    report: BuildReport
    directory: str

    def document(self) -> Mapping[str, Any]:
        report = self.report
        return {
            "library": _record_document(report.record),
            "isps": [self._isp_document(index) for index in range(len(ISPS))],
            "provinces": [
                {
                    "isp": isp,
                    "province": province.slug,
                    "province_name": province.name,
                    "addresses": int(report.amounts.addresses[index, number]),
                    "blocks": int(report.amounts.blocks[index, number]),
                    "new": self._changed("new", index, number),
                    "gone": self._changed("gone", index, number),
                }
                for index, isp in enumerate(ISPS)
                for number, province in enumerate(PROVINCES)
            ],
            "overlapping": report.built.overlapping,
            "unmatched": [
                {"name": name, "addresses": addresses} for name, addresses in report.built.unmatched
            ],
        }

    def _isp_document(self, index: int) -> dict[str, Any]:
        isp, report = ISPS[index], self.report
        moved = None if report.change is None else int(report.change.moved[index])
        return {
            "isp": isp,
            "isp_name": BUILTIN_ISPS[isp].name,
            "addresses": int(report.amounts.addresses[index].sum()),
            "blocks": int(report.amounts.blocks[index].sum()),
            "without_province": report.built.without_province[isp],
            "vetoed": report.built.vetoed[isp],
            "reserved": report.built.reserved[isp],
            "moved": moved,
        }

    def _changed(self, what: str, index: int, number: int) -> int | None:
        change = self.report.change
        return None if change is None else int(getattr(change, what)[index, number])

    def line(self) -> tuple[datetime, Mapping[str, object]]:
        totals = self.report.amounts.addresses.sum(axis=1).tolist()
        return datetime.fromisoformat(self.report.record.built_at), {
            **dict(zip(ISPS, totals, strict=True)),
            "provinces": int((self.report.amounts.addresses > 0).all(axis=0).sum()),
            "without_province": sum(self.report.built.without_province.values()),
            "vetoed": sum(self.report.built.vetoed.values()),
        }

    def screen(self) -> Sequence[Table | Text]:
        return [self._table(), self._summary()]

    def _table(self) -> Table:
        amounts = self.report.amounts
        headings = [
            heading
            for isp in ISPS
            for heading in (BUILTIN_ISPS[isp].name.removeprefix("中国"), "/24")
        ]
        table = make_table("候选地址（尚未探测，大多数不会应答）", "省份", *headings)
        for number, province in enumerate(PROVINCES):
            cells = [
                f"{values[index, number]:,}"
                for index in range(len(ISPS))
                for values in (amounts.addresses, amounts.blocks)
            ]
            table.add_row(f"{province.name} {province.slug}", *cells)
        totals = [
            f"{values[index].sum():,}"
            for index in range(len(ISPS))
            for values in (amounts.addresses, amounts.blocks)
        ]
        table.add_row("合计", *totals, style="bold")
        return table

    def _summary(self) -> Text:
        report, built = self.report, self.report.built
        text = Text()
        for what, numbers in (
            ("查不到省份", built.without_province),
            ("路由表归属别家", built.vetoed),
            ("保留地址", built.reserved),
        ):
            if any(numbers.values()):
                parts = "，".join(f"{isp} {number:,}" for isp, number in numbers.items())
                text.append(f"未采用，{what}：{parts}\n")
        if built.overlapping:
            text.append(f"{built.overlapping:,} 个地址在几份数据里都有，以排在前面的为准\n")
        if built.unmatched:
            names = "、".join(f"{name} {addresses:,}" for name, addresses in built.unmatched)
            text.append(f"没有采用的最大的几家：{names}\n")
        text.append(self._change_text())
        text.append(_sources_text(report.record))
        text.append(f"已写入 {self.directory}", style="green")
        return text

    def _change_text(self) -> str:
        change = self.report.change
        if change is None:
            return "第一次生成，没有可比较的旧版本\n"
        parts = []
        for index, isp in enumerate(ISPS):
            moved = int(change.moved[index])
            new, gone = (int(part[index].sum()) - moved for part in (change.new, change.gone))
            parts.append(f"{isp} 新增 {new:,}、消失 {gone:,}、换省 {moved:,}")
        return f"与上次相比：{'；'.join(parts)}\n"


def _sources_text(record: BuildRecord) -> str:
    today = datetime.now(UTC).date()
    lines = []
    for source in record.sources:
        age = age_in_days(source, today)
        made = f"，制作于 {source.built}，距今 {age:,} 天" if age is not None else ""
        licence = f"，许可 {source.licence}" if source.licence else ""
        lines.append(f"数据：{source.kind}，{source.rows:,} 段{made}{licence}：{source.path}\n")
        if source.sha256:
            lines.append(f"SHA-256 {source.sha256}\n")
        if age is not None and age > _OLD_SOURCE_DAYS:
            lines.append(
                "这份数据旧了：有更新的，用 --geo 文件 指定（如 ip2region 的 ip2region_v4.xdb）\n"
            )
    return "".join(lines)


def _record_document(record: BuildRecord | None) -> Mapping[str, Any] | None:
    return (
        None if record is None else {**asdict(record), "sources": list(map(asdict, record.sources))}
    )


@dataclass(frozen=True, slots=True)
class LibraryView:
    """The sizes of a published library; with `faults_only` what is wrong with it and no table."""

    report: LibraryReport
    faults_only: bool = False

    def document(self) -> Mapping[str, Any]:
        report = self.report
        return {
            "library": {
                "isp": report.isp.slug,
                "changed_at": report.changed_at.isoformat(),
                "refreshed_at": report.refreshed_at and report.refreshed_at.isoformat(),
                "targets": report.targets,
                "candidates": _record_document(report.record),
            },
            "provinces": [
                {
                    "province": size.province.slug,
                    "province_name": size.province.name,
                    "targets": size.targets,
                    "blocks": size.blocks,
                    "deviation_ratio": size.deviation_ratio,
                    "candidates": size.candidates,
                    "response_ratio": size.response_ratio,
                    "provisional": size.provisional,
                }
                for size in report.sizes
            ],
            "findings": [
                {"fault": each.fault, "count": each.count, "where": list(each.where)}
                for each in report.findings
            ],
        }

    def line(self) -> tuple[datetime, Mapping[str, object]]:
        report = self.report
        return datetime.now(UTC), {
            "isp": report.isp.slug,
            "targets": report.targets,
            "provinces": sum(size.targets > 0 for size in report.sizes),
            "changed_at": report.changed_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "faults": listed([f"{each.fault}:{each.count}" for each in report.findings]),
        }

    def screen(self) -> Sequence[Table | Text]:
        if self.faults_only:
            return [self._summary()]
        return [self._table(), tile_map(self._tile), self._summary()]

    def _table(self) -> Table:
        report = self.report
        table = make_table(
            f"{report.isp.name} ({report.isp.slug})  地址库  更新于 {local_time(report.changed_at)}",
            *("省份", "目标", "/24", "± 百分点", "应答率", "候选地址"),
        )
        for size in report.sizes:
            table.add_row(
                f"{size.province.name} {size.province.slug}",
                f"{size.targets:,}",
                f"{size.blocks:,}",
                "-" if size.deviation_ratio is None else f"{100 * size.deviation_ratio:.2f}",
                "-" if size.response_ratio is None else percent(size.response_ratio),
                "-" if size.candidates is None else f"{size.candidates:,}",
            )
        return table

    def _tile(self, province: Province) -> tuple[str, str]:
        """Its targets; the colour tells whether these are enough."""
        size = next(size for size in self.report.sizes if size.province == province)
        if not size.targets:
            return "无", "red"
        return f"{size.targets:,}", "yellow" if size.targets < FEW_TARGETS else "green"

    def _summary(self) -> Text:
        report = self.report
        text = Text(f"{report.isp.name} ({report.isp.slug})：{report.targets:,} 个目标")
        if not self.faults_only:
            text.append("；±：丢包率 2% 时，仅由抽样造成的标准差")
            days = (datetime.now(UTC) - report.changed_at).days
            text.append(f"；最近更新距今 {max(0, days):,} 天")
            if report.refreshed_at:
                text.append(f"；最近复查 {local_time(report.refreshed_at)}")
        for finding in report.findings:
            text.append(f"\n{_fault_text(finding)}", style="yellow")
        if not report.findings:
            text.append("\n没有发现问题", style="green")
        if report.record and not self.faults_only:
            text.append(f"\n{_sources_text(report.record).rstrip()}")
        return text


def _fault_text(finding: Finding) -> str:
    where = "、".join(finding.where[:_MOST_NAMES])
    if len(finding.where) > _MOST_NAMES:
        where += " 等"
    return _FAULTS[finding.fault].format(count=finding.count, where=where)
