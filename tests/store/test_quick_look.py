"""The quick look without SQLAlchemy: it says quiet only when that is sure, on SQLite and MariaDB."""

import subprocess
import sys

import pytest
import sqlalchemy as sa

from netsky.evidence import Reason
from netsky.store.quick_look import surely_quiet
from netsky.store.traces import record_takings
from testing.evidence import make_taking
from testing.stores import Store


def quiet(store, *, isp="cu", egress="b"):
    return bool(surely_quiet(store.url, [(isp, egress)], timeout=5))


def add(store, cleared="NULL", evidence="NULL"):
    store.execute(
        "INSERT INTO netsky_incident (id, isp, egress, opened_at, changed_at, cleared_at, severity,"
        " peak_severity, peak_increase, peak_provinces, provinces, evidence) VALUES (7, 'cu', 'b',"
        f" '2026-11-28 18:09:00', '2026-11-28 18:09:00', {cleared}, 'heavy', 'heavy', 44, 1, '广东',"
        f" {evidence})"
    )


def test_it_is_quiet_without_incidents_and_not_with_an_open_one(store):
    store.create_tables()
    assert quiet(store)
    add(store)
    assert not quiet(store)
    assert quiet(store, egress="a")
    assert quiet(store, isp="cm")


def test_what_was_cleared_lately_waits_for_its_comparison(store):
    store.create_tables()
    add(store, cleared="'2999-01-01 00:00:00'", evidence="'cu/b/20261128T180900Z'")
    assert not quiet(store)
    taking = make_taking(reason=Reason.CLEARED)
    record_takings(store.database.connector, 7, [taking], folder="cu/b/20261128T180900Z")
    assert quiet(store)


@pytest.mark.parametrize(
    ("cleared", "evidence"), [("'2020-01-01 00:00:00'", "'x'"), ("'2999-01-01 00:00:00'", "NULL")]
)
def test_what_was_cleared_long_ago_or_has_no_evidence_waits_for_none(store, cleared, evidence):
    store.create_tables()
    add(store, cleared=cleared, evidence=evidence)
    assert quiet(store)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///no-such-file.db",
        "sqlite:///a%20b.db",
        "mysql+pymysql://netsky@127.0.0.1:1/netsky_{isp}",
        "mysql+pymysql://127.0.0.1/netsky?read_default_file=/no/such/file",
        "nonsense",
    ],
)
def test_whatever_is_wrong_it_is_not_surely_quiet(url):
    assert surely_quiet(url, [("cu", "b")], timeout=1) == set()


def test_a_table_that_is_missing_is_not_surely_quiet(tmp_path):
    (tmp_path / "empty.db").touch()
    url = f"sqlite:///{tmp_path}/empty.db"
    assert surely_quiet(url, [("cu", "b")], timeout=1) == set()


def test_a_database_is_asked_for_all_of_its_lines(store):
    store.create_tables()
    add(store)
    lines = [("cu", f"exit-{number}") for number in range(80)]
    assert surely_quiet(store.url, [("cu", "b"), *lines], timeout=5) == set(lines)


def test_a_database_that_is_away_hides_no_other(tmp_path):
    url, lines = f"sqlite:///{tmp_path}/{{isp}}.db", [("cu", "a"), ("cm", "a")]
    there = f"sqlite:///{tmp_path}/cu.db"
    Store(there, sa.create_engine(there, poolclass=sa.NullPool)).create_tables()
    assert surely_quiet(url, lines, timeout=5) == {("cu", "a")}


def test_it_loads_neither_sqlalchemy_nor_numpy():
    code = (
        "import sys, netsky.cli.evidence_runs, netsky.store.quick_look, netsky.store.evidence_names"
    )
    code += "; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"sqlalchemy", "numpy", "rich", "pymysql"}
