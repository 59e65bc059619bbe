"""The way of the metrics out: the Pushgateway, or node_exporter's textfile folder."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import (
    basic_auth_handler,
    default_handler,
    push_to_gateway,
    write_to_textfile,
)

from netsky.errors import DeliveryError, InputError
from netsky.outlets.metrics import Exposition, MetricGroup
from netsky.time_limit import wait_for_name


class Pushgateway:
    """A Pushgateway at `url`. `timeout` in seconds; `password` belongs to `user`."""

    def __init__(
        self, url: str, *, timeout: float, user: str | None = None, password: str | None = None
    ) -> None:
        if not _is_http_url(url):
            raise InputError("the Pushgateway's URL is not one: write http://HOST:PORT")
        if "@" in urlsplit(url).netloc:
            raise InputError(
                "no user or password in the Pushgateway's URL, where it would be seen and logged: "
                "use --push-user and --push-password-file"
            )
        self._url = url
        self._timeout = timeout
        self.limit = 2 * timeout + 5  # seconds for a whole push: to connect, to be answered
        self._handler = default_handler
        if user is not None:
            self._handler = partial(basic_auth_handler, username=user, password=password or "")

    def push(self, group: MetricGroup) -> None:
        """Replace the group {job, egress, isp} in one PUT; DeliveryError when it is not taken."""
        try:
            wait_for_name(urlsplit(self._url).hostname or "", self._timeout)
            push_to_gateway(
                self._url,
                job=group.job,
                registry=_registry([group]),
                grouping_key={"egress": group.egress, "isp": group.isp},
                timeout=self._timeout,
                handler=self._handler,
            )
        except (OSError, HTTPException) as error:  # URLError and HTTPError are OSErrors
            raise DeliveryError(f"Pushgateway {self._url}: {self._reason(error)}") from error

    def _reason(self, error: OSError | HTTPException) -> str:
        if isinstance(error, HTTPError):
            return _answer(error)
        if isinstance(error, HTTPException):
            return f"no sensible answer ({type(error).__name__}): is that a Pushgateway?"
        cause = error.reason if isinstance(error, URLError) else error
        if isinstance(cause, TimeoutError):
            return f"no answer within {self._timeout:g} s"
        return f"{getattr(cause, 'strerror', None) or cause}: is it running and reachable?"


def _is_http_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_host = bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError:  # a port that is no number, a label that is too long or empty
        return False
    printable = url.isascii() and url.isprintable() and " " not in url
    return parts.scheme in ("http", "https") and has_host and printable


def _answer(error: HTTPError) -> str:
    """Status and first line of an error answer."""
    said = b""
    with error, suppress(OSError, HTTPException):  # the answer may break off
        said = error.read(200)
    line = said.decode(errors="backslashreplace").strip().partition("\n")[0]
    return f"answers {error.code} {error.reason}" + (f": {line}" if line else "")


def write_textfile(file: Path, groups: Sequence[MetricGroup]) -> None:
    """Replace `file` at once, for node_exporter's textfile collector; DeliveryError if it cannot."""
    try:
        write_to_textfile(str(file), _registry(groups))
        file.chmod(0o644)  # node_exporter is another user, whatever our umask
    except OSError as error:
        raise DeliveryError(f"textfile {file}: {error.strerror}") from error


def _registry(groups: Sequence[MetricGroup]) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Exposition(groups))
    return registry
