"""The list of figures, against everything that is made from it."""

from dataclasses import fields

import pytest

from netsky.aggregate import ProvinceQuality
from netsky.console.probe import ProbeView
from netsky.figures import FIGURES
from netsky.jobs.probe import ProbeReport
from netsky.outlets.metrics import JOBS, PROBE_JOB, probe_metrics
from netsky.places import BUILTIN_ISPS
from netsky.store.rows import sweep_rows
from netsky.store.tables import HISTORY, SWEEP_TABLES, sweeps
from testing.samples import STARTED_AT, make_quality, make_sweep

LIVE = {
    "live_targets": 8,
    "live_packets_sent": 8,
    "live_packets_received": 7,
    "dead_targets": 1,
}
QUALITY = make_quality("hunan", **LIVE)
COMPUTED = {"packets_lost", "abnormal_targets", "live_loss_ratio", "live_packets_lost"}


def test_every_figure_of_a_province_is_in_the_list():
    attributes = {field.name for field in fields(ProvinceQuality)} - {"province", "fault"}
    assert {figure.name for figure in FIGURES} == attributes | COMPUTED


def test_each_narrow_table_has_its_figure():
    kinds = [f"netsky_{figure.kind}" for figure in FIGURES if figure.kind]
    assert sorted(kinds) == sorted(table.name for table in HISTORY)
    rows = sweep_rows("cu", "a", STARTED_AT, [QUALITY]).rows
    assert rows.keys() == {table.name for table in SWEEP_TABLES} == {*kinds, "netsky_sweep"}


def test_each_column_of_the_wide_table_has_its_figure_or_says_of_which_sweep_it_is():
    figures = {figure.column for figure in FIGURES if figure.column}
    [row] = sweep_rows("cu", "a", STARTED_AT, [QUALITY], narrow=False).rows["netsky_sweep"]
    assert row.keys() == {
        *("isp", "egress", "province", "started_at"),
        "tainted",
        "prefixes",
        *figures,
    }
    assert {column.name for column in sweeps.c} == row.keys() | {"serial"}


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_figure_is_wherever_the_list_says(figure):
    sweep = make_sweep({"hunan": [0.1]})
    view = ProbeView(ProbeReport(sweep, [QUALITY], ()), BUILTIN_ISPS["cu"])
    [province] = view.document()["provinces"]
    assert province[figure.name] == getattr(QUALITY, figure.name)
    headings = view.screen()[0].headings
    assert (figure.heading in headings) == (figure.heading is not None)
    if figure.gauge:
        assert figure.gauge in JOBS[PROBE_JOB]
        values = probe_metrics(sweep, [QUALITY]).samples[figure.gauge]
        assert getattr(QUALITY, figure.name) in [value for _, value in values]
