"""Points that were read become windows, in a database that is not kept for ever."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from streams.partials import parts_of
from streams.points import Kind
from streams.queries import parse_query
from streams.stores import influxdb_answers
from streams.stores.duckdb_catalogue import Table
from streams.stores.duckdb_files import open_memory
from streams.stores.influxdb_answers import Scratch
from streams.stores.influxdb_read import RawPoints
from streams.stores.pane import Pane
from streams.stores.partial_panes import Panes

QUERY = parse_query(measurement="weather", select={"temp": ["mean", "count"]}, every="1s")


STARTS = range(0, 4_000, 1_000)


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


@pytest.mark.anyio
@pytest.mark.parametrize("aggregates", [["mean", "stddev", "p95"], ["mean", "integral"]])
async def test_panes_are_put_together_to_what_their_points_give(aggregates: list[str]) -> None:
    asked = parse_query(measurement="weather", select={"temp": aggregates}, window="4s", every="1s", group_by=["site"])
    rows = [[at * 10**8, at * at % 7 / 2, "ab"[at % 2]] for at in range(40)]
    read, parts = RawPoints("weather", (("temp", Kind.FLOAT),), ("site",), rows, ""), parts_of(asked, ("site",))
    scratch, panes = Scratch(), Panes(asked, parts)
    panes.learn({"temp": Kind.FLOAT})
    found, _ = await scratch.answer(parts.query, read, 1_000, 4_000)
    assert [isinstance(pane, Pane) for pane in found] == [not parts.by_series] * 4
    assert [(pane.start, pane.stop, pane.points) for pane in found] == [
        (at, at + 1_000, 10) for at in range(0, 4_000, 1_000)
    ]
    panes.replace(found)
    (right,), _ = await scratch.answer(asked, read, 4_000, 4_000)
    ((window,), _) = panes.answer(4_000, 4_000)
    for row, wanted in zip(window.rows, right.rows, strict=True):
        assert row == (wanted[0], *(pytest.approx(cell) for cell in wanted[1:]))
    assert (window.points, window.first, window.last) == (right.points, right.first, right.last)
    scratch.close()
