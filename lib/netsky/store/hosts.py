"""Which host stores the sweeps of an exit: two that do so in turns have given one name to two lines.

A host that was moved, renamed or restarted is a new one, and after a failover it comes back once: what is
told is one that comes back again, within hours, each time after another.
"""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from netsky.files import read_file
from netsky.store.replacing import replace_rows
from netsky.store.rows import column_time
from netsky.store.tables import host

BACK_AGAIN = 2  # so often it was there before
WITHIN = timedelta(hours=3)
MOST_KEPT = 8

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def this_host() -> str:
    """Its name, and which kernel runs: copies of a machine have the same name and the same machine id."""
    boot = ""
    with suppress(OSError, ValueError):
        boot = read_file(_BOOT_ID).text()[:8]
    return f"{socket.gethostname()[:64]} {boot}".strip()


def take_turn(
    connection: sa.Connection,
    isp: str,
    egress: str,
    name: str | None,
    *,
    now: datetime | None = None,
) -> str | None:
    """Note that this host stores a sweep `now` (naive UTC); the other one, if both do so in turns.

    For a transaction that has the line's row, so that no other host's comes in between. None stores
    where it does not matter who does.
    """
    if name is None:
        return None
    now = now or column_time(datetime.now(UTC))
    line = {"isp": isp, "egress": egress}
    recent = connection.execute(sa.select(host.c.recent).filter_by(**line)).scalar()
    hosts: list[tuple[str, str]] = json.loads(recent) if recent else []
    if hosts and hosts[-1][0] == name:
        return None
    former = [(who, since) for who, since in hosts if now - datetime.fromisoformat(since) < WITHIN]
    former = former[-MOST_KEPT:]
    recent = json.dumps([*former, (name, now.isoformat())])
    replace_rows(connection, host, [{**line, "recent": recent}])
    times_before = sum(who == name for who, _ in former)
    return former[-1][0] if times_before >= BACK_AGAIN else None
