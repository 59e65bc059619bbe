"""The options that tools share, in groups: a tool takes the groups that it needs.

A group is a frozen dataclass. `OPTIONS` declares its options as click wants them, its fields hold
their values in one run, and its methods say what they stand for. A field named `settings` is given
the netsky.toml that was read.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar, Protocol

import click

from netsky.cli.config import SETTINGS, CommonOption

FILE = click.Path(path_type=Path)


class Number(click.FloatRange):
    """A finite number in a range: click alone lets `nan` through."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


Option = Callable[[Callable[..., Any]], Callable[..., Any]]


class Group(Protocol):
    """Options that belong together; see above."""

    OPTIONS: ClassVar[tuple[Option, ...]]
    __dataclass_fields__: ClassVar[dict[str, Any]]


def common_option(*names: str, **attributes: Any) -> Option:
    """An option of every tool: it may stand at the top of netsky.toml."""
    return click.option(*names, cls=CommonOption, **attributes)


def takes(**groups: type[Group]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a tool these groups of options; its function gets each by its name here."""

    def decorate(tool: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(tool)
        def with_groups(**options: Any) -> Any:
            made = {name: _make(group, options) for name, group in groups.items()}
            return tool(**made, **options)

        decorated: Callable[..., Any] = with_groups
        for option in reversed([option for group in groups.values() for option in group.OPTIONS]):
            decorated = option(decorated)
        return decorated

    return decorate


def names_of(group: type[Group]) -> list[str]:
    """The names of a group's options, with _ for -."""

    def bare() -> None:
        """Takes them all."""

    for option in group.OPTIONS:
        option(bare)
    declared: list[click.Parameter] = vars(bare)["__click_params__"]
    return [str(option.name) for option in declared]


def _make(group: type[Group], options: dict[str, Any]) -> Group:
    """The group with its values, which are taken out of `options`."""
    names = [field.name for field in fields(group)]
    values = {name: options.pop(name) for name in names if name != "settings"}
    if "settings" in names:
        values["settings"] = click.get_current_context().meta[SETTINGS]
    return group(**values)
