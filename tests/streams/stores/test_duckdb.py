"""What only the DuckDB store has: a file, a lock, a log that may be damaged, batches stored wholly or not at all."""

import logging
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from streams.errors import BatchRefused, StoreMisconfigured, StoreUnavailable
from streams.points import INT64_MAX, UINT64_MAX, Unsigned
from streams.stores.base import Store
from streams.stores.duckdb import DuckDBStore
from tests.contract.asking import ask, point, query, rows, write
from tests.streams.stores.opening import opened

pytestmark = pytest.mark.anyio

COUNT = query({"temp": ["count", "sum"]})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "points.duckdb"


async def fill(store: Store, batches: int = 1) -> None:
    for batch in range(batches):
        await write(store, *(point(batch, {"dev": f"d{number}"}, temp=1.0) for number in range(10)))


def killed_after_writing(path: Path, batches: int) -> None:
    """Let a process write that many batches of ten points, a second apart, and die without closing its store."""
    code = f"""
import asyncio, os, signal
from pathlib import Path
from streams.stores.duckdb import DuckDBStore
from tests.streams.stores.test_duckdb import fill

async def main():
    store = DuckDBStore({str(path)!r})
    await store.open()
    await fill(store, {batches})
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL


async def test_what_was_written_is_there_when_the_file_is_opened_again(path: Path) -> None:
    async with opened(path) as store:
        await fill(store)
    async with opened(path) as store:
        await write(store, point(0.5, {"dev": "d1", "site": "s1"}, temp=5.0, hum=1), point(0, {"dev": "d1"}, temp=2.0))
        assert await rows(store, COUNT, 1) == ((11, 9 + 2 + 5.0),)
        assert (await store.schema("weather")).tags == {"dev", "site"}


async def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    async with opened(tmp_path / "a" / "b" / "points.duckdb") as store:
        assert store.name == f"duckdb:{tmp_path}/a/b/points.duckdb"
    assert (tmp_path / "a" / "b" / "points.duckdb").exists()


async def test_stores_in_memory_share_nothing() -> None:
    async with opened(None) as one, opened(None) as other:
        await fill(one)
        assert await other.measurements() == []
        assert one.name == "duckdb::memory:"


async def test_every_acknowledged_batch_outlives_a_kill(path: Path) -> None:
    killed_after_writing(path, 5)
    async with opened(path) as store:
        assert [window.rows for window in await ask(store, COUNT, 1, 5)] == [((10, 10.0),)] * 5


async def test_another_process_with_the_file_open_is_named_in_one_sentence(path: Path) -> None:
    code = f"import duckdb, sys; held = duckdb.connect({str(path)!r}); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(StoreMisconfigured) as raised:
            await DuckDBStore(str(path)).open()
        holder.kill()
    assert str(raised.value) == (
        f"the store {path} cannot be opened: another process has it open; stop that one, or name another file"
    )


@pytest.mark.parametrize("content", [b"SQLite format 3\0" * 100, b"hello"], ids=["sqlite", "text"])
async def test_a_file_of_something_else_is_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreMisconfigured, match="it is no DuckDB database; name another file"):
        await DuckDBStore(str(path)).open()
    assert path.read_bytes() == content


async def test_a_database_of_something_else_is_left_alone(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE measurements (name VARCHAR)")
    with pytest.raises(StoreMisconfigured, match="a DuckDB database of something else; name another file"):
        await DuckDBStore(str(path)).open()
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("measurements",)]


async def test_a_path_that_cannot_be_is_misconfigured(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreMisconfigured, match="cannot be opened"):
        await DuckDBStore(str(tmp_path / "file" / "points.duckdb")).open()
    with pytest.raises(StoreMisconfigured, match="cannot be opened"):
        await DuckDBStore(str(tmp_path)).open()


async def test_of_a_damaged_log_the_commits_before_the_damage_are_kept(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    killed_after_writing(path, 10)
    wal = path.with_name("points.duckdb.wal")
    of_the_seventh = point(6).time.to_bytes(8, "little")
    damaged = wal.read_bytes().replace(of_the_seventh, b"\xff" * 8)
    wal.write_bytes(damaged)
    with caplog.at_level(logging.ERROR):
        async with opened(path) as store:
            kept = [window.points for window in await ask(store, COUNT, 1, 10)]
            await write(store, point(20.5, temp=7.0))
    assert kept == [10] * 6 + [0] * 4, "what was committed before it is kept"
    assert path.with_name("points.duckdb.wal.damaged-1").read_bytes() == damaged
    assert "is damaged; commits after its first" in caplog.text
    async with opened(path) as store:
        assert await rows(store, COUNT, 21) == ((1, 7.0),)


@pytest.mark.parametrize("damage", ["flipped", "cut", "emptied", "zeroed"])
async def test_a_damaged_file_is_set_aside_and_the_store_starts_empty(
    path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(path) as store:
        await fill(store)
    content = path.read_bytes()
    flipped = bytes(byte ^ 255 for byte in content[:9_000:3])
    damaged = {"flipped": content[:16] + flipped, "cut": content[:5_000], "emptied": b"", "zeroed": bytes(len(content))}
    path.write_bytes(damaged[damage])
    with caplog.at_level(logging.ERROR):
        async with opened(path) as store:
            assert await store.measurements() == []
            await fill(store)
            assert await rows(store, COUNT, 1) == ((10, 10.0),)
    assert path.with_name("points.duckdb.damaged-1").read_bytes() == damaged[damage]
    assert f"{path} is damaged" in caplog.text
    assert f"{path} is kept as {path}.damaged-1" in caplog.text


async def test_nothing_set_aside_is_overwritten(path: Path) -> None:
    path.write_bytes(b"")
    path.with_name("points.duckdb.damaged-1").write_text("earlier")
    async with opened(path):
        pass
    assert path.with_name("points.duckdb.damaged-1").read_text() == "earlier"
    assert path.with_name("points.duckdb.damaged-2").read_bytes() == b""


async def test_of_a_refused_batch_nothing_is_stored() -> None:
    async with opened(None) as store:
        await fill(store)
        with pytest.raises(BatchRefused) as raised:
            await write(
                store,
                point(0.1, measurement="new", v=1),
                point(0.2, {"new": "x"}, new=1, temp=9.0),
                point(0.3, temp="hot"),
            )
        assert str(raised.value) == (
            "field 'temp' of measurement 'weather' is float, and a point has string: "
            "a field keeps the type it was first written with"
        )
        assert await store.measurements() == ["weather"]
        assert await rows(store, COUNT, 1) == ((10, 10.0),)
        assert set((await store.schema("weather")).fields) == {"temp"}
        await fill(store, 2)
        assert await rows(store, COUNT, 2) == ((10, 10.0),)


async def test_a_batch_that_needs_two_types_for_a_new_field_is_refused() -> None:
    async with opened(None) as store:
        with pytest.raises(BatchRefused, match="field 'temp' of measurement 'weather' is integer, and a point has"):
            await write(store, point(0.1, temp=1), point(0.2, temp=True))
        assert await store.measurements() == []


async def test_a_result_that_does_not_fit_its_column_is_null() -> None:
    async with opened(None) as store:
        await write(store, *(point(at / 4, i=INT64_MAX, u=Unsigned(UINT64_MAX)) for at in range(2)))
        asked = query({"i": ["sum", "mean", "spread"], "u": ["sum", "max"]})
        assert await rows(store, asked, 1) == ((None, float(INT64_MAX), 0, None, UINT64_MAX),)


async def test_an_integer_sum_is_exact_and_may_pass_its_bounds_on_the_way() -> None:
    async with opened(None) as store:
        values = (INT64_MAX, INT64_MAX, -INT64_MAX, 2**53 + 1, -(2**53))
        await write(store, *(point(at / 10, i=value) for at, value in enumerate(values)))
        assert await rows(store, query({"i": ["sum"]}), 1) == ((None,),)
        await write(store, point(0.9, i=-5))
        assert await rows(store, query({"i": ["sum"]}), 1) == ((INT64_MAX + 1 - 5,),)


async def test_explain_has_the_query_with_what_its_names_stand_for() -> None:
    async with opened(None) as store:
        await write(store, point(0.5, {"dev": "a"}, temp=1.0))
        answer = await store.answer(query({"temp": ["max"]}, where={"dev": "a"}, group_by=["dev"]), 1_000, 1_000)
    first, *_, last = answer.query.splitlines()
    assert first == '-- points_0 = "weather", v0 = "temp", g0 = "dev"'
    assert last == "-- ? = ['a']"
    assert answer.way == "duckdb"


async def test_a_store_that_is_not_open_is_unavailable() -> None:
    store = DuckDBStore(None)
    with pytest.raises(StoreUnavailable, match="is not open"):
        await store.check()
    await store.open()
    await store.check()
    await store.close()
    with pytest.raises(StoreUnavailable, match="is closed"):
        await fill(store)


async def test_a_full_disk_is_waited_for_and_loses_nothing(tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a small file system")
    try:
        async with opened(tmp_path / "points.duckdb") as store:
            stored = 0
            with suppress(StoreUnavailable):
                for batch in range(200):
                    await write(store, *(point(batch + n / 1_000, s=os.urandom(200).hex()) for n in range(100)))
                    stored += 1
            assert 0 < stored < 200
        async with opened(tmp_path / "points.duckdb") as store:
            counted = await ask(store, query({"s": ["count"]}), 1, 200)
            assert [window.points for window in counted][: stored + 1] == [100] * stored + [0]
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)
