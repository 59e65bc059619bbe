"""The way of the metrics out: the Pushgateway, or node_exporter's textfile folder."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import push_to_gateway

from netsky.errors import DeliveryError, InputError
from netsky.files import replace_file
from netsky.outlets.metrics import Exposition, MetricGroup
from netsky.time_limit import wait_for_name


class Pushgateway:
    """A Pushgateway at `url`. `timeout` in seconds; `password` belongs to `user`.

    It is reached through `proxy` (http://HOST:PORT), or directly: proxies of the environment are for
    other programs, and would be told the password.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        user: str | None = None,
        password: str | None = None,
        proxy: str | None = None,
    ) -> None:
        for what, its_url, schemes in (
            ("the Pushgateway", url, ("http", "https")),
            ("the proxy", proxy, ("http",)),
        ):
            if its_url is not None:
                _check_url(what, its_url, schemes)
        self._url = url
        self._proxy = proxy
        self._timeout = timeout
        self.limit = 2 * timeout + 5  # seconds for a whole push: to connect, to be answered
        self._authorization = None
        if user is not None:
            credentials = f"{user}:{password or ''}".encode()
            self._authorization = f"Basic {b64encode(credentials).decode()}"

    def __str__(self) -> str:
        through = f" through the proxy {self._proxy}" if self._proxy else ""
        return f"Pushgateway {self._url}{through}"

    def push(self, group: MetricGroup) -> None:
        """Replace the group {job, egress, isp} in one PUT; DeliveryError when it is not taken."""
        try:
            wait_for_name(urlsplit(self._proxy or self._url).hostname or "", self._timeout)
            push_to_gateway(
                self._url,
                job=group.job,
                registry=_registry([group]),
                grouping_key={"egress": group.egress, "isp": group.isp},
                timeout=self._timeout,
                handler=self._handler,
            )
        except (OSError, HTTPException) as error:  # URLError and HTTPError are OSErrors
            raise DeliveryError(f"{self}: {self._reason(error)}") from error

    def _handler(
        self,
        url: str,
        method: str,
        timeout: float | None,
        headers: Sequence[tuple[str, str]],
        data: bytes,
    ) -> Callable[[], None]:
        """The handler that prometheus_client asks for; it sends one request."""
        request = Request(url, data, dict(headers), method=method)  # noqa: S310 - scheme is checked
        if self._authorization is not None:
            request.add_header("Authorization", self._authorization)
        if self._proxy is not None:
            request.set_proxy(urlsplit(self._proxy).netloc, "http")
        # An empty ProxyHandler keeps away that of the environment. A redirect is an error for PUT.
        opener = build_opener(ProxyHandler({}))
        return lambda: opener.open(request, timeout=timeout).close()

    def _reason(self, error: OSError | HTTPException) -> str:
        if isinstance(error, HTTPError):
            return _answer(error)
        if isinstance(error, HTTPException):
            return f"no sensible answer ({type(error).__name__}): is that a Pushgateway?"
        cause = error.reason if isinstance(error, URLError) else error
        if isinstance(cause, TimeoutError):
            return f"no answer within {self._timeout:g} s"
        return f"{getattr(cause, 'strerror', None) or cause}: is it running and reachable?"


def _check_url(what: str, url: str, schemes: Sequence[str]) -> None:
    """Raise InputError, which repeats nothing of it, when a URL cannot be used."""
    if not _is_url(url, schemes):
        raise InputError(f"the URL of {what} is not one: write {schemes[0]}://HOST:PORT")
    if "@" in urlsplit(url).netloc:
        raise InputError(
            f"no user or password in the URL of {what}, where it would be seen and logged: use "
            "--push-user and --push-password-file"
        )


def _is_url(url: str, schemes: Sequence[str]) -> bool:
    try:
        parts = urlsplit(url)
        has_host = bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError:  # the port is no number, or a label is too long or empty
        return False
    printable = url.isascii() and url.isprintable() and " " not in url
    return parts.scheme in schemes and has_host and printable


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
        # node_exporter runs as another user, who must be able to read it whatever our umask is.
        replace_file(file, generate_latest(_registry(groups)), mode=0o644)
    except OSError as error:
        raise DeliveryError(f"textfile {file}: {error.strerror}") from error


def _registry(groups: Sequence[MetricGroup]) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Exposition(groups))
    return registry
