"""History from rollups: what is old enough is read at the target, everything else where it always was."""

import dataclasses
from pathlib import Path

import pytest

from streams.engine import Engine, WindowUpdate
from streams.engine.positions import Position, PositionFile
from streams.engine.rolled import RolledUp, Target
from streams.host import LocalHost
from streams.points import Kind
from streams.queries import Query, parse_query, refine
from streams.rollups import Rollup
from tests.streams.engine.memory_store import MemoryStore, windows_of
from tests.streams.engine.transcript import at, touched
from tests.streams.simulation import BEGIN, SimulatedClock

pytestmark = pytest.mark.anyio

QUERY = parse_query(
    measurement="m", select={"v": ["sum", "count"]}, window="2s", every="1s", grace="500ms", group_by=["dev"]
)
ROLLUP = Rollup("s", QUERY, "m_2s", after_ms=50_000)
CORRECT_MS = 20_000
OLD, YOUNG = BEGIN - 50_000, BEGIN - 49_000
"""The youngest window that is read at the target, and the next."""


class Past:
    """Two minutes of points, whose windows were rolled up from 100 s to 10 s ago."""

    def __init__(self, folder: Path, *, after_ms: int | None = ROLLUP.after_ms) -> None:
        self.clock, self.host = SimulatedClock(), LocalHost()
        self.store, self.other = MemoryStore(), MemoryStore()
        self.store.put(at(-1_000 * number, number, "ab"[number % 2]) for number in range(1, 121))
        self.expected = {
            stop: windows_of(self.store.points, QUERY, stop, stop)[0].rows
            for stop in range(BEGIN - 118_000, BEGIN, 1_000)
        }
        self.position = PositionFile(folder, ROLLUP)
        rollup = dataclasses.replace(ROLLUP, after_ms=after_ms)
        columns = QUERY.columns({"v": Kind.INTEGER})
        for stop, rows in self.expected.items():
            self.other.put(rollup.points(stop - QUERY.window_ms, rows, columns))
        self.position.save(Position(BEGIN - 100_000, BEGIN - 10_000))
        target = Target(rollup, self.position, self.other)
        past = RolledUp(self.store, [target], self.host, self.clock, CORRECT_MS)
        self.engine = Engine(self.store, self.clock, self.host, past=past)

    async def read(self, first: int, last: int, query: Query = QUERY) -> list[WindowUpdate]:
        return [update async for chunk in self.engine.history(query, first, last) for update in chunk]

    def rolled(self) -> list[tuple[int, int]]:
        """The stops that were asked of the target since the last time."""
        asked, self.other.asked = self.other.asked, []
        shift = QUERY.window_ms - QUERY.every_ms
        return [(first + shift - BEGIN, last + shift - BEGIN) for _, first, last in asked]

    def forget(self) -> None:
        """The source's points expire."""
        self.store.points.clear()


@pytest.fixture
def past(tmp_path: Path) -> Past:
    return Past(tmp_path)


async def test_old_windows_are_as_they_were_when_their_points_have_expired(past: Past) -> None:
    past.forget()
    updates = await past.read(BEGIN - 100_000, OLD)
    assert {update.stop: update.rows for update in updates} == {
        stop: rows for stop, rows in past.expected.items() if BEGIN - 100_000 <= stop <= OLD
    }
    assert all(update.final for update in updates)


async def test_what_lies_on_both_sides_is_put_together(past: Past) -> None:
    updates = await past.read(BEGIN - 110_000, BEGIN - 1_000)
    assert [update.stop for update in updates] == [*range(BEGIN - 110_000, BEGIN, 1_000)]
    assert all(past.expected[update.stop] == update.rows for update in updates)
    rolled = past.rolled()
    assert (rolled[0][0], rolled[-1][1]) == (-100_000, -50_000)


async def test_young_windows_are_never_read_at_the_target(past: Past) -> None:
    await past.read(YOUNG, BEGIN - 1_000)
    assert past.rolled() == []


async def test_windows_that_can_be_corrected_are_never_read_there(tmp_path: Path) -> None:
    past = Past(tmp_path, after_ms=0)
    await past.read(BEGIN - 30_000, BEGIN - 1_000)
    assert past.rolled() == [(-30_000, -20_000)]


async def test_nothing_is_read_beyond_the_position(past: Past) -> None:
    past.position.save(Position(BEGIN - 100_000, BEGIN - 80_000))
    await past.read(BEGIN - 90_000, BEGIN - 70_000)
    assert past.rolled()[-1][1] == -80_000


async def test_rows_that_wait_in_the_spool_are_not_missed(past: Past) -> None:
    past.host.hold([touched(-70_000, measurement="m_2s")])
    updates = await past.read(BEGIN - 80_000, BEGIN - 65_000)
    assert all(past.expected[update.stop] == update.rows for update in updates)
    assert past.rolled() == []


async def test_a_narrower_query_reads_its_part(past: Past) -> None:
    narrower = refine(QUERY, {"dev": "a"})
    past.forget()
    updates = await past.read(OLD, OLD, narrower)
    assert [update.rows for update in updates] == [tuple(row for row in past.expected[OLD] if row[0] == "a")]


@pytest.mark.parametrize(
    "query",
    [
        dataclasses.replace(QUERY, window_ms=1_000),
        dataclasses.replace(QUERY, group_by=()),
        dataclasses.replace(QUERY, measurement="other"),
    ],
)
async def test_another_query_is_not_read_there(past: Past, query: Query) -> None:
    await past.read(OLD, OLD, query)
    assert past.rolled() == []


async def test_a_rollup_that_names_no_age_is_written_only(tmp_path: Path) -> None:
    past = Past(tmp_path, after_ms=None)
    await past.read(BEGIN - 100_000, OLD)
    assert past.rolled() == []


async def test_reading_old_windows_corrects_nothing_for_those_who_watch(past: Past) -> None:
    told: list[WindowUpdate] = []

    class Heard:
        def window(self, _plan: object, update: WindowUpdate) -> None:
            told.append(update)

        def progress(self, *_: object) -> None: ...

        def trouble(self, *_: object) -> None: ...

    past.engine.join(QUERY, Heard())
    past.forget()
    assert len(await past.read(BEGIN - 100_000, OLD)) == 51
    assert told == []
