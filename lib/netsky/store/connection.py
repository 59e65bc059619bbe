"""Connections to the database of a URL: what may stand in the URL, transactions, errors in one line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from netsky import unexpected
from netsky.errors import DatabaseError, InputError, MissingDatabaseError, NetskyError
from netsky.store.carry_over import make_tables
from netsky.store.option_file import GROUP, OptionFileError, read_option_file
from netsky.store.reasons import is_taken, kind_of, reason_of
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


_ATTEMPTS = 5  # where another transaction was in the way
T = TypeVar("T")


class TakenError(DatabaseError):
    """Another connection has written the same rows since they were looked for."""


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
        self._keeps_open = False
        self._idle: sa.Connection | None = None

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
    def kept_open(self) -> Iterator[None]:
        """The transactions in this block share a connection, until one of them fails: of a server only.

        To connect takes longer than most of what is asked. Not to be waited in: a server closes what is idle.
        """
        self._keeps_open = not self.is_sqlite
        try:
            yield
        finally:
            self._keeps_open = False
            if self._idle:
                self._idle.close()
                self._idle = None

    @contextmanager
    def _begin(self) -> Iterator[sa.Connection]:
        if not self._keeps_open:
            with self._engine.begin() as connection:
                yield connection
            return
        connection, self._idle = self._idle or self._engine.connect(), None
        try:
            with connection.begin():
                yield connection
        except BaseException:
            connection.close()
            raise
        if self._keeps_open:
            self._idle = connection
        else:  # the block is over, and did not wait for this
            connection.close()

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
                self._begin() as connection,
            ):
                if self.is_sqlite and create:
                    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                    connection.exec_driver_sql("PRAGMA synchronous=FULL")
                    # Python begins at the first INSERT: half of the tables could stay behind.
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                    make_tables(connection)
                yield connection

    def run(self, work: Callable[[sa.Connection], T], *, create: bool = False) -> T:
        """Do it in a transaction, once more where another one was in the way, also of another node.

        Raises DatabaseError; then nothing has changed.
        """
        for _ in range(_ATTEMPTS):
            try:
                with self.transaction(create=create) as connection:
                    return work(connection)
            except TakenError as error:
                taken = error
        raise DatabaseError(f"{taken}: tried {_ATTEMPTS} times") from taken

    @contextmanager
    def _errors_in_one_line(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            if isinstance(error, DBAPIError) and is_taken(error):
                raise TakenError(f"database {self}: {reason_of(error)}") from error
            raise kind_of(error)(f"database {self}: {reason_of(error)}") from error
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
