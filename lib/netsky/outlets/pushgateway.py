"""The way of the metrics out: the Pushgateway, or node_exporter's textfile folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from http.client import HTTPException
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import push_to_gateway

from netsky.errors import DeliveryError
from netsky.files import replace_file
from netsky.outlets.http import Client, basic, check_url
from netsky.outlets.metrics import Exposition, MetricGroup


class Pushgateway:
    """A Pushgateway at `url`. `timeout` in seconds; `password` belongs to `user`; see `Client`."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        user: str | None = None,
        password: str | None = None,
        proxy: str | None = None,
    ) -> None:
        instead = "use --push-user and --push-password-file"
        check_url("the Pushgateway", url, ("http", "https"), instead=instead)
        authorization = None if user is None else basic(user, password or "")
        self._url = url
        self._timeout = timeout
        self._client = Client(
            "Pushgateway", timeout=timeout, authorization=authorization, proxy=proxy
        )
        self.limit = self._client.limit

    def __str__(self) -> str:
        return f"Pushgateway {self._url}{self._client.way}"

    def push(self, group: MetricGroup) -> None:
        """Replace the group {job, egress, isp} in one PUT; DeliveryError when it is not taken."""
        try:
            self._client.find(self._url)
            push_to_gateway(
                self._url,
                job=group.job,
                registry=_registry([group]),
                grouping_key={"egress": group.egress, "isp": group.isp},
                timeout=self._timeout,
                handler=self._handler,
            )
        except (OSError, HTTPException) as error:  # URLError and HTTPError are OSErrors
            raise DeliveryError(f"{self}: {self._client.reason(error)}") from error

    def _handler(
        self,
        url: str,
        method: str,
        timeout: float | None,  # noqa: ARG002 - the client knows it
        headers: Sequence[tuple[str, str]],
        data: bytes,
    ) -> Callable[[], None]:
        """The handler that prometheus_client asks for; it sends one request."""
        return partial(self._client.send, method, url, dict(headers), data)


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
