"""PyMySQL's connection, without what takes it long: reading the host's store of certificates where none is checked,
and taking times apart by regular expressions.

Without any ssl_… option PyMySQL takes TLS if the server offers it, and checks no certificate; to do so it
reads all authorities that the host trusts, 30 ms of CPU for each connection, more than all our questions.
"""

from __future__ import annotations

import functools
import ssl
from datetime import datetime
from typing import Any

from pymysql.connections import Connection
from pymysql.constants import FIELD_TYPE
from pymysql.converters import conversions, convert_datetime


class LightConnection(Connection):  # type: ignore[type-arg, unused-ignore]
    """Should PyMySQL once name that method otherwise, connections are as they were, only slower."""

    def _create_ssl_ctx(self, sslp: Any) -> ssl.SSLContext:
        if sslp:
            return super()._create_ssl_ctx(sslp)  # type: ignore[misc, no-any-return, unused-ignore]
        return _unchecked()


def connect(
    _dialect: object, _record: object, arguments: list[Any], parameters: dict[str, Any]
) -> LightConnection:
    """For SQLAlchemy's event `do_connect`."""
    return LightConnection(*arguments, **{"conv": _CONVERSIONS, **parameters})


def _time(text: str) -> Any:
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # zeros, which are no time
        return convert_datetime(text)


_CONVERSIONS = {**conversions, FIELD_TYPE.DATETIME: _time, FIELD_TYPE.TIMESTAMP: _time}


@functools.cache
def _unchecked() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
