"""The engines: each in a module of its own, all with the interface `netsky.sweep.Engine`.

`ENGINES` is the list of them all. What the command line says of engines is made from it, so that it
loads no engine: numpy alone would make `--help` slow.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netsky.errors import EngineError, EngineUnavailableError

if TYPE_CHECKING:
    from netsky.places import Egress
    from netsky.sweep import Engine

log = logging.getLogger(__name__)

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class EngineOption:
    """A setting of one engine: `name` is the keyword of its class, and the option's with _ for -.

    A whole number has `bounds`, the least and the most that it may be.
    """

    name: str
    default: int | str
    metavar: str
    help: str
    bounds: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """An engine of the list: its class is `attribute` of `module`, which is loaded when it is used."""

    name: str
    module: str
    attribute: str
    options: tuple[EngineOption, ...] = ()

    def make(self, values: Mapping[str, object]) -> Engine:
        """The engine with its own options of `values`, and its defaults for those that are not there."""
        kind = getattr(importlib.import_module(self.module), self.attribute)
        engine: Engine = kind(
            **{option.name: values.get(option.name, option.default) for option in self.options}
        )
        return engine


# `auto` tries them in this order.
ENGINES = (
    EngineEntry(
        "icmp",
        module="netsky.engines.icmp",
        attribute="IcmpEngine",
        options=(
            EngineOption(
                "receive_buffer",
                # It holds the replies of a quarter of a second at 100,000 packets a second.
                default=32 << 20,
                bounds=(4096, 1 << 30),
                metavar="BYTES",
                help="Let the engine icmp ask for a receive buffer of this size; more than "
                "net.core.rmem_max needs CAP_NET_ADMIN.",
            ),
        ),
    ),
    EngineEntry(
        "fping",
        module="netsky.engines.fping",
        attribute="FpingEngine",
        options=(
            EngineOption(
                "fping",
                default="fping",
                metavar="PATH",
                help="Let the engine fping run this program.",
            ),
        ),
    ),
)


def open_engine(name: str, egress: Egress, options: Mapping[str, object] | None = None) -> Engine:
    """The engine of that name, or with `auto` the first of the list that this process may use.

    It is checked to work through `egress`: EngineError says what to mend, for each of the engines
    that were tried. `options` holds values of engines' own options by their names; an engine takes
    those that are its own.
    """
    refusals: list[tuple[str, EngineError]] = []
    for entry in ENGINES:
        if name in (entry.name, AUTO):
            engine = entry.make(options or {})
            try:
                engine.check(egress)
            except EngineError as error:
                refusals.append((entry.name, error))
                if not isinstance(error, EngineUnavailableError):
                    break  # this engine could be used if the user mended something
            else:
                log.info("engine %s", engine.name)
                return engine
    if len(refusals) == 1:
        raise refusals[0][1]
    reasons = "; ".join(f"{tried}: {error}" for tried, error in refusals)
    raise EngineError(f"no engine can be used here: {reasons}")
