"""The spool under a hostile kernel: processes killed, syncs and writes that fail, always in real processes."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from itertools import groupby
from pathlib import Path

import pytest

from streams.ingest.spool import Spool

pytestmark = pytest.mark.anyio

APPEND = """
import asyncio, sys
from pathlib import Path
from streams.ingest.spool import Spool, SpoolEntry, SpoolFailed
from streams.points import Touched

async def main(directory, worker, count):
    spool = Spool(Path(directory), "store", 2**30)
    print("open", flush=True)
    for number in range(worker, worker + count):
        entry = SpoolEntry(b"cpu n=1i " + b"0" * (number % 3_000), "d", number, [Touched("cpu", number, number)])
        try:
            await spool.append([entry])
        except SpoolFailed as error:
            print("failed", number, error, flush=True)
        else:
            print("kept", number, flush=True)
    spool.close()

try:
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
except SpoolFailed as error:
    print("closed", error, flush=True)
"""

strace = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def appending(directory: Path, worker: int, count: int, *tracing: str) -> "subprocess.Popen[str]":
    command = [*tracing, sys.executable, "-c", APPEND, str(directory), str(worker), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def outcomes(text: str, word: str) -> list[int]:
    return [int(number) for number in re.findall(rf"^{word} (\d+)", text, re.MULTILINE)]


async def drained(directory: Path) -> list[int]:
    spool = Spool(directory, "store", 2**30)
    found: list[int] = []
    while read := await spool.read(1_000):
        found += [entry.received for entry in read]
        await spool.remove([entry.id for entry in read])
    assert spool.empty()
    spool.close()
    return found


@pytest.mark.parametrize("rounds", [4, pytest.param(100, marks=pytest.mark.long)])
async def test_whatever_append_returned_for_is_there_after_kill_9(rounds: int, tmp_path: Path) -> None:
    kept: list[int] = []
    for attempt in range(rounds):
        workers = [appending(tmp_path, 1_000_000 * (2 * attempt + i), 100_000) for i in range(2)]
        for worker in workers:
            assert worker.stdout
            assert worker.stdout.readline() == "open\n"
        time.sleep(0.05 + 0.01 * (attempt % 7))
        for worker in workers:
            worker.send_signal(signal.SIGKILL)
            kept += outcomes(worker.communicate()[0], "kept")
    found = await drained(tmp_path)
    assert len(kept) > rounds
    assert set(kept) <= set(found)
    assert len(found) - len(kept) <= 2 * rounds
    for number in range(2 * rounds):
        own = [place for place in found if place // 1_000_000 == number]
        assert own == sorted(own)


@strace
def test_an_append_is_synced_before_it_returns(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    worker = appending(tmp_path, 0, 3, "strace", "-f", "-y", "-o", str(trace), "-e", "trace=write,fdatasync,fsync")
    assert outcomes(worker.communicate()[0], "kept") == [0, 1, 2]
    calls = re.findall(r"(write|fdatasync|fsync)\(\d+<([^>]*)>", trace.read_text())
    seen = ["said" if "pipe" in path else f"{call} {Path(path).suffix}" for call, path in calls]
    seen = [what for what, _ in groupby(seen)]  # a line may be said in several writes
    once = ["write .log", "fdatasync .log", "said"]
    assert seen == ["said", "fsync ", *once, *once, *once]


EVERY = range(1, int(os.environ.get("PXL_FAULT_CALLS", "0")) + 1)
"""At which calls a fault is injected, one after the other, when asked for all of the first so many."""

FAULTS = [
    *(("fdatasync,fsync", "EIO", when) for when in ("1", "2", "3", "2+")),
    ("fdatasync,fsync", "ENOSPC", "3"),
    ("fdatasync", "EIO", "1+"),
    *(("fdatasync,fsync", error, str(when)) for error in ("EIO", "ENOSPC") for when in EVERY),
]


@strace
@pytest.mark.parametrize(("calls", "error", "when"), FAULTS)
async def test_no_ack_comes_from_a_file_whose_sync_failed(calls: str, error: str, when: str, tmp_path: Path) -> None:
    inject = f"inject={calls}:error={error}:when={when}"
    count = max(6, int(when.rstrip("+")))
    worker = appending(tmp_path, 0, count, "strace", "-f", "-o", os.devnull, "-e", f"trace={calls}", "-e", inject)
    text = worker.communicate()[0]
    kept, failed = outcomes(text, "kept"), outcomes(text, "failed")
    assert sorted(kept + failed) == list(range(count))
    assert failed
    assert error in text
    found = await drained(tmp_path)
    assert [number for number in found if number in kept] == kept


@strace
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize("when", [3, *EVERY])
async def test_what_cannot_be_written_is_not_acknowledged_and_what_was_stays(
    when: int, error: str, tmp_path: Path
) -> None:
    spool = Spool(tmp_path, "store", 2**30)
    spool.close()
    first = spool.directory / "0000000001.log"
    trace = ["strace", "-f", "-o", os.devnull, "-P", str(first), "-e", "trace=write"]
    count = max(6, when)
    worker = appending(tmp_path, 0, count, *trace, "-e", f"inject=write:error={error}:when={when}")
    text = worker.communicate()[0]
    assert outcomes(text, "failed") == [when - 1]
    assert await drained(tmp_path) == outcomes(text, "kept") == [i for i in range(count) if i != when - 1]


async def test_a_full_disk_is_survived(tmp_path: Path) -> None:
    limit = ["prlimit", "--fsize=9000"]
    worker = appending(tmp_path, 2_900, 8, *limit)
    text = worker.communicate()[0]
    assert outcomes(text, "kept")
    assert await drained(tmp_path) == outcomes(text, "kept")


@strace
async def test_half_a_write_is_no_batch(tmp_path: Path) -> None:
    """Killed in the sync: what was written by then may be there, what follows it must be."""
    inject = "inject=fdatasync:signal=KILL:when=3"
    worker = appending(tmp_path, 0, 6, "strace", "-f", "-o", os.devnull, "-e", "trace=fdatasync", "-e", inject)
    assert outcomes(worker.communicate()[0], "kept") == [0, 1]
    following = appending(tmp_path, 10, 2)
    assert outcomes(following.communicate()[0], "kept") == [10, 11]
    assert await drained(tmp_path) == [0, 1, 2, 10, 11]


DRAIN = """
import asyncio, sys
from pathlib import Path
from streams.ingest.spool import Spool, SpoolFailed

async def main(directory):
    spool = Spool(Path(directory), "store", 2**30)
    for entry in await spool.read(100):
        try:
            await spool.remove([entry.id])
        except SpoolFailed as error:
            print(entry.received, spool.empty(), error)
    await spool.remove([])
    print(spool.empty())
    spool.close()

asyncio.run(main(sys.argv[1]))
"""


@strace
def test_it_is_not_empty_before_that_is_synced(tmp_path: Path) -> None:
    appending(tmp_path, 0, 3).communicate()
    tracing = ["strace", "-f", "-o", os.devnull, "-e", "trace=msync", "-e", "inject=msync:error=EIO:when=1"]
    command = [*tracing, sys.executable, "-c", DRAIN, str(tmp_path)]
    drain = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    failed, afterwards = drain.stdout.splitlines()
    assert failed.startswith("2 False cannot note what is drained")
    assert afterwards == "True"
