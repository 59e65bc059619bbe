"""What netsky_trace.py shows: the hops of a path, where loss begins, and mtr's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from netsky.console import listed, local_time, loss_text, make_table, milliseconds, percent
from netsky.console.mtr import mtr_parts
from netsky.console.trace_document import hop_document, target_document, verdict_document
from netsky.places import ISP
from netsky.trace import (
    Compared,
    Finding,
    Hop,
    Located,
    PathChange,
    Trace,
    TraceReport,
    Untold,
    Verdict,
    pool_ends,
)

MOST_LISTED = 5
_UNTOLD = {
    Untold.NOTHING_SENT: "没有包发出",
    Untold.TOO_LITTLE_LOSS: "丢包太少",
    Untold.TOO_FEW_ROUTERS: "途中应答的路由器太少",
}
_ONE_WAY = "单向探测分不清丢在去程还是回程，请从目的侧反向 mtr 到源地址核对"


@dataclass(frozen=True, slots=True)
class TraceView:
    """The pooled hops of the affected flows, the verdict, the other exits; `isp` is None for a list."""

    report: TraceReport
    isp: ISP | None

    def document(self) -> Mapping[str, Any]:
        report, traced = self.report, self.report.traced
        affected = set(map(id, report.located.affected))
        return {
            "trace": {
                "isp": self.isp.slug if self.isp else None,
                "egress": traced.egress,
                "province": report.province.slug,
                "province_name": report.province.name,
                "started_at": traced.started_at.astimezone(UTC).isoformat(),
                "duration_seconds": traced.duration_seconds,
                "rounds": report.plan.rounds,
                "targets": len(report.targets),
                "flows": len(traced.traces),
                "candidates": report.candidates,
                "candidates_answering": report.answering,
                "packets_sent": traced.packets_sent,
                "local_drops": traced.local_drops,
                "not_sent": dict(traced.not_sent),
            },
            "verdict": verdict_document(report.located, verdict_text(report.located)),
            "hops": [hop_document(hop) for hop in (*report.located.hops, report.located.end)],
            "targets": [
                target_document(trace, affected=id(trace) in affected) for trace in traced.traces
            ],
            "paths": [
                {
                    "address": trace.target,
                    "flow": trace.flow,
                    "hops": [hop_document(hop) for hop in trace.hops],
                    "unreachable_from": list(trace.unreachable),
                }
                for trace in traced.traces
            ],
            "compared": [_compared_document(other) for other in report.compared],
            "mtr": [
                {
                    "target": mtr.target,
                    "command": list(mtr.command),
                    "text": mtr.text,
                    "not_taken": mtr.not_taken,
                }
                for mtr in report.mtr
            ],
            "path_changes": [path_change_text(change) for change in report.changes],
        }

    def line(self) -> tuple[datetime, Mapping[str, object]]:
        report, located = self.report, self.report.located
        verdict = located.verdict
        begins = verdict.finding is Finding.BEGINS
        at_latest = "target" if verdict.at_latest is None else verdict.at_latest
        return report.traced.started_at, {
            "isp": self.isp.slug if self.isp else "-",
            "egress": report.traced.egress,
            "province": report.province.slug,
            "targets": len(report.targets),
            "affected_flows": f"{len(located.affected)}/{len(report.traced.traces)}",
            "loss": percent(located.end.loss_ratio or 0.0),
            "verdict": verdict.finding.value,
            "after_hop": verdict.after if begins else "-",
            "at_latest_hop": at_latest if begins else "-",
            "branch": located.branch[1] if located.branch else "-",
            "other_exits": listed([_compared_field(other) for other in report.compared]),
            "mtr": f"{sum(mtr.text is not None for mtr in report.mtr)}/{len(report.mtr)}",
        }

    def screen(self) -> Sequence[Table | Text]:
        report, traced = self.report, self.report.traced
        whose = f"{self.isp.name} ({self.isp.slug})  " if self.isp else ""
        title = Text(
            f"路径  {whose}出口 {traced.egress}  {report.province.name}  "
            f"{local_time(traced.started_at)}",
            style="bold",
        )
        return [title, _hop_table(report.located), self._conclusion(), *mtr_parts(report)]

    def _conclusion(self) -> Text:
        report, located = self.report, self.report.located
        style = {Finding.CLEAN: "green", Finding.BEGINS: "bold red", Finding.UNKNOWN: "yellow"}
        text = Text(f"结论：{verdict_text(located)}", style=style[located.verdict.finding])
        lines = [
            *_aside_lines(located.verdict),
            *_flow_lines(located),
            *(f"出口 {other.egress}：{_compared_text(other)}" for other in report.compared),
            *_unreachable_lines(report.traced.traces),
            *map(path_change_text, report.changes),
        ]
        if located.verdict.finding is not Finding.CLEAN:
            lines.append(_ONE_WAY)
        lines.append(
            f"{len(report.targets)} 个目标、{len(report.traced.traces)} 条流、每条 "
            f"{report.plan.rounds} 轮：发 {report.traced.packets_sent:,} 个包，用时 "
            f"{report.traced.duration_seconds:.1f} s"
        )
        if report.candidates:
            lines[-1] += f"；先看了 {report.candidates} 个地址，{report.answering} 个有应答"
        text.append("\n" + "\n".join(lines), style="not bold default")
        for reason, packets in report.traced.not_sent.items():
            text.append(f"\n{packets} 个包未能发出：{reason}", style="bold red")
        if report.traced.local_drops:
            text.append(
                f"\n本机丢弃了 {report.traced.local_drops} 个应答：以上丢包不一定是网络所致",
                style="bold red",
            )
        return text


@dataclass(frozen=True, slots=True)
class MtrView(TraceView):
    """What mtr adds to the same report; on a screen that alone, since the rest was shown before."""

    def screen(self) -> Sequence[Table | Text]:
        return mtr_parts(self.report)


def verdict_text(located: Located) -> str:
    """The verdict in words."""
    verdict, end = located.verdict, located.end
    if verdict.finding is Finding.CLEAN:
        return f"路径正常，{end.sent} 个包都到达了目标"
    loss = percent(end.loss_ratio or 0.0)
    if verdict.finding is Finding.UNKNOWN:
        why = _UNTOLD[verdict.untold] if verdict.untold else "原因不详"
        return f"丢包 {loss}，无法判断从哪一跳开始（{why}）"
    before = "本机" if not verdict.after else _named(located, verdict.after)
    behind = "目标" if verdict.at_latest is None else _named(located, verdict.at_latest)
    return f"丢包 {loss}，始于{before}之后，至迟到{behind}"


def path_change_text(change: PathChange) -> str:
    """Which routers are where others always were."""
    before, now = ("/".join(each[:MOST_LISTED]) for each in (change.before, change.now))
    return f"路径在第 {change.hop} 跳改变：原 {before}，现 {now}（{change.targets} 个目标）"


def verdict_field(located: Located) -> str:
    """For a line: clean, unknown, or the hops between which loss begins."""
    verdict = located.verdict
    if verdict.finding is not Finding.BEGINS:
        return str(verdict.finding.value)
    at_latest = "target" if verdict.at_latest is None else str(verdict.at_latest)
    return f"{verdict.after}-{at_latest}"


def _hop_table(located: Located) -> Table:
    table = make_table("", "跳", "地址", "丢包率", "发", "收", "平均 ms", "最大 ms", "说明")
    for hop in located.hops:
        table.add_row(f"{hop.ttl}", *_cells(hop), _note(hop, located.verdict))
    table.add_row("终", *_cells(located.end), _note(located.end, located.verdict))
    return table


def _cells(hop: Hop) -> list[Text | str]:
    if hop.ttl is None:
        name = hop.addresses[0] if len(hop.addresses) == 1 else "目标"
    else:
        name = hop.addresses[0] if hop.addresses else "???"
        name += f" 等 {len(hop.addresses)} 个" if len(hop.addresses) > 1 else ""
    worst = max(hop.rtts) if hop.rtts else None
    return [
        name,
        "-" if hop.loss_ratio is None else loss_text(hop.loss_ratio),
        str(hop.sent),
        str(hop.answered),
        milliseconds(hop.rtt_mean_seconds),
        milliseconds(worst),
    ]


def _note(hop: Hop, verdict: Verdict) -> str:
    if hop.ttl in verdict.limited:
        return "应答限速"
    if hop.ttl in verdict.silent:
        return "不应答"
    if verdict.finding is Finding.BEGINS and hop.ttl == verdict.at_latest:
        return "至迟由此丢包"
    return ""


def _named(located: Located, ttl: int) -> str:
    addresses = located.hops[ttl - 1].addresses
    who = "、".join(addresses[:MOST_LISTED]) or "无应答"
    return f"第 {ttl} 跳（{who}）"


def _aside_lines(verdict: Verdict) -> list[str]:
    lines = []
    if verdict.limited:
        lines.append(f"第 {_numbers(verdict.limited)} 跳限制自身应答，不是丢包，未用于判断")
    if verdict.silent:
        lines.append(f"第 {_numbers(verdict.silent)} 跳没有应答，未用于判断")
    return lines


def _flow_lines(located: Located) -> list[str]:
    """Which flows lose, and how those fare that do not."""
    lossy = [trace for trace in located.affected if trace.end.lost]
    lines = []
    if lossy:
        shown = "、".join(f"{trace.target}（流 {trace.flow}）" for trace in lossy[:MOST_LISTED])
        more = " 等" if len(lossy) > MOST_LISTED else ""
        lines.append(f"受影响 {len(lossy)} 条流：{shown}{more}")
    if located.branch:
        ttl, address = located.branch
        lines.append(
            f"受影响的流都经过第 {ttl} 跳 {address}，其余 {len(located.healthy)} 条不经过它"
        )
    if located.healthy:
        ratio = pool_ends(located.healthy).loss_ratio or 0.0
        lines.append(f"同一地区其余 {len(located.healthy)} 条流：丢包 {percent(ratio)}")
    elif lossy:
        lines.append("同一地区没有另外一组正常的流可以对比")
    return lines


def _unreachable_lines(traces: Sequence[Trace]) -> list[str]:
    who: dict[str, int] = {}
    for trace in traces:
        for address in trace.unreachable:
            who[address] = who.get(address, 0) + 1
    return [f"{address} 报告目标不可达（{flows} 条流）" for address, flows in who.items()]


def _compared_text(other: Compared) -> str:
    if other.located is None:
        return f"未能对比：{other.problem}"
    return f"同样的目标，{verdict_text(other.located)}"


def _compared_field(other: Compared) -> str:
    if other.located is None:
        return f"{other.egress}:-"
    return f"{other.egress}:{percent(other.located.end.loss_ratio or 0.0)}"


def _numbers(ttls: Sequence[int]) -> str:
    return "、".join(map(str, ttls))


def _compared_document(other: Compared) -> Mapping[str, Any]:
    located = other.located
    return {
        "egress": other.egress,
        "problem": other.problem,
        "verdict": None if located is None else verdict_document(located, verdict_text(located)),
    }
