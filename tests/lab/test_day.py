"""Simulated days: the scorer on cases made by hand, rules as plug-ins, the same seed the same days."""

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from lab.commands.day import day as main
from lab.day.outages import Outage, rise_of
from lab.day.replay import (
    FOR,
    FOR_ELEVATED,
    FOR_SEVERE,
    KEEP_FIRING,
    Alerts,
    fire,
    replay,
    through_prometheus,
)
from lab.day.report import summarize, table
from lab.day.rule import ELEVATED, NONE, NOT_JUDGED, SEVERE, SEVERITIES
from lab.day.rules import RULES, find_rule
from lab.day.score import Terms, runs, score
from lab.day.world import STARTED_AT, Assumptions, Line, draw_lines
from netsky.judging.grading import Severity
from netsky.places import PROVINCES
from testing import ROOT

MEAN = "netsky.judging.rule:MeanRule"
MINUTES, ALL = 120, len(PROVINCES)
ANHUI = 11  # any one province
TERMS = Terms(skip=0)


def line(*rises, minutes=MINUTES, loss=0.01):
    """A line whose first province has these (start, end, height) in truth, and nothing else."""
    risen = np.zeros((minutes, ALL))
    for start, end, height in rises:
        risen[start:end, 0] = height
    return Line("a line", 1000, np.full(ALL, 0.1), risen, np.full((minutes, ALL), loss))


def alerts(*spans, severe=(), minutes=MINUTES):
    """The first province alerted in these (start, end), severe in those of `severe`."""
    provinces, hard = np.zeros((2, minutes, ALL), np.bool_)
    severities = np.zeros((minutes, len(SEVERITIES)), np.bool_)
    for start, end in spans:
        provinces[start:end, 0] = True
        severities[start:end, 0] = True
    for start, end in severe:
        hard[start:end, 0] = True
    return Alerts(provinces, hard, severities)


def only_incident(its_line, its_alerts, **terms):
    (incident,) = score(its_line, its_alerts, Terms(skip=0, **terms)).incidents
    return incident


class Scripted:
    """A rule that knows what to say, minute by minute."""

    def __init__(self, *grades):
        self.grades, self.readings = map(grades_of_first, grades), []

    def judge(self, reading):
        self.readings.append(reading)
        return next(self.grades)


def grades_of_first(grade):
    grades = np.full(ALL, NONE, np.int8)
    grades[0] = grade
    return grades


def replayed(watch, its_line):
    (stood,) = replay(watch, [its_line])
    return stood


# ---- the scorer ----


def test_an_incident_in_alert_is_found_with_its_delay():
    incident = only_incident(line((30, 60, 0.08)), alerts((34, 60)))
    assert (incident.start, incident.end, incident.delay) == (30, 60, 4)
    assert (incident.in_alert, incident.false_recoveries, incident.after_end) == (26, 0, 0)


def test_an_incident_without_an_alert_is_missed():
    incident = only_incident(line((30, 60, 0.08)), alerts())
    assert (incident.delay, incident.after_end, incident.false_recoveries) == (None, None, 0)
    assert summarize([score(line((30, 60, 0.08)), alerts(), TERMS)]).alerted == 0


def test_an_alert_that_comes_after_the_end_does_not_find_the_incident():
    scored = score(line((30, 60, 0.08)), alerts((60, 70)), TERMS)
    assert scored.incidents[0].delay is None
    assert scored.false_alerts == 1


@pytest.mark.parametrize(("rise", "minutes"), [(0.049, 30), (0.08, 2)])
def test_what_is_too_small_or_too_short_is_no_incident_and_its_alert_not_false(rise, minutes):
    scored = score(line((30, 30 + minutes, rise)), alerts((30, 32)), TERMS)
    assert not scored.incidents
    assert (scored.false_alerts, scored.borderline) == (0, 1)
    assert scored.false_pages == 0


def test_an_alert_without_any_rise_is_false():
    scored = score(line((30, 60, 0.08)), alerts((30, 60), (80, 81), (90, 95)), TERMS)
    assert (scored.false_alerts, scored.false_pages, scored.borderline) == (2, 2, 0)
    assert scored.false_page_minutes == 6
    assert summarize([scored]).false_alerts_per_day == pytest.approx(2 * 1440 / MINUTES)


