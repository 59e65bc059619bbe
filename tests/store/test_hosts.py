"""Two hosts that give the same name to their exits are told; one that moved or failed over is not."""

import json
from datetime import datetime, timedelta
from threading import Thread

import pytest

from netsky.places import PROVINCES
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.store.hosts import take_turn, this_host
from netsky.store.rows import sweep_rows
from testing.samples import STARTED_AT, make_quality

NOON = datetime(2024, 5, 6, 12)  # noqa: DTZ001 # as the column holds it


@pytest.fixture
def turns(store):
    """Let hosts store at minutes after noon, `A0 B1 A2`: whom each is told of, `-` for nobody."""
    store.create_tables()

    def take(text, *, egress="default"):
        told = []
        for name, minute in ((word[0], float(word[1:])) for word in text.split()):
            with store.engine.begin() as connection:
                now = NOON + timedelta(minutes=minute)
                told.append(take_turn(connection, "cu", egress, name, now=now) or "-")
        return "".join(told)

    return take


def test_one_host_alone_is_never_told(turns):
    assert turns("A0 A1 A2 A3 A9000 A9001") == "------"


def test_two_in_turns_are_told_when_one_comes_back_again(turns):
    assert turns("A0 B1 A2 B3 A4 B5 A6") == "----BAB"


def test_the_one_that_is_slower_is_told_as_well(turns):
    assert turns("A0 A1 A2 B3 A3 A4 A5 B6 A6 A7 B9") == "--------B-A"


def test_three_in_turns_are_told_too(turns):
    assert turns("A0 B1 C2 A3 B4 C5 A6 B7 C8") == "------CAB"


def test_it_ends_when_one_of_them_stops(turns):
    assert turns("A0 B1 A2 B3 A4 A5 A6 A7").endswith("B---")


@pytest.mark.parametrize(
    "story",
    [
        pytest.param("A0 A1 B2 B3 B4 B5", id="moved-or-renamed"),
        pytest.param("A0 B1 A2 A3 A4", id="failover-and-back"),
        pytest.param("A0 B200 A400 B600 A800 B1000 A1200", id="failover-each-three-hours"),
        pytest.param("A0 B1 C2 D3 E4 F5 G6 H7 I8 J9 K10", id="restarted-again-and-again"),
    ],
)
def test_what_happens_to_an_honest_host_is_not_told(turns, story):
    assert set(turns(story)) == {"-"}


def test_each_line_is_looked_at_by_itself(turns):
    for minute in range(0, 20, 2):
        assert turns(f"A{minute}", egress="a") + turns(f"B{minute + 1}", egress="b") == "--"


def test_a_host_is_known_by_its_name_and_its_kernel():
    name, boot = this_host().split()
    assert name
    assert len(boot) == 8
    assert this_host() == f"{name} {boot}"


def test_of_hosts_that_store_at_once_each_is_told_and_every_sweep_is_there(mariadb_store):
    url = fill_url(mariadb_store.url, "cu", "default")
    databases = [Database(url, timeout=20, host=name) for name in ("A", "B")]
    told = [set(), set()]
    qualities = [make_quality(province.slug) for province in PROVINCES[:2]]

    def store(number):
        for minute in range(30):
            at = STARTED_AT + timedelta(minutes=minute, seconds=20 * number)
            databases[number].store(sweep_rows("cu", "default", at, qualities))
            told[number].add(databases[number].other_host())

    threads = [Thread(target=store, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert told[0] <= {None, "B"}
    assert told[1] <= {None, "A"}
    [(recent,)] = mariadb_store.fetch("SELECT recent FROM netsky_host")
    assert ("B" in told[0] or "A" in told[1]) == (len(json.loads(recent)) > 4)
    assert len(mariadb_store.sweeps()) == 2 * 30 * 2


def test_a_database_that_knows_no_host_takes_no_note_of_one(store):
    store.create_tables()
    store.database.store(sweep_rows("cu", "default", STARTED_AT, [make_quality("hunan")]))
    assert store.fetch("SELECT * FROM netsky_host") == []
    assert store.database.other_host() is None
