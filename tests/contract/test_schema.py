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


async def test_values_of_tags_are_sorted_each_once_and_no_more_than_asked_for(store: Store) -> None:
    values = ["b", "a", "ä", "B", "a b,=", "quo\"te'", "back\\slash", "10", "9"]
    written = [point(at, {"dev": value, "site": "s"}, v=1) for at, value in enumerate(values)]
    await write(store, *written, point(50, {"dev": "a"}, v=2), point(51, {"dev": "x"}, measurement="another", v=1))
    assert list(await store.tag_values("weather", "dev", 100)) == sorted(values)
    assert list(await store.tag_values("weather", "dev", 3)) == sorted(values)[:3]
    assert list(await store.tag_values("weather", "site", 3)) == ["s"]


async def test_a_tag_has_values_whatever_its_name(store: Store) -> None:
    for name in ("time zone", 'quo"te', "it's", "back\\slash", "from", "Dev", "v"):
        await write(store, point(0, {name: "x", "dev": "y"}, measurement=name, v=1))
        assert list(await store.tag_values(name, name, 10)) == ["x"]


async def test_what_nobody_has_written_has_no_values(store: Store) -> None:
    assert list(await store.tag_values("weather", "dev", 10)) == []
    await write(store, point(0, {"dev": "a"}, v=1))
    for tag in ("site", "v", "time", "carriage\rreturn"):
        assert list(await store.tag_values("weather", tag, 10)) == []


async def test_conditions_show_only_the_series_that_meet_them(store: Store) -> None:
    await write(
        store,
        point(0, {"tenant": "a", "dev": "1"}, temp=1.0),
        point(1, {"tenant": "a", "dev": "2"}, note="x"),
        point(2, {"tenant": "b", "dev": "3", "site": "s"}, temp=1.0, secret=1),
        point(3, {"dev": "4"}, ok=True),
        point(0, {"tenant": "b"}, measurement="another", v=1),
    )
    a, b = (("tenant", ("a",)),), (("tenant", ("b",)),)
    assert await store.schema("weather", a) == MeasurementSchema(
        {"temp": frozenset({Kind.FLOAT}), "note": frozenset({Kind.STRING})}, frozenset({"tenant", "dev"})
    )
    assert set((await store.schema("weather", b)).fields) == {"temp", "secret"}
    assert list(await store.tag_values("weather", "dev", 10, a)) == ["1", "2"]
    assert list(await store.tag_values("weather", "dev", 1, a)) == ["1"]
    assert list(await store.tag_values("weather", "tenant", 10, a)) == ["a"]
    assert list(await store.tag_values("weather", "site", 10, a)) == []
    nobody = MeasurementSchema({}, frozenset())
    for name, where in (
        ("another", a),
        ("weather", (("tenant", ("c'",)),)),
        ("weather", (("none", ("a",)),)),
        ("x", a),
    ):
        assert await store.schema(name, where) == nobody
        assert list(await store.tag_values(name, "tenant", 10, where)) == []


async def test_a_store_that_can_write_says_so(store: Store) -> None:
    await store.check()
