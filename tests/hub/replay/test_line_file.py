"""Files of line protocol: every line once, wherever the reading is cut, and the rest from any place on."""

import gzip
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as some

from hub.replay.line_file import LineFile
from hub.replay.parts import MOST_LINE_BYTES, SourceUnreadable
from tests.hub.replay.reading import read

pytestmark = pytest.mark.anyio

LINES = [b"m,t=a f=1 %d", b'm s="a\nb, \\"c" %d', b"n f=2i %d", b"broken", b"# comment", b"", b"m,t=a\\ b f=1 %d"]


def made(path: Path, text: bytes) -> Path:
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


@pytest.mark.parametrize("name", ["a.lp", "a.lp.gz"])
async def test_a_file_is_read_with_its_mistakes_named(tmp_path: Path, name: str) -> None:
    path = made(tmp_path / name, b'm f=1 5\n\nm s="x\ny" 6\nbroken\nm f=2\nn f=3 7')
    part = await read(LineFile(path, "s"))
    assert part.lines == [b"m f=1 5000000000", b'm s="x\ny" 6000000000', b"n f=3 7000000000"]
    assert part.measurements == ["m", "m", "n"]
    assert part.done == 1.0
    assert [(refused.where, refused.code) for refused in part.refused] == [
        ("line 5", "missing_fields"),
        ("line 6", "no_time"),
    ]


@given(
    chosen=some.lists(some.sampled_from(LINES), max_size=30),
    chunk=some.integers(1, 60),
    which=some.integers(0, 29),
)
def test_from_any_place_on_the_rest_is_read(
    tmp_path_factory: pytest.TempPathFactory, chosen: list[bytes], chunk: int, which: int
) -> None:
    text = b"\n".join(line % i if b"%" in line else line for i, line in enumerate(chosen, 1))
    path = made(tmp_path_factory.mktemp("file") / "a.lp", text)

    async def scenario() -> None:
        whole = await read(LineFile(path, "ns"))
        parts = await read(LineFile(path, "ns", chunk))
        assert parts.lines == whole.lines
        assert sorted(parts.refused) == sorted(whole.refused)
        assert whole.times == [i for i, line in enumerate(chosen, 1) if b"%" in line]
        if whole.lines:
            index = which % len(whole.lines)
            rest = await read(LineFile(path, "ns", chunk), parts.places[index])
            assert rest.lines == whole.lines[index + 1 :]
            assert [r for r in rest.refused if r in whole.refused] == rest.refused

    anyio.run(scenario)


async def test_a_line_that_does_not_end_is_passed_over(tmp_path: Path) -> None:
    endless = b'm s="' + b"x" * (2 * MOST_LINE_BYTES)
    path = made(tmp_path / "a.lp", b"m f=1 1\n" + endless + b"\nm f=2 2\n")
    part = await read(LineFile(path, "ns"))
    assert part.lines == [b"m f=1 1", b"m f=2 2"]
    assert [(refused.where, refused.code) for refused in part.refused] == [("line 2", "too_long")]
    assert (await read(LineFile(path, "ns"), part.places[0])).lines == [b"m f=2 2"]


async def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="No such file"):
        await read(LineFile(tmp_path / "none.lp", "ns"))
    torn = tmp_path / "torn.lp.gz"
    torn.write_bytes(gzip.compress(b"m f=1 1\n" * 100)[:-10])
    with pytest.raises(SourceUnreadable, match="cannot be read"):
        await read(LineFile(torn, "ns"))
    with pytest.raises(SourceUnreadable, match="shorter than it was"):
        await read(LineFile(made(tmp_path / "short.lp", b"m f=1 1\n"), "ns"), 1_000)
