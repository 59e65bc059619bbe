"""What mtr printed, or else our own figures in its columns."""

from __future__ import annotations

import statistics

from rich.text import Text

from netsky.trace import TraceReport


def mtr_parts(report: TraceReport) -> list[Text]:
    """Each report of mtr with its command; where none could be taken, our own figures in its columns."""
    parts = []
    for mtr in report.mtr:
        if mtr.text is not None:
            parts.append(Text(f"\n{' '.join(mtr.command)}", style="bold"))
            parts.append(Text(mtr.text.rstrip("\n")))
        else:
            parts.append(
                Text(f"\n到 {mtr.target} 的 mtr 未取得：{mtr.not_taken}", style="bold red")
            )
            parts.append(Text(_in_mtr_columns(report, mtr.target)))
    return parts


def _in_mtr_columns(report: TraceReport, target: str) -> str:
    trace = next(trace for trace in report.traced.traces if trace.target == target)
    hops = [*trace.hops, trace.end]
    lines = [f"{'以下为 netsky 自测':<28} Loss%   Snt   Last   Avg  Best  Wrst StDev"]
    for number, hop in enumerate(hops, 1):
        name = hop.addresses[0] if hop.addresses else target if hop is trace.end else "???"
        if not hop.sent:  # a router that all ways share was asked for other targets
            lines.append(f"{number:3}.|-- {name:<24} {'-':>6} {'-':>5} " + f" {'-':>5}" * 5)
            continue
        rtts = [1000 * rtt for rtt in hop.rtts] or [0.0]
        figures = (rtts[-1], statistics.fmean(rtts), min(rtts), max(rtts), statistics.pstdev(rtts))
        lines.append(
            f"{number:3}.|-- {name:<24} {100 * (hop.loss_ratio or 0):5.1f}% {hop.sent:5}  "
            + " ".join(f"{figure:5.1f}" for figure in figures)
        )
    return "\n".join(lines)
