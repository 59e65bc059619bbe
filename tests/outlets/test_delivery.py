"""Where figures go: which file, and that one place that fails does not keep them from the others."""

import re
import signal
import time

import pytest

from netsky.errors import DatabaseError, DeliveryError
from netsky.outlets.delivery import Outlets, Step, deliver
from netsky.outlets.metrics import baseline_metrics
from testing.samples import STARTED_AT, make_baseline


def groups():
    return [
        baseline_metrics("cu", egress, [make_baseline("hunan", 1, egress=egress)], at=STARTED_AT)
        for egress in ("a", "联通-2")
    ]


def test_without_outlets_nothing_is_done():
    assert Outlets().deliveries(groups()) == {}


def test_a_textfile_holds_all_egresses(tmp_path):
    file = tmp_path / "netsky.prom"
    assert deliver(Outlets(textfile=str(file)).deliveries(groups())) == ()
    lines = file.read_text().splitlines()
    assert re.findall('ratio{egress="(.+?)"', "\n".join(lines)) == ["a", "联通-2"]
    assert sum(line.startswith("# TYPE netsky_loss_baseline_ratio ") for line in lines) == 1


def test_with_egress_in_its_name_each_egress_has_a_textfile(tmp_path):
    assert deliver(Outlets(textfile=f"{tmp_path}/x_{{egress}}.prom").deliveries(groups())) == ()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x_a.prom", "x_联通-2.prom"]
    assert "联通-2" not in (tmp_path / "x_a.prom").read_text()


@pytest.mark.parametrize("error", [DeliveryError("is down"), DatabaseError("is down")])
def test_one_that_fails_keeps_nothing_from_the_others(error, caplog):
    done = []

    def fail():
        raise error

    assert deliver({"one": Step(fail, 5), "two": Step(lambda: done.append(2), 5)}) == ("is down",)
    assert done == [2]
    assert [record.getMessage() for record in caplog.records] == ["not delivered: is down"]


def test_an_unforeseen_error_is_named_without_its_text():
    def fail():
        raise ValueError("the password is geheim")

    [line] = deliver({"database": Step(fail, 5)})
    assert re.fullmatch(
        r"database: unexpected ValueError at test_delivery.py:\d+ \(.*-vv.*\)", line
    )


def test_what_takes_too_long_is_given_up_and_the_others_follow():
    done = []
    started = time.monotonic()
    failed = deliver(
        {"one": Step(lambda: time.sleep(30), 0.2), "two": Step(lambda: done.append(2), 5)}
    )
    assert failed == ("one: no end within 0.2 s: given up",)
    assert done == [2]
    assert time.monotonic() - started < 10


def test_a_limit_leaves_no_alarm_behind():
    assert deliver({"one": Step(lambda: None, 0.05)}) == ()
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
