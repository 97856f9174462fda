"""What a store keeps of the points that it is given."""

import anyio
import pytest

from streams.errors import BatchRefused
from streams.points import INT64_MAX, INT64_MIN, UINT64_MAX, Kind, Point, Unsigned, Value
from streams.stores.base import Store
from tests.contract.asking import SECOND, T0, ask, point, query, rows, write

pytestmark = pytest.mark.anyio

COUNTED = query({"temp": ["count", "last"], "hum": ["count", "last"]})


async def test_a_batch_written_twice_counts_once(store: Store) -> None:
    points = [point(0.1 * step, {"dev": "a"}, temp=float(step)) for step in range(10)]
    await write(store, *points)
    await write(store, *points)
    assert await rows(store, COUNTED, 1) == ((10, 9.0, 0, None),)


async def test_a_rewrite_merges_its_fields_into_the_point(store: Store) -> None:
    await write(store, point(0.5, {"dev": "a"}, temp=1.0, hum=40))
    await write(store, point(0.5, {"dev": "a"}, temp=2.0))
    await write(store, point(0.5, {"dev": "a"}, wind=3.5))
    assert await rows(store, COUNTED, 1) == ((1, 2.0, 1, 40),)
    assert await rows(store, query({"wind": ["last"]}), 1) == ((3.5,),)


async def test_a_rewrite_changes_no_other_series(store: Store) -> None:
    await write(store, point(0.5, {"dev": "a"}, temp=1.0), point(0.5, {"dev": "b"}, temp=2.0), point(0.5, temp=3.0))
    await write(store, point(0.5, {"dev": "b"}, temp=9.0))
    by_device = query({"temp": ["count", "last"]}, group_by=["dev"])
    assert await rows(store, by_device, 1) == ((None, 1, 3.0), ("a", 1, 1.0), ("b", 1, 9.0))


async def test_of_equal_points_in_one_batch_the_later_line_wins_field_by_field(store: Store) -> None:
    await write(store, point(0.5, temp=1.0, hum=40), point(0.5, temp=2.0), point(0.6, temp=7.0), point(0.5, hum=41))
    assert await rows(store, query({"temp": ["count", "first"], "hum": ["last"]}), 1) == ((2, 2.0, 41),)


async def test_a_batch_may_be_new_old_and_changed_at_once(store: Store) -> None:
    await write(store, *(point(0.1 * step, temp=float(step)) for step in range(5)))
    await write(store, *(point(0.1 * step, temp=10.0 * step) for step in range(3, 8)))
    assert await rows(store, query({"temp": ["count", "sum", "max"]}), 1) == ((8, 0 + 1 + 2 + 250.0, 70.0),)


async def test_a_batch_may_have_several_measurements_in_any_order_of_time(store: Store) -> None:
    await write(
        store,
        point(0.9, measurement="m1", v=1),
        point(0.1, measurement="m2", v=2),
        point(0.5, measurement="m1", v=3),
        point(-5, measurement="m1", v=4),
    )
    assert await rows(store, query({"v": ["first", "last"]}, "m1"), 1) == ((3, 1),)
    assert await rows(store, query({"v": ["first", "last"]}, "m2"), 1) == ((2, 2),)
    assert list(await store.measurements()) == ["m1", "m2"]


STORABLE: list[Value] = [
    0.0,
    1.0,
    5e-324,
    -1.7976931348623157e308,
    0,
    1,
    INT64_MIN,
    INT64_MAX,
    True,
    False,
    "",
    "1",
    "two\nlines",
    'a "quoted" \\ text, with = and \'',
    "Grüße, 世界 🌍",
]


@pytest.mark.parametrize("value", STORABLE, ids=repr)
async def test_a_value_comes_back_as_it_was_with_its_type(store: Store, value: Value) -> None:
    await write(store, point(0.5, v=value))
    (row,) = await rows(store, query({"v": ["first", "last", "mode"]}), 1)
    assert [(cell, type(cell)) for cell in row] == [(value, type(value))] * 3


async def test_unsigned_values_are_kept_apart(store: Store, unsigned: bool) -> None:
    if not unsigned:
        pytest.skip("this store has no unsigned integers")
    await write(store, point(0.5, v=Unsigned(UINT64_MAX)), point(0.6, v=Unsigned(0)))
    assert await rows(store, query({"v": ["max", "min"]}), 1) == ((UINT64_MAX, 0),)
    assert (await store.schema("weather")).fields == {"v": {Kind.UNSIGNED}}


