"""What is known of addresses survives on disk, whole or not at all."""

import dataclasses

import numpy as np
import pytest

from netsky.errors import LibraryError
from netsky.targets import library_state
from netsky.targets.library_state import LibraryState, state_file
from netsky.targets.pool import Pool
from testing.answering import candidates

NOW = 1_790_000_000.0


@pytest.fixture
def state():
    made = LibraryState.begin(candidates(blocks=4))
    made.pool = Pool.found(np.array([9, 5], np.uint32), np.array([1, 0], np.int32), 77)
    made.facts.turns, made.facts.discovery_at, made.facts.finished = 3, 5.5, False
    made.settled[4] = 1
    return made


def test_it_comes_back_as_it_was(tmp_path, state):
    library_state.save(tmp_path / "new", "cu", state)
    found = library_state.load(tmp_path / "new", "cu")
    assert found.facts == state.facts
    for part in ("pool", "blocks"):
        for field in dataclasses.fields(getattr(state, part)):
            was, now = (getattr(getattr(each, part), field.name) for each in (state, found))
            assert was.dtype == now.dtype
            assert was.tolist() == now.tolist()
    assert found.settled.tolist() == state.settled.tolist()
    found.pool.looks[0] = 1  # it can be written to


def test_there_may_be_none(tmp_path):
    assert library_state.load(tmp_path, "cu") is None


def test_what_is_broken_is_told_and_left_alone(tmp_path, state):
    library_state.save(tmp_path, "cu", state)
    whole = state_file(tmp_path, "cu").read_bytes()
    for broken in (b"", b"PK", whole[: len(whole) // 2], whole[:-40], b"\0" * 200):
        state_file(tmp_path, "cu").write_bytes(broken)
        with pytest.raises(LibraryError, match=r"is broken or of another version: move it away"):
            library_state.load(tmp_path, "cu")
        assert state_file(tmp_path, "cu").read_bytes() == broken


def test_another_version_is_told(tmp_path, state, monkeypatch):
    monkeypatch.setattr(library_state, "VERSION", 99)
    library_state.save(tmp_path, "cu", state)
    monkeypatch.undo()
    with pytest.raises(LibraryError, match="another version"):
        library_state.load(tmp_path, "cu")


def test_a_disk_that_is_full_leaves_it_as_it_was(tmp_path, state, monkeypatch):
    library_state.save(tmp_path, "cu", state)
    before = state_file(tmp_path, "cu").read_bytes()

    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(library_state, "replace_file", full)
    state.facts.turns = 99
    with pytest.raises(LibraryError, match="No space left on device; it is as it was"):
        library_state.save(tmp_path, "cu", state)
    assert state_file(tmp_path, "cu").read_bytes() == before


def test_the_packets_of_a_day_begin_anew_after_it(state):
    assert state.left_today(100, NOW) == 100
    state.facts.sent += 60
    assert state.left_today(100, NOW + 86_399) == 40
    assert state.left_today(100, NOW + 86_400) == 100


def test_a_clock_that_was_set_back_does_not_stop_a_day_from_ending(state):
    state.left_today(100, NOW)
    state.facts.sent = 100
    assert state.left_today(100, NOW - 1000) == 0
    assert state.left_today(100, NOW - 1000 + 86_399) == 0
    assert state.left_today(100, NOW - 1000 + 86_400) == 100


def test_a_clock_that_was_set_back_gives_no_second_share_of_changes_in_a_day(state):
    state.note_changes(np.full(31, 3), NOW)
    assert state.changed_today(NOW - 10_000).tolist() == [3] * 31
    assert state.changed_today(NOW - 10_000 + 86_399).tolist() == [3] * 31
    assert state.changed_today(NOW - 10_000 + 86_400 + 3600).tolist() == [0] * 31


def test_changes_are_counted_within_24_hours_wherever_these_begin(state):
    for hour in range(30):
        state.note_changes(np.eye(31, dtype=np.int64)[0], NOW + 3600 * hour)
        assert state.changed_today(NOW + 3600 * hour)[0] == min(hour + 1, 25)
    assert state.changed_today(NOW + 3600 * 48)[0] == 6
    assert state.changed_today(NOW + 3600 * 400)[0] == 0


def test_what_was_noted_while_the_clock_was_years_ahead_is_of_now(state):
    state.pool.found_at[:] = NOW + 10 * 365 * 86_400
    state.pool.missing_since[:] = state.waiting_since[:] = NOW + 10 * 365 * 86_400
    state.blocks.day[:] = int(NOW // 86_400) + 3650
    state.follow_clock(NOW)
    for times in (state.pool.found_at, state.pool.missing_since, state.waiting_since):
        assert set(times.tolist()) == {int(NOW)}
    assert set(state.blocks.day.tolist()) == {int(NOW // 86_400)}
