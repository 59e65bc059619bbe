"""What fping is told to do."""

from netsky.engines.fping_command import fping_command
from netsky.places import Egress
from netsky.sweep import ProbePlan


def test_the_command_spreads_the_packets_evenly_over_the_span():
    plan = ProbePlan(count=3, timeout=0.5, size=100)
    command = fping_command("/opt/fping", Egress(), plan, targets=1000, span=12)
    assert command == [
        *("/opt/fping", "-f", "-", "-C", "3", "-b", "100"),
        *("-i", "4.000", "-p", "4000.000", "-t", "500.000"),
    ]


def test_the_command_sends_as_the_egress_says():
    egress = Egress("unicom-1", source="192.0.2.10", interface="eth1", fwmark=7)
    command = fping_command("fping", egress, ProbePlan(), targets=1, span=1)
    assert command[-6:] == ["-S", "192.0.2.10", "-I", "eth1", "-k", "7"]


def test_the_source_of_replies_is_checked_by_an_fping_that_can():
    command = fping_command("fping", Egress(), ProbePlan(), targets=1, span=1, check_source=True)
    assert command[-1] == "--check-source"
