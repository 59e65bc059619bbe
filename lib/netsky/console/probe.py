"""What netsky_probe.py shows of a sweep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from netsky.aggregate import ProvinceQuality, Total
from netsky.console import (
    WORST_IN_LINE,
    listed,
    local_time,
    loss_text,
    milliseconds,
    percent,
)
from netsky.console.faults import fault_document, fault_lines, fault_names
from netsky.console.province_table import ProvinceTable, Row
from netsky.fault import Fault
from netsky.figures import FIGURES, LIVE_LOSS, LOSS, TARGETS, Figure, Unit
from netsky.jobs.probe import ProbeReport
from netsky.places import ISP, Province
from netsky.spool_state import SpoolState
from netsky.sweep import ProvinceFailure


@dataclass(frozen=True, slots=True)
class ProbeView:
    """A sweep: as JSON, as a line, and as a table, worst province first."""

    report: ProbeReport
    isp: ISP

    def document(self) -> Mapping[str, Any]:
        sweep = self.report.sweep
        return {
            "sweep": {
                "isp": sweep.library.isp,
                "egress": sweep.egress.name,
                "engine": sweep.engine,
                "started_at": sweep.started_at.astimezone(UTC).isoformat(),
                "duration_seconds": sweep.duration_seconds,
                "targets": sum(quality.targets for quality in self.report.qualities),
                "packets_sent": sweep.packets_sent,
                "packets_received": sweep.packets_received,
                "local_drops": sweep.local_drops,
                "tainted": sweep.tainted,
                "discarded": dict(sweep.discarded),
            },
            "provinces": [_province_document(quality) for quality in self.report.qualities],
            "not_measured": [
                {
                    "province": failure.province.slug,
                    "province_name": failure.province.name,
                    "targets": failure.targets,
                    "reason": failure.reason,
                }
                for failure in sweep.failures
            ],
            "spool": None if self.report.spool is None else asdict(self.report.spool),
            "not_delivered": list(self.report.not_delivered),
        }

    def line(self) -> tuple[datetime, Mapping[str, object]]:
        sweep, total = self.report.sweep, self.report.total
        lossy = [q for q in worst_first(self.report.qualities) if q.loss_ratio > 0]
        return sweep.started_at, {
            "isp": sweep.library.isp,
            "egress": sweep.egress.name,
            "engine": sweep.engine,
            "provinces": len(self.report.qualities),
            "targets": total.targets,
            "sent": total.packets_sent,
            "received": total.packets_received,
            "loss": percent(total.loss_ratio),
            "live_targets": "-" if total.live_targets is None else total.live_targets,
            "live_loss": percent(total.live_loss_ratio),
            "dead_targets": "-" if total.dead_targets is None else total.dead_targets,
            "abnormal": percent(total.abnormal_ratio),
            "latency": f"{milliseconds(total.latency_mean_seconds)}ms",
            "duration": f"{sweep.duration_seconds:.1f}s",
            "local_drops": sweep.local_drops,
            "discarded": listed(
                [f"{reason}:{count}" for reason, count in sweep.discarded.items() if count]
            ),
            "worst": listed(
                [f"{q.province.slug}:{percent(q.loss_ratio)}" for q in lossy[:WORST_IN_LINE]]
            ),
            "prefixes": listed(fault_names(_faults(lossy))),
            "not_measured": listed([failure.province.slug for failure in sweep.failures]),
            **spool_fields(self.report.spool),
        }

    def screen(self) -> Sequence[ProvinceTable | Text]:
        summary = self._summary()
        return [self._table(summary), summary]

    def _table(self, below: Text) -> ProvinceTable:
        sweep = self.report.sweep
        shown = [figure for figure in FIGURES if figure.heading and self._is_known(figure)]
        not_measured = [
            Row([_name(failure.province), *_not_measured(failure, shown)], "bold red")
            for failure in sweep.failures
            if not self._is_measured(failure)
        ]
        measured = [
            Row([_name(quality.province), *(_cell(figure, quality) for figure in shown)])
            for quality in worst_first(self.report.qualities)
        ]
        return ProvinceTable(
            title=f"{self.isp.name} ({self.isp.slug})  出口 {sweep.egress.name}  "
            f"{local_time(sweep.started_at)}  {sweep.engine}",
            headings=["省份", *(str(figure.heading) for figure in shown)],
            rows=[*not_measured, *measured],
            dispensable=_dispensable(shown),
            below=below,
        )

    def _is_measured(self, failure: ProvinceFailure) -> bool:
        """Whether other targets of the province were."""
        return any(quality.province == failure.province for quality in self.report.qualities)

    def _is_known(self, figure: Figure) -> bool:
        """Whether the figure says anything; a count that is 0 everywhere, of targets, say, does not."""
        if not figure.may_be_unknown:
            return True
        values = [getattr(quality, figure.name) for quality in self.report.qualities]
        return any(
            value is not None and (value or figure.unit is not Unit.COUNT) for value in values
        )

    def _summary(self) -> Text:
        sweep, total = self.report.sweep, self.report.total
        text = Text(
            f"{len(self.report.qualities)} 省 {total.targets:,} 个目标：发 {total.packets_sent:,}，"
            f"收 {total.packets_received:,}\n丢包率 {percent(total.loss_ratio)}，"
            f"异常率 {percent(total.abnormal_ratio)}，"
            f"平均时延 {milliseconds(total.latency_mean_seconds)} ms，"
            f"用时 {sweep.duration_seconds:.1f} s，本机丢弃 {sweep.local_drops:,}"
        )
        text.append(_live_text(total))
        lossy = [q for q in worst_first(self.report.qualities) if q.loss_ratio > 0]
        if lossy:
            worst = [f"{q.province.name} {percent(q.loss_ratio)}" for q in lossy[:WORST_IN_LINE]]
            text.append(f"\n丢包最多：{'、'.join(worst)}")
        for line in fault_lines(_faults(lossy)):
            text.append(f"\n{line}", style="yellow")
        if sweep.tainted:
            text.append(
                "\n本机自身可能丢弃了数据包：以上丢包不一定全是网络所致，本次结果不可作为运营商质量依据",
                style="bold red",
            )
        if discarded := discarded_text(sweep.discarded):
            text.append(f"\n{discarded}", style="yellow")
        for (label, reason), failures in self._by_reason().items():
            names = "、".join(failure.province.name for failure in failures)
            targets = sum(failure.targets for failure in failures)
            text.append(f"\n{label} {names}（{targets:,} 个目标）：{reason}", style="bold red")
        if self.report.spool and self.report.spool.sweeps:
            text.append(f"\n{spool_text(self.report.spool)}", style="bold red")
        return text

    def _by_reason(self) -> Mapping[tuple[str, str], Sequence[ProvinceFailure]]:
        """By 未测 or 部分未测 and reason: what befalls the host befalls all provinces, and is told once."""
        found: dict[tuple[str, str], list[ProvinceFailure]] = {}
        for failure in self.report.sweep.failures:
            label = "部分未测" if self._is_measured(failure) else "未测"
            found.setdefault((label, failure.reason), []).append(failure)
        return found


@dataclass(frozen=True, slots=True)
class FlushView:
    """What became of the sweeps that waited."""

    isp: ISP
    egress: str
    flushed_at: datetime
    spool: SpoolState | None
    not_delivered: tuple[str, ...]

    def document(self) -> Mapping[str, Any]:
        return {
            "flush": {"isp": self.isp.slug, "egress": self.egress},
            "spool": None if self.spool is None else asdict(self.spool),
            "not_delivered": list(self.not_delivered),
        }

    def line(self) -> tuple[datetime, Mapping[str, object]]:
        fields = {"isp": self.isp.slug, "egress": self.egress}
        return self.flushed_at, {**fields, **spool_fields(self.spool)}

    def screen(self) -> Sequence[Text]:
        return [Text(spool_text(self.spool))]


DISCARDED = {
    "malformed": "格式不符",
    "wrong_cookie": "校验值不符",
    "wrong_source": "源地址不符",
    "duplicate": "重复应答",
    "late": "超时后才到",
}


def discarded_text(discarded: Mapping[str, int]) -> str:
    """For people: the replies that came and do not count, and why; empty without any."""
    parts = [
        f"{DISCARDED.get(reason, reason)} {count:,}" for reason, count in discarded.items() if count
    ]
    return f"已收到但不计入的应答：{'、'.join(parts)}" if parts else ""


def spool_fields(spool: SpoolState | None) -> Mapping[str, object]:
    """The field of a line that tells how many sweeps wait; `-` when that is not known or there is no spool."""
    return {"spooled": "-" if spool is None else spool.sweeps}


def spool_text(spool: SpoolState | None) -> str:
    """How full the spool is, in words for people."""
    if spool is None:
        return "暂存状态未知"
    return (
        f"暂存待入库 {spool.sweeps} 轮，累计丢弃 {spool.dropped_sweeps} 轮、"
        f"隔离 {spool.quarantined_rows} 行"
    )


def _faults(qualities: Sequence[ProvinceQuality]) -> list[tuple[Province, Fault | None]]:
    return [(quality.province, quality.fault) for quality in qualities]


def _live_text(total: Total) -> str:
    """A line on the targets that usually answer; none where that is not known."""
    if total.live_targets is None:
        return ""
    if total.live_loss_ratio is None:
        return "\n常在线目标：尚在学习，约 50 轮后可用"
    text = f"\n常在线目标 {total.live_targets:,} 个，其丢包率 {percent(total.live_loss_ratio)}"
    if total.dead_targets is None:
        return text
    share = percent(total.dead_targets / total.targets)
    return f"{text}；一周以上没有应答的目标 {total.dead_targets:,} 个（{share}）"


def _province_document(quality: ProvinceQuality) -> dict[str, Any]:
    province = quality.province
    figures = {figure.name: getattr(quality, figure.name) for figure in FIGURES}
    return {
        "province": province.slug,
        "province_name": province.name,
        **figures,
        **fault_document(quality.fault),
    }


def _name(province: Province) -> str:
    return f"{province.name} {province.slug}"


def _not_measured(failure: ProvinceFailure, shown: Sequence[Figure]) -> list[str]:
    texts = {LOSS: "未测", TARGETS: str(failure.targets)}
    return [texts.get(figure.gauge, "") if figure.gauge else "" for figure in shown]


def _dispensable(shown: Sequence[Figure]) -> list[int]:
    """Their columns, behind that of the province, the least important first."""
    names = [figure.name for figure in shown]
    return [1 + names.index(name) for name in _LEAST_IMPORTANT if name in names]


_LEAST_IMPORTANT = (
    "latency_p50_seconds",
    "latency_p99_seconds",
    "latency_p95_seconds",
    "abnormal_ratio",
    "live_targets",
    "latency_mean_seconds",
    "targets",
    "packets_lost",
)


def _cell(figure: Figure, quality: ProvinceQuality) -> Text | str:
    value = getattr(quality, figure.name)
    if value is None:
        return "-"
    return loss_text(value) if figure.gauge in (LOSS, LIVE_LOSS) else _CELLS[figure.unit](value)


_CELLS: Mapping[Unit, Callable[[Any], str]] = {
    Unit.COUNT: str,
    Unit.RATIO: percent,
    Unit.SECONDS: milliseconds,
}


def worst_first(qualities: Sequence[ProvinceQuality]) -> list[ProvinceQuality]:
    """The provinces sorted by loss, then abnormal rate, then latency, the largest first."""
    return sorted(
        qualities,
        key=lambda q: (q.loss_ratio, q.abnormal_ratio, q.latency_mean_seconds or 0.0),
        reverse=True,
    )
