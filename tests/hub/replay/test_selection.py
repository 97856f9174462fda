"""Which points are replayed, and when they happen."""

import pytest

from hub.replay.parts import Part, Refused
from hub.replay.selection import Selection, shifted

PART = Part(
    [b"a f=1 1", b"b f=1 2", b"a f=1 3"], ["a", "b", "a"], [1, 2, 3], [10, 20, 30], 40, 0.5, [Refused("x", "y", "z")]
)


@pytest.mark.parametrize(
    ("selection", "places"),
    [
        (Selection(), [10, 20, 30]),
        (Selection(only=("a",)), [10, 30]),
        (Selection(start=2), [20, 30]),
        (Selection(stop=3), [10, 20]),
        (Selection(only=("c",)), []),
    ],
)
def test_only_what_was_chosen_is_left(selection: Selection, places: list[int]) -> None:
    part = selection.of(PART)
    assert part.places == places
    assert len(part.lines) == len(part.times) == len(part.measurements) == len(places)
    assert (part.end, part.refused) == (PART.end, PART.refused)


def test_a_shift_moves_times_and_nothing_else() -> None:
    part = shifted(PART, -5)
    assert part.lines == [b"a f=1 -4", b"b f=1 -3", b"a f=1 -2"]
    assert part.times == [-4, -3, -2]
    assert shifted(PART, 0) is PART
