"""Dead letters: the newest rejected points, and every refused one."""

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ingest.dead_letters import DeadLetter, DeadLetters, DeadLettersFailed, DeadLettersFull

MANY = 2**30


@pytest.fixture
def letters(tmp_path: Path) -> Iterator[DeadLetters]:
    letters = DeadLetters(tmp_path, MANY)
    yield letters
    letters.close()


def letter(number: int, code: str = "field_type", line: bytes = b"cpu n=1i 1") -> DeadLetter:
    return DeadLetter(number, "device-1", code, "n is a float", line)


def acknowledged(number: int) -> DeadLetter:
    return letter(number)._replace(acknowledged=True)


def test_both_kinds_are_listed_oldest_first_and_counted_by_code(letters: DeadLetters) -> None:
    counts: Counter[str] = Counter()
    letters.on_written = lambda code, points: counts.update({code: points})
    letters.reject([letter(1), letter(4, "bad_time")])
    letters.refuse([letter(2), letter(3)])
    assert list(letters.letters()) == [letter(1), acknowledged(2), acknowledged(3), letter(4, "bad_time")]
    assert counts == {"field_type": 3, "bad_time": 1}


@given(line=st.binary(max_size=100), reason=st.text(st.characters(exclude_categories=["Cs"])))
def test_a_line_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, line: bytes, reason: str) -> None:
    letters = DeadLetters(tmp_path_factory.mktemp("letters"), MANY)
    letters.reject([letter(1, line=line)._replace(reason=reason)])
    assert list(letters.letters()) == [letter(1, line=line)._replace(reason=reason)]
    letters.close()


def test_the_oldest_rejected_points_give_way(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, 10_000)
    for number in range(1_000):
        letters.reject([letter(number)])
    kept = [found.time for found in letters.letters()]
    assert kept == list(range(kept[0], 1_000))
    assert 10 < len(kept) < 100
    assert sum(path.stat().st_size for path in tmp_path.glob("*.jsonl")) <= 5_000
    letters.close()


def test_refused_points_never_give_way_until_somebody_clears_them(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, 10_000)
    refused = 0
    with pytest.raises(DeadLettersFull, match="clear them"):  # noqa: PT012 - the number it takes is not ours to say
        while True:
            letters.refuse([letter(refused)])
            refused += 1
    for number in range(1_000, 1_100):
        letters.reject([letter(number)])
    assert [found.time for found in letters.letters() if found.acknowledged] == list(range(refused))
    letters.clear()
    assert list(letters.letters()) == []
    letters.refuse([letter(1)])
    assert list(letters.letters()) == [acknowledged(1)]
    letters.close()


def test_workers_write_to_the_same_files(tmp_path: Path, letters: DeadLetters) -> None:
    other = DeadLetters(tmp_path, MANY)
    letters.reject([letter(1)])
    other.reject([letter(2)])
    letters.reject([letter(3)])
    assert list(other.letters()) == [letter(1), letter(2), letter(3)]
    other.close()


def test_a_file_cut_anywhere_costs_one_letter_and_takes_more(
    tmp_path: Path, letters: DeadLetters, caplog: pytest.LogCaptureFixture
) -> None:
    letters.refuse([letter(1), letter(2)])
    path = tmp_path / "refused.jsonl"
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        letters.refuse([letter(3)])
        # A line that lacks nothing but its break is whole.
        expected = [1] * (size >= first - 1) + [2] * (size >= len(whole) - 1) + [3]
        assert [found.time for found in letters.letters()] == expected
    assert "cannot be read" in caplog.text


REFUSE = """
import sys
from pathlib import Path
from streams.ingest.dead_letters import DeadLetter, DeadLetters, DeadLettersFailed
letters = DeadLetters(Path(sys.argv[1]), 2**30)
for number in range(int(sys.argv[2])):
    try:
        letters.refuse([DeadLetter(number, "d", "c", "r", b"cpu n=1 1")])
    except DeadLettersFailed as error:
        print("failed", number, error, flush=True)
    else:
        print("kept", number, flush=True)
"""


def refusing(directory: Path, count: int, *tracing: str) -> "subprocess.Popen[str]":
    command = [*tracing, sys.executable, "-c", REFUSE, str(directory), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize(("call", "error"), [("fdatasync", "EIO"), ("fsync", "EIO"), ("pread64", "EIO")])
def test_nothing_is_trusted_to_a_file_whose_sync_failed(call: str, error: str, tmp_path: Path) -> None:
    inject = f"inject={call}:error={error}:when=1"
    trace = ["strace", "-o", os.devnull, "-P", str(tmp_path), "-P", str(tmp_path / "refused.jsonl")]
    text = refusing(tmp_path, 4, *trace, "-e", f"trace={call}", "-e", inject).communicate()[0]
    kept = [int(line.split()[1]) for line in text.splitlines() if line.startswith("kept")]
    assert len(kept) == 3
    assert f"cannot write dead letters to {tmp_path}: {error}" in text
    letters = DeadLetters(tmp_path, MANY)
    assert {found.time for found in letters.letters()} >= set(kept)
    assert list(tmp_path.glob("refused-*.jsonl"))
    letters.close()


def test_every_letter_kept_is_there_after_kill_9(tmp_path: Path, letters: DeadLetters) -> None:
    worker = refusing(tmp_path, 1_000_000)
    assert worker.stdout
    said = [worker.stdout.readline() for _ in range(50)]
    worker.send_signal(signal.SIGKILL)
    said += worker.communicate()[0].splitlines()
    kept = [int(line.split()[1]) for line in said if line.startswith("kept ") and line[5:].strip()]
    found = [found.time for found in letters.letters()]
    assert len(kept) >= 50
    assert found[: len(kept)] == kept


def test_a_full_disk_costs_rejected_points_and_keeps_refused_ones_out(tmp_path: Path, letters: DeadLetters) -> None:
    (tmp_path / "rejected.jsonl").symlink_to("/dev/full")
    (tmp_path / "refused.jsonl").symlink_to("/dev/full")
    letters.reject([letter(1)])
    with pytest.raises(DeadLettersFailed, match="ENOSPC"):
        letters.refuse([letter(2)])
