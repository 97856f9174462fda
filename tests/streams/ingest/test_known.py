"""What the ingest knows of a store's types, and when it asks again."""

import pytest

from streams.ingest.known import Known
from streams.points import Kind
from tests.streams.ingest.shelf import Shelf, batch

pytestmark = pytest.mark.anyio


async def test_the_store_is_asked_once_for_what_is_unknown() -> None:
    shelf = Shelf()
    shelf.kinds["weather"] = {"temp": frozenset({Kind.STRING})}
    known = Known(shelf)
    [conflict] = (await known.conflicts(batch(("a", 1.0)))).values()
    assert conflict.code == "field_type"
    assert "temp" in conflict.message
    assert known.schema.knows("weather")


async def test_the_store_has_the_last_word_but_is_not_asked_all_the_time() -> None:
    shelf = Shelf()
    shelf.kinds["weather"] = {"temp": frozenset({Kind.STRING})}
    known = Known(shelf)
    await known.know(["weather"])
    del shelf.kinds["weather"]
    assert await known.conflicts(batch(("a", 1.0))) == {}

    shelf.kinds["weather"] = {"temp": frozenset({Kind.STRING})}
    known.schema.load("weather", await shelf.schema("weather"))
    del shelf.kinds["weather"]
    assert await known.conflicts(batch(("a", 1.0)))  # asked less than RELOAD_SECONDS ago
