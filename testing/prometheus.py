"""A real Prometheus of our own, as the servers in `servers`, and what tests ask of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

from testing.http import answers
from testing.servers import free_port, program, running


def scraping_pushgateway(pushgateway: str) -> str:
    """A configuration that scrapes the Pushgateway of that URL, each second; add to it as needed."""
    return f"""\
global:
  scrape_interval: 1s
  evaluation_interval: 1s
scrape_configs:
  - job_name: pushgateway
    honor_labels: true
    static_configs:
      - targets: ["{urlsplit(pushgateway).netloc}"]
"""


@contextmanager
def run_prometheus(folder: Path, config: str) -> Iterator[str]:
    """Prometheus with that configuration text, its data below `folder`; its URL."""
    port = free_port()
    file = folder / "prometheus.yml"
    file.write_text(config, encoding="utf-8")
    command = [program("prometheus"), f"--config.file={file}"]
    command += [f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}"]
    command += ["--web.enable-lifecycle"]
    url = f"http://127.0.0.1:{port}"
    with running(command, ready=lambda: answers(f"{url}/-/ready"), log=folder / "log"):
        yield url


def query(url: str, promql: str, **parameters: object) -> list[dict[str, Any]]:
    """The series of an instant query: `[{"metric": {labels}, "value": [time, "text"]}, …]`."""
    return list(ask(url, "query", query=promql, **parameters)["result"])


def ask(url: str, path: str, **parameters: object) -> Any:
    """The data of any call below /api/v1; an AssertionError with what Prometheus says is wrong."""
    try:
        with urlopen(f"{url}/api/v1/{path}?{urlencode(parameters, doseq=True)}", timeout=30) as got:
            return json.load(got)["data"]
    except HTTPError as error:
        with error:
            raise AssertionError(f"{path} {parameters}: {error.read().decode()}") from None
