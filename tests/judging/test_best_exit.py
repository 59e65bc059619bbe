"""Least loss first, then least latency, and only exits that can be believed."""

from dataclasses import replace

import pytest

from netsky.judging.best_exit import best_exits, home_exit
from netsky.loss import Baseline, NewestLoss
from netsky.places import find_province
from testing import overviews
from testing.overviews import AT, ISPS, overview_of

CU = ISPS[0]
HUNAN = find_province("hunan")


def line(egress, percent, *, milliseconds=20.0, **options):
    """Of an exit, whose loss in Hunan is so many percent now, and 1 % usually."""
    state = overviews.line_state(CU, egress, {"hunan": percent - 1.0}, **options)
    latency = None if milliseconds is None else milliseconds / 1000
    sweep = replace(state.sweep, latency_seconds={**state.sweep.latency_seconds, HUNAN: latency})
    judgements = [
        replace(
            each,
            newest=NewestLoss(HUNAN, percent / 100, AT),
            baseline=Baseline(HUNAN, egress, 0.01, AT),
        )
        if each.province == HUNAN
        else each
        for each in state.verdict.judgements
    ]
    return replace(state, sweep=sweep, verdict=replace(state.verdict, judgements=tuple(judgements)))


def ranked(*lines):
    best = best_exits(overview_of(*lines), CU).get(HUNAN)
    return [each.egress for each in best.exits] if best else []


def test_the_least_loss_is_first_whatever_the_latency():
    assert ranked(line("a", 5.0, milliseconds=10), line("b", 1.0, milliseconds=90)) == ["b", "a"]


def test_losses_less_than_a_point_apart_are_alike_and_latency_decides():
    exits = [line("a", 1.0, milliseconds=40), line("b", 1.9, milliseconds=20), line("c", 2.1)]
    assert ranked(*exits) == ["b", "a", "c"]


def test_without_a_reply_an_exit_is_behind_those_that_are_alike():
    assert ranked(line("a", 1.0, milliseconds=None), line("b", 1.0)) == ["b", "a"]


def test_what_is_old_or_tainted_or_has_no_baseline_is_not_among_them():
    exits = [
        line("old", 0.0, age=200),
        line("tainted", 0.0, tainted=True),
        line("new", 0.0, without_baseline=["hunan"]),
        line("a", 3.0),
    ]
    assert ranked(*exits) == ["a"]
    assert ranked(*exits[:3]) == []


def test_the_margin_is_against_the_next_exit():
    best = best_exits(
        overview_of(line("a", 1.0, milliseconds=30), line("b", 23.0, milliseconds=50)), CU
    )[HUNAN]
    assert best.best.egress == "a"
    assert best.margin_ratio == pytest.approx(0.22)
    assert best.margin_seconds == pytest.approx(0.02)
    alone = best_exits(overview_of(line("a", 1.0)), CU)[HUNAN]
    assert (alone.next, alone.margin_ratio, alone.margin_seconds) == (None, None, None)


def test_loss_is_of_the_usually_alive_only_where_each_exit_knows_it():
    def with_live(state):
        judgements = [
            replace(
                each,
                newest=replace(each.newest, live_loss_ratio=0.5, live_targets=1000),
                baseline=replace(each.baseline, live_loss_ratio=0.0),
            )
            for each in state.verdict.judgements
        ]
        return replace(state, verdict=replace(state.verdict, judgements=tuple(judgements)))

    one, two = line("a", 1.0), line("b", 3.0)
    assert ranked(with_live(one), two) == ["a", "b"]
    both = best_exits(overview_of(with_live(one), with_live(two)), CU)[HUNAN]
    assert both.best.loss_ratio == 0.5


# Against the exit in use


AT_HOME = replace(CU, home="home")


def best(*lines, isp=AT_HOME):
    lines = [replace(each, isp=isp) for each in lines]
    return best_exits(overview_of(*lines), isp)[HUNAN]


def test_the_gain_is_over_the_exit_in_use_and_not_over_the_next_one():
    """Two exits are equally good: which of them is best decides nothing for whoever uses a third."""
    found = best(
        line("a", 1.0, milliseconds=30), line("b", 1.0, milliseconds=31), line("home", 23.0)
    )
    assert found.margin_ratio == 0
    assert found.gain_ratio == pytest.approx(0.22)
    assert found.gain_seconds == pytest.approx(-0.01)
    assert found.is_move


