"""Reports on incidents beside the overview: written again while something can change, marked where nothing can be read."""

import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from netsky.errors import DatabaseError
from netsky.jobs.incidents import StoredLine
from netsky.jobs.report_incident_pages import IncidentPages
from netsky.overview import LineState, Overview
from netsky.page.incident import incident_page
from netsky.page.incident_age import Standing, age_of
from netsky.page.incident_words import incident_words
from netsky.places import BUILTIN_ISPS
from netsky.store.connection import fill_url
from netsky.store.database import Database
from testing.commands import run_verb
from testing.incident_reports import NOW, make_incident_report
from testing.incidents import open_incident, store_line
from testing.overviews import overview_of
from testing.pages import check_page, text_of_page

CU = BUILTIN_ISPS["cu"]
MINUTE = timedelta(minutes=1)
OPEN = make_incident_report().incident
OVER = replace(OPEN, cleared_at=NOW - 5 * MINUTE)
NAME = "incident-cu-b-7.html"


def database_in(folder):
    return Database(fill_url(f"sqlite:///{folder}/netsky_cu.db", "cu", "default"), timeout=5)


def write(folder, overview, *, gather=None):
    """As a run at the time of that overview would, of the line cu through b."""

    def made(_line, incident):
        after = timedelta(minutes=20)
        until = min(overview.at, (incident.cleared_at or overview.at) + after)
        return make_incident_report(
            incident=incident, made_at=overview.at, until=until, data_until=overview.at
        )

    pages = IncidentPages(
        folder, gather or made, lambda report: incident_page(report, "zh"), incident_words("zh")
    )
    return pages.write([StoredLine(CU, "b", database_in(folder))], overview)


def seen(*incidents, at=NOW, **changed):
    return overview_of(LineState(CU, "b", incidents=tuple(incidents), **changed), at=at)


def page(folder, name=NAME):
    return (folder / name).read_text(encoding="utf-8")


def is_marked(text):
    check_page(text)
    return ' class="is-stale">' in text and 'role="alert">■ 停在 ' in text


def test_an_open_incident_is_written_each_time(tmp_path):
    for minutes in (0, 1):
        assert write(tmp_path, seen(OPEN, at=NOW + minutes * MINUTE))
        assert age_of(page(tmp_path)).as_of == NOW + minutes * MINUTE
    assert age_of(page(tmp_path)).standing is Standing.OPEN
    assert not is_marked(page(tmp_path))


def test_one_that_is_over_is_written_until_what_followed_is_in_it_and_never_again(tmp_path):
    write(tmp_path, seen(OPEN, at=NOW - 6 * MINUTE))
    standings = []
    for minutes in (0, 10, 16, 17):
        write(tmp_path, seen(OVER, at=NOW + minutes * MINUTE))
        standings.append((age_of(page(tmp_path)).standing, age_of(page(tmp_path)).as_of - NOW))
    assert standings == [
        (Standing.OVER, 0 * MINUTE),
        (Standing.OVER, 10 * MINUTE),
        (Standing.FINAL, 16 * MINUTE),
        (Standing.FINAL, 16 * MINUTE),
    ]
    write(tmp_path, seen(trouble="away", at=NOW + 600 * MINUTE))
    assert not is_marked(page(tmp_path))


def test_the_number_of_an_incident_of_a_database_before_is_no_reason_to_leave_its_page(tmp_path):
    write(tmp_path, seen(OVER, at=NOW + 16 * MINUTE))
    assert age_of(page(tmp_path)).standing is Standing.FINAL
    anew = replace(OPEN, opened_at=NOW + 20 * MINUTE)
    write(tmp_path, seen(anew, at=NOW + 30 * MINUTE))
    age = age_of(page(tmp_path))
    assert (age.standing, age.opened_at) == (Standing.OPEN, anew.opened_at)


def test_without_a_database_the_page_of_an_open_incident_says_how_old_it_is(tmp_path):
    write(tmp_path, seen(OPEN))
    write(tmp_path, seen(trouble="away", at=NOW + 2 * MINUTE))
    assert not is_marked(page(tmp_path))  # as young as a sweep may be
    for minutes in (25, 26):
        write(tmp_path, seen(trouble="away", at=NOW + minutes * MINUTE))
        marked = page(tmp_path)
        assert is_marked(marked)
        assert f"停在 2026-11-25 03:12:00，已过 {minutes} 分钟" in text_of_page(check_page(marked))
    write(tmp_path, seen(OPEN, at=NOW + 27 * MINUTE))
    assert not is_marked(page(tmp_path))


def test_one_that_cannot_be_read_keeps_no_other_from_being_written(tmp_path):
    other = replace(OPEN, id=8, opened_at=OPEN.opened_at + MINUTE)

    def gather(_line, incident):
        if incident.id == OPEN.id:
            raise DatabaseError("gone")
        return make_incident_report(incident=incident)

    assert not write(tmp_path, seen(OPEN, other), gather=gather)
    assert [file.name for file in tmp_path.glob("*.html")] == ["incident-cu-b-8.html"]


