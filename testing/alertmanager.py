"""A real Alertmanager of our own, and a webhook that takes its notices."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from testing.http import Sent, answers, http_server
from testing.servers import free_port, program, running


@contextmanager
def run_alertmanager(folder: Path, config: str) -> Iterator[str]:
    """Alertmanager with that configuration text, its data below `folder`; its URL."""
    port = free_port()
    file = folder / "alertmanager.yml"
    file.write_text(config, encoding="utf-8")
    command = [program("prometheus-alertmanager"), f"--config.file={file}"]
    command += [f"--storage.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}"]
    command += ["--cluster.listen-address="]  # no gossip
    url = f"http://127.0.0.1:{port}"
    with running(command, ready=lambda: answers(f"{url}/-/ready"), log=folder / "log"):
        yield url


def post_alerts(url: str, alerts: list[dict[str, str]], *, ended: bool = False) -> None:
    """Let alerts with these labels fire or end, as Prometheus would."""
    times = {"endsAt": datetime.now(UTC).isoformat()} if ended else {}
    body = json.dumps([{"labels": labels, **times} for labels in alerts]).encode()
    request = Request(f"{url}/api/v2/alerts", body, {"Content-Type": "application/json"})
    urlopen(request, timeout=10).close()


def get_alerts(url: str) -> list[dict[str, Any]]:
    with urlopen(f"{url}/api/v2/alerts", timeout=10) as answer:
        return list(json.load(answer))


@contextmanager
def run_webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook's URL, and the notices it was sent so far, with the `time.monotonic()` of each."""
    notices: list[dict[str, Any]] = []

    def take(request: Sent) -> tuple[int, bytes]:
        notices.append(json.loads(request.body) | {"received": time.monotonic()})
        return 200, b""

    with http_server(take) as url:
        yield f"{url}/", notices
