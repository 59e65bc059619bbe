"""The engines: each in a module of its own, all with the interface `netsky.sweep.Engine`."""

from __future__ import annotations

import logging

from netsky.engines.fping import FpingEngine
from netsky.engines.icmp import IcmpEngine
from netsky.engines.icmp_socket import may_open
from netsky.places import Egress
from netsky.sweep import Engine

log = logging.getLogger(__name__)


def open_engine(name: str, egress: Egress, *, fping: str, receive_buffer: int) -> Engine:
    """The engine `icmp` or `fping`, or with `auto` the first that this process may use.

    It is checked to work through `egress`: EngineError says what to mend. `fping` is the program's
    name on PATH, or its path; `receive_buffer` (bytes) is for icmp.
    """
    engine: Engine
    if name == "icmp" or (name == "auto" and may_open()):
        engine = IcmpEngine(receive_buffer)
    else:
        engine = FpingEngine(fping)
    engine.check(egress)
    log.info("engine %s", engine.name)
    return engine
