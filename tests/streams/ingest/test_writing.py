"""A batch of which the store refuses a part."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import StoreUnavailable
from streams.ingest.writing import write_good
from tests.streams.ingest.shelf import Shelf, batch

pytestmark = pytest.mark.anyio


async def test_the_guilty_lines_are_found_and_the_others_stored() -> None:
    shelf = Shelf()
    shelf.refuses = {"bad"}
    points = batch(("a", 1.0), ("bad", 2.0), ("b", 3.0), ("c", 4.0), ("bad", 5.0))

    refused = await write_good(shelf.write, points)

    assert sorted(refused) == [1, 4]
    assert [(reject.line, reject.code) for _, reject in sorted(refused.items())] == [
        (2, "refused_by_store"),
        (5, "refused_by_store"),
    ]
    assert "no room for" in refused[1].message
    assert set(shelf.lines) == {points.lines[0], points.lines[2], points.lines[3]}


async def test_a_store_that_counts_its_refusals_is_asked_once_where_all_are_refused() -> None:
    shelf = Shelf()
    shelf.refuses, shelf.counts_refused = {"bad"}, True

    assert len(await write_good(shelf.write, batch(*[("bad", 1.0)] * 64))) == 64
    assert shelf.writes == [64]


async def test_an_unavailable_store_is_not_a_refusal() -> None:
    shelf = Shelf()
    shelf.shut = True
    with pytest.raises(StoreUnavailable):
        await write_good(shelf.write, batch(("a", 1.0)))


@given(st.lists(st.booleans(), max_size=40))
async def test_exactly_the_refused_are_named(good: list[bool]) -> None:
    shelf = Shelf()
    shelf.refuses = {"bad"}
    points = batch(*[("ok" if fine else "bad", 1.0) for fine in good])

    refused = await write_good(shelf.write, points)

    assert sorted(refused) == [i for i, fine in enumerate(good) if not fine]
    assert list(dict.fromkeys(shelf.lines)) == [points.lines[i] for i, fine in enumerate(good) if fine]
