"""Several sweeps at once: through two exits, and of three ISPs on one host."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.proofs.history import make_history
from lab.proofs.site import Site
from lab.proofs.together import CASES, sweep_together, table
from testing.netns import needs_root

pytestmark = needs_root


@pytest.mark.parametrize(
    ("lines", "engine"), [(CASES[1], "icmp"), (CASES[2], "icmp"), (CASES[2], "fping")]
)
def test_sweeps_at_once_measure_their_own_truth_packet_for_packet(user, tmp_path, lines, engine):
    site = Site(user.lab, tmp_path)
    site.set_up(targets=600)
    runs = sweep_together(site, lines, "--window", "2", "--engine", engine)
    assert [(run.isp, run.egress) for run in runs] == list(lines)
    for run in runs:
        assert run.packets_sent == 31 * 600
        assert run.truth > 5 * 600  # five provinces lose everything
        if engine == "icmp" or run.local_drops == 0:
            assert (run.wrong, run.lost, run.local_drops) == (0, run.truth, 0)
        else:  # 93 processes of fping, each of which gets a copy of all replies, may be too much
            assert 0 <= run.lost - run.truth <= run.local_drops
    assert f"| {len(runs)} | cu through a | " in table([runs])


def test_an_exit_that_is_down_is_one_critical_for_it_and_the_other_stays_quiet(user, tmp_path):
    site = Site(user.lab, tmp_path)
    site.set_up(targets=50)

    def sweep(egress):
        return site.probe("cu", egress, "--window", "0.5")

    for egress in ("a", "b"):
        make_history(site, "cu", egress, sweep(egress))
    site.run("netsky_get_avg_lossrate", "cu")
    user.lab.set_link(egress="b", up=False)
    with ThreadPoolExecutor() as pool:
        through_a, through_b = pool.map(sweep, ("a", "b"))
    assert sum(through_a.lost.values()) == 0
    assert through_b.lost == through_b.sent
    assert site.alert("cu", "b")["alert"]["active"] == ["critical"]
    assert site.alert("cu", "a")["alert"]["active"] == []
