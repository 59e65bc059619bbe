"""The engines: each in a module of its own, all with the interface `netsky.sweep.Engine`."""

from __future__ import annotations

from netsky.engines.fping import FpingEngine
from netsky.places import Egress
from netsky.sweep import Engine


def open_engine(egress: Egress, *, fping: str) -> Engine:
    """An engine, checked to work through `egress`; EngineError says what to mend.

    `fping` is the program's name on PATH, or its path.
    """
    engine = FpingEngine(fping)
    engine.check(egress)
    return engine
