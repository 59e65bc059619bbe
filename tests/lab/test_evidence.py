"""The proof of traces: what it calls right, and a small run of it."""

import pytest

from lab.network.making import make_lab
from lab.proofs.evidence import (
    HOPS,
    Case,
    Judged,
    cases,
    judge,
    name_branches,
    trace_at_once,
    while_tracing,
)
from lab.proofs.evidence_tables import table
from lab.proofs.site import Site
from lab.proofs.together import sweep_together
from netsky.trace import Finding, Verdict
from testing.netns import needs_root


def judged(case, finding, after=None, at_latest=None):
    return Judged(case, known=False, verdict=Verdict(finding, after, at_latest)).outcome


@pytest.mark.parametrize(
    ("case", "interval", "outcome"),
    [
        (Case(0.1, 3), (2, 3), "exact"),
        (Case(0.1, 3), (1, 3), "right"),
        (Case(0.1, 3), (2, 4), "right"),
        (Case(0.1, 3), (3, 4), "wrong"),
        (Case(0.1, 3), (1, 2), "wrong"),
        (Case(0.1, 3, back=True), (3, 4), "exact"),
        (Case(0.1, HOPS, back=True), (HOPS, None), "exact"),
        (Case(0.1, 3, limited=2), (1, 3), "exact"),
        (Case(0.1, 3, silent=3), (2, 4), "exact"),
        (Case(0.0, 1), (2, 3), "wrong"),
    ],
)
def test_an_interval_is_right_when_it_holds_where_the_lab_loses(case, interval, outcome):
    assert judged(case, Finding.BEGINS, *interval) == outcome


def test_a_path_of_which_no_packet_was_lost_or_that_cannot_be_told_is_not_called_wrong():
    assert judged(Case(0.1, 3), Finding.CLEAN) == "unseen"
    assert judged(Case(0.1, 3), Finding.UNKNOWN) == "untold"
    assert judged(Case(0.0, 1), Finding.CLEAN) == "exact"


def test_all_losses_hops_and_directions_are_tried_with_and_without_bad_routers():
    every = cases()
    assert len(every) == len(set(every)) + 1 == 3 * (6 * HOPS * 2 + 2)
    assert sum(bool(case.limited and case.silent) for case in every) == 2 * len(every) // 3
    assert sum(case.newly for case in every) == len(every) // 3


def test_each_wrong_verdict_is_listed():
    case = Case(0.3, 4, back=True, limited=2, per_second=1, silent=3)
    right, wrong = (
        Judged(case, known=True, verdict=Verdict(Finding.BEGINS, *interval))
        for interval in ((4, 5), (1, 2))
    )
    printed = table([right, wrong])
    assert "| 30 % | one limited, one silent | 2 | known | 50.0 % | 50.0 % |" in printed
    [line] = [line for line in printed.splitlines() if line.startswith("wrong")]
    assert line == (
        "wrong, quiet times known: 30 % back at hop 4, 2 limited to 1/s, 3 silent: told (1, 2]"
    )


@needs_root
def test_traces_of_the_lab_are_judged_by_what_it_loses(monkeypatch):
    monkeypatch.setattr("lab.proofs.evidence.QUIET_RATE", 200)
    every = [
        Case(0.5, 2),
        Case(0.5, 2, back=True),
        Case(0.5, 4, limited=2, per_second=6, silent=3),
        Case(0.5, 4, limited=2, per_second=6, silent=1, newly=True),
        Case(0.0, 1, limited=2, per_second=1, silent=3),
    ]
    with make_lab(egresses=("a", "b", "c", "d", "e"), hops=HOPS) as lab:
        result = judge(lab, every, repeats=1, rounds=5)
        named, wrong, untaken = name_branches(lab, 0.5, repeats=2, rounds=5)
    assert [each.known for each in result] == 5 * [False, True]
    assert {each.outcome for each in result if each.known} <= {"exact", "right"}
    assert (named + untaken, wrong) == (2, 0)
    lines = [line for line in table(result).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 2 + 6, "one for each loss, surroundings, and quiet times or none"
    assert {line.count("|") for line in lines} == {11}


@needs_root
def test_provinces_at_once_have_all_their_targets_traced():
    with make_lab(egresses=("a", "b"), hops=6) as lab:
        printed = trace_at_once(lab, 2)
    assert "2 provinces x 20 targets at once: 2 right" in printed
    assert "200 echoes at least" in printed


@needs_root
def test_traces_disturb_no_sweep_through_the_same_exit(tmp_path):
    runs = []
    with make_lab() as lab:
        site = Site(lab, tmp_path)
        site.set_up(targets=2000)
        traced = while_tracing(
            lab, "a", lambda: runs.extend(sweep_together(site, [("cu", "a")], "--window", "3"))
        )
    assert traced > 0
    (run,) = runs
    assert run.packets_sent == 62_000
    assert run.lost == run.truth > 0
    assert (run.wrong, run.local_drops) == (0, 0)
