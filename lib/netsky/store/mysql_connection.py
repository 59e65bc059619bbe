"""PyMySQL's connection, without reading the host's store of certificates where none is checked.

Without any ssl_… option PyMySQL takes TLS if the server offers it, and checks no certificate; to do so it
reads all authorities that the host trusts, 30 ms of CPU for each connection, more than all our questions.
"""

from __future__ import annotations

import functools
import ssl
from typing import Any

from pymysql.connections import Connection


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
    return LightConnection(*arguments, **parameters)


@functools.cache
def _unchecked() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
