"""Metrics with the time that they are of: into VictoriaMetrics or vmagent, now or when it is back.

What is sent waits in a folder first and leaves it when it was taken, so that neither a server that is
away nor a crash loses anything. A sample that arrives twice is the same sample of the same time.
"""

from __future__ import annotations

import gzip
import logging
import time
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit, urlunsplit

from prometheus_client import CollectorRegistry, generate_latest

from netsky.errors import DeliveryError, InputError
from netsky.files import read_file, replace_file
from netsky.outlets.http import Client, basic, is_url
from netsky.outlets.metrics import Exposition, MetricGroup

log = logging.getLogger(__name__)

PATH = "/api/v1/import/prometheus"
SUFFIX = ".prom.gz"
MOST_WAITING = 20_000  # of a job, ISP and exit: two weeks by the minute, some 100 MB
# So long a run sends what earlier runs left behind; the next one does the rest.
CATCH_UP_SECONDS = 10.0
# With these a server that takes others says that it will never take this one.
REFUSALS = (400, 413, 415, 422)
_HEADERS = {"Content-Type": "text/plain", "Content-Encoding": "gzip"}
_MOST_BYTES = 64 << 20


class TimeSeries:
    """VictoriaMetrics or vmagent at `url`, and the folder where metrics wait for it.

    User and password may stand in the URL, or a `token` beside it. `timeout` in seconds; `mode` is that
    of the files in `folder`, for whose `waiting` one process at a time is to care.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        *,
        timeout: float,
        mode: int,
        token: str | None = None,
        proxy: str | None = None,
    ) -> None:
        self._url, authorization = _split(url)
        if token is not None:
            authorization = f"Bearer {token}"
        self._folder = folder
        self._mode = mode
        self._client = Client(
            "VictoriaMetrics", timeout=timeout, authorization=authorization, proxy=proxy
        )
        self.limit = self._client.limit + CATCH_UP_SECONDS

    def __str__(self) -> str:
        return f"metrics_url {self._url}{self._client.way}"

    def send(self, groups: Sequence[MetricGroup]) -> None:
        """Send the groups, then what waits. DeliveryError: something still waits, or was not taken."""
        bodies = {
            self._place(group.job, group.isp, group.egress) / _name(group.at): _body(group)
            for group in groups
        }
        places = [file.parent for file in bodies]
        not_kept = self._keep(bodies)
        try:
            for file, body in bodies.items():
                self._post(body)
                _remove(file)
            self._send_waiting(places, trusted=True)
        except DeliveryError as error:
            raise DeliveryError(f"{error}{not_kept or _wait(places)}") from error
        if not_kept:
            raise DeliveryError(f"{self}: all is taken{not_kept}")

    def flush(self, job: str, isp: str, egress: str) -> None:
        """Send what waits of a job, ISP and exit. DeliveryError as above."""
        place = self._place(job, isp, egress)
        try:
            self._send_waiting([place], trusted=False)
        except DeliveryError as error:
            raise DeliveryError(f"{error}{_wait([place])}") from error

    def _place(self, job: str, isp: str, egress: str) -> Path:
        return self._folder / f"{job}.{isp}.{egress}"

    def _keep(self, bodies: Mapping[Path, bytes]) -> str:
        """Let them wait on the disk; why they cannot, empty when they do."""
        try:
            for file, body in bodies.items():
                file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                replace_file(file, body, mode=self._mode)
                too_many = _waiting(file.parent)[:-MOST_WAITING]
                for oldest in too_many:
                    oldest.unlink(missing_ok=True)
                if too_many:
                    log.error("%s is full: metrics of %s runs are lost", file.parent, len(too_many))
        except OSError as error:
            return f"; what is not taken is lost, for it cannot wait in {file.parent}: {error.strerror}"
        return ""

    def _send_waiting(self, places: Sequence[Path], *, trusted: bool) -> None:
        """Oldest first. What a `trusted` server, which has just taken another, refuses is set aside."""
        deadline = time.monotonic() + CATCH_UP_SECONDS
        refused = []
        for file in [file for place in places for file in _waiting(place)]:
            if time.monotonic() > deadline:
                raise DeliveryError(f"{self}: there is more; the next run goes on")
            try:
                self._post(_read(file))
            except FileNotFoundError:
                continue  # another run has sent it
            except _RefusedError as error:
                if not trusted:
                    raise
                file.rename(file.with_suffix(".refused"))
                refused.append(str(error))
            else:
                trusted = True
                _remove(file)
        if refused:
            raise DeliveryError(
                f"{refused[0]}: so metrics of {len(refused)} earlier runs are refused for good; set aside "
                f"as *.refused in {self._folder}"
            )

    def _post(self, body: bytes) -> None:
        try:
            self._client.find(self._url)
            self._client.send("POST", self._url, _HEADERS, body)
        except (OSError, HTTPException) as error:  # URLError and HTTPError are OSErrors
            is_refusal = isinstance(error, HTTPError) and error.code in REFUSALS
            kind = _RefusedError if is_refusal else DeliveryError
            raise kind(f"{self}: {self._client.reason(error)}") from error


class _RefusedError(DeliveryError):
    """A server that takes others will never take this one."""


def _split(url: str) -> tuple[str, str | None]:
    """Where to send to, without user and password, and the header that these become."""
    where = "metrics_url"
    if not is_url(url, ("http", "https")):
        raise InputError(f"the URL of {where} is not one: write http://HOST:PORT")
    parts = urlsplit(url)
    if parts.query or parts.fragment:
        raise InputError(f"{where} ends with its path: write http://HOST:PORT, without ? and #")
    user, password = parts.username, parts.password
    authorization = None
    if user is not None:
        authorization = basic(unquote(user), unquote(password or ""))
    host = parts.netloc.rpartition("@")[2]
    path = parts.path.rstrip("/").removesuffix(PATH) + PATH
    return urlunsplit((parts.scheme, host, path, "", "")), authorization


def _name(at: float) -> str:
    """Names of files are in the order of their times."""
    return f"{round(at * 1000):015}{SUFFIX}"


def _body(group: MetricGroup) -> bytes:
    registry = CollectorRegistry()
    registry.register(Exposition([group], own_time=True))
    return gzip.compress(generate_latest(registry), mtime=0)


def _waiting(place: Path) -> list[Path]:
    try:
        return sorted(file for file in place.iterdir() if file.name.endswith(SUFFIX))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise DeliveryError(f"{place}: {error.strerror}") from error


def _read(file: Path) -> bytes:
    try:
        return read_file(file, limit=_MOST_BYTES).data
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DeliveryError(f"{file}: {error.strerror}") from error


def _remove(file: Path) -> None:
    try:
        file.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return  # another run has sent it, or it could not be kept
    except OSError as error:
        raise DeliveryError(f"{file}: {error.strerror}: it is sent again and again") from error


def _wait(places: Sequence[Path]) -> str:
    count = sum(len(_waiting(place)) for place in places)
    folder = places[0] if len(places) == 1 else places[0].parent
    return f"; metrics of {count} runs wait in {folder}" if count else ""
