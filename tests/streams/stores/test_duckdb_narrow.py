"""A DuckDB file has so many columns and no more: what comes after shares narrow tables, and is as good as any."""

from pathlib import Path

import duckdb
import pytest

from streams.errors import BatchRefused
from streams.points import Point, Unsigned, Value
from streams.stores.duckdb import MOST_COLUMNS
from streams.stores.duckdb_catalogue import COLUMNS_OF_MEASUREMENT
from tests.contract.asking import SECOND, T0, ask, point, query, rows, write
from tests.streams.stores.opening import opened

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "points.duckdb"


def valued(at: float, tags: dict[str, str], name: str, value: Value) -> Point:
    """A point whose field has this name."""
    return Point("weather", tags, {name: value}, point(at).time)


def columns(path: Path) -> int:
    """How many the wide tables of a file have."""
    with duckdb.connect(str(path), read_only=True) as connection:
        named = "table_name LIKE 'points\\_%' ESCAPE '\\' OR table_name LIKE 'series\\_%' ESCAPE '\\'"
        ((count,),) = connection.execute(f"SELECT count(*) FROM duckdb_columns() WHERE {named}").fetchall()
    return int(count)


async def test_a_file_has_no_more_columns_however_many_names_come(path: Path) -> None:
    async with opened(path, 50) as store:
        for number in range(40):
            new = point(number, {f"t{number}": "a"}, measurement=f"m{number}", v=1)
            await write(store, new, valued(number, {f"t{number}": "a"}, f"f{number}", float(number)))
        assert len(await store.measurements()) == 41
        found = await store.schema("weather")
        assert (len(found.fields), len(found.tags)) == (40, 40)
        assert await rows(store, query({"f39": ["sum"]}), 40) == ((39.0,),)
        assert await rows(store, query({"f0": ["sum"]}), 1) == ((0.0,),)
    assert 50 - COLUMNS_OF_MEASUREMENT <= columns(path) <= 50


async def test_a_file_goes_on_wherever_its_fields_were_kept_before(path: Path) -> None:
    """What is narrow stays so, what is wide too, and late values find the ones that they replace."""
    select = query({name: ["sum"] for name in ("a", "b", "c", "d")}, group_by=["dev"], window="10s", every="10s")
    for turn, most_columns in enumerate((0, 6, MOST_COLUMNS, 0)):
        name = "abcd"[turn]
        async with opened(path, most_columns) as store:
            await write(store, valued(turn, {"dev": "x"}, name, 1), valued(turn, {"dev": f"y{turn}"}, name, 5))
            await write(store, *(valued(at, {"dev": "x"}, name, 10) for at in range(turn + 1)))
            await write(store, point(turn, {"dev": "x"}, measurement=f"other{turn}", v=1))
            assert await store.tag_values("weather", "dev", 9) == ["x", *(f"y{n}" for n in range(turn + 1))]
    async with opened(path) as store:
        assert await rows(store, select, 10) == (
            ("x", 10, 20, 30, 40),
            ("y0", 5, None, None, None),
            ("y1", None, 5, None, None),
            ("y2", None, None, 5, None),
            ("y3", None, None, None, 5),
        )
        (window,) = await ask(store, select, 10)
        assert window.points == 8, "a point with fields in both kinds of tables is one"
    assert columns(path) == 2 * (COLUMNS_OF_MEASUREMENT + 2)


async def test_fields_of_both_kinds_of_tables_meet_in_one_point(path: Path) -> None:
    async with opened(path, COLUMNS_OF_MEASUREMENT + 2) as store:
        await write(store, point(0, {"dev": "x"}, wide=1.5))
        await write(store, point(0, {"dev": "x", "site": "s"}, wide=2.0, late=Unsigned(2**64 - 1), text="a", on=True))
        await write(store, point(0, {"dev": "x"}, late=Unsigned(7)), point(0.5, {"dev": "x"}, text="b"))
        asked = {"wide": ["sum"], "late": ["max"], "text": ["last"], "on": ["first"]}
        (window,) = await ask(store, query(asked, group_by=["site"]), 1)
        assert window.rows == ((None, 1.5, 7, "b", None), ("s", 2.0, 2**64 - 1, "a", True))
        assert window.points == 3
        assert (await store.schema("weather", (("site", ("s",)),))).fields.keys() == {"wide", "late", "text", "on"}
        assert (await store.schema("weather", (("site", (None,)),))).fields.keys() == {"wide", "late", "text"}
        assert (await store.schema("weather", (("site", (None,)),))).tags == {"dev"}
        assert "hub_values" in (await store.answer(query({"late": ["max"]}), T0 * 1_000, T0 * 1_000)).query


async def test_a_narrow_field_keeps_the_type_it_was_first_written_with() -> None:
    async with opened(None, 0) as store:
        await write(store, point(0, v=1.5))
        with pytest.raises(BatchRefused, match="field 'v' of measurement 'weather' is float, and a point has integer"):
            await write(store, point(1, v=1, w=2), point(2, measurement="other", v=1))
        assert await store.measurements() == ["weather"]
        await write(store, point(1, w=2.5), point(2, measurement="other", v=1))
        assert await rows(store, query({"w": ["sum"]}), 2) == ((2.5,),)


async def test_narrow_values_expire_too() -> None:
    async with opened(None, 0) as store:
        await write(store, *(point(at, v=1, measurement=f"m{at % 2}") for at in range(10)))
        assert await store.expire((T0 + 4) * SECOND) == 4
        windows = await ask(store, query({"v": ["count"]}, "m1"), 1, 10)
        assert [window.points for window in windows] == [0, 0, 0, 0, 0, 1, 0, 1, 0, 1]