@pytest.mark.parametrize(
    ("percent", "milliseconds", "is_move"),
    [
        (1.0, 20.0, False),  # nothing is gained
        (1.9, 15.0, False),  # neither is enough
        (1.0, 30.5, True),  # as much is lost, and it is faster elsewhere
        (1.9, 30.5, True),
        (2.1, 10.0, True),  # less is lost elsewhere, though it is slower
        (1.0, None, False),  # how much faster cannot be told
    ],
)
def test_latency_moves_users_where_the_losses_are_alike(percent, milliseconds, is_move):
    other = line("a", 1.0, milliseconds=20.0)
    found = best(other, line("home", percent, milliseconds=milliseconds))
    assert found.is_move == is_move


def test_the_exit_to_move_to_is_the_first_that_is_itself_worth_it():
    """The fastest of those that are alike gains too little; the next one loses so much less."""
    home = line("home", 1.85, milliseconds=50)
    slow, fast = line("a", 0.0, milliseconds=200), line("b", 0.9, milliseconds=45)
    found = best(home, slow, fast)
    assert [each.egress for each in found.exits] == ["b", "a", "home"]
    assert (found.is_move, found.best.egress, found.next.egress) == (True, "a", "b")
    assert found.gain_ratio == pytest.approx(0.0185)
    assert (found.margin_ratio, found.margin_seconds) == pytest.approx((0.009, -0.155))
    without = best(home, fast)
    assert (without.is_move, without.best.egress) == (False, "b")


def test_nobody_moves_to_what_ranks_behind_the_exit_in_use():
    exits = [line("a", 0.0, milliseconds=100), line("b", 1.5, milliseconds=10)]
    found = best(line("home", 0.9, milliseconds=50), *exits)
    assert [each.egress for each in found.exits] == ["home", "a", "b"]
    assert not found.is_move


def test_without_data_of_the_exit_in_use_nothing_is_gained_and_nobody_moves():
    for home in (line("home", 1.0, age=200), line("home", 1.0, tainted=True)):
        found = best(home, line("a", 1.0))
        assert (found.home, found.current) == ("home", None)
        assert (found.gain_ratio, found.gain_seconds, found.is_move) == (None, None, False)


def test_the_exit_in_use_is_said_or_the_one_with_the_least_baseline():
    both = [line("a", 1.0), line("b", 1.0)]
    home = home_exit(overview_of(*both), CU)
    assert home in {"a", "b"}
    for percent, age in ((30.0, 15), (1.0, 2000)):  # neither a fault moves it, nor old data
        spoilt = [
            line(each, percent if each == home else 1.0, age=age if each == home else 15)
            for each in "ab"
        ]
        assert home_exit(overview_of(*spoilt), CU) == home
    assert home_exit(overview_of(*both), replace(CU, home="b")) == "b"
    assert home_exit(overview_of(), CU) is None


def test_a_line_that_cannot_be_read_may_be_the_exit_in_use():
    away = overviews.LineState(CU, "b", trouble="away")
    assert home_exit(overview_of(line("a", 1.0), away), CU) is None


def with_targets(state, count, *, live_percent=None):
    """The same, so many targets in Hunan being usually alive; these lose as much as all do, unless it is said."""
    judgements = [
        replace(
            each,
            newest=replace(
                each.newest,
                live_targets=count,
                live_loss_ratio=each.loss_ratio if live_percent is None else live_percent / 100,
            ),
        )
        if each.province == HUNAN
        else each
        for each in state.verdict.judgements
    ]
    return replace(state, verdict=replace(state.verdict, judgements=tuple(judgements)))


@pytest.mark.parametrize(
    ("targets", "percent", "is_move"),
    [
        (400, 3, False),
        (2000, 3, True),
        (None, 3, True),
        (1, 100, False),
        (20, 20, False),
        (20, 100, True),
    ],
)
def test_what_chance_explains_of_so_few_targets_moves_nobody(targets, percent, is_move):
    exits = [line("a", percent), line("b", 0.0 if percent > 3 else 1.0)]
    exits = [with_targets(each, targets) for each in exits]
    assert best(*exits, isp=replace(CU, home="a")).is_move is is_move


def test_what_never_answers_is_no_chance():
    """Of 500 targets 200 are dead, and of the 300 others 15 more are lost through one exit: 3 points of all."""
    exits = [
        with_targets(line(name, percent), 300, live_percent=live)
        for name, percent, live in (("a", 43.0, 5.0), ("b", 40.0, 0.0))
    ]
    assert best(*exits, isp=replace(CU, home="a")).is_move


def test_latency_moves_nobody_to_what_loses_a_point_more():
    exits = [("a", 1.0, 40), ("b", 2.5, 20)]
    lines = [with_targets(line(name, loss, milliseconds=ms), 400) for name, loss, ms in exits]
    assert not best(*lines, isp=replace(CU, home="a")).is_move
