"""What a clock has put where it cannot be heeded: how many rows, of when, and the SQL against them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa

from netsky.clock import IgnoredRows
from netsky.places import PROVINCES
from netsky.store.rows import aware_time
from netsky.store.tables import PROVINCE_NAMES, SWEEP_TABLES, by_key, sweeps, time_of

# Of each name no more are counted, so that a clock of 1970, for which all is later, costs little.
_MOST_COUNTED = 10_000


def is_any_ahead(connection: sa.Connection, isp: str, egress: str, *, after: datetime) -> bool:
    """Whether there is a row of an egress that is stamped later than that (naive UTC)."""
    columns = sweeps.c
    query = (
        by_key(sa.select(columns.started_at))
        .where(columns.isp == isp, columns.egress == egress, columns.started_at > after)
        .where(columns.province.in_(PROVINCE_NAMES))
        .limit(1)
    )
    return connection.scalar(query) is not None


def rows_ahead(
    connection: sa.Connection, isp: str, egress: str, *, after: datetime
) -> IgnoredRows | None:
    """The rows of an egress that are stamped later than that (naive UTC)."""
    if not is_any_ahead(connection, isp, egress, after=after):
        return None
    columns = sweeps.c
    its_own = (columns.isp == isp) & (columns.egress == egress)
    found = list(
        _counted(
            connection,
            [
                its_own & (columns.province == province.name) & (columns.started_at > after)
                for province in PROVINCES
            ],
        )
    )
    if not found:  # they were removed in this moment
        return None
    first = min(first for _, first, _ in found)
    end = max(last for _, _, last in found) + timedelta(seconds=1)
    quoted = egress.replace("'", "''")

    def where(table: sa.Table) -> str:
        time = time_of(table).name
        mine = f"isp = '{isp}'" if table is sweeps else f"name LIKE 'netsky_{isp.upper()}_%'"
        # Only while they are ahead: later on, such times may be those of what was measured then.
        return (
            f"{mine} AND egress = '{quoted}' AND {time} >= '{first}' AND {time} < '{end}' "
            f"AND {time} > {_sql_now(connection)}"
        )

    return _ignored(egress, found, where)


def rows_between(
    connection: sa.Connection, since: datetime | None, before: datetime
) -> IgnoredRows | None:
    """The rows of all egresses from `since` on (if any) to `before` (naive UTC)."""
    when = sweeps.c.started_at < before
    if since is not None:
        when &= sweeps.c.started_at >= since
    found = list(_counted(connection, [when]))
    return _ignored(None, found, lambda of: f"{time_of(of).name} < '{before}'") if found else None


def _counted(
    connection: sa.Connection, conditions: Iterable[sa.ColumnElement[bool]]
) -> Iterator[tuple[int, datetime, datetime]]:
    """Rows, first and last of each condition that any row meets."""
    started_at = sweeps.c.started_at
    counts = []
    for condition in conditions:
        times = sa.select(started_at).where(condition).limit(_MOST_COUNTED).subquery().c
        ends = [
            sa.select(started_at).where(condition).order_by(order).limit(1).scalar_subquery()
            for order in (started_at, started_at.desc())
        ]
        counts.append(sa.select(sa.func.count(times.started_at), *ends))
    for rows, first, last in connection.execute(sa.union_all(*counts)):
        if rows:
            yield rows, first, last


def _ignored(
    egress: str | None,
    found: list[tuple[int, datetime, datetime]],
    where: Callable[[sa.Table], str],
) -> IgnoredRows:
    return IgnoredRows(
        egress,
        rows=sum(rows for rows, _, _ in found),
        at_least=any(rows == _MOST_COUNTED for rows, _, _ in found),
        first=aware_time(min(first for _, first, _ in found)),
        last=aware_time(max(last for _, _, last in found)),
        remove=" ".join(f"DELETE FROM {of.name} WHERE {where(of)};" for of in SWEEP_TABLES),  # noqa: S608  for people
    )


def _sql_now(connection: sa.Connection) -> str:
    return "datetime('now')" if connection.dialect.name == "sqlite" else "UTC_TIMESTAMP()"
