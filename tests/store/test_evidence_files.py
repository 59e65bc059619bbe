"""The folder of evidence: what is in it, that it is whole at any moment, and who may read it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from netsky.evidence import QuietPaths, Reason
from netsky.store import evidence_files
from netsky.store.evidence_files import (
    FailedTries,
    failed_tries,
    forget_failed_tries,
    incident_folder,
    kept_incidents,
    list_takings,
    note_failed_try,
    prune,
    read_evidence,
    read_quiet,
    remove_taking,
    taken_of_line,
    write_quiet,
    write_taking,
)
from netsky.store.evidence_names import quiet_files
from testing.evidence import MTR, OPENED_AT, make_report, make_taking

FOLDER = "cu/b/20261128T180900Z"
DAY = timedelta(days=1)


def write(root, taking, *, folder=FOLDER, mode=0o600):
    write_taking(root, folder, taking, mode=mode)


def test_an_incident_has_a_folder_of_its_own():
    assert incident_folder("cu", "b", OPENED_AT) == FOLDER


def test_all_that_was_taken_is_read_oldest_first(tmp_path):
    first = make_taking()
    after = make_taking(reason=Reason.AFTER, taken_at=first.taken_at + timedelta(minutes=5))
    write(tmp_path, after)
    write(tmp_path, first)
    evidence = read_evidence(tmp_path, FOLDER)
    assert evidence.takings == (first, after)
    assert evidence.not_read == ()


def test_what_mtr_printed_is_a_text_file_too(tmp_path):
    write(tmp_path, make_taking())
    text = (tmp_path / FOLDER / "20261128T181000Z-guangdong-10.25.0.1.mtr.txt").read_text()
    assert text == f"/usr/bin/mtr -n 10.25.0.1\n{MTR}"


def test_no_file_changes_the_terminal_of_whoever_shows_it(tmp_path):
    text = "Start\n  1.|-- \x1b]0;title\x07 \u202e\x9b31m\n"
    written = make_taking(mtr_text=text)
    write(tmp_path, written)
    for file in (tmp_path / FOLDER).iterdir():
        assert "".join(file.read_text().split("\n")).isprintable(), file.name
    assert read_evidence(tmp_path, FOLDER).takings == (written,)


def test_what_is_taken_again_replaces_what_was_not_finished(tmp_path):
    write(tmp_path, make_taking(finished=False))
    write(tmp_path, make_taking())
    [taking] = read_evidence(tmp_path, FOLDER).takings
    assert taking.finished
    assert not list((tmp_path / FOLDER).glob(".*"))


def test_latest_leads_to_the_newest_incident(tmp_path):
    write(tmp_path, make_taking())
    write(tmp_path, make_taking(), folder="cu/b/20261129T000000Z")
    assert (tmp_path / "cu/b/latest").readlink().name == "20261129T000000Z"


def test_latest_does_not_lead_to_what_was_only_begun(tmp_path):
    begun = make_taking(reports=(), finished=False)
    write(tmp_path, begun)
    assert not (tmp_path / "cu/b/latest").is_symlink()
    remove_taking(tmp_path, FOLDER, begun)
    assert not (tmp_path / FOLDER).exists(), "an empty folder stays"


def test_latest_leads_to_the_newest_that_is_left(tmp_path):
    first, second, third = write_days(tmp_path, 0, 1, 2)
    link = tmp_path / "cu/b/latest"
    for file in (tmp_path / third).iterdir():
        file.unlink()
    prune(tmp_path, keep=90 * DAY, most_bytes=10**9, now=OPENED_AT)
    (tmp_path / third).rmdir()
    assert link.readlink().name == second.rpartition("/")[2]
    write(tmp_path, make_taking(), folder="cu/a/20261201T000000Z")
    assert set(pruned(tmp_path, most=1, now=3)) == {first, second}
    assert not link.is_symlink(), "it leads nowhere"


def test_what_was_left_of_a_link_by_who_was_killed_is_deleted(tmp_path):
    (tmp_path / "cu/b").mkdir(parents=True)
    (tmp_path / "cu/b/.latest.0123abcd").symlink_to("nowhere")
    write(tmp_path, make_taking())
    assert not list((tmp_path / "cu/b").glob(".*"))


def test_how_often_nothing_could_be_traced_is_counted_until_something_is(tmp_path):
    assert failed_tries(tmp_path, FOLDER) is None
    for minute in range(2):
        at = OPENED_AT + timedelta(minutes=minute)
        note_failed_try(tmp_path, FOLDER, at, mode=0o600)
    assert failed_tries(tmp_path, FOLDER) == FailedTries(FOLDER, 2, at)
    assert failed_tries(tmp_path, "cu/b/20261129T000000Z") is None, "that is another incident"
    assert kept_incidents(tmp_path) == []
    other = "cu/b/20261128T170000Z"  # it is over, and waits for its comparison
    note_failed_try(tmp_path, other, at, mode=0o600)
    assert [failed_tries(tmp_path, each).number for each in (FOLDER, other)] == [2, 1]
    note_failed_try(tmp_path, FOLDER, at + timedelta(days=2), mode=0o600)
    assert failed_tries(tmp_path, other) is None, "nobody tries that any more"
    forget_failed_tries(tmp_path, FOLDER)
    assert failed_tries(tmp_path, FOLDER) is None
    (tmp_path / "cu/b/not-taken.json").write_text("[]")
    assert failed_tries(tmp_path, FOLDER) is None, "it is damaged"


def test_a_folder_of_somebody_in_the_place_of_the_link_stays(tmp_path):
    (tmp_path / "cu/b/latest").mkdir(parents=True)
    write(tmp_path, make_taking())
    assert (tmp_path / "cu/b/latest").is_dir()
    assert not (tmp_path / "cu/b/latest").is_symlink()


@pytest.mark.parametrize(("mode", "folder_mode"), [(0o600, 0o700), (0o640, 0o750)])
def test_who_may_read_the_files_may_enter_the_folders(tmp_path, mode, folder_mode):
    write(tmp_path, make_taking(), mode=mode)
    for path in ("cu", "cu/b", FOLDER):
        assert (tmp_path / path).stat().st_mode & 0o777 == folder_mode
    for file in (tmp_path / FOLDER).iterdir():
        assert file.stat().st_mode & 0o777 == mode


def test_what_cannot_be_read_is_told_and_hides_nothing(tmp_path):
    write(tmp_path, make_taking())
    damaged = tmp_path / FOLDER / "20261128T181500Z-after.json"
    damaged.write_text("{")
    (tmp_path / FOLDER / "20261128T182000Z-growth.json").write_text("[]")
    (tmp_path / FOLDER / "20261128T182000Z-of-somebody.json").write_text("{}")
    evidence = read_evidence(tmp_path, FOLDER)
    assert len(evidence.takings) == 1
    assert len(evidence.not_read) == 2
    assert evidence.not_read[0].startswith("20261128T181500Z-after.json cannot be read: ")


@pytest.mark.parametrize(
    "folder",
    [
        "",
        "../../etc",
        "/etc",
        "cu/../20261128T180900Z",
        "cu/b/quiet",
        "cu/b/20261128T180900Z/..",
    ],
)
def test_what_the_database_says_leads_nowhere_else(tmp_path, folder):
    evidence = read_evidence(tmp_path, folder)
    assert evidence.takings == ()
    assert len(evidence.not_read) == 1


def test_a_folder_that_is_gone_is_told(tmp_path):
    [told] = read_evidence(tmp_path, FOLDER).not_read
    assert "No such file" in told


def quiet(hours):
    report = make_report()
    taken_at = OPENED_AT + timedelta(hours=hours)
    return QuietPaths("cu", "b", taken_at, {report.province: report.quiet})


def test_quiet_times_are_read_oldest_first_without_what_is_too_old_or_damaged(tmp_path):
    for hours in (2, 0, 1, 3):
        write_quiet(tmp_path, quiet(hours), mode=0o600)
    moments = [moment for moment, _ in quiet_files(tmp_path, "cu", "b")]
    assert moments == [OPENED_AT + timedelta(hours=hours) for hours in range(4)]
    (tmp_path / "cu/b/quiet/20261128T200900Z.json").write_text("{}")
    since = OPENED_AT + timedelta(hours=1)
    assert read_quiet(tmp_path, "cu", "b", since=since) == [quiet(1), quiet(3)]
    assert read_quiet(tmp_path, "cu", "a", since=since) == []


def test_of_a_line_all_takings_by_itself_count(tmp_path):
    write(tmp_path, make_taking())
    write(tmp_path, make_taking(), folder="cu/b/20261129T000000Z")
    write_quiet(tmp_path, quiet(0), mode=0o600)
    write(tmp_path, make_taking(reason=Reason.BY_HAND, taken_at=OPENED_AT + DAY))
    assert taken_of_line(tmp_path, "cu", "b") == [make_taking().taken_at] * 2, "or by hand"
    assert taken_of_line(tmp_path, "cu", "a") == []


def test_what_others_have_put_there_is_passed_over(tmp_path):
    write(tmp_path, make_taking())
    (tmp_path / "cu/b/20261129T000000Z").write_text("no folder")
    (tmp_path / "cu/b/20269999T000000Z").mkdir()
    assert [each.folder for each in kept_incidents(tmp_path)] == [FOLDER]
    assert taken_of_line(tmp_path, "cu", "b") == [make_taking().taken_at]
    assert pruned(tmp_path) == []


def write_days(root, *days):
    """An incident on each of these days after the first."""
    folders = [incident_folder("cu", "b", OPENED_AT + day * DAY) for day in days]
    for folder in folders:
        write(root, make_taking(), folder=folder)
    return folders


def pruned(root, *, keep=90, most=10**9, now=0):
    """What is deleted; the rest is whole."""
    removed = prune(root, keep=keep * DAY, most_bytes=most, now=OPENED_AT + now * DAY)
    for each in kept_incidents(root):
        assert len(read_evidence(root, each.folder).takings) == 1
    assert not list(root.glob("*/*/.*"))
    return removed


def test_what_is_too_old_is_deleted(tmp_path):
    first, second, third = write_days(tmp_path, 0, 50, 100)
    assert pruned(tmp_path, now=100) == [first]
    assert [each.folder for each in kept_incidents(tmp_path)] == [third, second]


def test_a_clock_that_is_ahead_deletes_nothing(tmp_path):
    write_days(tmp_path, 0, 50)
    assert pruned(tmp_path, now=3650) == []


def test_the_oldest_are_deleted_when_there_is_too_much_and_the_newest_stays(tmp_path):
    first, second, third = write_days(tmp_path, 0, 1, 2)
    size = kept_incidents(tmp_path)[0].size
    assert size > 1000
    assert pruned(tmp_path, most=2 * size, now=2) == [first]
    assert pruned(tmp_path, most=1, now=2) == [second]
    assert [each.folder for each in kept_incidents(tmp_path)] == [third]


def test_looks_at_quiet_times_have_half_of_the_room_and_the_newest_of_a_line_stays(tmp_path):
    newest, older, oldest = write_days(tmp_path, 2, 1, 0)
    for hours in range(6):
        write_quiet(tmp_path, quiet(hours), mode=0o600)
    write_quiet(tmp_path, replace(quiet(-9), egress="a"), mode=0o600)
    size = kept_incidents(tmp_path)[0].size
    look = quiet_files(tmp_path, "cu", "b")[0][1].stat().st_size
    assert pruned(tmp_path, most=3 * size + 7 * look, now=3) == []
    assert len(quiet_files(tmp_path, "cu", "b")) == 6
    # The looks take room from the incidents, but not more than half.
    assert pruned(tmp_path, most=2 * size + 7 * look, now=3) == [oldest]
    (tmp_path / "cu/b/quiet/29991231T000000Z.json").write_text("of a clock ahead")
    assert 2 * look < size
    assert pruned(tmp_path, most=4 * look, now=3) == [older]
    moments = [moment for moment, _ in quiet_files(tmp_path, "cu", "b")]
    assert moments == [OPENED_AT + timedelta(hours=5)]
    assert len(quiet_files(tmp_path, "cu", "a")) == 1, "the only one of its line"
    assert [each.folder for each in kept_incidents(tmp_path)] == [newest]


def test_what_was_half_deleted_is_deleted(tmp_path):
    write_days(tmp_path, 0)
    (tmp_path / "cu/b/.removed-20251128T180900Z-0123abcd").mkdir()
    assert pruned(tmp_path) == []


def test_killed_while_it_wrote_nothing_is_half_there(tmp_path, monkeypatch):
    def killed(file, data, *, mode):
        raise KeyboardInterrupt

    monkeypatch.setattr(evidence_files, "replace_file", killed)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, make_taking())
    assert list_takings(tmp_path, FOLDER) == []
