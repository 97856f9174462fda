"""The spool: what it took is there, in order, whatever becomes of the process or of the files."""

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.ingest.spool import Spool, SpoolEntry, SpoolFailed, SpoolFull
from streams.ingest.spool.records import decode_head, decode_payload, encode
from streams.points import Touched

pytestmark = pytest.mark.anyio

STORE = "influxdb:http://127.0.0.1:8086 lab/weather"
MANY = 2**30


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def entry(number: int, size: int = 0, measurement: str = "cpu") -> SpoolEntry:
    """A batch of one point at that many seconds."""
    payload = f'{measurement} n={number}i,pad="{"x" * size}" {number * 10**9}'.encode()
    return SpoolEntry(payload, f"device-{number}", number, [Touched(measurement, number * 10**9, number * 10**9)])


def numbers(entries: list[SpoolEntry]) -> list[int]:
    return [entry.received for entry in entries]


@contextmanager
def opened(directory: Path, most_bytes: int = MANY, store: str = STORE) -> Iterator[Spool]:
    spool = Spool(directory, store, most_bytes)
    try:
        yield spool
    finally:
        spool.close()


@asynccontextmanager
async def holding(directory: Path, count: int, size: int = 0) -> AsyncIterator[Spool]:
    with opened(directory) as spool:
        for number in range(1, count + 1):
            await spool.append([entry(number, size)])
        yield spool


def segments(spool: Spool) -> list[str]:
    return sorted(path.name for path in spool.directory.iterdir() if path.name[0].isdigit())


async def test_what_is_appended_is_read_in_order_until_it_is_removed(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        assert spool.empty()
        await spool.append([entry(1), entry(2)])
        await spool.append([entry(3)])
        assert not spool.empty()
        read = await spool.read(2)
        assert [e._replace(id=0) for e in read] == [entry(1), entry(2)]
        assert numbers(await spool.read(10, after=read[-1].id)) == [3]
        await spool.remove([read[0].id])
        assert numbers(await spool.read(10)) == [2, 3]
        await spool.remove([e.id for e in await spool.read(10)])
        assert spool.empty()
        assert await spool.read(10) == []


async def test_it_survives_a_restart(tmp_path: Path) -> None:
    async with holding(tmp_path, 3) as spool:
        await spool.remove([(await spool.read(1))[0].id])
    with opened(tmp_path) as spool:
        assert not spool.empty()
        await spool.append([entry(4)])
        assert numbers(await spool.read(10)) == [2, 3, 4]


async def test_entries_removed_out_of_order_come_again_after_a_restart_with_all_after_them(tmp_path: Path) -> None:
    async with holding(tmp_path, 3) as spool:
        first, second, third = await spool.read(3)
        await spool.remove([second.id, third.id])
        assert not spool.empty()
    with opened(tmp_path) as spool:
        assert numbers(await spool.read(10)) == [1, 2, 3]
        await spool.remove([first.id, second.id, third.id])
        assert spool.empty()


async def test_workers_share_it(tmp_path: Path) -> None:
    with opened(tmp_path) as a, opened(tmp_path) as b:
        await a.append([entry(1)])
        assert not b.empty()
        await b.append([entry(2)])
        await a.append([entry(3)])
        read = await b.read(10)
        assert numbers(read) == [1, 2, 3]
        await b.remove([e.id for e in read])
        assert a.empty()
        await a.append([entry(4)])
        assert numbers(await b.read(10)) == [4]


async def test_each_store_has_its_own(tmp_path: Path) -> None:
    with opened(tmp_path) as spool, opened(tmp_path, store=STORE + "-other") as other:
        await spool.append([entry(1)])
        assert other.empty()


async def test_a_full_spool_keeps_what_it_has_and_takes_more_once_drained(tmp_path: Path) -> None:
    with opened(tmp_path, most_bytes=1_000) as spool:
        for number in range(1, 6):
            await spool.append([entry(number)])
        assert not spool.full()
        with pytest.raises(SpoolFull, match="1000 bytes"):
            await spool.append([entry(number) for number in range(6, 15)])
        assert spool.full()
        read = await spool.read(100)
        assert numbers(read) == [1, 2, 3, 4, 5]
        await spool.remove([e.id for e in read])
        assert not spool.full()
        await spool.append([entry(100)])
        assert numbers(await spool.read(10)) == [100]


async def test_drained_segments_give_their_space_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.ingest.spool.appending.SEGMENT_BYTES", 300)
    monkeypatch.setattr("streams.ingest.spool.draining.KEPT_BYTES", 100)
    async with holding(tmp_path, 20) as spool:
        assert len(segments(spool)) > 3
        read = await spool.read(100)
        assert numbers(read) == list(range(1, 21))
        await spool.remove([e.id for e in read[:-1]])
        assert len(segments(spool)) == 1
        await spool.remove([read[-1].id])
        assert segments(spool) == []
        assert spool.empty()
        await spool.append([entry(21)])
    with opened(tmp_path) as spool:
        assert numbers(await spool.read(10)) == [21]


async def test_it_holds_what_waits_in_it_for_every_worker(tmp_path: Path) -> None:
    with opened(tmp_path) as a, opened(tmp_path) as b:
        assert not b.holds("cpu", 0, 10**18)
        await a.append([entry(number) for number in range(1, 101)])
        await a.append([entry(500, measurement="memory")])
        assert b.holds("cpu", 3 * 10**9, 4 * 10**9)
        assert not b.holds("cpu", 101 * 10**9, 10**18)
        assert b.holds("memory", 500 * 10**9, 501 * 10**9)
        read = await a.read(100)
        await a.remove([e.id for e in read])
        assert not b.holds("cpu", 0, 10**18)
        assert b.holds("memory", 500 * 10**9, 501 * 10**9)
    with opened(tmp_path) as c:
        assert c.holds("memory", 500 * 10**9, 501 * 10**9)


async def test_statistics(tmp_path: Path) -> None:
    async with holding(tmp_path, 3) as spool:
        before = spool.statistics()
        assert (before.entries, before.oldest, before.damaged) == (3, 1, 0)
        assert before.bytes == sum((spool.directory / name).stat().st_size for name in segments(spool))
        await spool.remove([(await spool.read(1))[0].id])
        after = spool.statistics()
        assert (after.entries, after.oldest) == (2, 2)
        assert 0 < after.bytes < before.bytes


async def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolFailed, match="cannot open the spool"):
        Spool(tmp_path / "file", STORE, MANY)


