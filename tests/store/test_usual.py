"""A bucket of what is usual, as text and back."""

import json

import numpy as np
import pytest

from netsky.judging.usual import FIELDS, QUIET, SWEEPS
from netsky.judging.usual_columns import COLUMNS, Kind, column_of
from netsky.places import PROVINCES
from netsky.store.usual import _packed, _unpacked

FIGURES = [10, 9, 0.0123456, 0.01, 1e-9, 0.011, 0.0125]
BEIJING = PROVINCES[0]


def test_a_bucket_is_the_same_again_to_seven_digits():
    values = np.random.default_rng(1).random((FIELDS, COLUMNS))
    values[:, 3] = np.nan
    assert _unpacked(_packed(values)) == pytest.approx(values, rel=1e-7, nan_ok=True)


@pytest.mark.parametrize("kinds", [2, 3])
def test_one_of_an_earlier_version_can_still_be_read(kinds):
    """The first of these knew no latencies."""
    document = {BEIJING.slug: [FIGURES, None, FIGURES][:kinds]}
    values = _unpacked(json.dumps(document))
    assert values.shape == (FIELDS, COLUMNS)
    assert values[:, column_of(BEIJING)].tolist() == FIGURES
    latency = values[:, column_of(BEIJING, Kind.LATENCY)]
    assert latency.tolist() == FIGURES if kinds == 3 else np.isnan(latency[2:]).all()
    unknown = values[:, column_of(BEIJING, Kind.LIVE)]
    assert (unknown[SWEEPS], unknown[QUIET], np.isnan(unknown[2:]).all()) == (0, 0, True)
