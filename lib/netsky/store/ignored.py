"""What a clock has put where it cannot be heeded: how many rows, of when, and the SQL against them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa

from netsky.clock import IgnoredRows
from netsky.store.rows import aware_time
from netsky.store.tables import HISTORY, lossrate

# Of each name no more are counted, so that a clock of 1970, for which all is later, costs little.
_MOST_COUNTED = 10_000


def rows_ahead(
    connection: sa.Connection, isp: str, names: Iterable[str], egress: str, *, after: datetime
) -> IgnoredRows | None:
    """The rows of an egress that are stamped later than that (naive UTC)."""
    columns = lossrate.c
    found = list(
        _counted(
            connection,
            [
                (columns.name == name) & (columns.egress == egress) & (columns.update_time > after)
                for name in names
            ],
        )
    )
    if not found:
        return None
    first = min(first for _, first, _ in found)
    end = max(last for _, _, last in found) + timedelta(seconds=1)
    where = [
        f"name LIKE 'netsky_{isp.upper()}_%'",
        "egress = '{}'".format(egress.replace("'", "''")),
        f"update_time >= '{first}' AND update_time < '{end}'",
        # Only while they are ahead: later on, such times may be those of what was measured then.
        f"update_time > {_sql_now(connection)}",
    ]
    return _ignored(egress, found, " AND ".join(where))


def rows_between(
    connection: sa.Connection, since: datetime | None, before: datetime
) -> IgnoredRows | None:
    """The rows of all egresses from `since` on (if any) to `before` (naive UTC)."""
    when = lossrate.c.update_time < before
    if since is not None:
        when &= lossrate.c.update_time >= since
    found = list(_counted(connection, [when]))
    return _ignored(None, found, f"update_time < '{before}'") if found else None


def _counted(
    connection: sa.Connection, conditions: Iterable[sa.ColumnElement[bool]]
) -> Iterator[tuple[int, datetime, datetime]]:
    """Rows, first and last of each condition that any row meets."""
    update_time = lossrate.c.update_time
    counts = []
    for condition in conditions:
        times = sa.select(update_time).where(condition).limit(_MOST_COUNTED).subquery().c
        ends = [
            sa.select(update_time).where(condition).order_by(order).limit(1).scalar_subquery()
            for order in (update_time, update_time.desc())
        ]
        counts.append(sa.select(sa.func.count(times.update_time), *ends))
    for rows, first, last in connection.execute(sa.union_all(*counts)):
        if rows:
            yield rows, first, last


def _ignored(
    egress: str | None, found: list[tuple[int, datetime, datetime]], where: str
) -> IgnoredRows:
    return IgnoredRows(
        egress,
        rows=sum(rows for rows, _, _ in found),
        at_least=any(rows == _MOST_COUNTED for rows, _, _ in found),
        first=aware_time(min(first for _, first, _ in found)),
        last=aware_time(max(last for _, _, last in found)),
        remove=" ".join(f"DELETE FROM {table.name} WHERE {where};" for table in HISTORY),  # noqa: S608  for people
    )


def _sql_now(connection: sa.Connection) -> str:
    return "datetime('now')" if connection.dialect.name == "sqlite" else "UTC_TIMESTAMP()"
