"""What a person or a script sees on standard output: table, line or JSON; and the progress bar.

Percent, milliseconds and rounding are for people and happen here only. Text is Chinese, with the
slugs that options take beside it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table
from rich.text import Text

from netsky.aggregate import ProvinceQuality
from netsky.errors import OutputError
from netsky.places import ISP
from netsky.probe import ProbeReport
from netsky.sweep import Progress

# Loss from which a figure turns yellow and red: the steps of the alert's grading.
YELLOW_LOSS_RATIO = 0.05
RED_LOSS_RATIO = 0.10

WORST_IN_LINE = 3
PIPE_WIDTH = 100


def render_json(report: ProbeReport) -> str:
    """The report as one JSON object on one line; ratios, seconds, null for no reply."""
    sweep = report.sweep
    return json.dumps(
        {
            "sweep": {
                "isp": sweep.library.isp,
                "egress": sweep.egress.name,
                "engine": sweep.engine,
                "started_at": sweep.started_at.astimezone(UTC).isoformat(),
                "duration_seconds": sweep.duration_seconds,
                "targets": sum(quality.targets for quality in report.qualities),
                "packets_sent": sweep.packets_sent,
                "packets_received": sweep.packets_received,
                "local_drops": sweep.local_drops,
                "tainted": sweep.tainted,
                "discarded": dict(sweep.discarded),
            },
            "provinces": [_province_json(quality) for quality in report.qualities],
            "not_measured": [
                {
                    "province": failure.province.slug,
                    "province_name": failure.province.name,
                    "targets": failure.targets,
                    "reason": failure.reason,
                }
                for failure in sweep.failures
            ],
            "not_delivered": list(report.not_delivered),
        },
        ensure_ascii=False,
    )


def _province_json(quality: ProvinceQuality) -> dict[str, Any]:
    return {
        "province": quality.province.slug,
        "province_name": quality.province.name,
        "targets": quality.targets,
        "packets_sent": quality.packets_sent,
        "packets_received": quality.packets_received,
        "loss_ratio": quality.loss_ratio,
        "abnormal_ratio": quality.abnormal_ratio,
        "latency_mean_seconds": quality.latency_mean_seconds,
        "latency_p50_seconds": quality.latency_p50_seconds,
        "latency_p95_seconds": quality.latency_p95_seconds,
        "latency_p99_seconds": quality.latency_p99_seconds,
    }


def render_line(report: ProbeReport) -> str:
    """The report as one line of `key=value`, for logs and grep."""
    sweep, total = report.sweep, report.total
    worst = [q for q in worst_first(report.qualities) if q.loss_ratio > 0][:WORST_IN_LINE]
    fields = {
        "isp": sweep.library.isp,
        "egress": sweep.egress.name,
        "engine": sweep.engine,
        "provinces": len(report.qualities),
        "targets": total.targets,
        "sent": total.packets_sent,
        "received": total.packets_received,
        "loss": percent(total.loss_ratio),
        "abnormal": percent(total.abnormal_ratio),
        "latency": f"{milliseconds(total.latency_mean_seconds)}ms",
        "duration": f"{sweep.duration_seconds:.1f}s",
        "local_drops": sweep.local_drops,
        "worst": ",".join(f"{q.province.slug}:{percent(q.loss_ratio)}" for q in worst) or "-",
        "not_measured": ",".join(f.province.slug for f in sweep.failures) or "-",
    }
    started = sweep.started_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return " ".join([started, *(f"{key}={value}" for key, value in fields.items())])


def show(report: ProbeReport, isp: ISP, output_format: str) -> None:
    """Print the report to standard output as `table`, `line` or `json`.

    Raises OutputError when that is not taken; BrokenPipeError is left to click.
    """
    try:
        if output_format == "table":
            console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
            console.print(_table(report, isp))
            console.print(_summary(report))
        else:
            line = render_json(report) if output_format == "json" else render_line(report)
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()  # a full disk shows now, not when the interpreter ends
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write to standard output: {error.strerror}") from error


def _table(report: ProbeReport, isp: ISP) -> Table:
    sweep = report.sweep
    started = sweep.started_at.astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
    table = Table(
        title=f"{isp.name} ({isp.slug})  出口 {sweep.egress.name}  {started}  {sweep.engine}",
        title_justify="left",
        # With more lines or spaces it would not fit into 80 columns.
        box=box.SIMPLE_HEAD,
        padding=0,
        show_edge=False,
        title_style="bold",
    )
    table.add_column("省份", no_wrap=True)
    for header in ("丢包率", "异常率", "平均 ms", "P50", "P95", "P99", "目标", "丢包"):
        table.add_column(header, justify="right", no_wrap=True)
    for failure in sweep.failures:
        table.add_row(
            f"{failure.province.name} {failure.province.slug}",
            "未测",
            *[""] * 5,
            f"{failure.targets}",
            "",
            style="bold red",
        )
    for quality in worst_first(report.qualities):
        table.add_row(
            f"{quality.province.name} {quality.province.slug}",
            Text(percent(quality.loss_ratio), style=_loss_style(quality.loss_ratio)),
            percent(quality.abnormal_ratio),
            milliseconds(quality.latency_mean_seconds),
            milliseconds(quality.latency_p50_seconds),
            milliseconds(quality.latency_p95_seconds),
            milliseconds(quality.latency_p99_seconds),
            f"{quality.targets}",
            f"{quality.packets_sent - quality.packets_received}",
        )
    return table


def _summary(report: ProbeReport) -> Text:
    sweep, total = report.sweep, report.total
    text = Text(
        f"{len(report.qualities)} 省 {total.targets:,} 个目标：发 {total.packets_sent:,}，"
        f"收 {total.packets_received:,}\n丢包率 {percent(total.loss_ratio)}，"
        f"异常率 {percent(total.abnormal_ratio)}，"
        f"平均时延 {milliseconds(total.latency_mean_seconds)} ms，"
        f"用时 {sweep.duration_seconds:.1f} s，本机丢弃 {sweep.local_drops:,}"
    )
    if sweep.tainted:
        text.append(
            "\n本机自身丢弃了数据包：以上丢包不全是网络所致，本次结果不可作为运营商质量依据",
            style="bold red",
        )
    for failure in sweep.failures:
        text.append(f"\n未测 {failure.province.name}：{failure.reason}", style="bold red")
    return text


def worst_first(qualities: Sequence[ProvinceQuality]) -> list[ProvinceQuality]:
    """By loss, then abnormal rate, then latency, all descending."""
    return sorted(
        qualities,
        key=lambda q: (q.loss_ratio, q.abnormal_ratio, q.latency_mean_seconds or 0.0),
        reverse=True,
    )


def percent(ratio: float) -> str:
    """Two decimals; never 0.00% or 100.00% for what is not exactly that."""
    if 0 < ratio < 0.00005:
        return "<0.01%"
    if 0.99995 <= ratio < 1:
        return ">99.99%"
    return f"{100 * ratio:.2f}%"


def milliseconds(seconds: float | None) -> str:
    """Two decimals, and three below 1 ms, where networks nearby are."""
    if seconds is None:
        return "-"
    return f"{1000 * seconds:.{2 if seconds >= 0.001 else 3}f}"


def _loss_style(ratio: float) -> str:
    if ratio >= RED_LOSS_RATIO:
        return "bold red"
    return "yellow" if ratio >= YELLOW_LOSS_RATIO else "green"


@contextmanager
def progress_bar(title: str, packets: int) -> Iterator[Progress]:
    """A bar on standard error, if that is a terminal, while a sweep of `packets` packets runs."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    bar = ProgressBar(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(title, total=packets)
        yield lambda done: bar.update(task, completed=done)
