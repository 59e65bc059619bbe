"""An end to what takes too long, also within something that has a limit itself."""

import signal
import threading
import time

import pytest

from netsky.errors import DatabaseError, DeliveryError
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.time_limit import time_limit
from testing.samples import STARTED_AT, make_quality
from testing.servers import tcp_server
from testing.stores import store_sweep


@pytest.mark.parametrize(("outer", "inner", "named"), [(0.2, 30, "outer"), (30, 0.2, "inner")])
def test_of_nested_limits_the_first_that_is_reached_counts(outer, inner, named):
    with (
        pytest.raises(DeliveryError, match=f"{named}: no end within 0.2 s"),
        time_limit(outer, "outer"),
        time_limit(inner, "inner"),
    ):
        time.sleep(20)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_after_an_inner_limit_the_outer_one_goes_on():
    def work():
        with time_limit(0.3, "inner"):
            time.sleep(0.1)
        time.sleep(20)

    with pytest.raises(DeliveryError, match="outer"), time_limit(0.5, "outer"):
        work()


def test_in_another_thread_there_is_no_limit_and_no_error():
    done = []

    def work():
        with time_limit(0.05, "x"):
            time.sleep(0.2)
            done.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [1]


def test_a_server_that_sends_a_byte_now_and_then_is_given_up():
    """Each byte comes in time; the greeting, which says that 16 MB follow, never ends."""

    def drip(connection, ended):
        connection.sendall(b"\xff\xff\xff\x00")
        while not ended.wait(0.2):
            connection.sendall(b"x")

    with tcp_server(drip) as port:
        database = Database(
            fill_url(f"mysql://netsky@127.0.0.1:{port}/x", "cu", "default"), timeout=1
        )
        database.connector.limit = 2
        started = time.monotonic()
        with pytest.raises(DatabaseError, match="no end within 2 s: given up"):
            store_sweep(database, "cu", "default", STARTED_AT, [make_quality("beijing")])
        assert time.monotonic() - started < 15
