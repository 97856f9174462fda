import json

import pytest

from hub.server.restart import reason_to_come_back, spread_ms


@pytest.mark.parametrize(
    ("connections", "milliseconds"), [(1, 1_000), (670, 1_000), (6_700, 10_000), (20_000, 29_850), (100_000, 30_000)]
)
def test_the_more_clients_the_longer_they_are_spread(connections: int, milliseconds: int) -> None:
    assert spread_ms(connections) == milliseconds


def test_each_client_comes_back_at_its_own_moment() -> None:
    moments = [json.loads(reason_to_come_back(20_000))["retry_after_ms"] for _ in range(1_000)]
    assert 0 <= min(moments) < 1_000
    assert 28_850 < max(moments) <= 29_850
    assert len(set(moments)) > 900
