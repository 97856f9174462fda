"""What a store says of what it holds."""

import pytest

from streams.points import Kind
from streams.stores.base import MeasurementSchema, Store
from tests.contract.asking import point, write

pytestmark = pytest.mark.anyio


async def test_a_new_store_knows_nothing(store: Store) -> None:
    assert list(await store.measurements()) == []
    assert await store.schema("weather") == MeasurementSchema({}, frozenset())


async def test_fields_with_their_kinds_and_tags(store: Store) -> None:
    await write(
        store,
        point(0, {"dev": "a"}, temp=1.0, ok=True),
        point(0, {"site": "s1"}, hum=1, note="x"),
        point(0, {"other": "x"}, measurement="another", temp=1),
    )
    fields = {"temp": {Kind.FLOAT}, "ok": {Kind.BOOLEAN}, "hum": {Kind.INTEGER}, "note": {Kind.STRING}}
    assert await store.schema("weather") == MeasurementSchema(
        {name: frozenset(kinds) for name, kinds in fields.items()}, frozenset({"dev", "site"})
    )


async def test_measurements_are_sorted(store: Store) -> None:
    await write(store, *(point(0, measurement=name, v=1) for name in ("b", "a", "B", "ä")))
    assert list(await store.measurements()) == ["B", "a", "b", "ä"]


async def test_a_store_that_can_write_says_so(store: Store) -> None:
    await store.check()
