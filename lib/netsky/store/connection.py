"""Connections to the database of a URL: what may stand in the URL, transactions, errors in one line."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, SQLAlchemyError

from netsky import unexpected
from netsky.errors import (
    DatabaseError,
    InputError,
    MissingDatabaseError,
    NetskyError,
    RefusedError,
)
from netsky.store.carry_over import make_tables
from netsky.store.option_file import GROUP, OptionFileError, read_option_file
from netsky.store.tables import NEW_TABLES
from netsky.time_limit import time_limit, wait_for_name

_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "mysql": "mysql+pymysql",
    "mysql+pymysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "mariadb+pymysql": "mariadb+pymysql",
}
_MYSQL_QUERY_KEYS = {
    "read_default_file",
    "read_default_group",
    "ssl_ca",
    "ssl_cert",
    "ssl_key",
    "ssl_verify_cert",
    "ssl_verify_identity",
    "unix_socket",
}


def fill_url(template: str, isp: str, egress: str) -> sa.URL:
    """The URL of an ISP's database: `{isp}` and `{egress}` filled in, the driver made explicit.

    Raises InputError, which repeats nothing of the URL that may be a password.
    """
    filled = template.replace("{isp}", isp).replace("{egress}", egress)
    if re.search(r"\{\w*\}", filled):
        raise InputError("the database URL has braces around something else than isp and egress")
    try:
        url = sa.make_url(filled)
    except (ArgumentError, ValueError):
        raise InputError(
            "the database URL is not one: write sqlite:///FILE or mysql+pymysql://USER@HOST/NAME"
        ) from None
    if url.drivername not in _DRIVERS:
        raise InputError(f"no support for {url.drivername} databases: use sqlite or mysql+pymysql")
    url = url.set(drivername=_DRIVERS[url.drivername])
    known = _MYSQL_QUERY_KEYS if url.drivername != "sqlite" else set()
    if unknown := sorted(url.query.keys() - known):
        raise InputError(
            f"unknown {', '.join(unknown)} after the ? of the database URL; "
            f"known: {', '.join(sorted(known)) or 'nothing'}"
        )
    if option_file := url.query.get("read_default_file"):
        # PyMySQL would pass over a missing one and log in as whoever runs this.
        # It is reported when the file is needed, and must not end a sweep.
        with suppress(OptionFileError):
            read_option_file(Path(str(option_file)).expanduser())
    return url


# The server has understood and does not take it: a value that does not fit, a column that must not
# be NULL. Trying again will not help.
REFUSALS = (DataError, IntegrityError)
# The same, as PyMySQL has no class for them: a trigger's SIGNAL, a CHECK of MariaDB and of MySQL.
_REFUSAL_CODES = (1644, 4025, 3819)

# Somebody else is there already, or was in the way: what was looked at before is to be looked at again.
_TAKEN_CODES = (1062, 1213)

_DENIED_CODES = (1044, 1142, 1143, 1227)


class TakenError(NetskyError):
    """Another connection has written the same rows since they were looked for."""


def is_refusal(error: DBAPIError) -> bool:
    """Whether the server would refuse that again, however often it is tried."""
    return isinstance(error, REFUSALS) or _code_of(error) in _REFUSAL_CODES


def is_of_data(error: DBAPIError) -> bool:
    """Whether a trigger or CHECK has refused a value; all else refuses what every sweep has in it."""
    return _code_of(error) in _REFUSAL_CODES


def is_taken(error: DBAPIError) -> bool:
    """Whether another connection has come first: a duplicate key, or a deadlock."""
    return _code_of(error) in _TAKEN_CODES


def is_denied(error: DatabaseError) -> bool:
    """Whether this user lacks a right for it."""
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and _code_of(cause) in _DENIED_CODES


def _kind_of(error: SQLAlchemyError) -> type[DatabaseError]:
    if not isinstance(error, DBAPIError):
        return DatabaseError
    if _code_of(error) == _NO_DATABASE:
        return MissingDatabaseError
    return RefusedError if is_refusal(error) else DatabaseError


def _code_of(error: DBAPIError) -> object:
    return next(iter(getattr(error.orig, "args", ())), None)


PRIVATE = 0o600

READABLE_BY_GROUP = 0o640


class Connector:
    """Opens a connection for each transaction, so that a restarted server is met with a fresh one.

    `timeout` (seconds) bounds connecting and every wait for an answer. `mode` is that of an SQLite
    file that is made.
    """

    def __init__(self, url: sa.URL, *, timeout: float, mode: int = PRIVATE) -> None:
        self._url = url
        self._timeout = timeout
        self._mode = mode
        self.limit = 3 * timeout + 15  # seconds for a transaction as a whole
        self.is_sqlite = url.get_backend_name() == "sqlite"
        connect_args: dict[str, Any] = {"timeout": timeout}
        if not self.is_sqlite:
            whole = max(1, round(timeout))  # PyMySQL takes whole seconds only
            names = ("connect_timeout", "read_timeout", "write_timeout")
            connect_args = dict.fromkeys(names, whole)
        # Each connection is closed after its transaction: nothing to reset, which a server that has
        # gone meanwhile would answer with a traceback in the log.
        option_keys = ("read_default_file", "read_default_group")
        self._engine = sa.create_engine(
            url.difference_update_query(option_keys),
            poolclass=sa.NullPool,
            pool_reset_on_return=None,
            connect_args=connect_args,
        )
        if "read_default_file" in url.query:
            sa.event.listen(self._engine, "do_connect", self._add_option_file)
        if not self.is_sqlite:
            from netsky.store.mysql_connection import connect

            sa.event.listen(self._engine, "do_connect", connect)  # after the option file

    def _add_option_file(
        self, _dialect: object, _record: object, _arguments: object, parameters: dict[str, Any]
    ) -> None:
        """Read it for each connection: a password may be changed while we run. The URL comes first."""
        file, group = (
            str(self._url.query.get(key, default))
            for key, default in (("read_default_file", ""), ("read_default_group", GROUP))
        )
        try:
            options = read_option_file(Path(file).expanduser(), group)
        except InputError as error:  # it was there when we started
            raise DatabaseError(f"database {self}: {error}") from error
        for name, value in options.items():
            if not parameters.get(name):
                parameters[name] = value

    @contextmanager
    def transaction(self, *, create: bool = False) -> Iterator[sa.Connection]:
        """A transaction, committed at the end of the block; DatabaseError with one clear line.

        `create`: make an SQLite file and its tables where they are missing. Without it a missing
        file is an error: to read, it must be the one that the probe has written.
        """
        with self._errors_in_one_line():
            if self.is_sqlite and create:
                self._make_file()
            elif self.is_sqlite:
                self._need_file()
            elif self._url.host:
                wait_for_name(self._url.host, self._timeout)
            with (
                time_limit(self.limit, f"database {self}", DatabaseError),
                self._engine.begin() as connection,
            ):
                if self.is_sqlite and create:
                    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                    connection.exec_driver_sql("PRAGMA synchronous=FULL")
                    # Python begins at the first INSERT: half of the tables could stay behind.
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                    make_tables(connection)
                yield connection

    @contextmanager
    def _errors_in_one_line(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            if isinstance(error, DBAPIError) and is_taken(error):
                raise TakenError(f"database {self}: {reason_of(error)}") from error
            raise _kind_of(error)(f"database {self}: {reason_of(error)}") from error
        except OptionFileError as error:
            raise DatabaseError(
                f"database {self}: the option file (read_default_file) cannot be understood: {error}"
            ) from None
        except UnicodeError:  # a name that no host can have raises it here
            raise DatabaseError(
                f"database {self}: the host's name or the password has characters that "
                "cannot be sent"
            ) from None
        except OSError as error:
            raise DatabaseError(f"database {self}: {error.strerror or error}") from error
        except NetskyError:
            raise
        except Exception as error:  # a driver may raise anything at a bad answer
            raise DatabaseError(
                f"database {self}: {unexpected.describe(error)}: is there something else than "
                "numbers and times in the tables, and is it MySQL or MariaDB?"
            ) from error

    def __str__(self) -> str:
        return self._url.set(query={}).render_as_string(hide_password=True)

    @property
    def _file(self) -> Path | None:
        name = self._url.database
        return Path(name) if name and name != ":memory:" else None

    def _make_file(self) -> None:
        """SQLite would make it with whatever mode the umask leaves; its side files take after it."""
        if self._file and not self._file.exists():
            with suppress(FileExistsError):
                os.close(os.open(self._file, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, self._mode))

    def _need_file(self) -> None:
        if self._file and not self._file.exists():
            raise MissingDatabaseError(
                f"database {self}: no such file: the first sweep of netsky_probe.py makes it; run "
                "this in the same folder, or give --database"
            )


_UPGRADE = (
    "apply upgrade.sql to this database, see docs/upgrade.md (or, if it is empty, apply schema.sql)"
)
_APPLY_SCHEMA = "apply schema.sql: mysql -u root < schema.sql (it has cu, cm and ct; for another ISP copy theirs)"
_NO_DATABASE, _NO_TABLE = 1049, 1146
_HINTS = {
    167: "its ids are used up: apply upgrade.sql, which makes room for more (docs/upgrade.md)",
    1264: "a column is too narrow: are these tables of today's schema? See docs/upgrade.md",
    1406: "a column is too narrow: are these tables of today's schema? See docs/upgrade.md",
    1044: "grant this user the rights on the database",
    1045: "check user and password (read_default_file in the URL keeps it out of sight)",
    _NO_DATABASE: _APPLY_SCHEMA,
    1054: f"these tables are not of today's schema: {_UPGRADE}",
    1142: "grant this user the right, see docs/setup.md: to select, insert, update and delete everywhere",
    _NO_TABLE: _APPLY_SCHEMA,
    1176: f"these tables are not of today's schema: {_UPGRADE}",
    1526: f"these tables are not of today's schema: {_UPGRADE}",
    1021: "make room on the disk of the server",
    1114: "make room on the disk of the server",
    1290: "the server takes no writes now: is it a replica, or in maintenance?",
    2003: "is the server running and reachable?",
}
_SQLITE_HINTS = {
    "database or disk is full": "make room on the disk of that file",
    "disk I/O error": "is the disk of that file full or broken?",
    "no such table": "is it the database of netsky_probe.py? Its first sweep makes the tables",
}


_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


def is_damage(error: DatabaseError) -> bool:
    """Whether SQLite said that what is in the file is no database that it can read."""
    cause = error.__cause__
    said = cause.orig if isinstance(cause, DBAPIError) else None
    if not isinstance(said, sqlite3.Error):
        return False
    # Without a code it is Python that cannot make sense of what SQLite has read.
    return getattr(said, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF in _DAMAGE


def reason_of(error: SQLAlchemyError) -> str:
    """What the server or driver said, in one line, without SQL or values, and what to do."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    match getattr(cause, "args", ()):
        case (0, _):  # PyMySQL, when the connection is gone
            return "the connection broke off: no answer came within --database-timeout, or the server has ended it"
        case (int(code), text):  # this is how an error of the MySQL protocol looks
            hint = _HINTS.get(code)
            if code == _NO_TABLE and any(f".{name}'" in text for name in NEW_TABLES):
                hint = _UPGRADE
            return f"{text} ({code})" + (f": {hint}" if hint else "")
    text = str(cause).partition("\n")[0]
    hint = _SQLITE_HINTS.get(text.partition(":")[0])
    return f"{text}: {hint}" if hint else text
