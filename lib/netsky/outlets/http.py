"""One request to a server that takes metrics, and in a line why it was not taken."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from netsky.errors import InputError
from netsky.time_limit import wait_for_name


class Client:
    """Sends to one server. `timeout` in seconds; `authorization` is the header's value.

    It is reached through `proxy` (http://HOST:PORT), or directly: proxies of the environment are for
    other programs, and would be told the password. `kind` is what it should be, for messages.
    """

    def __init__(
        self, kind: str, *, timeout: float, authorization: str | None, proxy: str | None
    ) -> None:
        if proxy is not None:
            check_url("the proxy", proxy, ("http",), instead="there is no other place for them")
        self._kind = kind
        self._timeout = timeout
        self._authorization = authorization
        self._proxy = proxy
        self.limit = 2 * timeout + 5  # seconds for a whole request: to connect, to be answered

    @property
    def way(self) -> str:
        """How the server is reached, where that is worth a word."""
        return f" through the proxy {self._proxy}" if self._proxy else ""

    def find(self, url: str) -> None:
        """Look its name up; OSError when nobody says within the timeout what it is."""
        wait_for_name(urlsplit(self._proxy or url).hostname or "", self._timeout)

    def send(self, method: str, url: str, headers: Mapping[str, str], data: bytes) -> None:
        """Raises OSError (URLError and HTTPError are such) or HTTPException."""
        request = Request(url, data, dict(headers), method=method)  # noqa: S310 - scheme is checked
        if self._authorization is not None:
            request.add_header("Authorization", self._authorization)
        if self._proxy is not None:
            request.set_proxy(urlsplit(self._proxy).netloc, "http")
        # An empty ProxyHandler keeps away that of the environment.
        opener = build_opener(ProxyHandler({}), _NoRedirect())
        opener.open(request, timeout=self._timeout).close()

    def reason(self, error: OSError | HTTPException) -> str:
        """Why a request failed, and what to look at."""
        if isinstance(error, HTTPError):
            return _answer(error)
        if isinstance(error, HTTPException):
            return f"no sensible answer ({type(error).__name__}): is that a {self._kind}?"
        cause = error.reason if isinstance(error, URLError) else error
        if isinstance(cause, TimeoutError):
            return f"no answer within {self._timeout:g} s"
        return f"{getattr(cause, 'strerror', None) or cause}: is it running and reachable?"


def basic(user: str, password: str) -> str:
    """The header's value for basic authentication."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def check_url(what: str, url: str, schemes: Sequence[str], *, instead: str) -> None:
    """Raise InputError, which repeats nothing of it, when a URL cannot be used or tells a secret.

    `instead` says where user and password are to stand.
    """
    if not is_url(url, schemes):
        raise InputError(f"the URL of {what} is not one: write {schemes[0]}://HOST:PORT")
    if "@" in urlsplit(url).netloc:
        raise InputError(
            f"no user or password in the URL of {what}, where it would be seen and logged: {instead}"
        )


def is_url(url: str, schemes: Sequence[str]) -> bool:
    """Whether it is a URL of one of these schemes, with a host."""
    try:
        parts = urlsplit(url)
        has_host = bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError:  # the port is no number, or a label is too long or empty
        return False
    printable = url.isascii() and url.isprintable() and " " not in url
    return parts.scheme in schemes and has_host and printable


class _NoRedirect(HTTPRedirectHandler):
    """A redirect is an error: of a POST it would make a GET, with the password, to somebody else."""

    def redirect_request(self, *_arguments: object) -> None:
        return None


def _answer(error: HTTPError) -> str:
    """Status and first line of an error answer."""
    said = b""
    with error, suppress(OSError, HTTPException):  # the answer may break off
        said = error.read(200)
    line = said.decode(errors="backslashreplace").strip().partition("\n")[0]
    return f"answers {error.code} {error.reason}" + (f": {line}" if line else "")
