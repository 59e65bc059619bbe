"""INSERT where rows with the same key may be there already, as SQLite and as MySQL say it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite


def replace_rows(
    connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]
) -> None:
    """Put rows in; of those that are there all but the key becomes what is given.

    The rows are no part of the statement, whose text is then made once and not for each lot; PyMySQL sends them
    as one INSERT all the same.
    """
    if not rows:
        return
    names = [name for name in rows[0] if not table.c[name].primary_key]
    if connection.dialect.name == "sqlite":
        insert = sqlite.insert(table)
        changed = {name: insert.excluded[name] for name in names}
        connection.execute(insert.on_conflict_do_update(set_=changed), list(rows))
    else:
        mysql_insert = mysql.insert(table)
        changed = {name: mysql_insert.inserted[name] for name in names}
        connection.execute(mysql_insert.on_duplicate_key_update(changed), list(rows))


def ignore_existing(
    connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]
) -> None:
    """Put rows in that have nothing but a key."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.execute(sqlite.insert(table).values(list(rows)).on_conflict_do_nothing())
    else:
        first = next(iter(table.primary_key))
        insert = mysql.insert(table).values(list(rows))
        connection.execute(insert.on_duplicate_key_update({first.name: first}))
