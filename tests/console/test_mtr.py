"""Our own figures in mtr's columns, where mtr could not be taken."""

from dataclasses import replace

from rich.cells import cell_len

from netsky.console.mtr import mtr_parts
from netsky.trace import Hop
from testing.evidence import make_report


def own_figures(*hops):
    """The lines that are shown for the first target, whose way has these routers."""
    report = make_report(mtr_text=None)
    first, *others = report.traced.traces
    traced = replace(report.traced, traces=(replace(first, hops=hops), *others))
    _, own = mtr_parts(replace(report, traced=traced))
    return str(own).splitlines()


def test_each_hop_is_a_line_in_mtrs_columns():
    head, router, target = own_figures(Hop(1, 4, (0.001, 0.003), ("198.18.1.2",)))
    assert head.split()[-7:] == ["Loss%", "Snt", "Last", "Avg", "Best", "Wrst", "StDev"]
    assert " ".join(router.split()) == "1.|-- 198.18.1.2 50.0% 4 3.0 2.0 1.0 3.0 1.0"
    before = head[: head.index("Loss%")]
    assert cell_len(before) + len("Loss%") == router.index("%") + 1
    assert cell_len(head) == len(router) == len(target)
    assert target.split()[:4] == ["2.|--", "10.25.0.1", "30.0%", "10"]


def test_a_hop_that_was_not_asked_has_no_figures():
    """A router that all ways share is asked for some of the targets only."""
    _, unasked, silent, _ = own_figures(Hop(1, 0), Hop(2, 4))
    assert " ".join(unasked.split()) == "1.|-- ??? - - - - - - -"
    assert " ".join(silent.split()) == "2.|-- ??? 100.0% 4 0.0 0.0 0.0 0.0 0.0"
    assert len(unasked) == len(silent)
