"""deploy/nginx: what the real nginx makes of it, with the pages in a folder of the test."""

import gzip
import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from netsky.page.overview import FILE, overview_page
from netsky.page.writing import write_page
from testing import ROOT, overviews
from testing.servers import accepts_connections, free_port, program, running

CONFIG = ROOT / "deploy" / "nginx" / "netsky.conf"
LISTEN, PAGES = "listen 127.0.0.1:8088;", "root /var/cache/netsky-report;"

# What Debian's own nginx.conf has around conf.d, as far as pages are concerned.
AROUND = """\
{user}
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/netsky.conf;
}}
"""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """As a run has left them, and another one at work."""
    folder = tmp_path_factory.mktemp("pages")
    write_page(folder / FILE, overview_page(overviews.well(), "zh"))
    write_page(folder / "incident-cu-联通-1-7.html", "<!DOCTYPE html><title>x</title>")
    (folder / ".index.html.new").write_text("half of a page", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def url(pages, tmp_path_factory):
    """Where the pages are served."""
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    text = CONFIG.read_text(encoding="utf-8")
    for told, ours in ((LISTEN, f"listen 127.0.0.1:{port};"), (PAGES, f"root {pages};")):
        assert text.count(told) == 1
        text = text.replace(told, ours)
    (folder / "netsky.conf").write_text(text, encoding="utf-8")
    # The folders of tests are for their user alone, whom root's workers are to be.
    user = "user root root;" if os.geteuid() == 0 else ""
    main = folder / "nginx.conf"
    main.write_text(AROUND.format(folder=folder, user=user), encoding="utf-8")
    command = [program("nginx"), "-p", str(folder), "-c", str(main)]
    with running(command, ready=lambda: accepts_connections(port), log=folder / "log"):
        yield f"http://127.0.0.1:{port}"


def ask(url, method="GET", **headers):
    request = Request(
        url, method=method, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    try:
        with urlopen(request, timeout=10) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def test_the_page_is_served_as_it_is_and_no_old_copy_is_kept_anywhere(url, pages):
    got = ask(f"{url}/")
    assert (got.status, got.body) == (200, (pages / FILE).read_bytes())
    assert got.headers["Content-Type"] == "text/html; charset=utf-8"
    assert got.headers["Cache-Control"] == "no-cache"
    again = ask(f"{url}/", If_None_Match=got.headers["ETag"])
    assert (again.status, again.body, again.headers["Cache-Control"]) == (304, b"", "no-cache")
    packed = ask(f"{url}/", Accept_Encoding="gzip")
    assert gzip.decompress(packed.body) == got.body


def test_a_new_page_is_there_at_once(url, pages):
    before = ask(f"{url}/")
    write_page(pages / FILE, overview_page(overviews.night(), "zh"))
    after = ask(f"{url}/", If_None_Match=before.headers["ETag"])
    assert after.status == 200
    assert "丢包，已 42 分钟" in after.body.decode()


@pytest.mark.parametrize("path", ["/", "/incident-cu-%E8%81%94%E9%80%9A-1-7.html", "/absent"])
def test_every_answer_forbids_to_load_to_guess_and_to_be_framed_elsewhere(url, path):
    got = ask(url + path)
    assert got.status == (404 if path == "/absent" else 200)
    policy = got.headers["Content-Security-Policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert not any("http" in each or "*" in each for each in policy)
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Referrer-Policy"] == "no-referrer"


def test_nothing_else_can_be_had_or_done(url):
    assert ask(f"{url}/.index.html.new").status == 403
    assert ask(f"{url}/../../etc/passwd").status in (400, 404)
    for method in ("POST", "PUT", "DELETE"):
        assert ask(f"{url}/", method).status == 403
    assert ask(f"{url}/", "HEAD").status == 200
