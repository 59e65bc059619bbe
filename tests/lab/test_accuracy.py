import numpy as np
import pytest

from lab.accuracy import DELAYS, LEVELS, measure, tables
from netns import needs_root

pytestmark = needs_root


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
