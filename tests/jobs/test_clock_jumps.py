"""A clock that was ahead, is behind or was never set: it neither blinds the alert nor deletes history."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from netsky.clock import measured_since
from netsky.errors import ClockError
from netsky.jobs import alert as alert_job
from netsky.jobs import average as average_job
from netsky.jobs.housekeeping import Keep
from netsky.judging.grading import Severity
from netsky.judging.rule import MeanRule
from netsky.outlets.delivery import Outlets
from netsky.places import BUILTIN_ISPS
from netsky.store.rows import sweep_rows
from netsky.store.spool import Spool
from testing.commands import run_tool
from testing.samples import make_quality
from testing.stores import Loss, store_each_hour

CU = BUILTIN_ISPS["cu"]
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
NOW = datetime.now(UTC).replace(microsecond=0)
TABLES = ("netsky_lossrate", "netsky_abnormalrate", "netsky_latency")


@pytest.fixture(autouse=True)
def now(monkeypatch):
    """That of the test: all have been imported minutes before the last one runs."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def clock(monkeypatch):
    """Let the clock of this host say something else."""

    def set_to(moment):
        class Clock(datetime):
            @classmethod
            def now(cls, _tz=None):
                return moment

        for job in (alert_job, average_job):
            monkeypatch.setattr(job, "datetime", Clock)

    return set_to


def sweep(store, at, loss=0.02, *, provinces=("hunan", "hubei")):
    qualities = [make_quality(province, loss_ratio=loss) for province in provinces]
    store.database.store(sweep_rows("cu", "default", at, qualities))


def sweep_each_hour(store, newest, hours):
    qualities = [make_quality(province, loss_ratio=0.02) for province in ("hunan", "hubei")]
    store_each_hour(store.database, newest, hours, qualities)


def average(store, *, keep=30 * DAY):
    return average_job.average(
        store.database, CU, None, hours=12, rule=MeanRule(), keep=Keep(keep), outlets=Outlets()
    )


def judge(store):
    return alert_job.alert(store.database, CU, "default", rule=MeanRule(), outlets=Outlets())


def rows(store):
    return [len(store.rows(table)) for table in TABLES]


@pytest.fixture
def history(store):
    """Sweeps of the past days, the last a minute ago, and baselines of them."""
    sweep_each_hour(store, NOW - MINUTE, 40)
    average(store)
    return store


def test_a_sweep_that_is_stamped_a_day_ahead_does_not_blind_the_alert(history):
    sweep(history, NOW + DAY, 0.02)
    sweep(history, NOW, 0.9)
    report = judge(history)
    assert Severity.CRITICAL in report.verdict.active
    assert not report.verdict.not_judged
    [ignored] = report.ignored
    assert (ignored.egress, ignored.rows, ignored.first) == ("default", 2, NOW + DAY)


def test_what_is_ignored_is_told_and_the_sql_that_is_told_removes_it(history, tmp_path):
    sweep(history, NOW + DAY)
    sweep(history, NOW)
    before = rows(history)
    environment = {"NETSKY_DATABASE": history.url}
    done = run_tool(tmp_path, "netsky_alert", "--format", "json", **environment)
    [ignored] = json.loads(done.stdout)["ignored"]
    assert "ignored are 2 rows of netsky_sweep" in done.stderr
    assert ignored["remove"] in done.stderr
    for statement in filter(None, ignored["remove"].split(";")):
        history.execute(statement)
    assert rows(history) == [count - 2 for count in before]
    done = run_tool(tmp_path, "netsky_alert", "--format", "json", **environment)
    assert json.loads(done.stdout)["ignored"] == []


def test_three_sweeps_and_an_averaging_forty_days_ahead_delete_nothing(history, clock, caplog):
    before = rows(history)
    ahead = NOW + 40 * DAY
    for minutes in range(3):
        sweep(history, ahead - minutes * MINUTE)
    clock(ahead)
    report = average(history)
    assert report.pruned == {}
    assert rows(history) == [count + 6 for count in before]
    if history.engine.dialect.name == "sqlite":
        assert "not pruned: " in caplog.text
        assert "the clock has jumped" in caplog.text
    else:
        assert "ahead of that of the database's host" in caplog.text


