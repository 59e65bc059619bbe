"""Several sweeps at once: through two exits, and of three ISPs on one host."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from lab.errors import LabError
from lab.network.faults import Loss
from lab.proofs.history import make_history
from lab.proofs.site import Site
from lab.proofs.together import CASES, sweep_together, table
from testing.netns import needs_root
from testing.servers import wait_until

pytestmark = needs_root


@pytest.mark.alone  # three sweeps and six routers' worth of packets: nothing is left for other tests
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


def test_an_exit_that_is_dead_is_one_critical_for_it_and_the_other_stays_quiet(user, tmp_path):
    site = Site(user.lab, tmp_path)
    site.set_up(targets=50)

    def sweep(egress):
        return site.probe("cu", egress, "--window", "0.5")

    for egress in ("a", "b"):
        make_history(site, "cu", egress, sweep(egress), timedelta(hours=2))
    site.run("netsky_get_avg_lossrate", "cu")
    user.lab.set_loss(Loss(1), egress="b")
    with ThreadPoolExecutor() as pool:
        through_a, through_b = pool.map(sweep, ("a", "b"))
    assert sum(through_a.lost.values()) == 0
    assert through_b.lost == through_b.sent
    assert site.alert("cu", "b")["alert"]["active"] == ["critical"]
    assert site.alert("cu", "a")["alert"]["active"] == []


def test_an_exit_whose_cable_is_out_is_told_and_not_stored_as_loss(user, tmp_path):
    site = Site(user.lab, tmp_path)
    site.set_up(targets=50)
    user.lab.set_link(egress="b", up=False)
    wait_until(
        lambda: "NO-CARRIER" in user.lab.run("ip", "link", "show", "exit-b").stdout,
        what="the kernel to see it",
    )
    with pytest.raises(LabError, match="'exit-b' has no carrier: is its cable out"):
        site.probe("cu", "b", "--window", "0.5")
    assert not list(tmp_path.glob("*.db"))
    assert sum(site.probe("cu", "a", "--window", "0.5").lost.values()) == 0


def test_a_path_narrower_than_the_packets_loses_none(user, tmp_path):
    """An echo of 1,400 bytes through a tunnel of 1,000, where nothing may be fragmented unasked."""
    site = Site(user.lab, tmp_path)
    site.set_up(targets=50)
    route = user.lab.route("a")
    for router, device in ((route.routers[0], "out"), (route.routers[1], "in")):
        user.lab.holder.run(router, "ip", "link", "set", device, "mtu", "1000")
    swept = site.probe("cu", "a", "--window", "0.5", "--size", "1400", "--engine", "icmp")
    assert sum(swept.sent.values()) == 31 * 50
    assert sum(swept.lost.values()) == 0
