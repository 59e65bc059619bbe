"""A real Alertmanager of our own, and a webhook that takes its notices."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

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
    with running(command, ready=lambda: _is_ready(url), log=folder / "log"):
        yield url


def post_alerts(url: str, alerts: list[dict[str, str]]) -> None:
    """Let alerts with these labels fire, as Prometheus would."""
    body = json.dumps([{"labels": labels} for labels in alerts]).encode()
    request = Request(f"{url}/api/v2/alerts", body, {"Content-Type": "application/json"})
    urlopen(request, timeout=10).close()


def get_alerts(url: str) -> list[dict[str, Any]]:
    with urlopen(f"{url}/api/v2/alerts", timeout=10) as answer:
        return list(json.load(answer))


@contextmanager
def run_webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook's URL, and the notices it was sent so far."""
    notices: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            notices.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Not on standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", notices
        server.shutdown()


def _is_ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/-/ready", timeout=5):
            return True
    except OSError:
        return False
