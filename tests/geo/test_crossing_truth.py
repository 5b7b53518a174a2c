"""geo.crossing and an independent, slow check agree, on edges, corners and holes too."""

import pytest

from tests.bench.slow import check


@pytest.mark.parametrize("seed", [1, 2])
def test_no_difference_from_a_slow_and_obvious_check(seed):
    done, wrong = check(5_000, seed)
    assert wrong == []
    assert done["on an edge"] > 0.2 * done["points"]
    assert done["crossings"] > done["segments"] / 2
