"""An end to whatever takes too long outside of this process: a server that sends a byte now and then
keeps every single time-out, and still never comes to an end.
"""

from __future__ import annotations

import ipaddress
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from netsky.errors import DeliveryError, NetskyError

AGAIN_SECONDS = 1.0  # what was interrupted may begin to wait again while it cleans up


@contextmanager
def time_limit(
    seconds: float, what: str, error: type[NetskyError] = DeliveryError
) -> Iterator[None]:
    """Raise `error` in the block when it takes longer.

    Blocks may be nested: each limit holds. Only in the main thread, where signals arrive; in
    another there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def give_up(_number: int, _frame: FrameType | None) -> NoReturn:
        raise error(f"{what}: no end within {seconds:g} s: given up")

    left, _ = signal.getitimer(signal.ITIMER_REAL)
    if 0 < left <= seconds:  # the limit around this one ends earlier
        yield
        return
    started = time.monotonic()
    former = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
        if left:
            still = max(0.001, left - (time.monotonic() - started))
            signal.setitimer(signal.ITIMER_REAL, still, AGAIN_SECONDS)


def wait_for_name(host: str, seconds: float) -> None:
    """OSError when no name server says within `seconds` what `host` is, be it that there is none.

    No signal interrupts the system's look-up, which may take half a minute: it goes on, unheeded,
    in a thread that does not keep the process from ending. When this returns, the next look-up is
    quick.
    """
    with suppress(ValueError):
        ipaddress.ip_address(host)
        return

    def look_up() -> None:
        with suppress(OSError, UnicodeError):  # the caller that connects is told of it
            socket.getaddrinfo(host, None)

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        reason = f"no answer from the name servers within {seconds:g} s"
        raise socket.gaierror(socket.EAI_AGAIN, reason)
