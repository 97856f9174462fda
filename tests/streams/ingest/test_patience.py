"""How long a write may take before it counts as given up."""

import pytest

from streams.ingest.patience import BEHIND_SECONDS, SECONDS_PER_POINT, behind_seconds


def test_much_at_once_may_take_longer() -> None:
    assert behind_seconds(0) == BEHIND_SECONDS
    assert behind_seconds(2_000) == pytest.approx(BEHIND_SECONDS + 2_000 * SECONDS_PER_POINT)
