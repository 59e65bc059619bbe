"""Whose quiet paths are looked at, minute by minute."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from netsky.judging.turns import EVERY, whose_turn

NOW = datetime(2026, 11, 28, 18, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_who_was_never_looked_at_is_first_and_then_who_waits_longest():
    ages = [61, 59, None, 300]
    looks = [
        (None if age is None else NOW - age * MINUTE, number) for number, age in enumerate(ages)
    ]
    assert list(whose_turn(looks, now=NOW)) == [2]
    looks[2] = (NOW, 2)
    assert list(whose_turn(looks, now=NOW)) == [3]
    looks[3] = (NOW, 3)
    assert list(whose_turn(looks, now=NOW)) == [0]
    looks[0] = (NOW, 0)
    assert whose_turn(looks, now=NOW) == []


def test_240_lines_are_looked_at_each_hour_though_some_minutes_have_no_time_for_it():
    exits = [number % 80 for number in range(240)]
    last = [None] * 240
    longest, most = Counter(), 0
    for minute in range(6 * 60):
        if minute % 10 in (3, 4):  # evidence of an incident is taken
            continue
        now = NOW + minute * MINUTE
        chosen = whose_turn(list(zip(last, exits, strict=True)), now=now)
        assert len({exits[number] for number in chosen}) == len(chosen), "two lines of one exit"
        most = max(most, len(chosen))
        for number in chosen:
            if last[number]:
                longest[number] = max(longest[number], (now - last[number]) // MINUTE)
            last[number] = now
    assert len(longest) == 240
    assert max(longest.values()) <= EVERY // MINUTE + 5
    assert most == 5
