"""A quick look whether there is anything to take evidence of, each minute, without SQLAlchemy.

Loading that alone takes longer than a run with nothing to do may take. Only what is surely nothing counts:
with any doubt or trouble the real question is asked, which has words for what is wrong.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from netsky.cleared import CLEARED_WITHIN

_WAITING = """
SELECT DISTINCT isp, egress FROM netsky_incident
WHERE cleared_at IS NULL OR (
    cleared_at > {0} AND evidence IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM netsky_trace
        WHERE incident_id = netsky_incident.id AND reason = 'cleared'))
"""

Line = tuple[str, str]
"""The slug of an ISP, and the name of an exit."""


def surely_quiet(database: str, lines: Iterable[Line], *, timeout: float) -> set[Line]:
    """The lines of which no incident is open, nor was cleared lately without evidence of that.

    `database` is the URL of an option, with its placeholders. Each database is asked once; of one that
    cannot be asked no line is quiet.
    """
    of_database: dict[str, list[Line]] = {}
    for isp, egress in lines:
        filled = database.replace("{isp}", isp).replace("{egress}", egress)
        of_database.setdefault(filled, []).append((isp, egress))
    since = (datetime.now(UTC) - CLEARED_WITHIN).strftime("%Y-%m-%d %H:%M:%S")
    quiet = set()
    for filled, its_lines in of_database.items():
        # Whatever it is, it is told by who asks properly.
        with suppress(Exception), _opened(filled, timeout) as (connection, placeholder):
            cursor = connection.cursor()
            cursor.execute(_WAITING.format(placeholder), (since,))
            waiting = {(isp, egress) for isp, egress in cursor.fetchall()}
            quiet |= set(its_lines) - waiting
    return quiet


def _opened(database: str, timeout: float) -> AbstractContextManager[tuple[Any, str]]:
    url = urlsplit(database)
    return _sqlite(url) if url.scheme.startswith("sqlite") else _mysql(url, timeout)


@contextmanager
def _sqlite(url: SplitResult) -> Iterator[tuple[Any, str]]:
    if url.query or url.fragment or url.netloc or "%" in url.path:
        raise ValueError(url.scheme)
    file = Path(url.path[1:]).absolute().as_uri()
    with closing(sqlite3.connect(f"{file}?mode=ro", uri=True, timeout=1)) as connection:
        yield connection, "?"


@contextmanager
def _mysql(url: SplitResult, timeout: float) -> Iterator[tuple[Any, str]]:
    from netsky.store.mysql_connection import LightConnection
    from netsky.store.option_file import GROUP, read_option_file

    query = {key: values[-1] for key, values in parse_qs(url.query).items()}
    whole = max(1, round(timeout))
    arguments: dict[str, Any] = dict.fromkeys(
        ("connect_timeout", "read_timeout", "write_timeout"), whole
    )
    if file := query.pop("read_default_file", None):
        group = query.pop("read_default_group", GROUP)
        arguments |= read_option_file(Path(file).expanduser(), group)
    arguments |= query
    given = {
        "host": url.hostname,
        "port": url.port,
        "user": url.username and unquote(url.username),
        "password": url.password and unquote(url.password),
        "database": unquote(url.path[1:]),
    }
    arguments |= {name: value for name, value in given.items() if value is not None}
    with closing(LightConnection(**arguments)) as connection:
        yield connection, "%s"
