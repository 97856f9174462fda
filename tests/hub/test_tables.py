"""Windows of the past as JSON and as CSV, whole and in parts."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.bodies import Windows
from hub.messages import Column
from hub.tables import CsvTable, JsonTable, Table
from streams.engine import WindowUpdate
from streams.points import Kind
from streams.stores.base import Row

COLUMNS = [Column("site", Kind.TAG), Column('te"mp.last', Kind.FLOAT, None)]


def window(stop: int, *rows: Row) -> WindowUpdate:
    return WindowUpdate(stop - 1_000, stop, 2, True, rows, len(rows), 0, 1.0, stop)


def written(table: Table, *parts: list[WindowUpdate]) -> str:
    return b"".join([table.head(), *map(table.part, parts), table.tail()]).decode()


@pytest.mark.parametrize("cuts", [[0], [0, 1], [0, 1, 2], []])
def test_json_is_the_same_in_however_many_parts(cuts: list[int]) -> None:
    windows = [window(1_000, ("a", 1.5)), window(2_000), window(3_000, (None, None), ("b", True))][: len(cuts) or None]
    parts = [[one] for one in windows] if cuts else [windows]
    body = json.loads(written(JsonTable(Windows("P", COLUMNS, 1_000, 1_000, 0, 3_000, ())), *parts))
    assert body["windows"] == [
        {"start": w.start, "stop": w.stop, "revision": 2, "final": True, "rows": [list(row) for row in w.rows]}
        for w in windows
    ]
    assert (body["plan"], body["final_until"], body["columns"][0]) == ("P", 3_000, {"name": "site", "kind": "tag"})


def test_no_windows_are_an_empty_list_or_a_heading_alone() -> None:
    assert json.loads(written(JsonTable(Windows("P", COLUMNS, 1, 1, 0, 0, ()))))["windows"] == []
    assert written(CsvTable(COLUMNS)) == 'start,stop,revision,site,"te""mp.last"\r\n'


def test_csv_has_a_line_for_each_row() -> None:
    rows: list[Row] = [("a,b", 1.5), (None, None), ("", 10**20), ('quo"te', True), ("two\nlines", 1e300), ("ä", False)]
    text = written(CsvTable(COLUMNS), [window(1_000, *rows[:3]), window(2_000)], [window(3_000, *rows[3:])])
    assert text.split("\r\n")[1:] == [
        '0,1000,2,"a,b",1.5',
        "0,1000,2,,",
        '0,1000,2,"",100000000000000000000',
        '2000,3000,2,"quo""te",true',
        '2000,3000,2,"two\nlines",1e+300',
        "2000,3000,2,ä,false",
        "",
    ]


@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.floats(allow_nan=False)), max_size=5))
def test_csv_is_read_back_as_it_was(rows: list[tuple[Any, ...]]) -> None:
    text = written(CsvTable(COLUMNS), [window(1_000, *rows)])
    read = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert [(line[3], float(line[4])) for line in read] == rows