def test_an_alert_that_ends_too_early_is_a_false_recovery():
    incident = only_incident(line((30, 60, 0.08)), alerts((30, 40)))
    assert (incident.false_recoveries, incident.in_alert, incident.after_end) == (1, 10, None)


def test_an_alert_that_comes_and_goes_recovers_falsely_each_time():
    incident = only_incident(line((30, 60, 0.08)), alerts((30, 40), (42, 50), (51, 60)))
    assert incident.false_recoveries == 2


def test_time_in_alert_after_the_end_is_counted_until_there_is_a_new_reason():
    assert only_incident(line((30, 60, 0.08)), alerts((30, 73))).after_end == 13
    scored = score(line((30, 60, 0.08), (65, 80, 0.08)), alerts((30, 80)), TERMS)
    assert [incident.after_end for incident in scored.incidents] == [5, 0]
    assert scored.false_alerts == 0


def test_an_alert_that_stood_before_finds_the_incident_at_once():
    assert only_incident(line((30, 60, 0.08)), alerts((20, 60))).delay == 0


def test_severe_in_truth_and_seen_so_are_told_apart():
    seen = only_incident(line((30, 60, 0.2)), alerts((30, 60), severe=[(31, 32)]))
    unseen = only_incident(line((30, 60, 0.2)), alerts((30, 60)))
    small = only_incident(line((30, 60, 0.09)), alerts((30, 60)))
    assert [i.is_severe for i in (seen, unseen, small)] == [True, True, False]
    assert [i.seen_severe for i in (seen, unseen, small)] == [True, False, False]


def test_what_began_in_the_warm_up_is_not_scored():
    scored = score(line((5, 60, 0.08)), alerts((5, 60), (8, 70)), Terms(skip=10))
    assert (scored.incidents, scored.false_alerts) == ((), 0)
    assert scored.days == pytest.approx(110 / 1440)


def test_an_incident_knows_its_onset_and_its_past():
    its_line = line((10, 20, 0.3), (50, 60, 0.03), (60, 80, 0.08))
    incident = score(its_line, alerts(), TERMS).incidents[1]
    assert (incident.onset, incident.past) == (10, 10)


def test_an_episode_of_a_line_is_alerted_by_any_severity():
    two = line((30, 60, 0.08))
    two.risen[55:70, 1] = 0.08
    scored = score(two, alerts((68, 69)), TERMS)
    assert (len(scored.incidents), scored.episodes, scored.episodes_alerted) == (2, 1, 1)


def test_runs_are_found_at_both_ends():
    holds = np.array([True, False, True, True])
    assert runs(holds) == [(0, 1), (2, 4)]


def test_a_summary_without_incidents_has_no_shares():
    summary = summarize([score(line(), alerts(), TERMS)])
    assert (summary.alerted, summary.delay_median, summary.severe_seen) == (None, None, None)
    assert "| -" in table({"mean": summary})


# ---- the delays of Prometheus ----


def fired(pattern, wait, keep=2):
    """Which sweeps fire, of a pattern of sweeps for which it holds."""
    fires = fire(np.array([[mark == "#"] for mark in pattern]), wait, keep)
    return "".join("#" if on else "." for (on,) in fires)


@pytest.mark.parametrize(
    ("holds", "fires"),
    [
        ("..####....", "....####.."),  # two minutes to wait, two to keep
        ("..##.##...", ".........."),  # waiting begins anew
        ("..####..#.", "....######"),  # a gap of two is bridged
        ("..####...#", "....####.."),  # one of three is not
    ],
)
def test_an_alert_waits_and_is_kept(holds, fires):
    assert fired(holds, wait=2) == fires


def test_a_severe_province_waits_less_than_an_elevated_one():
    elevated = through_prometheus(alerts((30, 60)))
    severe = through_prometheus(alerts((30, 60), severe=[(30, 60)]))
    assert [runs(a.provinces[:, 0])[0][0] for a in (elevated, severe)] == [32, 31]
    assert runs(elevated.severities[:, SEVERITIES.index(Severity.MEDIUM)]) == [(32, 62)]


