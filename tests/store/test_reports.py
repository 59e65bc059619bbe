"""What reports ask of stored sweeps, on SQLite and MariaDB."""

from datetime import UTC, datetime, timedelta

import pytest

from netsky.incident_loss import Step
from netsky.places import find_province
from netsky.store.incidents import Line, find_incident
from netsky.store.reports import (
    hourly_losses,
    losses_over_time,
    newest_sweep,
    tainted_sweeps,
    worst_faults,
)
from netsky.store.rows import sweep_rows
from testing.incidents import open_incident, prefix_fault, quality

START = datetime(2026, 11, 24, 18, 58, tzinfo=UTC)
END = START + timedelta(minutes=30)
GUANGDONG, GUANGXI = find_province("guangdong"), find_province("guangxi")
LINE = Line("cu", "b")


def store_sweeps(store, *sweeps, egress="b"):
    """Sweeps of two provinces: seconds from the start, the loss of Guangdong, its fault, tainted or not."""
    for seconds, loss, fault, tainted in sweeps:
        qualities = [quality(GUANGDONG, loss, fault=fault), quality(GUANGXI, 0.01)]
        at = START + timedelta(seconds=seconds)
        store.database.store(sweep_rows("cu", egress, at, qualities, tainted=tainted))


def ask(store, of, **values):
    with store.database.connector.transaction() as connection:
        return of(connection, LINE, **values)


def series(store, step, **values):
    asked = {"provinces": [GUANGDONG], "first": START, "until": END, "step": step} | values
    return {
        (province.slug, f"{at:%H:%M}"): (sums.sweeps, sums.live_sent, sums.live_lost, sums.lost)
        for province, found in ask(store, losses_over_time, **asked).items()
        for at, sums in found
    }


@pytest.fixture
def minutes(store):
    """In 18:58 two sweeps and one that is tainted, then one in 18:59, in 19:01 and in 19:11."""
    store_sweeps(
        store,
        (0, 0.1, None, False),
        (20, 0.2, None, False),
        (40, 0.9, None, True),
        (60, 0.3, None, False),
        (180, 0.4, None, False),
        (780, 0.5, None, False),
    )
    store_sweeps(store, (0, 0.99, None, False), egress="c")
    return store


def test_losses_are_summed_by_minute_without_what_this_host_spoilt(minutes):
    assert series(minutes, Step.MINUTE) == {
        ("guangdong", "18:58"): (2, 1600, 240, 640),
        ("guangdong", "18:59"): (1, 800, 240, 440),
        ("guangdong", "19:01"): (1, 800, 320, 520),
        ("guangdong", "19:11"): (1, 800, 400, 600),
    }


def test_losses_are_summed_by_ten_minutes_and_by_hour(minutes):
    assert series(minutes, Step.TEN_MINUTES) == {
        ("guangdong", "18:50"): (3, 2400, 480, 1080),
        ("guangdong", "19:00"): (1, 800, 320, 520),
        ("guangdong", "19:10"): (1, 800, 400, 600),
    }
    assert series(minutes, Step.HOUR) == {
        ("guangdong", "18:00"): (3, 2400, 480, 1080),
        ("guangdong", "19:00"): (2, 1600, 720, 1120),
    }


def test_the_end_of_a_time_is_not_in_it_and_no_provinces_are_all(minutes):
    found = series(minutes, Step.HOUR, provinces=(), until=START + timedelta(minutes=1))
    assert found == {
        ("guangdong", "18:00"): (2, 1600, 240, 640),
        ("guangxi", "18:00"): (2, 1600, 16, 416),
    }


def test_hours_are_what_remains_of_sweeps(minutes):
    database = minutes.database
    list(database.roll_up("cu", "b"))
    list(database.prune(before=END))
    assert series(minutes, Step.HOUR) == {}
    found = ask(
        minutes, hourly_losses, provinces=[GUANGDONG], first=START - timedelta(hours=1), until=END
    )
    [(hour, sums), (later, _)] = found[GUANGDONG]
    assert (hour, later) == (datetime(2026, 11, 24, 18, tzinfo=UTC), hour + timedelta(hours=1))
    assert (sums.sweeps, sums.live_sent, sums.live_targets) == (3, 2400, 800)  # one is tainted


def test_the_newest_sweep_and_the_tainted_ones_are_those_of_the_line(minutes):
    assert ask(minutes, newest_sweep, until=END) == START + timedelta(seconds=780)
    assert ask(minutes, newest_sweep, until=START) == START
    assert ask(minutes, newest_sweep, until=START - timedelta(seconds=1)) is None
    assert ask(minutes, tainted_sweeps, first=START, until=END) == 1
    assert ask(minutes, tainted_sweeps, first=START + timedelta(minutes=1), until=END) == 0


def test_what_failed_is_told_of_the_sweep_that_lost_most_and_names_a_prefix(store):
    small = prefix_fault(("203.0.113.0/24", 100, 0.5, 0.01))
    large = prefix_fault(("203.0.113.0/24", 100, 0.9, 0.01))
    none = prefix_fault()
    store_sweeps(
        store,
        (0, 0.1, small, False),
        (60, 0.3, large, False),
        (120, 0.31, none, False),
        (180, 0.9, small, True),
    )
    values = {"provinces": [GUANGXI, GUANGDONG], "first": START, "until": END}
    [found] = ask(store, worst_faults, **values)
    assert (found.province, found.at, found.fault) == (
        GUANGDONG,
        START + timedelta(minutes=1),
        large,
    )
    assert ask(store, worst_faults, **values | {"first": START + timedelta(minutes=2)}) == [
        type(found)(GUANGDONG, START + timedelta(minutes=2), none)
    ]


def test_an_incident_is_found_by_its_number_on_its_line_only(store):
    number = open_incident(store.database, "cu", "b", opened_at=START, losses={GUANGDONG: 0.2})
    connector = store.database.connector
    found = find_incident(connector, LINE, number)
    assert (found.id, found.opened_at, found.provinces) == (number, START, (GUANGDONG,))
    assert find_incident(connector, LINE, number + 1) is None
    assert find_incident(connector, Line("cu", "c"), number) is None
