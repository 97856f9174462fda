"""Ranks among values that come and go, where only those near a rank are kept in order."""

from collections import Counter, deque
from itertools import chain

import pytest

from streams.stores import ranks
from streams.stores.pane_values import PaneValues, pane_values
from streams.stores.ranks import NEAR, Moving


def of(values: list[float]) -> PaneValues:
    return pane_values([(0, sorted(values))])


class Window:
    """The panes of one group that are in a window, and the ranks among their values."""

    def __init__(self, *panes: PaneValues) -> None:
        self.panes: deque[PaneValues] = deque()
        self.moving = Moving(self.panes, 0)
        for pane in panes:
            self.come(pane)

    def come(self, pane: PaneValues) -> None:
        self.panes.append(pane)
        self.moving.change(pane, 0, len(pane.values), 1)

    def go(self) -> None:
        pane = self.panes.popleft()
        self.moving.change(pane, 0, len(pane.values), -1)

    def check(self, *asked: int) -> None:
        right = sorted(chain.from_iterable(Counter(pane).elements() for pane in map(counts, self.panes)))
        assert self.moving.count == len(right)
        for rank in asked:
            assert self.moving.at(rank) == right[rank - 1]


def counts(pane: PaneValues) -> dict[float, int]:
    return dict(zip(pane.values, pane.numbers or [1] * len(pane.values), strict=True))


@pytest.mark.parametrize("slope", [0, 1, -1, 7])
def test_they_are_right_however_values_rise_or_fall(monkeypatch: pytest.MonkeyPatch, slope: int) -> None:
    monkeypatch.setattr(ranks, "NEAR", 2)
    monkeypatch.setattr(ranks, "MOST_NEAR", 6)
    monkeypatch.setattr(ranks, "MOST_RANKS", 3)
    panes = [of([pane * slope + n * n % 23 for n in range(8)]) for pane in range(200)]
    window = Window(*panes[:50])
    for pane in panes[50:]:
        window.check(20, 200, 201, 380, 400)
        window.come(pane)
        window.go()


def test_what_is_kept_does_not_grow_with_the_window() -> None:
    window = Window(*(of([pane + n / 7 for n in range(60)]) for pane in range(1_440)))
    window.check(1_440 * 57)
    assert 0 < window.moving.size <= 2 * NEAR + 1


def test_of_one_value_that_is_there_very_often_little_is_kept() -> None:
    window = Window(*(of([1.0] * 100 + [pane / 7 for pane in range(50)]) for _ in range(100)))
    window.check(2_000, 8_000)
    assert window.moving.size <= 2 * ranks.FEW_DIFFERENT


def test_two_ranks_far_apart_are_both_kept_up() -> None:
    panes = [of([pane % 7 + n / 3 for n in range(300)]) for pane in range(40)]
    window = Window(*panes[:20])
    for pane in panes[20:]:
        window.check(5, 5_800)
        assert len(window.moving._near) == 2
        window.come(pane)
        window.go()