def test_the_delays_are_those_of_the_alerting_rules():
    file = ROOT / "deploy" / "prometheus" / "netsky.rules.yml"
    groups = yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    rules = {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}
    waits = {f"NetskyLoss{severity.name.title()}": FOR[severity] for severity in SEVERITIES}
    waits |= {
        "NetskyProvinceLossElevated": FOR_ELEVATED,
        "NetskyProvinceLossSevere": FOR_SEVERE,
    }
    assert {name: rules[name]["for"] for name in waits} == {
        name: f"{wait}m" for name, wait in waits.items()
    }
    assert {rules[name]["keep_firing_for"] for name in waits} == {f"{KEEP_FIRING}m"}


# ---- rules as plug-ins ----


def first_hours(its_line, hours):
    until = 60 * hours
    return replace(its_line, risen=its_line.risen[:until], loss_ratio=its_line.loss_ratio[:until])


def test_any_rule_can_take_the_place_of_ours():
    rule = Scripted(NONE, SEVERE, ELEVATED)
    stood = replayed(lambda _: rule, line(minutes=3))
    assert stood.provinces[:, 0].tolist() == [False, True, True]
    assert stood.severe[:, 0].tolist() == [False, True, False]
    assert stood.severities[:, SEVERITIES.index(Severity.CRITICAL)].tolist() == [0, 1, 0]
    assert [reading.at for reading in rule.readings] == [
        STARTED_AT + timedelta(minutes=minute) for minute in range(3)
    ]


def test_what_is_not_judged_neither_makes_nor_ends_an_alert():
    rule = Scripted(NOT_JUDGED, ELEVATED, NOT_JUDGED, NONE)
    stood = replayed(lambda _: rule, line(minutes=4))
    assert stood.provinces[:, 0].tolist() == [False, True, True, False]
    assert stood.severities[:, 0].tolist() == [False, True, True, False]


def test_a_rule_of_ones_own_is_found_by_its_name():
    hours = [first_hours(each, 3) for each in draw_lines(Assumptions(days=1, targets=50))]
    (first, second) = (
        replay(find_rule(name), hours) for name in ("lab.day.rule:RuleWatcher", MEAN)
    )
    for ours, same in zip(first, second, strict=True):
        assert ours.severities.any()
        np.testing.assert_array_equal(ours.severities, same.severities)


def test_what_is_no_rule_is_refused():
    for wrong in ("none", "no.such:rule", "lab.day.rule:Nothing", "lab.day.rule:EGRESS", ":rule"):
        result = CliRunner().invoke(main, ["--days", "1", "--rule", wrong])
        assert (result.exit_code, wrong in result.output) == (2, True)


@pytest.mark.parametrize("name", RULES)
def test_each_rule_finds_a_sudden_outage_and_its_end(name):
    risen = rise_of([Outage(1500, 30, 1, 0.3, (ANHUI,))], 1560)
    noise = np.random.default_rng(1).normal(0, 0.0005, risen.shape)
    its_line = Line("a line", 32_768, np.full(ALL, 0.1), risen, 0.11 + 0.9 * risen + noise)
    stood = replayed(RULES[name], its_line)
    assert runs(stood.severe[:, ANHUI]) == [(1500, 1530)]
    assert not np.delete(stood.provinces, ANHUI, axis=1).any()


def test_the_mean_learns_an_outage_and_the_quiet_mean_does_not():
    long, again = Outage(1300, 180, 1, 0.3, (ANHUI,)), Outage(1540, 10, 1, 0.1, (ANHUI,))
    risen = rise_of([long, again], 1560)
    its_line = Line("a line", 32_768, np.full(ALL, 0.1), risen, 0.11 + 0.9 * risen)
    assert not replayed(RULES["mean"], its_line).provinces[1540:, ANHUI].any()
    assert replayed(RULES["quiet"], its_line).provinces[1540:1550, ANHUI].all()


