"""Whose fault a rise is: through all exits, through this one only, or it cannot be told."""

import pytest

from netsky.judging.controls import Extent, compare
from netsky.places import find_province
from testing.samples import STARTED_AT
from testing.verdicts import verdict

HUNAN = find_province("hunan")
HERE = verdict({"hunan": 45.0, "beijing": 1.0}, STARTED_AT)


def compared(*others, here=HERE):
    """`others`: ISP, exit, loss of hunan in percent (None: not judged)."""
    verdicts = [
        (isp, egress, verdict({"hunan": loss, "beijing": 1.0}, STARTED_AT))
        for isp, egress, loss in others
    ]
    return compare("cu", "a", here, verdicts, elevated=0.05)


@pytest.mark.parametrize(
    ("losses", "extent"),
    [
        ([45.0], Extent.ALL),
        ([45.0, 7.0], Extent.ALL),
        ([45.0, 4.0], Extent.ALL),  # nearly elevated is not fine
        ([45.0, 1.0], Extent.SOME),
        ([1.0], Extent.THIS_ONLY),
        ([1.0, 2.4], Extent.THIS_ONLY),
        ([4.0], None),  # 4.9 there and 5.1 here tells nothing
        ([1.0, 4.0], None),
        ([None], None),
        ([None, 1.0], Extent.THIS_ONLY),
        ([], None),
    ],
)
def test_other_exits_tell_of_an_exit_and_other_isps_of_an_isp(losses, extent):
    by_exit = compared(*(("cu", f"b{n}", loss) for n, loss in enumerate(losses)))[HUNAN]
    assert (by_exit.exits, by_exit.isps) == (extent, None)
    by_isp = compared(*((f"c{n}", "a", loss) for n, loss in enumerate(losses)))[HUNAN]
    assert (by_isp.exits, by_isp.isps) == (None, extent)


def test_only_provinces_in_alert_are_compared():
    assert list(compared(("cu", "b", 45.0))) == [HUNAN]
    assert compared(("cu", "b", 45.0), here=verdict({"hunan": 1.0}, STARTED_AT)) == {}


def test_a_control_has_the_figures_of_its_line():
    [control] = compared(("cu", "b", 7.0))[HUNAN].by_exit
    assert (control.isp, control.egress, control.grade) == ("cu", "b", "elevated")
    assert control.increase_ratio == pytest.approx(0.07)
