"""A Pushgateway that fails, however it does, costs the push and nothing else, and no more time."""

import re
import socket
import sys
import textwrap
import time
from http.client import parse_headers

import pytest

from testing.commands import run_command
from testing.faults.three_tools import (
    ALERT,
    AVERAGE,
    PROBE,
    command_of,
    error_of,
    fill_database,
    make_site,
    run,
    sweeps_in,
)
from testing.netns import needs_root
from testing.servers import free_port, program, tcp_server

PUSH_TIMEOUT = 0.5
PUSH_LIMIT = 2 * PUSH_TIMEOUT + 5  # seconds, for a push as a whole
ELSE_SECONDS = 20.0  # to start Python, sweep and store on a machine that has more to do
DRIP_SECONDS = 0.1


@pytest.fixture
def site(tmp_path):
    return make_site(tmp_path)


def server(converse):
    """A server that does `converse` with each connection, once it has a request."""

    def read_first(connection, ended):
        read_request(connection)
        converse(connection, ended)

    return tcp_server(read_first)


def read_request(connection):
    """All of it, lest what is left unread resets the connection."""
    connection.settimeout(5)
    with connection.makefile("rb") as file:
        file.readline()
        file.read(int(parse_headers(file)["Content-Length"]))


def hang(_connection, ended):
    ended.wait(30)


def answer(status, body):
    def converse(connection, _ended):
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        connection.sendall(body)

    return converse


def drip(connection, ended):
    """Each byte comes in time, and the answer never ends."""
    connection.sendall(b"HTTP/1.1 202 Accepted\r\n")
    while not ended.wait(DRIP_SECONDS):
        connection.sendall(b"X")


def reset(connection, _ended):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def push_options(port):
    return f"--pushgateway=http://127.0.0.1:{port}", f"--push-timeout={PUSH_TIMEOUT}"


@pytest.mark.parametrize(
    ("converse", "reason"),
    [
        (None, "Connection refused: is it running and reachable?"),
        (hang, "no answer within 0.5 s"),
        (answer("400 Bad Request", b"bad\nline"), "answers 400 Bad Request: bad"),
        (answer("500 Oops", "出错了".encode()), "answers 500 Oops: 出错了"),
        (drip, f"no end within {PUSH_LIMIT:g} s: given up"),
        (reset, "Connection reset by peer: is it running and reachable?"),
    ],
    ids=["down", "hanging", "400", "500", "dripping", "reset"],
)
def test_the_sweep_is_stored_and_the_push_is_told(site, converse, reason):
    with server(converse or hang) as listening:
        port = listening if converse else free_port()
        started = time.monotonic()
        done = run(site, PROBE, *push_options(port))
        seconds = time.monotonic() - started
    error = error_of(done, 3)
    assert error.startswith("not delivered: Pushgateway")
    assert error.endswith(reason)
    assert "received=62" in done.stdout
    assert sweeps_in(site / "netsky_cu.db") == 1
    assert seconds < PUSH_LIMIT + ELSE_SECONDS


@pytest.mark.parametrize("tool", [AVERAGE, ALERT])
def test_so_it_is_with_the_other_tools(site, tool):
    fill_database(f"sqlite:///{site}/netsky_cu.db")
    with server(answer("400 Bad Request", b"")) as port:
        error = error_of(run(site, tool, *push_options(port)), 3)
    assert error.endswith(f"Pushgateway http://127.0.0.1:{port}: answers 400 Bad Request")


# Its name

# A host of its own: no network but loopback, and no name server but one on it.
ALONE = """
set -e
mount --make-rprivate /
ip link set lo up
echo "nameserver 127.0.0.1" >"$0/resolv.conf"
mount --bind "$0/resolv.conf" /etc/resolv.conf
echo "hosts: files dns" >"$0/nsswitch.conf"
mount --bind "$0/nsswitch.conf" /etc/nsswitch.conf
cd "$0"
exec "$@"
"""

# Beside a name server that takes every question and answers none.
WITH_SILENT_NAME_SERVER = textwrap.dedent("""
    import socket, subprocess, sys
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 53))
        done = subprocess.run(sys.argv[1:])
        asked = silent.recv(512)
    assert b"\\7invalid\\0" in asked, asked
    sys.exit(done.returncode)
""")


def run_alone(site, *command):
    unshare = [program("unshare"), "--mount", "--net", "sh", "-c", ALONE, str(site)]
    started = time.monotonic()
    done = run_command(site, [*unshare, *command])
    assert time.monotonic() - started < ELSE_SECONDS
    return done


PUSH_BY_NAME = ("--pushgateway=http://push.invalid:9091", f"--push-timeout={PUSH_TIMEOUT}")


@needs_root
def test_a_name_that_nobody_knows_costs_the_push_only(site):
    error = error_of(run_alone(site, *command_of(PROBE, *PUSH_BY_NAME)), 3)
    assert error.startswith("not delivered: Pushgateway http://push.invalid:9091: ")
    assert "name resolution" in error
    assert sweeps_in(site / "netsky_cu.db") == 1


@needs_root
def test_a_name_server_that_never_answers_is_not_waited_for(site):
    alone = (sys.executable, "-c", WITH_SILENT_NAME_SERVER)
    error = error_of(run_alone(site, *alone, *command_of(PROBE, *PUSH_BY_NAME)), 3)
    assert "no answer from the name servers within 0.5 s" in error
    assert sweeps_in(site / "netsky_cu.db") == 1


@needs_root
def test_nor_is_it_for_the_database(site):
    alone = (sys.executable, "-c", WITH_SILENT_NAME_SERVER)
    database = ("--database=mysql://netsky@db.invalid/netsky_cu", "--database-timeout=1")
    error = error_of(run_alone(site, *alone, *command_of(PROBE, *database)), 3)
    assert re.search(r"no answer from the name servers within 1 s; sweeps in \S+: 1$", error)