def test_the_mean_of_arrays_is_the_mean_of_the_product():
    assumed = Assumptions(days=1, seed=5, egresses=1, targets=500, outages=9, missed=0.05, gaps=6)
    hours = first_hours(*draw_lines(assumed), hours=20)
    quick, slow = replayed(RULES["mean"], hours), replayed(find_rule(MEAN), hours)
    assert quick.severe.any()
    for name in ("provinces", "severe", "severities"):
        np.testing.assert_array_equal(getattr(quick, name), getattr(slow, name))


@pytest.mark.parametrize("name", RULES)
def test_lines_side_by_side_are_judged_as_one_by_one(name):
    hours = [first_hours(each, 12) for each in draw_lines(Assumptions(days=1, outages=9))]
    _, together = replay(RULES[name], hours)
    alone = replayed(RULES[name], hours[1])
    assert alone.provinces.any()
    np.testing.assert_array_equal(together.provinces, alone.provinces)


# ---- the world ----


def test_the_same_seed_gives_the_same_days():
    first, same = (draw_lines(Assumptions(days=1, seed=7)) for _ in range(2))
    (other, _) = draw_lines(Assumptions(days=1, seed=8))
    for a, b in zip(first, same, strict=True):
        np.testing.assert_array_equal(a.loss_ratio, b.loss_ratio)
        np.testing.assert_array_equal(a.risen, b.risen)
    assert not np.array_equal(first[0].risen, other.risen)


def test_smaller_libraries_see_the_same_truth():
    large = draw_lines(Assumptions(days=1, seed=7))
    small = draw_lines(Assumptions(days=1, seed=7, targets=200))
    for a, b in zip(large, small, strict=True):
        np.testing.assert_array_equal(a.risen, b.risen)


def test_what_is_measured_is_dead_addresses_and_what_users_lose():
    (its_line,) = draw_lines(Assumptions(days=2, egresses=1, outages=0, peak=0, floor=(0.2, 0.2)))
    assert not its_line.risen.any()
    mean = np.nanmean(its_line.loss_ratio, axis=0)
    assert ((mean > 0.2 + 0.8 * 0.005) & (mean < 0.2 + 0.8 * 0.032)).all()
    assert 0 < np.isnan(its_line.loss_ratio).all(axis=1).mean() < 0.1


def test_outages_add_up_as_losses_in_a_row_and_slow_ones_climb():
    sudden, slow = Outage(2, 4, 1, 0.5, (0,)), Outage(2, 4, 4, 0.4, (0, 1))
    risen = rise_of([sudden, slow], 8)
    np.testing.assert_allclose(risen[:, 1], [0, 0, 0.1, 0.2, 0.3, 0.4, 0, 0], atol=1e-12)
    np.testing.assert_allclose(risen[5, :3], [1 - 0.5 * 0.6, 0.4, 0])


# ---- the command ----


@pytest.mark.parametrize(
    "arguments",
    [
        ["--peak", "-1"],
        ["--peak", "nan"],
        ["--peak", "9"],
        ["--outages", "-1"],
        ["--outages", "nan"],
        ["--floor", "nan", "3"],
        ["--rise", "nan"],
        ["--minutes", "0"],
    ],
)
def test_numbers_that_no_day_can_be_drawn_from_are_refused(arguments):
    result = CliRunner().invoke(main, ["--days", "1", *arguments])
    assert result.exit_code == 2
    assert result.output.splitlines()[-1].startswith(f"Error: Invalid value for '{arguments[0]}'")


def test_the_command_compares_rules_as_json():
    arguments = ["--days", "1", "--egresses", "1", "--rule", "mean", "--rule", "quiet"]
    arguments += ["--by", "height", "--format", "json"]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    shown = json.loads(result.stdout)
    assert list(shown["prometheus"]) == ["mean", "quiet"]
    verdicts, mean = shown["verdicts"]["mean"], shown["prometheus"]["mean"]
    assert mean["incidents"] == sum(part["incidents"] for part in mean["by"]["height"].values()) > 0
    assert verdicts["delay_median"] < mean["delay_median"]
    assert shown["assumptions"]["seed"] == 1
