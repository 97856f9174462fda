"""Where rollups are written: through the ingest, or straight into another bucket."""

import asyncio

import pytest

from streams.errors import BatchRefused, StoreUnavailable
from streams.formats.line import batch_of
from streams.host import LocalHost
from streams.ingest.commit import Ingest
from streams.ingest.targets import OtherBucket, ThroughIngest
from streams.points import Batch, Point
from streams.queries import parse_query
from streams.stores.duckdb import DuckDBStore

pytestmark = pytest.mark.anyio

QUERY = parse_query(measurement="m", select={"v": ["last"]}, every="1s")


def rows(*values: int | float) -> Batch:
    points = [Point("m", {"dev": str(number)}, {"v": value}, number) for number, value in enumerate(values)]
    return batch_of(points, range(len(points)))


async def test_rows_are_stored_and_those_who_watch_hear_of_it(caplog: pytest.LogCaptureFixture) -> None:
    store = DuckDBStore(None)
    await store.open()
    ingest = Ingest(store, LocalHost())
    touched: list[str] = []
    ingest.after_commit = lambda ranges: touched.extend(one.measurement for one in ranges)
    running = asyncio.create_task(ingest.run())
    target = ThroughIngest(ingest, "s")
    await target.write(rows(1, 2))
    assert (await store.answer(QUERY, 1_000, 1_000)).windows[0].points == 2
    assert touched == ["m"]
    assert caplog.text == ""
    await target.write(rows(1.5, 2.5))
    assert "rollup of s: 2 rows will never be stored: field 'v' of measurement 'm' is integer, not float" in caplog.text
    running.cancel()
    await store.close()


async def test_a_store_that_takes_nothing_has_to_be_asked_again() -> None:
    store = DuckDBStore(None)
    ingest = Ingest(store, LocalHost())
    running = asyncio.create_task(ingest.run())
    with pytest.raises(StoreUnavailable, match="neither store nor spool"):
        await ThroughIngest(ingest, "s").write(rows(1))
    running.cancel()
    await store.close()


async def test_giving_up_waiting_disturbs_no_commit() -> None:
    store = DuckDBStore(None)
    await store.open()
    ingest = Ingest(store, LocalHost())
    target = ThroughIngest(ingest, "s")
    writing = asyncio.create_task(target.write(rows(1)))
    await asyncio.sleep(0)
    writing.cancel()
    running = asyncio.create_task(ingest.run())
    await target.write(rows(2))
    assert (await store.answer(QUERY, 1_000, 1_000)).windows[0].rows == ((2,),)
    running.cancel()
    await store.close()


async def test_another_bucket_keeps_what_it_takes(caplog: pytest.LogCaptureFixture) -> None:
    class Choosy:
        """Takes no point of the device `1`."""

        def __init__(self) -> None:
            self.lines: list[bytes] = []

        async def write(self, batch: Batch) -> None:
            if any(b"dev=1" in line for line in batch.lines):
                raise BatchRefused("not that one")
            self.lines += batch.lines

    bucket = Choosy()
    await OtherBucket(bucket, "s").write(rows(1, 2, 3))
    assert bucket.lines == [b"m,dev=0 v=1i 0", b"m,dev=2 v=3i 2"]
    assert "rollup of s: 1 rows will never be stored: not that one" in caplog.text
