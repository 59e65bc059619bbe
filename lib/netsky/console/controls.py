"""Whose fault a rise is, in words and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from netsky.console import WORST_IN_LINE
from netsky.judging.controls import Comparison, Comparisons, Extent
from netsky.places import Province

_CHINESE = {
    "exits": {
        Extent.ALL: "各出口都升高，像是该省网络",
        Extent.SOME: "部分出口升高",
        Extent.THIS_ONLY: "仅本出口升高，其他出口正常",
    },
    "isps": {
        Extent.ALL: "其他运营商经本出口也升高",
        Extent.SOME: "部分运营商经本出口也升高",
        Extent.THIS_ONLY: "其他运营商经本出口正常",
    },
}
_ENGLISH = {
    "exits": {
        Extent.ALL: "through all exits, so rather the province's network",
        Extent.SOME: "through some exits",
        Extent.THIS_ONLY: "through this exit only",
    },
    "isps": {
        Extent.ALL: "other ISPs through this exit, too",
        Extent.SOME: "some other ISPs through this exit, too",
        Extent.THIS_ONLY: "no other ISP through this exit",
    },
}


def chinese_controls(comparisons: Comparisons) -> list[str]:
    """Parts of a line for people: what other lines see, and of which provinces."""

    def named(provinces: list[Province]) -> str:
        names = "、".join(province.name for province in provinces[:WORST_IN_LINE])
        return f"{names} 等 {len(provinces)} 省" if len(provinces) > WORST_IN_LINE else names

    return _parts(comparisons, _CHINESE, lambda said, of: f"{said}：{named(of)}")


def english_controls(comparisons: Comparisons) -> list[str]:
    def named(provinces: list[Province]) -> str:
        names = ", ".join(province.slug for province in provinces[:WORST_IN_LINE])
        more = len(provinces) - WORST_IN_LINE
        return f"{names} and {more} more" if more > 0 else names

    return _parts(comparisons, _ENGLISH, lambda said, of: f"{said}: {named(of)}")


def _parts(
    comparisons: Comparisons,
    words: Mapping[str, Mapping[Extent, str]],
    part: Callable[[str, list[Province]], str],
) -> list[str]:
    parts = []
    for what, said in words.items():
        for extent, text in said.items():
            provinces = [of for of, each in comparisons.items() if getattr(each, what) is extent]
            if provinces:
                parts.append(part(text, provinces))
    return parts


def comparison_document(comparison: Comparison | None) -> Mapping[str, Any] | None:
    """The field of a province in JSON; null where no alert is about it."""
    if comparison is None:
        return None
    return {
        "exits": comparison.exits,
        "isps": comparison.isps,
        "controls": [
            {
                "isp": control.isp,
                "egress": control.egress,
                "increase_ratio": control.increase_ratio,
                "grade": control.grade,
            }
            for control in comparison.by_exit + comparison.by_isp
        ],
    }
