"""Tables on terminals of any size: the worst in sight, whole figures, nothing folded in a pipe."""

import io
import json

import pytest
from rich.cells import cell_len

from netsky import console
from netsky.console.alert import AlertView
from netsky.console.probe import ProbeView
from netsky.places import BUILTIN_ISPS, PROVINCES
from testing.samples import make_alert_report, make_baseline, make_newest, make_quality, make_sweep


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def screen(monkeypatch):
    """What a view shows on a terminal of so many columns and lines."""

    def shown(view, columns, lines, **options):
        terminal = Terminal()
        monkeypatch.setattr("sys.stdout", terminal)
        monkeypatch.setenv("TERM", "dumb")
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("LINES", str(lines))
        console.show(view, "table", **options)
        return terminal.getvalue().splitlines()

    return shown


@pytest.fixture
def view():
    """31 provinces of which the last ones in alphabet and list lose most."""
    from netsky.jobs.probe import ProbeReport

    losses = {province.slug: index / 1000 for index, province in enumerate(PROVINCES)}
    qualities = [
        make_quality(slug, loss_ratio=loss, targets=123_456, packets_sent=123_456)
        for slug, loss in losses.items()
    ]
    sweep = make_sweep({slug: [0.1] for slug in losses})
    return ProbeView(ProbeReport(sweep, qualities, ()), BUILTIN_ISPS["cu"])


def test_on_24_lines_the_worst_and_the_foot_are_in_sight_and_the_calm_are_folded(screen, view):
    lines = screen(view, 80, 24)
    assert len(lines) < 24  # and a line for the shell's prompt
    assert lines[3].split()[:3] == ["新疆", "xinjiang", "3.00%"]
    [fold] = [line for line in lines if "--all" in line]
    rows = lines.index(fold) - 3
    assert fold == f"其余 {31 - rows} 省不比以上严重，加 --all 全部列出"
    assert lines[-1] == "丢包最多：新疆 3.00%、宁夏 2.90%、青海 2.80%"
    assert all(cell_len(line) <= 80 for line in lines)


def test_a_terminal_that_is_high_enough_and_one_that_is_to_show_all_do(screen, view):
    for lines in (screen(view, 80, 60), screen(view, 80, 24, everything=True)):
        assert sum("%" in line for line in lines[3:34]) == 31
        assert "--all" not in "".join(lines)


def test_a_pipe_gets_all_rows_and_columns(view, capsys, monkeypatch):
    monkeypatch.setenv("LINES", "24")
    console.show(view, "table")
    text = capsys.readouterr().out
    assert all(f" {province.slug} " in text for province in PROVINCES)
    assert "P50" in text


@pytest.mark.parametrize("columns", [30, 40, 60, 79])
def test_a_narrow_terminal_has_fewer_columns_and_whole_figures(screen, view, columns):
    lines = screen(view, columns, 60)
    start = next(number for number, line in enumerate(lines) if line.startswith("新疆"))
    rows = lines[start : start + 31]
    assert all(cell_len(row) <= columns for row in rows)
    assert "…" not in "".join(rows)
    for row, province in zip(rows, reversed(PROVINCES), strict=True):
        assert row.split()[1] == province.slug
        assert row.split()[2].endswith("%")
    headings = lines[start - 2].split()
    assert ("目标" in headings, "P50" in headings) == (columns >= 40, columns > 60)


def test_the_alert_keeps_rise_and_verdict_when_it_is_narrow(screen):
    report = make_alert_report({"hunan": 23.5, "hubei": 0.3})
    lines = screen(AlertView(report), 34, 24)
    row = next(line for line in lines if line.startswith("湖南"))
    assert row.split() == ["湖南", "hunan", "23.50%", "+23.50", "剧升"]


def test_a_rise_below_zero_is_shown_as_it_is(capsys):
    from netsky.jobs.alert import AlertReport
    from netsky.judging.grading import Thresholds, judge
    from testing.samples import STARTED_AT

    newest = [make_newest("hunan", 1.0), make_newest("hubei", 2.999)]
    means = [make_baseline("hunan", 4.5), make_baseline("hubei", 3.0)]
    verdict = judge(newest, means, now=STARTED_AT, thresholds=Thresholds())
    view = AlertView(AlertReport(BUILTIN_ISPS["cu"], "a", Thresholds(), verdict, ()))
    console.show(view, "table")
    text = capsys.readouterr().out
    assert " -3.50 " in text
    assert " -0.00 " in text
    increases = [p["increase_ratio"] for p in json.loads(console.render_json(view))["provinces"]]
    assert increases == [0.0, 0.0]  # what is graded, as before


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(0.04996, "4.99%"), (0.05, "5.00%"), (0.049999999999, "5.00%"), (0.09999, "9.99%")],
)
def test_a_loss_rate_is_never_rounded_up_to_a_step_of_the_grading(ratio, text):
    assert console.percent(ratio) == text
    assert (console.loss_text(ratio).style == "green") == (float(text[:-1]) < 5)


@pytest.mark.parametrize(
    ("rise", "text"), [(-0.035, "-3.50"), (-0.00001, "-0.00"), (0.0, "+0.00"), (0.04996, "+4.99")]
)
def test_points_keep_their_sign(rise, text):
    assert console.points(rise) == text
