"""Points that were read become windows, in a database that is not kept for ever."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from streams.points import Kind
from streams.queries import parse_query
from streams.stores import influxdb_answers
from streams.stores.duckdb_catalogue import Table
from streams.stores.duckdb_files import open_memory
from streams.stores.influxdb_answers import Scratch
from streams.stores.influxdb_read import RawPoints

QUERY = parse_query(measurement="weather", select={"temp": ["mean", "count"]}, every="1s")


def points(value: float) -> RawPoints:
    """Three of one series in the second that stops at 2,000."""
    rows = [[1_000_000_000 + n, value + n, "roof"] for n in range(3)]
    return RawPoints("weather", (("temp", Kind.FLOAT),), ("site",), rows, "")


@pytest.mark.anyio
async def test_answers_at_once_are_each_of_their_own_points(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def count(load: object) -> tuple[DuckDBPyConnection, None]:
        opened.append(load)
        return open_memory(lambda _: None)

    monkeypatch.setattr(influxdb_answers, "open_memory", count)
    scratch = Scratch(most_answers=4)
    answers = await asyncio.gather(*(scratch.answer(QUERY, points(n), 1_000, 2_000) for n in range(10)))
    scratch.close()
    assert [[window.rows for window in windows] for windows, _ in answers] == [[(), ((n + 1, 3),)] for n in range(10)]
    assert len(opened) == 3  # for four, four and two answers


@pytest.mark.anyio
async def test_an_answer_under_way_keeps_its_database_when_others_go_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load, slow, begun, others = influxdb_answers._load, points(100), threading.Event(), threading.Event()

    def load_slowly(cursor: DuckDBPyConnection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        if rows is slow.rows:
            begun.set()
            assert others.wait(10)
        load(cursor, table, rows)

    monkeypatch.setattr(influxdb_answers, "_load", load_slowly)
    scratch = Scratch(most_answers=2)
    first = asyncio.create_task(scratch.answer(QUERY, slow, 1_000, 2_000))
    await asyncio.to_thread(begun.wait, 10)
    for n in range(6):
        windows, _ = await scratch.answer(QUERY, points(n), 1_000, 2_000)
        assert windows[-1].rows == ((n + 1, 3),)
    others.set()
    windows, _ = await first
    scratch.close()
    assert windows[-1].rows == ((101, 3),)
