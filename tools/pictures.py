"""Draw docs/pictures/*.svg: what the tools show on a terminal, of runs that were kept as JSON.

    python -m tools.pictures

A test draws them again and compares. `python -m tools.capture` makes other runs.
"""

from __future__ import annotations

import html
import io
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from rich.cells import cell_len
from rich.console import Console

from netsky.addresses import AddressLibrary
from netsky.aggregate import ProvinceQuality
from netsky.console import View
from netsky.console.alert import AlertView
from netsky.console.probe import ProbeView
from netsky.fault import parse_fault
from netsky.jobs.alert import AlertReport
from netsky.jobs.probe import ProbeReport
from netsky.judging.controls import Comparison, Control
from netsky.judging.grading import Grade, Judgement, Severity, Thresholds, Verdict, add_up
from netsky.loss import Band, Baseline, NewestLoss
from netsky.places import BUILTIN_ISPS, Egress, find_province
from netsky.sweep import Sweep

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
TIME_ZONE = "Asia/Shanghai"
COLUMNS, LINES, CELL_WIDTH, WIDE_FONT_SIZE = 80, 24, 12.2, 23
NBSP = "\N{NO-BREAK SPACE}"

# No fonts from the network, and no clipping: the picture stands alone and is small.
_SVG = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, "Noto Sans Mono CJK SC",
    "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", monospace;
  font-size: {char_height}px;
}}
.{unique_id}-title {{ font-size: 17px; font-family: sans-serif; }}
{styles}
</style>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" class="{unique_id}-matrix">
{backgrounds}
{matrix}
</g>
</svg>
"""
_TEXT = re.compile(
    r'<text class="(?P<style>[^"]+)" x="(?P<x>[^"]+)" y="(?P<y>[^"]+)" textLength="[^"]+"'
    r' clip-path="[^"]+">(?P<text>[^<]+)</text>'
)


def sweep_view(document: Mapping[str, Any]) -> ProbeView:
    """What `netsky_probe.py --format json` printed, as the view that prints it as a table."""
    sweep = document["sweep"]
    names = {field.name for field in fields(ProvinceQuality)}
    qualities = [
        ProvinceQuality(
            **{name: value for name, value in row.items() if name in names}
            | {"province": find_province(row["province"])}
        )
        for row in document["provinces"]
    ]
    packets = np.empty((0, 1), np.float32)  # a table shows sums, not packets
    measured = Sweep(
        library=AddressLibrary(
            sweep["isp"],
            tuple(quality.province for quality in qualities),
            np.empty(0, np.uint32),
            np.zeros(len(qualities) + 1, np.int64),
        ),
        egress=Egress(sweep["egress"]),
        engine=sweep["engine"],
        started_at=datetime.fromisoformat(sweep["started_at"]),
        duration_seconds=sweep["duration_seconds"],
        rtt_seconds=packets,
        sent=packets.astype(np.bool_),
        local_drops=sweep["local_drops"],
    )
    return ProbeView(ProbeReport(measured, qualities, ()), BUILTIN_ISPS[sweep["isp"]])


def alert_view(document: Mapping[str, Any]) -> AlertView:
    """What `netsky_alert.py --format json` printed, as the view of its table; nothing is judged again."""
    alert = document["alert"]
    judgements = tuple(_judgement(row, alert["egress"]) for row in document["provinces"])
    thresholds = Thresholds()
    verdict = Verdict(
        judged_at=_moment(alert["judged_at"]),
        judgements=judgements,
        active=add_up(judgements, thresholds),
        undetermined=frozenset(Severity(each) for each in alert["undetermined"]),
    )
    isp = BUILTIN_ISPS[alert["isp"]]
    comparisons = {
        find_province(row["province"]): _comparison(row["compared"], isp.slug, thresholds.elevated)
        for row in document["provinces"]
        if row["compared"]
    }
    report = AlertReport(isp, alert["egress"], thresholds, verdict, (), comparisons=comparisons)
    return AlertView(report)


def _comparison(compared: Mapping[str, Any], isp: str, elevated: float) -> Comparison:
    controls = [
        Control(each["isp"], each["egress"], each["increase_ratio"], each["grade"])
        for each in compared["controls"]
    ]
    by_exit = tuple(each for each in controls if each.isp == isp)
    return Comparison(by_exit, tuple(each for each in controls if each.isp != isp), elevated)


def _judgement(row: Mapping[str, Any], egress: str) -> Judgement:
    province, by_live = find_province(row["province"]), row["by_live"]
    band = None
    if row["usual_days"] is not None:
        band = Band(row["usual_low_ratio"], row["usual_high_ratio"], row["usual_days"])
    fault = {"prefixes": row["prefixes"], "rest": row["rest"]}
    newest = NewestLoss(
        province,
        row["loss_ratio"],
        _moment(row["measured_at"]),
        row["live_loss_ratio"],
        row["live_targets"],
        parse_fault(json.dumps(fault)) if row["rest"] else None,
    )
    baseline = Baseline(
        province,
        egress,
        row["baseline_ratio"],
        _moment(row["baseline_at"]),
        row["live_baseline_ratio"],
        None if by_live else band,
        band if by_live else None,
    )
    return Judgement(
        province, newest, baseline, row["increase_ratio"], Grade(row["grade"]), row["not_judged"]
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def draw(view: View, title: str) -> str:
    """An SVG of what a view shows on a terminal of COLUMNS and LINES."""
    console = Console(
        record=True,
        width=COLUMNS,
        height=LINES,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        highlight=False,
    )
    with _in_china():
        for part in view.screen():
            console.print(part)
    svg = console.export_svg(title=title, code_format=_SVG, unique_id="netsky")
    return _TEXT.sub(_in_cells, svg).replace("</text><text", "</text>\n<text") + "\n"


def _in_cells(match: re.Match[str]) -> str:
    """Each run of wide and of narrow characters in its own place: a Chinese one takes two cells.

    rich gives a text the length of as many cells as it has characters, so Chinese would be squeezed.
    """
    cell, pieces = round(float(match["x"]) / CELL_WIDTH), []
    for cells, run in groupby(html.unescape(match["text"]), key=cell_len):
        padded = "".join(run)
        text = padded.strip(NBSP)
        if text:
            indent = len(padded) - len(padded.lstrip(NBSP))
            size = f' font-size="{WIDE_FONT_SIZE}"' if cells > 1 else ""
            pieces.append(
                f'<text class="{match["style"]}" x="{CELL_WIDTH * (cell + indent):g}" '
                f'y="{match["y"]}" textLength="{CELL_WIDTH * cells * len(text):g}"{size}>'
                f"{html.escape(text).replace(NBSP, '&#160;')}</text>"
            )
        cell += cells * len(padded)
    return "".join(pieces)


@contextmanager
def _in_china() -> Iterator[None]:
    """Local time is China's, wherever the picture is drawn."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = TIME_ZONE
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()


def pictures() -> dict[Path, str]:
    """All pictures by their file."""
    sweep, alert = (
        json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("sweep", "alert")
    )
    return {
        FOLDER / "sweep.svg": draw(sweep_view(sweep), _command("netsky_probe", sweep["sweep"])),
        FOLDER / "alert.svg": draw(alert_view(alert), _command("netsky_alert", alert["alert"])),
    }


def _command(tool: str, run: Mapping[str, Any]) -> str:
    return f"{tool}.py --isp {run['isp']} --egress {run['egress']}"


if __name__ == "__main__":
    for file, picture in pictures().items():
        file.write_text(picture, encoding="utf-8")