async def test_a_field_keeps_the_type_it_was_first_written_with(store: Store) -> None:
    await write(store, point(0.1, temp=1.0))
    with pytest.raises(BatchRefused, match=r"temp.*weather"):
        await write(store, point(0.2, temp=1))
    assert await rows(store, query({"temp": ["count", "last"]}), 1) == ((1, 1.0),)


AWKWARD = [
    "two words",
    "Grad °C",
    "select",
    "time and time",
    "it's",
    'with "quotes"',
    "a,b=c",
    "semi;colon--",
    "number",
    "start",
    "series",
    "?",
    "$1",
    "{v}",
    "%s",
    "世界",
    "back\\slash",
]


@pytest.mark.parametrize("name", AWKWARD)
async def test_any_name_will_do(store: Store, name: str) -> None:
    await write(
        store,
        Point(name, {name: name}, {name: 1.5, f"{name}2": 2}, T0 * SECOND),
        Point(name, {}, {name: 2.5}, T0 * SECOND),
    )
    asked = query({name: ["max", "increase"], f"{name}2": ["last"]}, name, where={name: name}, group_by=[name])
    assert await rows(store, asked, 1) == ((name, 1.5, None, 2),)
    assert await rows(store, query({name: ["sum"]}, name, where={name: None}), 1) == ((2.5,),)
    assert list(await store.measurements()) == [name]


async def test_names_that_differ_in_case_differ(store: Store) -> None:
    await write(
        store,
        point(0.1, {"Dev": "A", "dev": "a"}, measurement="M", Temp=1.0, temp=2),
        point(0.1, {"dev": "A"}, measurement="m", Temp="x"),
    )
    asked = query({"temp": ["last"], "Temp": ["last"]}, "M", group_by=["dev", "Dev"])
    assert await rows(store, asked, 1) == (("a", "A", 2, 1.0),)
    assert await rows(store, query({"Temp": ["last"]}, "m", group_by=["Dev"]), 1) == ((None, "x"),)


async def test_a_tag_and_a_field_may_share_a_name(store: Store) -> None:
    await write(store, point(0.1, {"dev": "a"}, dev=1.0), point(0.2, {"dev": "b"}, dev=2.0))
    asked = query({"dev": ["sum"]}, where={"dev": "a"}, group_by=["dev"])
    assert await rows(store, asked, 1) == (("a", 1.0),)


async def test_points_a_nanosecond_apart_are_two(store: Store) -> None:
    await write(
        store,
        Point("weather", {}, {"temp": 1.0}, T0 * SECOND + 123_456_789),
        Point("weather", {}, {"temp": 2.0}, T0 * SECOND + 123_456_790),
    )
    assert await rows(store, query({"temp": ["count", "first", "last"]}), 1) == ((2, 1.0, 2.0),)


async def test_times_before_the_epoch(store: Store) -> None:
    early = [Point("weather", {}, {"temp": float(at)}, at) for at in (-SECOND - 1, -SECOND, -1, 0)]
    await write(store, *early)
    answer = await store.answer(query({"temp": ["count", "last"]}), -1_000, 1_000)
    assert [(window.stop, window.rows) for window in answer.windows] == [
        (-1_000, ((1, -1_000_000_001.0),)),
        (0, ((2, -1.0),)),
        (1_000, ((1, 0.0),)),
    ]


async def test_new_fields_tags_and_series_join_what_is_there(store: Store) -> None:
    await write(store, point(0.1, {"dev": "a"}, temp=1.0))
    await write(store, point(0.2, {"dev": "a", "site": "s1"}, temp=2.0, hum=50))
    by_site = query({"temp": ["sum"], "hum": ["last"]}, group_by=["site"])
    assert await rows(store, by_site, 1) == ((None, 1.0, None), ("s1", 2.0, 50))


async def test_writes_and_answers_may_run_at_once(store: Store) -> None:
    asked = query({"v": ["count", "sum"]})

    async def write_second(number: int) -> None:
        names = {f"tag{number}": "x"}
        await write(store, *(point(number + step / 50, names, v=step) for step in range(50)))

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(write_second, number)
            tasks.start_soon(ask, store, asked, 1, 20)
    assert [window.rows for window in await ask(store, asked, 1, 20)] == [((50, 49 * 25),)] * 20
