"""HTTP servers of our own that answer as a test wants, and keep what they were sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import urlopen


@dataclass(frozen=True)
class Sent:
    """What a client sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str


def answers(url: str) -> bool:
    """Whether a server has an answer there that is no error."""
    try:
        with urlopen(url, timeout=5):
            return True
    except OSError:
        return False


@contextmanager
def http_server(answer: Callable[[Sent], tuple[int, bytes]]) -> Iterator[str]:
    """A server whose answers are status and body; its URL, without a slash at the end."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            # What is no text can be had back with the same error handler.
            body = self.rfile.read(length).decode(errors="surrogateescape")
            status, content = answer(Sent(self.command, self.path, dict(self.headers), body))
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - names of http.server

        def log_message(self, *_arguments: object) -> None:
            """Not on standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def http_recorder(status: int = 200, body: bytes = b"") -> Iterator[tuple[str, list[Sent]]]:
    """A server that gives every request the same answer; its URL and the requests it got."""
    requests: list[Sent] = []

    def answer(request: Sent) -> tuple[int, bytes]:
        requests.append(request)
        return status, body

    with http_server(answer) as url:
        yield url, requests
