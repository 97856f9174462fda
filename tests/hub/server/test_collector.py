import gc
import weakref
from collections.abc import Iterator

import pytest

from hub.server.collector import COUNTED_EVERY, FEW, OBJECTS_OF_A_SOCKET, Collector, is_much


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    collector.start()
    yield collector
    collector.stop()


class Knot:
    """A cycle."""

    def __init__(self) -> None:
        self.itself = self


def test_what_has_lasted_is_looked_at_once(collector: Collector) -> None:
    lasting = [[number] for number in range(10_000)]
    before = gc.get_freeze_count()
    gc.collect()
    assert gc.get_freeze_count() >= before + len(lasting)


def test_a_cycle_among_what_was_set_aside_is_found_when_that_has_doubled(collector: Collector) -> None:
    knot = Knot()
    gone = weakref.ref(knot)
    gc.collect()
    del knot
    gc.collect()
    assert gone() is not None

    lasting = [[number] for number in range(gc.get_freeze_count() + FEW + 1)]
    for _ in range(2 * COUNTED_EVERY):
        gc.collect()
    assert gone() is None
    assert lasting


def test_what_is_set_aside_is_much_when_it_has_doubled_and_is_not_few() -> None:
    assert not is_much(FEW, 0, 0)
    assert is_much(FEW + 1, 0, 0)
    assert not is_much(2 * FEW, FEW, 0)
    assert is_much(3 * FEW + 1, FEW, 0)


def test_what_sockets_have_that_are_still_open_is_not_much() -> None:
    has = 5_000 * OBJECTS_OF_A_SOCKET
    assert not is_much(FEW + has, 0, 5_000)
    assert is_much(FEW + has + 1, 0, 5_000)
    assert is_much(FEW + has, 0, 4_999)
    assert is_much(FEW + 1, 0, -5_000)