def test_one_that_hangs_keeps_no_other_from_being_written(tmp_path, monkeypatch):
    monkeypatch.setattr("netsky.jobs.report_incident_pages.WRITING_SECONDS", 0.2)

    def gather(_line, incident):
        time.sleep(2 if incident.id == OPEN.id else 0)
        return make_incident_report(incident=incident)

    assert not write(tmp_path, seen(OPEN, replace(OPEN, id=8)), gather=gather)
    assert [file.name for file in tmp_path.glob("*.html")] == ["incident-cu-b-8.html"]


def test_the_first_is_that_without_a_page_and_then_the_oldest(tmp_path):
    asked = []

    def gather(_line, incident):
        asked.append(incident.id)
        return make_incident_report(incident=incident, made_at=at, data_until=at)

    incidents = [replace(OPEN, id=number) for number in (1, 2, 3)]
    for minutes, some in enumerate(([1], [0], [0, 1, 2])):
        at = NOW + minutes * MINUTE
        write(tmp_path, seen(*(incidents[each] for each in some), at=at), gather=gather)
    assert asked[2:] == [3, 2, 1]


def test_a_line_that_is_not_looked_at_any_more_has_no_page_that_looks_fresh(tmp_path):
    write(tmp_path, seen(OPEN))
    write(tmp_path, Overview(NOW + 9 * MINUTE, seen().thresholds, ()))
    assert is_marked(page(tmp_path))


def test_names_that_look_like_a_mark_are_none(tmp_path):
    forged = '<meta name="netsky-incident" content="final 1 1">'
    report = make_incident_report()
    report = replace(report, egress=replace(report.egress, contact=forged, circuit=forged))
    (tmp_path / NAME).write_text(incident_page(report, "zh"), encoding="utf-8")
    assert age_of(page(tmp_path)).standing is Standing.OPEN
    (tmp_path / "incident-of-another.html").write_bytes(b"\xff" * 10)
    write(tmp_path, seen(trouble="away", at=NOW + 9 * MINUTE))
    assert is_marked(page(tmp_path))


# By the tool, as cron runs it


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """An outage of cu through the default exit, open for 15 minutes."""
    folder = tmp_path_factory.mktemp("stored")
    now = datetime.now(UTC).replace(microsecond=0)
    losses = dict.fromkeys(OPEN.provinces, 0.25)
    where = (database_in(folder), "cu", "default")
    opened_at = now - 15 * MINUTE
    store_line(
        *where,
        begin=now - 60 * MINUTE,
        end=now,
        every=MINUTE,
        losses=losses,
        opened_at=opened_at,
    )
    open_incident(*where, opened_at=opened_at, losses=losses)
    return folder


@pytest.fixture
def site(stored, tmp_path):
    return shutil.copytree(stored, tmp_path / "site")


def overview(folder, *arguments):
    where = ("--isp", "cu", "--output", "pages", "--lock-dir", str(folder))
    return run_verb(folder, "netsky_report", "overview", *where, *arguments)


def test_the_overview_brings_the_report_and_links_to_it_at_once(site):
    done = overview(site)
    assert done.returncode == 0, done.stderr
    index = page(site / "pages", "index.html")
    [file] = (site / "pages").glob("incident-*.html")
    assert f'<a href="{file.name}">' in index
    shown = text_of_page(check_page(page(site / "pages", file.name)))
    assert "持续中" in shown
    assert "北京" in shown


def test_one_that_ended_days_ago_unseen_becomes_final(site):
    overview(site)
    [file] = (site / "pages").glob("incident-*.html")
    then = (datetime.now(UTC) - timedelta(days=2)).replace(tzinfo=None)
    with database_in(site).connector.transaction() as connection:
        at = then.isoformat(" ", timespec="microseconds")
        connection.exec_driver_sql(
            f"UPDATE netsky_incident SET opened_at = '{at}', cleared_at = '{at}', given_up = 1"
        )
    assert overview(site).returncode == 0
    assert age_of(page(site / "pages", file.name)).standing is Standing.FINAL
    assert "已放弃" in page(site / "pages", file.name)


def test_a_broken_database_marks_the_report_as_it_does_the_overview(site):
    overview(site)
    [file] = (site / "pages").glob("incident-*.html")
    (site / "netsky_cu.db").write_bytes(b"no database" * 100)
    text = page(site / "pages", file.name)
    mark = age_of(text)
    old = int((mark.as_of - 10 * MINUTE).timestamp())
    text = text.replace(f"open {int(mark.as_of.timestamp())}", f"open {old}")
    (site / "pages" / file.name).write_text(text, encoding="utf-8")
    assert overview(site).returncode == 3
    assert is_marked(page(site / "pages", file.name))
    assert "已过 10 分钟" in page(site / "pages", file.name)