steps = st.lists(st.sampled_from(["append", "append", "group", "read", "restart"]), max_size=25)


@given(steps=steps, segment_bytes=st.sampled_from([1, 200, 10_000]), seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_it_is_a_queue(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, steps: list[str], segment_bytes: int,
    seed: int,
) -> None:  # fmt: skip
    monkeypatch.setattr("streams.ingest.spool.appending.SEGMENT_BYTES", segment_bytes)
    directory, chance, model, number = tmp_path_factory.mktemp("spool"), random.Random(seed), list[int](), 0
    workers = [Spool(directory, STORE, MANY) for _ in range(2)]
    for step in steps:
        if step == "read":
            read = await workers[-1].read(chance.randint(1, 5))
            assert numbers(read) == model[: len(read)]
            assert bool(read) == bool(model)
            await workers[-1].remove([e.id for e in read])
            model = model[len(read) :]
        elif step == "restart":
            workers.pop(0).close()
            workers.append(Spool(directory, STORE, MANY))
        else:
            group = [entry(number := number + 1, chance.choice([0, 2_000])) for _ in range(3 if step == "group" else 1)]
            await chance.choice(workers).append(group)
            model += numbers(group)
        assert [worker.empty() for worker in workers] == [not model] * 2
        assert workers[0].statistics().entries == len(model)
    for worker in workers:
        worker.close()


# Damage.


async def drained(directory: Path) -> tuple[list[int], int]:
    """What can still be read, to the end, and how many damaged places were reported; then it works as before."""
    with opened(directory) as spool:
        found: list[int] = []
        while read := await spool.read(100):
            found += numbers(read)
            await spool.remove([e.id for e in read])
        assert spool.empty()
        await spool.append([entry(1_000)])
        assert numbers(await spool.read(10)) == [1_000]
        return found, spool.statistics().damaged


async def boundaries(directory: Path, count: int) -> tuple[str, list[int]]:
    """The one segment of a spool with this many entries, relative to its directory, and where each of them ends."""
    async with holding(directory, count) as spool:
        name = f"{spool.directory.name}/{segments(spool)[0]}"
    ends, total = [], 0
    for number in range(1, count + 1):
        total += len(encode(entry(number)))
        ends.append(total)
    return name, ends


async def test_a_file_cut_anywhere_gives_all_that_is_whole_and_reports_the_rest(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    name, ends = await boundaries(tmp_path, 2)
    data = (tmp_path / name).read_bytes()
    assert len(data) == ends[-1]
    for size in range(len(data)):
        directory = tmp_path_factory.mktemp("cut")
        (directory / name).parent.mkdir()
        (directory / name).write_bytes(data[:size])
        found, damaged = await drained(directory)
        assert found == [number for number, end in enumerate(ends, 1) if end <= size]
        assert damaged == (size not in {0, *ends})


async def test_a_flipped_bit_costs_the_batch_it_is_in_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    name, ends = await boundaries(tmp_path, 2)
    data = (tmp_path / name).read_bytes()
    chance = random.Random(7)
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << chance.randrange(8)
        directory = tmp_path_factory.mktemp("flip")
        (directory / name).parent.mkdir()
        (directory / name).write_bytes(flipped)
        lost = next(number for number, end in enumerate(ends, 1) if place < end)
        assert await drained(directory) == ([3 - lost], 1)


async def test_a_damaged_control_file_loses_nothing(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    async with holding(tmp_path, 4) as spool:
        await spool.remove([(await spool.read(1))[0].id])
        name, control = segments(spool)[0], (spool.directory / "control").read_bytes()
        data = (spool.directory / name).read_bytes()
        home = spool.directory.name
    for damaged in [b"", bytes(len(control)), control[:20], *(_flip(control, place) for place in range(48))]:
        directory = tmp_path_factory.mktemp("control")
        (directory / home).mkdir()
        (directory / home / name).write_bytes(data)
        (directory / home / "control").write_bytes(damaged)
        found, reported = await drained(directory)
        assert found in ([2, 3, 4], [1, 2, 3, 4])
        assert reported == 0


def _flip(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]


async def test_a_control_file_damaged_under_a_running_hub_is_found_anew(tmp_path: Path) -> None:
    async with holding(tmp_path, 2) as spool:
        with (spool.directory / "control").open("r+b") as control:
            control.write(bytes(48))
        assert not spool.empty()
        await spool.append([entry(3)])
        assert numbers(await spool.read(10)) == [1, 2, 3]


async def test_noise_is_set_aside_and_the_hub_starts(tmp_path: Path) -> None:
    name, _ = await boundaries(tmp_path, 2)
    (tmp_path / name).write_bytes(random.Random(1).randbytes(100_000))
    (tmp_path / name).with_name("not-a-segment.log").write_bytes(b"x")
    assert await drained(tmp_path) == ([], 1)
    aside = list((tmp_path / name).parent.glob("*.corrupt-*"))
    assert [path.stat().st_size for path in aside] == [100_000]


async def test_a_writer_that_died_in_the_middle_costs_only_what_it_wrote(tmp_path: Path) -> None:
    async with holding(tmp_path, 2) as survivor:
        with (survivor.directory / segments(survivor)[0]).open("ab") as segment:
            segment.write(encode(entry(3))[:-5])
        await survivor.append([entry(4)])
        assert numbers(await survivor.read(10)) == [1, 2, 4]


@given(payload=st.binary(max_size=2_000), source=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
       received=st.integers(0, 2**53), times=st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])),
       st.integers(-2**63, 2**63 - 1), st.integers(-2**63, 2**63 - 1)), max_size=4))  # fmt: skip
async def test_a_record_is_what_went_in(
    payload: bytes, source: str, received: int, times: list[tuple[str, int, int]]
) -> None:
    touched = [Touched(*time) for time in times]
    record = encode(SpoolEntry(payload, source, received, touched))
    head = decode_head(record)
    assert head is not None
    assert (head.source, head.received, head.touched, head.size) == (source, received, touched, len(record))
    assert decode_payload(head, record[len(record) - head.payload_size :]) == payload
