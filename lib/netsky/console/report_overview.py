"""What netsky_report.py shows on a terminal, and gives to scripts: the overview as tiles, a line, JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from netsky.console.incidents import incident_document
from netsky.console.report_screen import headline_texts, overview_screen
from netsky.judging.best_exit import BestExit, best_exits
from netsky.judging.grading import Judgement, Severity
from netsky.overview import LineState, Overview
from netsky.places import ISP, Province


@dataclass(frozen=True, slots=True)
class OverviewView:
    """All lines at one moment."""

    overview: Overview

    def document(self) -> Mapping[str, Any]:
        overview = self.overview
        return {
            "overview": {
                "at": overview.at.isoformat(),
                "state": state_of(overview),
                "lines": len(overview.lines),
                "bad": [_name(line) for line in overview.bad],
                "doubtful": [_name(line) for line in overview.doubtful],
                "never_measured": [
                    {"isp": isp.slug, "egress": egress} for isp, egress in overview.never_measured
                ],
            },
            "lines": [self._line_document(line) for line in overview.lines],
            "best_exit": [
                _best_document(isp, province, best)
                for isp in overview.isps
                for province, best in best_exits(overview, isp).items()
            ],
        }

    def screen(self) -> Sequence[Table | Text]:
        return overview_screen(self.overview)

    def _line_document(self, line: LineState) -> Mapping[str, Any]:
        sweep = line.sweep
        verdict = line.verdict
        return {
            **_name(line),
            "isp_name": line.isp.name,
            "trouble": line.trouble,
            "sweep_at": sweep.started_at.isoformat() if sweep else None,
            "age_seconds": (self.overview.at - sweep.started_at).total_seconds() if sweep else None,
            "tainted": line.is_tainted if sweep else None,
            "dead_ratio": sweep.dead_ratio if sweep else None,
            "spooled_sweeps": line.spooled,
            "library_at": line.library_at.isoformat() if line.library_at else None,
            "baseline_at": line.baseline_at.isoformat() if line.baseline_at else None,
            "active": [each for each in Severity if verdict and each in verdict.active],
            "incident": incident_document(line.open_incident, now=self.overview.at),
            "provinces": [
                _province_document(line, judgement)
                for judgement in (verdict.judgements if verdict else ())
            ],
        }

    def line(self) -> tuple[datetime, Mapping[str, object]]:
        overview = self.overview
        return overview.at, {
            "state": state_of(overview),
            "lines": len(overview.lines),
            "bad": _names(overview.bad),
            "doubtful": _names(overview.doubtful),
        }


@dataclass(frozen=True, slots=True)
class WrittenView:
    """The page that was written, and what stands at its top."""

    overview: Overview
    page: Path

    def document(self) -> Mapping[str, Any]:
        return {**OverviewView(self.overview).document(), "page": str(self.page)}

    def line(self) -> tuple[datetime, Mapping[str, object]]:
        moment, fields = OverviewView(self.overview).line()
        return moment, {**fields, "page": self.page}

    def screen(self) -> Sequence[Text]:
        return [*headline_texts(self.overview), Text(str(self.page))]


def state_of(overview: Overview) -> str:
    """`bad`, `doubtful` or `well`: the headline as a word."""
    if overview.bad:
        return "bad"
    return "well" if overview.is_well else "doubtful"


def _name(line: LineState) -> Mapping[str, Any]:
    return {"isp": line.isp.slug, "egress": line.egress}


def _names(lines: Sequence[LineState]) -> str:
    return ",".join(f"{line.isp.slug}/{line.egress}" for line in lines) or "-"


def _province_document(line: LineState, judgement: Judgement) -> Mapping[str, Any]:
    latency = line.sweep.latency_seconds.get(judgement.province) if line.sweep else None
    return {
        "province": judgement.province.slug,
        "province_name": judgement.province.name,
        "loss_ratio": judgement.loss_ratio,
        "baseline_ratio": judgement.baseline_ratio,
        "increase_ratio": judgement.increase_ratio,
        "latency_mean_seconds": latency,
        "grade": judgement.grade,
        "not_judged": judgement.not_judged,
    }


def _best_document(isp: ISP, province: Province, best: BestExit) -> Mapping[str, Any]:
    return {
        "isp": isp.slug,
        "province": province.slug,
        "province_name": province.name,
        "egress": best.best.egress,
        "loss_ratio": best.best.loss_ratio,
        "latency_mean_seconds": best.best.latency_seconds,
        "next": best.next.egress if best.next else None,
        "margin_ratio": best.margin_ratio,
        "margin_seconds": best.margin_seconds,
        "exits": len(best.exits),
        "current": best.home,
        "gain_over_current_ratio": best.gain_ratio,
        "gain_over_current_seconds": best.gain_seconds,
        "is_move": best.is_move,
        "ranking": [
            {
                "egress": each.egress,
                "loss_ratio": each.loss_ratio,
                "latency_mean_seconds": each.latency_seconds,
            }
            for each in best.exits
        ],
    }