def test_nor_does_a_clock_that_stays_ahead_for_a_day(history, clock):
    before = rows(history)
    ahead = NOW + 40 * DAY
    sweep_each_hour(history, ahead, 24)
    clock(ahead)
    assert average(history).pruned == {}
    assert rows(history) == [count + 48 for count in before]


def test_nor_does_a_host_that_is_ahead_for_weeks_beside_one_that_is_right(
    mariadb_store, clock, caplog
):
    """For 16 days a second host stamps its sweeps 20 days ahead; 30 days are kept."""
    ahead = 20 * DAY
    mariadb_store.add_losses(
        *(Loss("hunan", 2, NOW - hours * HOUR) for hours in range(30 * 24)),
        *(Loss("hunan", 2, NOW + ahead - hours * HOUR, "b") for hours in range(16 * 24)),
    )
    before = rows(mariadb_store)
    clock(NOW + ahead)
    assert average(mariadb_store).pruned == {}
    assert rows(mariadb_store) == before
    assert "ahead of that of the database's host" in caplog.text


def test_set_right_again_the_alert_judges_by_the_true_history(history, clock):
    ahead = NOW + 40 * DAY
    for minutes in range(3):
        sweep(history, ahead - minutes * MINUTE, 0.9)
    clock(ahead)
    average(history)
    clock(NOW)
    sweep(history, NOW, 0.9)
    report = judge(history)
    assert not report.verdict.not_judged
    assert [j.baseline.loss_ratio for j in report.verdict.judgements] == pytest.approx(
        [0.09] * 2, abs=0.03
    )
    assert Severity.CRITICAL in report.verdict.active


def test_history_is_deleted_once_so_much_has_been_measured_since(store):
    sweep_each_hour(store, NOW - MINUTE, 5 * 24)
    report = average(store, keep=3 * DAY)
    assert report.pruned == dict.fromkeys((*TABLES, "netsky_sweep"), 2 * 48)


def test_a_host_whose_clock_was_never_set_averages_and_deletes_nothing(history, clock):
    before = rows(history)
    clock(datetime(1970, 1, 1, 0, 5, tzinfo=UTC))
    with pytest.raises(ClockError, match="says 1970-01-01 00:05:00 UTC, which cannot be"):
        average(history)
    assert rows(history) == before


def test_under_a_clock_that_is_behind_nothing_is_deleted_either(history, clock):
    before = rows(history)
    clock(NOW - 20 * DAY)
    for minutes in range(3):
        sweep(history, NOW - 20 * DAY - minutes * MINUTE)
    assert average(history).pruned == {}
    assert rows(history) == [count + 6 for count in before]


def test_sweeps_that_wait_are_not_dropped_by_a_clock_that_jumps(tmp_path):
    spool = Spool(tmp_path, "cu", "default", max_bytes=1 << 24, max_age=7 * DAY)
    for at in (NOW - 2 * MINUTE, NOW - MINUTE, NOW + 400 * DAY, NOW + 400 * DAY + MINUTE):
        spool.add(sweep_rows("cu", "default", at, [make_quality("hunan")]))
    assert (spool.state().sweeps, spool.state().dropped_sweeps) == (4, 0)


def test_how_long_measuring_has_gone_on_is_told_by_the_sweeps():
    times = [NOW, NOW + MINUTE, NOW + 40 * DAY, NOW + 2 * MINUTE, NOW + 3 * MINUTE]
    assert measured_since(times) == [
        2 * HOUR + 2 * MINUTE,
        2 * HOUR + MINUTE,
        HOUR + MINUTE,
        MINUTE,
        0 * DAY,
    ]
    assert measured_since([]) == []
