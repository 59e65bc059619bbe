"""What is usual, as people and scripts are shown it: a band, and how many days know it."""

from __future__ import annotations

from typing import Any

from netsky.console import percent
from netsky.loss import Band


def band_document(band: Band | None) -> dict[str, Any]:
    """For JSON; null where the rule gives no band."""
    return {
        "usual_low_ratio": band.low_ratio if band else None,
        "usual_high_ratio": band.high_ratio if band else None,
        "usual_days": band.days if band else None,
    }


def band_text(band: Band | None) -> str:
    return f"{percent(band.low_ratio)} – {percent(band.high_ratio)}" if band else "-"


def days_text(band: Band | None) -> str:
    """How sure it is: on the first day nothing is known but the hours before."""
    if band is None:
        return "-"
    return f"{band.days} 天" if band.days else "学习中"
