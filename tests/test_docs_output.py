"""Output that the documents show looks like today's."""

import re

from netsky import console
from netsky.console.alert import AlertView
from netsky.console.probe import ProbeView
from netsky.jobs.probe import ProbeReport
from netsky.places import BUILTIN_ISPS
from testing.documents import DOCUMENTS, code_blocks
from testing.samples import make_alert_report, make_quality, make_sweep


def shown_with(word):
    """All output in the documents that has the word in it."""
    blocks = [block for file in DOCUMENTS for block in code_blocks(file) if word in block]
    assert blocks
    return blocks


def test_the_sweeps_shown_look_like_todays(capsys):
    qualities = (make_quality("beijing"), make_quality("hunan"))
    report = ProbeReport(make_sweep({"beijing": [0.01], "hunan": [0.01]}), qualities, ())
    console.show(ProbeView(report, BUILTIN_ISPS["cu"]), "table")
    today = shape_of(capsys.readouterr().out)
    for output in shown_with("异常率"):
        assert shape_of(output) == today


def test_the_alerts_shown_look_like_todays(capsys):
    console.show(
        AlertView(make_alert_report({"beijing": 24.1, "hunan": 6, "hebei": None})), "table"
    )
    today = shape_of(capsys.readouterr().out)
    for output in shown_with("升幅"):
        assert shape_of(output) == today


def shape_of(output):
    """The header cells of a table, its lines, and the summary below it without its figures."""
    [header] = [line for line in output.splitlines() if "省份" in line]
    summary = re.findall(r"^(?:\d+ 省|丢包率).+，.+$", output, re.MULTILINE)
    figures_as_n = [re.sub(r"\d[\d,.]*", "N", line) for line in summary]
    return header.split(), set(re.findall("[─-╿]", output)), figures_as_n
