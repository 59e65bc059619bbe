"""The tables, and writing sweeps into them: SQLite out of the box, MySQL or MariaDB in production.

Columns hold percent and milliseconds, times are UTC without a zone; the conversion from ratios
and seconds is here and nowhere else. `schema.sql` holds the same tables for MySQL.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from netsky.aggregate import ProvinceQuality
from netsky.errors import DeliveryError, InputError
from netsky.places import Province

metadata = sa.MetaData()


def _columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("province", sa.String(40), nullable=False),
        sa.Column("update_time", sa.DateTime, nullable=False),
        sa.Column("egress", sa.String(40), nullable=False, server_default="default"),
    )


def _history(table: str) -> sa.Table:
    serial = mysql.INTEGER(unsigned=True).with_variant(sa.Integer, "sqlite")
    return sa.Table(
        table,
        metadata,
        sa.Column(f"{table}_id", serial, primary_key=True, autoincrement=True),
        *_columns(),
        # Writing a sweep a second time is harmless, and the newest value of a name is one look-up.
        sa.UniqueConstraint("name", "egress", "update_time", name=f"unique_{table}"),
        sa.Index(f"index_{table}_updatetime", "update_time"),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",  # `Unicom` and `unicom` are two egresses
    )


lossrate = _history("netsky_lossrate")
abnormalrate = _history("netsky_abnormalrate")
latency = _history("netsky_latency")

avg_lossrate = sa.Table(
    "netsky_avg_lossrate",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("egress", sa.String(40), primary_key=True, server_default="default"),
    sa.Column("value", sa.Float),
    sa.Column("update_time", sa.DateTime, nullable=False),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
    mysql_collate="utf8mb4_bin",
)


def row_name(isp: str, province: Province, kind: str) -> str:
    """The `name` column: `netsky_CU_beijing_lossrate` for kind `lossrate`."""
    return f"netsky_{isp.upper()}_{province.slug}_{kind}"


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
        try:
            Path(str(option_file)).open("rb").close()
        except OSError as error:
            raise InputError(
                f"cannot read {option_file} (read_default_file of the database URL): "
                f"{error.strerror}"
            ) from error
    return url


class Database:
    """The database of one ISP. A connection lives as long as one operation, so that a restarted
    server is met with a fresh one. Every operation raises DeliveryError with one clear line.

    `timeout` (seconds) bounds connecting and every wait for an answer.
    """

    def __init__(self, url: sa.URL, *, timeout: float) -> None:
        self._url = url
        connect_args: dict[str, Any] = {"timeout": timeout}
        if url.get_backend_name() != "sqlite":
            whole = max(1, round(timeout))  # PyMySQL takes whole seconds only
            names = ("connect_timeout", "read_timeout", "write_timeout")
            connect_args = dict.fromkeys(names, whole)
        self._engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=connect_args)
        self._is_sqlite = url.get_backend_name() == "sqlite"

    def store_sweep(
        self, isp: str, egress: str, started_at: datetime, qualities: Iterable[ProvinceQuality]
    ) -> None:
        """Write a sweep, all of it or nothing. Rows that are there already are left as they are."""
        update_time = started_at.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        qualities = list(qualities)
        with self._transaction() as connection:
            for table, kind, values in (
                (lossrate, "lossrate", [100 * q.loss_ratio for q in qualities]),
                (abnormalrate, "abnormalrate", [100 * q.abnormal_ratio for q in qualities]),
                (latency, "latency", [_milliseconds(q.latency_mean_seconds) for q in qualities]),
            ):
                rows = [
                    {
                        "name": row_name(isp, quality.province, kind),
                        "value": value,
                        "province": quality.province.name,
                        "update_time": update_time,
                        "egress": egress,
                    }
                    for quality, value in zip(qualities, values, strict=True)
                ]
                connection.execute(self._insert_new(table, rows))

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                if self._is_sqlite:
                    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                    metadata.create_all(connection)
                yield connection
        except SQLAlchemyError as error:
            raise DeliveryError(f"database {self._shown}: {_reason(error)}") from error
        except configparser.Error:  # its text may hold the password
            raise DeliveryError(
                f"database {self._shown}: the option file (read_default_file) cannot be "
                "understood: it needs a line [client] above `password = …`"
            ) from None
        except UnicodeError:  # here, too
            raise DeliveryError(
                f"database {self._shown}: the host's name or the password has characters that "
                "cannot be sent"
            ) from None
        except OSError as error:
            raise DeliveryError(f"database {self._shown}: {error.strerror or error}") from error

    @property
    def _shown(self) -> str:
        return self._url.set(query={}).render_as_string(hide_password=True)

    def _insert_new(self, table: sa.Table, rows: list[dict[str, Any]]) -> sa.Insert:
        if self._is_sqlite:
            return sqlite.insert(table).values(rows).on_conflict_do_nothing()
        # Not INSERT IGNORE, which would also swallow values that do not fit.
        serial = table.primary_key.columns[0]
        return mysql.insert(table).values(rows).on_duplicate_key_update({serial.name: serial})


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds


_APPLY_SCHEMA = "apply schema.sql: mysql -u root < schema.sql (it has cu, cm and ct; for another ISP copy theirs)"
_HINTS = {
    1044: "grant this user the rights on the database",
    1142: "grant this user the rights to select, insert and update",
    1045: "check user and password (read_default_file in the URL keeps it out of sight)",
    1049: _APPLY_SCHEMA,
    1146: _APPLY_SCHEMA,
    2003: "is the server running and reachable?",
}


def _reason(error: SQLAlchemyError) -> str:
    """What the server or driver said, in one line, without SQL or values, and what to do."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    match getattr(cause, "args", ()):
        case (int(code), text):  # as the MySQL protocol has it
            return f"{text} ({code})" + (f": {_HINTS[code]}" if code in _HINTS else "")
    return str(cause).partition("\n")[0]
