"""Notices of simulated days: the score, and that the rule reaches it."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from lab.commands.notices import SMALL, notices
from lab.day.latency import FAR, Detours, draw_latency
from lab.day.notices import Shown, score_notices, watch
from lab.day.swing import DAY
from lab.day.world import WARM_UP, Assumptions, Line, draw_lines
from netsky.judging.usual_columns import latency_rises
from netsky.judging.usual_sweeps import Rises
from netsky.places import PROVINCES

A_DAY = Assumptions(days=1, egresses=1, targets=1000)


def line_of(*spans, height=0.03):
    """Two days of one line; the first province rises in these minutes."""
    risen = np.zeros((WARM_UP + DAY, len(PROVINCES)))
    for start, end in spans:
        risen[WARM_UP + start : WARM_UP + end, 0] = height
    return Line("x", 1000, np.zeros(len(PROVINCES)), risen, np.zeros_like(risen))


def shown(line, *spans, province=0, alerted=()):
    noticed, of_alert = (np.zeros(line.risen.shape, np.bool_) for _ in range(2))
    for start, end in spans:
        noticed[WARM_UP + start : WARM_UP + end, province] = True
    for start, end in alerted:
        of_alert[WARM_UP + start : WARM_UP + end, province] = True
    return Shown(noticed, of_alert)


def test_a_rise_is_seen_with_its_delay_and_the_time_that_it_is_shown():
    line = line_of((100, 160), (300, 360))
    found = score_notices([line], [shown(line, (112, 140), (145, 165))], slight=0.01)
    assert (found.rises, found.seen, found.alerted) == (2, 0.5, 0)
    assert (found.delay_median, found.gone) == (12, 1)
    assert found.time == pytest.approx(43 / 120)
    assert found.false_per_day == 0, "after its end it is no false one"


def test_what_is_shown_without_a_rise_is_false_and_an_alarm_is_no_notice():
    line = line_of((100, 160))
    of_line = shown(line, (400, 420), (600, 605), alerted=((700, 710),))
    found = score_notices([line], [of_line], slight=0.01)
    assert (found.false_per_day, found.false_minutes_per_day) == (2, 25)
    assert found.seen == 0


def test_a_latency_is_what_is_usual_and_a_rise_of_an_hour_in_single_provinces():
    assumed = replace(A_DAY, outages=5.0)
    [line] = draw_latency(assumed, Detours(seconds=0.02))
    [quiet] = draw_latency(assumed, Detours())
    assert not quiet.risen.any()
    assert set(np.unique(line.risen).round(6)) == {0.0, 0.02}
    added = line.loss_ratio - quiet.loss_ratio
    np.testing.assert_allclose(added[~np.isnan(added)], line.risen[~np.isnan(added)], atol=1e-9)
    assert FAR[0] * 0.7 < np.nanmin(quiet.loss_ratio)
    assert np.nanmax(quiet.loss_ratio) < 0.12
    [half] = draw_latency(assumed, Detours(part=0.5))
    assert 0.003 < half.risen.max() < 0.05


def test_the_rule_sees_small_rises_and_shows_little_else():
    lines = draw_lines(replace(A_DAY, targets=16_384, kind=SMALL, outages=2.0))
    found = score_notices(lines, watch(lines, Rises()), slight=0.01)
    assert found.rises > 5
    assert found.seen > 0.5
    assert found.delay_median <= 13
    assert found.false_per_day <= 2
    lines = draw_latency(replace(A_DAY, outages=2.0), Detours(seconds=0.04))
    found = score_notices(lines, watch(lines, latency_rises()), slight=0.002)
    assert found.alerted > 0.8
    assert found.delay_median <= 1
    assert found.false_per_day <= 1


def test_the_command_prints_a_row_a_scenario():
    done = CliRunner().invoke(notices, ["--days", "1"])
    assert done.exit_code == 0, done.output
    rows = done.output.splitlines()
    assert len(rows) == 2 + 4 + 3
    assert rows[0].split("|")[1].strip() == "rises"
