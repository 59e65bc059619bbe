"""What fails in a province, in words for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from netsky.console import percent
from netsky.fault import ALL_LOST, NO_FAULT, Fault, Part
from netsky.places import Province

_MOST_PROVINCES = 8
# Lost by chance, the share that is lost again is the loss rate; of dead addresses it is near 1.
_DEAD_AGAIN = 0.5
_SHORTEST = 2  # signs that the name of a city has


def fault_document(fault: Fault | None) -> Mapping[str, Any]:
    """The fields of a province in JSON: its prefixes, and the rest of it; [] and null without any."""
    return fault.document() if fault else NO_FAULT


Faults = Iterable[tuple[Province, Fault | None]]
"""What fails in each province, the worst first."""


def fault_names(faults: Faults) -> list[str]:
    """For a line: the prefixes that are named, each behind its province."""
    return [
        f"{province.slug}:{part.prefix}"
        for province, fault in faults
        if fault
        for part in fault.prefixes
    ]


def fault_lines(faults: Faults) -> list[str]:
    """For people: a line for each province of which a part fails, the worst first."""
    lines = [
        f"{province.name}：{said}"
        for province, fault in faults
        if fault and (said := fault_text(fault))
    ]
    if len(lines) > _MOST_PROVINCES:
        left_out = len(lines) - _MOST_PROVINCES
        lines[_MOST_PROVINCES:] = [f"另有 {left_out} 省也只是局部丢包（--format json 中有全部）"]
    return lines


def fault_text(fault: Fault) -> str:
    """Which part fails, or how; empty when it is all of the province, by chance."""
    if fault.prefixes:
        named = "；".join(_part_text(part) for part in fault.prefixes)
        rest = f"；其余 {percent(fault.rest.loss_ratio)}" if fault.rest.packets_sent else ""
        return f"其中 {named}{rest}"
    loss, again = fault.rest.loss_ratio or 0.0, fault.rest.lost_again_ratio
    if again is not None and again >= _DEAD_AGAIN and loss < _DEAD_AGAIN:
        return f"不集中于某个网段；上轮丢包的目标有 {again:.0%} 本轮又丢：像是固定的一部分地址不通"
    return ""


def _part_text(part: Part) -> str:
    loss = part.loss_ratio or 0.0
    how = "全断" if loss >= ALL_LOST else f"丢包 {percent(loss)}"
    return f"{part.prefix}{_where(part.cities)}{how}，占 {part.excess_ratio:.0%}"


def _where(cities: Sequence[str]) -> str:
    """What stands behind a prefix; of 深圳市 the last sign is left out, as people do."""
    names = "、".join(
        city[:-1] if len(city) > _SHORTEST and city[-1] == "市" else city for city in cities
    )
    return f"（{names}）" if names else " "
