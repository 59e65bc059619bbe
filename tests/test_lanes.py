"""Which tests run, and beside what."""

import subprocess
import threading

import pytest

from testing import lanes
from testing.servers import program


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(lanes, "_quick", False)  # as it is again afterwards
    lanes.leave_out_processes()


@pytest.mark.parametrize(
    "start", [lambda: subprocess.run(["true"], check=True), lambda: program("no-such-program")]
)
def test_in_the_quick_lane_what_starts_a_process_is_skipped(quick, start):
    with pytest.raises(pytest.skip.Exception, match="starts a process"):
        start()


def test_who_is_to_be_alone_waits_for_the_others_and_they_for_him(tmp_path):
    order = []

    def another(*, alone):
        def run():
            with lanes.beside_others(tmp_path, alone=alone):
                order.append("alone" if alone else "another")

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    with lanes.beside_others(tmp_path, alone=False):
        another(alone=False).join(10)
        waits = another(alone=True)
        waits.join(0.1)
        order.append("first ends")
    waits.join(10)
    with lanes.beside_others(tmp_path, alone=True):
        waits = another(alone=False)
        waits.join(0.1)
        order.append("alone ends")
    waits.join(10)
    assert order == ["another", "first ends", "alone", "alone ends", "another"]


def test_of_a_file_with_a_fixture_for_the_whole_of_it_no_test_goes_elsewhere(tmp_path):
    (tmp_path / "one.py").write_text('@pytest.fixture(scope="module")\ndef server(): ...\n')
    (tmp_path / "many.py").write_text("@pytest.fixture\ndef site(): ...\n")
    assert lanes.is_one(tmp_path / "one.py")
    assert not lanes.is_one(tmp_path / "many.py")
