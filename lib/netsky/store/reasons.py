"""What an error of a server or a driver means: whether to try again, and what to do."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from netsky.errors import DatabaseError, MissingDatabaseError, RefusedError
from netsky.store.tables import NEW_TABLES

# The server has understood and does not take it: a value that does not fit, a column that must not
# be NULL. Trying again will not help.
REFUSALS = (DataError, IntegrityError)
# The same, as PyMySQL has no class for them: a trigger's SIGNAL, a CHECK of MariaDB and of MySQL.
_REFUSAL_CODES = (1644, 4025, 3819)

# Somebody else is there already, or was in the way: what was looked at before is to be looked at again.
# In a cluster it is another node's at times, and then shows at the COMMIT.
_TAKEN_CODES = (1062, 1213, 1020)

_DENIED_CODES = (1044, 1142, 1143, 1227)


def is_refusal(error: DBAPIError) -> bool:
    """Whether the server would refuse that again, however often it is tried."""
    return isinstance(error, REFUSALS) or _code_of(error) in _REFUSAL_CODES


def is_of_data(error: DBAPIError) -> bool:
    """Whether a trigger or CHECK has refused a value; all else refuses what every sweep has in it."""
    return _code_of(error) in _REFUSAL_CODES


def is_taken(error: DBAPIError) -> bool:
    """Whether another connection has come first: a duplicate key, a deadlock,
    or, with innodb_snapshot_isolation, a row that has changed since it was read.
    """
    return _code_of(error) in _TAKEN_CODES


def is_denied(error: DatabaseError) -> bool:
    """Whether this user lacks a right for it."""
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and _code_of(cause) in _DENIED_CODES


def kind_of(error: SQLAlchemyError) -> type[DatabaseError]:
    """As what it is raised."""
    if not isinstance(error, DBAPIError):
        return DatabaseError
    if _code_of(error) == _NO_DATABASE:
        return MissingDatabaseError
    return RefusedError if is_refusal(error) else DatabaseError


def _code_of(error: DBAPIError) -> object:
    return next(iter(getattr(error.orig, "args", ())), None)


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
    1047: "this node of a Galera cluster has lost the others, or has not yet what they have",
    1290: "the server takes no writes now: is it a replica, or in maintenance?",
    2003: "is the server running and reachable?",
}
_SQLITE_HINTS = {
    "database or disk is full": "make room on the disk of that file",
    "disk I/O error": "is the disk of that file full or broken?",
    "no such table": "is it the database of netsky_probe.py? Its first sweep makes the tables",
    "no such column": "the file is of an earlier version: the next sweep of netsky_probe.py adds the column",
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
