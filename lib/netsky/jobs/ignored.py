"""Telling people of rows that a clock has put where they cannot be heeded."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from netsky.clock import IgnoredRows
from netsky.places import ISP
from netsky.store.database import Database

log = logging.getLogger(__name__)


def ignore_rows_ahead(
    database: Database, isp: ISP, egresses: Iterable[str], *, now: datetime
) -> tuple[IgnoredRows, ...]:
    """What is stamped later than now, which is logged, too. Raises DatabaseError."""
    found = [database.rows_ahead(isp.slug, egress, now=now) for egress in egresses]
    ignored = tuple(rows for rows in found if rows)
    for rows in ignored:
        log.warning(
            "egress %s: ignored are %s: later than now, so a clock was ahead when they were stored, "
            "or that of this host is behind (it says %s UTC). To remove them: %s",
            rows.egress,
            rows,
            f"{now:%Y-%m-%d %H:%M:%S}",
            rows.remove,
        )
    return ignored
