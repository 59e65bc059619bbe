import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from lab.proofs.accuracy import DELAYS, LEVELS, measure, tables
from testing import ROOT
from testing.netns import needs_root
from testing.processes import processes_where
from testing.servers import wait_until

pytestmark = needs_root


@pytest.mark.alone
@pytest.mark.parametrize("engine", ["icmp", "fping"])
def test_what_an_engine_measures_is_held_against_the_truth(user, engine):
    result = measure(user.lab, engine, user.folder, targets=1024, window=1.5)
    assert result.targets == 31 * 1024
    assert [level.loss for level in result.levels] == list(LEVELS)
    assert [level.wrong for level in result.levels] == [0] * len(LEVELS)
    assert [level.lost for level in result.levels] == [level.truth for level in result.levels]
    assert result.levels[0].lost == 0
    assert result.levels[-1].lost == 5 * 1024
    assert [len(errors) for errors in result.errors] == [1024] * len(DELAYS)
    assert max(np.median(errors) for errors in result.errors) < 0.001
    assert "| 100 % | 5 | 5,120 | 5,120 | 5,120 | 0 |" in tables(result)


def observers(folder):
    """Pids of those who write into a folder what they see."""
    return processes_where(
        lambda each: "observe" in each.arguments and str(folder) in " ".join(each.arguments)
    )


def test_an_interrupted_measurement_says_nothing_and_leaves_nothing(tmp_path):
    command = [sys.executable, "-m", "lab", "accuracy", "--engine", "icmp", "--targets", "1024"]
    with subprocess.Popen(
        [*command, "--window", "30"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as measuring:
        wait_until(lambda: len(observers(tmp_path)) == len(DELAYS), what="all samples observed")
        os.killpg(measuring.pid, signal.SIGINT)
        assert measuring.communicate(timeout=30) == ("", "\n")  # which click puts after ^C
    assert measuring.returncode == 1
    assert observers(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
