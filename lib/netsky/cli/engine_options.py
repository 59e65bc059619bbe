"""The options of a tool that sends: which engine, and what each engine of the list wants to know."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from netsky.engines import AUTO, ENGINES, EngineOption, open_engine

if TYPE_CHECKING:
    from netsky.places import Egress
    from netsky.sweep import Engine

_NAMES = [entry.name for entry in ENGINES]


@dataclass(frozen=True, slots=True)
class ChosenEngine:
    """What the command line says of the engine: its name, or `auto`, and all engines' own options."""

    name: str
    options: Mapping[str, object]

    def open(self, egress: Egress) -> Engine:
        """The engine, checked to work through `egress`; EngineError says what to mend."""
        return open_engine(self.name, egress, self.options)


def engine_options(tool: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a tool, whose function gets them as `engine`, a `ChosenEngine`."""
    own = [option for entry in ENGINES for option in entry.options]

    @functools.wraps(tool)
    def with_engine(*arguments: Any, engine: str, **options: Any) -> Any:
        values = {option.name: options.pop(option.name) for option in own}
        return tool(*arguments, engine=ChosenEngine(engine, values), **options)

    for option in reversed([_choice(), *map(_click_option, own)]):
        with_engine = option(with_engine)
    return with_engine


def _choice() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        "--engine",
        type=click.Choice([AUTO, *_NAMES]),
        default=AUTO,
        help="Send and receive with this engine; auto is the first that this process may use, in "
        f"the order {', '.join(_NAMES)}.",
    )


def _click_option(option: EngineOption) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        f"--{option.name.replace('_', '-')}",
        type=click.IntRange(*option.bounds) if option.bounds else None,
        default=option.default,
        metavar=option.metavar,
        help=option.help,
    )
