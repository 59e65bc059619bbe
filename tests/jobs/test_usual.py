"""What is usual, through SQLite and MariaDB: stored, gone on from, and judged by, as cron has it."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
import sqlalchemy as sa

from netsky.jobs.history import StoredHistory
from netsky.judging.grading import Grade, NotJudged, Severity, Thresholds
from netsky.judging.rule import MeanRule
from netsky.judging.usual import BUCKET_SECONDS, SWEEPS, Buckets
from netsky.judging.usual_columns import COLUMNS, IS_LOSS, Kind, column_of
from netsky.judging.usual_rule import UsualRule
from netsky.judging.usual_sweeps import Sweep, average, nothing_kept, start_of
from netsky.places import PROVINCES, find_province
from netsky.store.baselines import store_computed
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.store.tables import line, sweeps, usual, usual_bucket
from netsky.store.usual import _unpacked, prune_buckets
from testing.commands import run_tool

START = datetime(2024, 5, 6, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RULE = UsualRule()
SLUGS = ("beijing", "hunan", "hubei")
LIVE = ("hunan",)


def store_minute(store, at, losses, **keywords):
    """A sweep; `losses` are ratios by slug."""
    store_all(store, {at: losses}, **keywords)


def store_steady(store, minutes, loss=0.02, *, start=START, every=5, **keywords):
    """A sweep every few minutes, all provinces alike; the time of the last one.

    `seconds` is the mean RTT; None: not known.
    """
    times = [start + minute * MINUTE for minute in range(0, minutes, every)]
    store_all(store, {at: dict.fromkeys(SLUGS, loss) for at in times}, **keywords)
    return times[-1]


def store_all(store, losses, *, live=(), egress="default", seconds=None):
    """In one transaction, in this order; the usually alive of `live` lose half as much."""
    with store.engine.begin() as connection:
        serial = connection.scalar(sa.select(sa.func.max(sweeps.c.serial))) or 0
        rows = [
            {
                "isp": "cu",
                "egress": egress,
                "province": find_province(slug).name,
                "started_at": at.replace(tzinfo=None),
                "lossrate": 100 * loss,
                "sent": 2000,
                "mean": None if seconds is None else 1000 * seconds,
                "live_targets": 1000 if slug in live else None,
                "live_sent": 1000 if slug in live else None,
                "live_lost": round(500 * loss) if slug in live else None,
                "serial": serial + count,
            }
            for count, (at, of_sweep) in enumerate(losses.items(), 1)
            for slug, loss in of_sweep.items()
        ]
        connection.execute(sweeps.insert(), rows)
        if egress not in connection.scalars(sa.select(line.c.egress)).all():
            connection.execute(line.insert().values(isp="cu", egress=egress, serial=serial))


def history_of(store, egress="default"):
    return StoredHistory(store.database, "cu", egress)


def run_average(store, now, rule=RULE, egress="default"):
    computed = rule.baselines(history_of(store, egress), now=now)
    if computed.baselines:
        store_computed(store.database.connector, "cu", egress, computed, now)
    return computed


def judge(store, now, rule=RULE):
    history = history_of(store)
    newest = store.database.newest_loss("cu", "default", now=now)
    baselines = store.database.baselines("cu", egress="default")
    return rule.judge(newest, baselines, now=now, recent=rule.recent(history, now=now))


def grades(verdict):
    return {each.province.slug: each.grade for each in verdict.judgements}


def column(slug, *, live=False):
    return column_of(find_province(slug), Kind.LIVE if live else Kind.ALL)


def usual_rows(store):
    rows = store.fetch("SELECT province, targets, value, grade FROM netsky_usual ORDER BY 1, 2")
    return [tuple(row) for row in rows]


def losses_at(minute):
    """Noise, an outage of an hour in Beijing, a province that comes later."""
    rng = np.random.default_rng(minute)
    loss = {slug: float(rng.normal(0.03, 0.003)) for slug in SLUGS}
    if 95 <= minute < 155:
        loss["beijing"] += 0.12
    if minute < 60:
        del loss["hubei"]
    return loss


def in_memory(minutes):
    """What is kept when the same sweeps are gone over once, without any database."""
    sweeps = []
    for minute in minutes:
        loss = np.full(COLUMNS, np.nan)
        for slug, value in losses_at(minute).items():
            loss[column(slug)] = value
            if slug in LIVE:
                loss[column(slug, live=True)] = round(500 * value) / 1000
        sweeps.append(Sweep((START + minute * MINUTE).timestamp(), loss))
    buckets = Buckets(COLUMNS)
    kept, _ = average(RULE._rises, buckets, nothing_kept(COLUMNS, is_loss=IS_LOSS), sweeps)
    return kept, buckets, [each for each in sweeps if each.at >= start_of(kept.usual)]


def assert_same(one, other):
    for part in ("usual", "standing"):
        for name in getattr(one, part).__slots__:
            if name != "rise":  # of the newest sweep, which the alert goes over again
                ours, theirs = (
                    getattr(getattr(one, part), name),
                    getattr(getattr(other, part), name),
                )
                np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-8, err_msg=name)


def test_what_is_stored_on_the_way_is_what_one_going_over_all_sweeps_finds(store):
    store.create_tables()
    minutes = range(0, 220, 5)
    for minute in minutes:
        at = START + minute * MINUTE
        store_minute(store, at, losses_at(minute), live=LIVE)
        if minute % 15 == 0:  # not as often as there are buckets
            run_average(store, at + 3 * MINUTE)
        kept, _, since = in_memory(range(0, minute + 1, 5))
        if minute and minute % 15 == 0:
            assert_same(history_of(store).kept(), kept)
        if minute in (100, 145, 160, 215):
            standing = kept.standing
            for sweep in since:
                standing = RULE._rises.after_sweep(standing, kept.usual, sweep)
            found = grades(judge(store, at + MINUTE / 3))
            assert found["beijing"] == (Grade.SEVERE if minute in (100, 145) else Grade.NONE)
            assert found["hubei"] is Grade.NONE
    numbers = np.arange(int(START.timestamp()) // BUCKET_SECONDS, kept.usual.number)
    stored = history_of(store).buckets([range(numbers[0], numbers[-1] + 1)])
    _, made, _ = in_memory(minutes)
    for number in numbers:
        ours, theirs = stored.values(number), made.values(number)
        known = theirs[0] > 0
        np.testing.assert_allclose(ours[:, known], theirs[:, known], rtol=1e-6, atol=1e-8)


def test_a_run_that_was_missed_or_came_twice_changes_nothing(store):
    store.create_tables()
    last = store_steady(store, 60)
    store_minute(store, last + MINUTE, dict.fromkeys(SLUGS, 0.08))
    now = last + 2 * MINUTE
    run_average(store, now)
    first, rows = judge(store, now), usual_rows(store)
    run_average(store, now)
    assert usual_rows(store) == rows
    again = judge(store, now)
    assert first.judgements == again.judgements
    assert set(grades(again).values()) == {Grade.ELEVATED}


def test_the_alarm_that_stood_when_it_was_averaged_ends_at_seven_tenths(store):
    store.create_tables()
    last = store_steady(store, 60)
    last = store_steady(store, 20, 0.08, start=last + 5 * MINUTE)
    run_average(store, last + MINUTE)
    kept = history_of(store).kept()
    assert kept.standing.grades[column("beijing")] == 1
    store_minute(store, last + MINUTE, dict.fromkeys(SLUGS, 0.06))
    assert set(grades(judge(store, last + 2 * MINUTE)).values()) == {Grade.ELEVATED}
    store_minute(store, last + 2 * MINUTE, dict.fromkeys(SLUGS, 0.05))
    assert set(grades(judge(store, last + 3 * MINUTE)).values()) == {Grade.NONE}


def test_the_first_averaging_goes_back_over_what_is_there(store):
    store.create_tables()
    last = store_steady(store, 26 * 60, every=15)
    computed = run_average(store, last + MINUTE, MeanRule())
    assert usual_rows(store) == []
    assert all(each.band is None for each in computed.baselines)
    computed = run_average(store, last + MINUTE)
    assert {each.band.days for each in computed.baselines} == {1}
    [(count,)] = store.fetch("SELECT COUNT(*) FROM netsky_usual_bucket")
    assert count == 26 * 4 - 1


def test_under_mean_nothing_is_kept_and_usual_judges_by_what_mean_has_stored(store):
    store.create_tables()
    last = store_steady(store, 60)
    run_average(store, last + MINUTE)
    assert usual_rows(store)
    run_average(store, last + MINUTE, MeanRule())
    assert usual_rows(store) == []
    assert all(each.band is None for each in store.database.baselines("cu"))
    store_minute(store, last + MINUTE, dict.fromkeys(SLUGS, 0.13))
    assert set(grades(judge(store, last + 2 * MINUTE)).values()) == {Grade.SEVERE}


def test_the_loss_of_the_usually_alive_is_judged_where_it_is_known_as_long(store):
    store.create_tables()
    last = store_steady(store, 60, live=LIVE)
    run_average(store, last + MINUTE)
    verdict = judge(store, last + MINUTE)
    by_live = {each.province.slug: each.by_live for each in verdict.judgements}
    assert by_live == {slug: slug in LIVE for slug in SLUGS}
    [hunan] = [each for each in verdict.judgements if each.by_live]
    assert hunan.baseline_ratio == pytest.approx(0.01)
    assert hunan.baseline.live_band.low_ratio <= 0.01 <= hunan.baseline.live_band.high_ratio


def test_the_usually_alive_of_a_moment_do_not_outweigh_what_is_known_for_a_day(store):
    store.create_tables()
    last = store_steady(store, 25 * 60, every=15)
    last = store_steady(store, 60, start=last + 5 * MINUTE, live=LIVE)
    run_average(store, last + MINUTE)
    assert not any(each.by_live for each in judge(store, last + MINUTE).judgements)
    assert {(province, of) for province, of, *_ in usual_rows(store)} >= {("湖南", "live")}


def test_the_newest_value_is_judged_although_it_came_before_the_averaging_kept_on(store):
    store.create_tables()
    last = store_steady(store, 60)
    store_minute(store, last + 4 * MINUTE, {"beijing": 0.2})
    store_minute(store, last + 5 * MINUTE, {"hunan": 0.02})  # the next bucket
    run_average(store, last + 5 * MINUTE)
    assert grades(judge(store, last + 6 * MINUTE))["beijing"] is Grade.SEVERE


def test_an_averaging_that_is_away_for_long_is_told_by_the_age_of_its_baselines(store):
    store.create_tables()
    last = store_steady(store, 60)
    run_average(store, last + MINUTE)
    last = store_steady(store, 120, start=last + 23 * HOUR)
    store_minute(store, last + MINUTE, dict.fromkeys(SLUGS, 0.08))
    assert set(grades(judge(store, last + 2 * MINUTE)).values()) == {None}
    run_average(store, last + 2 * MINUTE)
    assert set(grades(judge(store, last + 2 * MINUTE)).values()) == {Grade.ELEVATED}


def test_a_clock_that_was_ahead_for_an_averaging_costs_no_alarm(store):
    store.create_tables()
    last = store_steady(store, 60)
    run_average(store, last + MINUTE)
    ahead = last + 5 * HOUR
    store_steady(store, 30, 0.5, start=ahead)  # with the same clock
    run_average(store, ahead + 30 * MINUTE)
    assert start_of(history_of(store).kept().usual) > ahead.timestamp()
    last = store_steady(store, 30, start=last + 5 * MINUTE)
    run_average(store, last + MINUTE)
    kept = history_of(store).kept()
    assert start_of(kept.usual) < (last + MINUTE).timestamp()
    assert kept.usual.loss[column("beijing")] == pytest.approx(0.02)
    store_minute(store, last + MINUTE, dict.fromkeys(SLUGS, 0.08))
    assert set(grades(judge(store, last + 2 * MINUTE)).values()) == {Grade.ELEVATED}


def test_what_a_clock_ahead_has_kept_is_not_judged_by(store):
    store.create_tables()
    last = store_steady(store, 60)
    run_average(store, last + MINUTE)
    store_steady(store, 30, 0.5, start=last + 5 * HOUR)
    run_average(store, last + 6 * HOUR)
    now = last + MINUTE
    recent = RULE.recent(history_of(store), now=now)
    assert recent.kept.usual.loss[column("beijing")] == pytest.approx(0.02)
    assert {each.not_judged for each in judge(store, now).judgements} == {NotJudged.IN_THE_FUTURE}


def test_rows_of_a_clock_that_was_ahead_are_passed_over_when_their_time_has_come(store):
    store.create_tables()
    last = store_steady(store, 60)
    store_minute(store, last + 42 * MINUTE, dict.fromkeys(SLUGS, 0.9))  # stored now
    last = store_steady(store, 45, start=last + 5 * MINUTE)
    found = history_of(store).sweeps(since=0, until=(last + HOUR).timestamp())
    assert all(sweep.loss[column("beijing")] < 0.5 for sweep in found)
    assert all(one.at < next_.at for one, next_ in pairwise(found))
    run_average(store, last + MINUTE)
    assert set(grades(judge(store, last + MINUTE)).values()) == {Grade.NONE}


def test_each_exit_is_kept_apart(store):
    store.create_tables()
    last = store_steady(store, 30)
    store_steady(store, 30, 0.2, egress="b")
    run_average(store, last + MINUTE)
    run_average(store, last + MINUTE, egress="b")
    usual = [history_of(store, name).kept().usual.loss[0] for name in ("default", "b")]
    assert usual == pytest.approx([0.02, 0.2])
    assert history_of(store, "c").kept() is None


def test_buckets_of_more_than_eight_days_ago_are_deleted(store):
    store.create_tables()
    last = store_steady(store, 60)
    run_average(store, last + MINUTE)
    last = store_steady(store, 60, start=last + timedelta(days=9))
    run_average(store, last + MINUTE)
    with store.database.connector.transaction() as connection:
        assert prune_buckets(connection, "cu", now=last) == 6
    [(oldest,)] = store.fetch("SELECT MIN(start) FROM netsky_usual_bucket")
    assert str(oldest)[:10] >= f"{last - timedelta(days=8):%Y-%m-%d}"


def test_thresholds_of_the_alert_decide_what_is_learned(store):
    rule = UsualRule(Thresholds(elevated=0.2, severe=0.3))
    store.create_tables()
    last = store_steady(store, 60)
    last = store_steady(store, 120, 0.1, start=last + 5 * MINUTE)
    run_average(store, last + MINUTE, rule)
    assert history_of(store).kept().usual.loss[0] > 0.03
    assert judge(store, last + MINUTE, rule).active == {}


def test_a_small_rise_is_noticed_through_averagings_and_is_no_alarm(store):
    store.create_tables()
    last = store_steady(store, 60, every=1)
    for _ in range(2):
        run_average(store, last + MINUTE)
        assert not any(each.notice for each in judge(store, last + MINUTE).judgements)
        last = store_steady(store, 7, 0.045, start=last + MINUTE, every=1)
    run_average(store, last + MINUTE)
    assert history_of(store).kept().standing.noticed[column("hunan")] > 0
    verdict = judge(store, last + MINUTE)
    assert set(grades(verdict).values()) == {Grade.NONE}
    assert verdict.active == {}
    assert {each.province.slug for each in verdict.noticed} == set(SLUGS)
    for each in verdict.noticed:
        assert each.notice.increase == pytest.approx(0.025 / 0.98, abs=0.005)
        assert 600 <= each.notice.seconds <= 780
    store_all(store, {last + MINUTE: dict.fromkeys(SLUGS, 0.09)})
    verdict = judge(store, last + 2 * MINUTE)
    assert not verdict.noticed, "an alarm is told as one"
    assert set(verdict.active) == {Severity.MEDIUM}


def test_what_was_noticed_before_a_gap_has_no_size_until_three_sweeps_are_known(store):
    store.create_tables()
    last = store_steady(store, 60, every=1, seconds=0.040)
    run_average(store, last + MINUTE)
    last = store_steady(store, 15, 0.045, start=last + MINUTE, every=1, seconds=0.055)
    verdict = judge(store, last + MINUTE)
    assert len(verdict.noticed) == len(verdict.latency_noticed) == len(SLUGS)
    without = {last + minute * MINUTE: {"hubei": 1.0} for minute in range(1, 5)}
    store_all(store, without, seconds=None)
    noticed = []
    for minute in range(5, 8):
        store_all(store, {last + minute * MINUTE: dict.fromkeys(SLUGS, 0.045)}, seconds=0.055)
        verdict = judge(store, last + (minute + 1) * MINUTE)
        [beijing] = [each for each in verdict.judgements if each.province.slug == "beijing"]
        noticed.append([beijing.notice, beijing.latency.notice])
    assert noticed[:2] == [[None, None]] * 2
    assert all(each.increase > 0 for each in noticed[2])


def test_the_latency_is_judged_beside_the_loss_and_makes_no_alarm(store):
    store.create_tables()
    last = store_steady(store, 60, every=1, seconds=0.040)
    run_average(store, last + MINUTE)
    assert ("湖南", "rtt", pytest.approx(40), "none") in usual_rows(store)
    last = store_steady(store, 7, start=last + MINUTE, every=1, seconds=0.110)
    run_average(store, last + MINUTE)
    verdict = judge(store, last + MINUTE)
    assert verdict.active == {}
    assert set(grades(verdict).values()) == {Grade.NONE}
    assert len(verdict.latency_high) == len(SLUGS)
    latency = verdict.judgements[0].latency
    assert latency.seconds == pytest.approx(0.110)
    assert latency.usual_seconds == pytest.approx(0.040, abs=0.004)
    assert latency.increase_seconds == pytest.approx(0.110 - latency.usual_seconds)
    assert latency.band.low_ratio <= latency.usual_seconds <= latency.band.high_ratio
    store_all(store, {last + MINUTE: dict.fromkeys(SLUGS, 1.0)}, seconds=None)
    verdict = judge(store, last + 2 * MINUTE)
    assert all(each.latency is None for each in verdict.judgements), "nobody replied"
    assert set(verdict.active) == {Severity.CRITICAL}


def as_json(figures):
    return [None if np.isnan(figure) else figure for figure in figures]


def test_buckets_of_before_there_were_latencies_are_read_as_they_are(store):
    store.create_tables()
    last = store_steady(store, 60, seconds=0.040)
    run_average(store, last + MINUTE)
    with store.engine.begin() as connection:
        for start, provinces in connection.execute(
            sa.select(usual_bucket.c.start, usual_bucket.c.provinces)
        ).all():
            values = _unpacked(provinces)
            known = [province for province in PROVINCES if values[SWEEPS, column_of(province)]]
            earlier = {
                province.slug: [as_json(values[:, column_of(province)]), None] for province in known
            }
            connection.execute(
                sa.update(usual_bucket)
                .where(usual_bucket.c.start == start)
                .values(provinces=json.dumps(earlier))
            )
        connection.execute(sa.delete(usual).where(usual.c.targets == Kind.LATENCY))
    kept = history_of(store).kept()
    latency = column_of(find_province("hunan"), Kind.LATENCY)
    assert np.isnan(kept.usual.loss[latency])
    assert kept.usual.loss[column("hunan")] == pytest.approx(0.02)
    last = store_steady(store, 20, start=last + 5 * MINUTE, seconds=0.040)
    run_average(store, last + MINUTE)
    kept = history_of(store).kept()
    assert kept.usual.loss[latency] == pytest.approx(0.040)


def test_a_sqlite_file_of_before_is_mended(tmp_path):
    database = Database(fill_url(f"sqlite:///{tmp_path}/x.db", "cu", "default"), timeout=5)
    database.connector.run(lambda _: None, create=True)
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("ALTER TABLE netsky_usual DROP COLUMN noticed")
    database.connector.run(lambda _: None, create=True)
    assert StoredHistory(database, "cu", "default").kept() is None


def test_the_tools_do_it(store, tmp_path):
    store.create_tables()
    now = datetime.now(UTC).replace(microsecond=0)
    last = store_steady(store, 60, start=now - 62 * MINUTE)
    store_minute(store, last + 6 * MINUTE, {**dict.fromkeys(SLUGS, 0.02), "beijing": 0.14})
    options = ["--database", store.url, "--baseline", "usual", "--format", "json"]
    averaged = run_tool(tmp_path, "netsky_get_avg_lossrate", *options)
    assert averaged.returncode == 0
    [beijing] = [
        each for each in json.loads(averaged.stdout)["provinces"] if each["province"] == "beijing"
    ]
    assert beijing["baseline_ratio"] == pytest.approx(0.02)
    alerted = run_tool(tmp_path, "netsky_alert", *options)
    assert alerted.returncode == 0
    assert json.loads(alerted.stdout)["alert"]["active"] == [Severity.CRITICAL]


@pytest.mark.parametrize("value", ["true", '"5"', "0", "-3", "nan"])
def test_a_threshold_that_cannot_be_is_refused_by_the_averaging_too(value, tmp_path):
    (tmp_path / "netsky.toml").write_text(f"[alert]\nelevated = {value}\n")
    done = run_tool(tmp_path, "netsky_get_avg_lossrate")
    assert done.returncode == 2
    assert "alert.elevated" in done.stderr
