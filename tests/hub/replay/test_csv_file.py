"""CSV files: what their columns are taken for, and the points of their rows."""

from pathlib import Path

import pytest

from hub.replay.csv_columns import ColumnsUnclear, Wishes, choose_columns, read_moment, time_reader
from hub.replay.csv_file import CSVFile
from hub.replay.parts import SourceUnreadable
from tests.hub.replay.reading import read

pytestmark = pytest.mark.anyio

TABLE = """time,site,temp,ok
2024-01-01T00:00:00Z,s1,1.5,true
2024-01-01T00:00:01.25+01:00,"north, east",2,
1704067203,s1,,false
"""


def csv_file(folder: Path, text: str, wishes: Wishes | None = None, precision: str | None = None) -> CSVFile:
    path = folder / "weather.csv"
    path.write_text(text, newline="")
    return CSVFile(path, wishes or Wishes(), precision)


async def test_numbers_are_fields_and_texts_are_tags(tmp_path: Path) -> None:
    part = await read(csv_file(tmp_path, TABLE))
    assert part.lines == [
        b"weather,site=s1 temp=1.5,ok=true 1704067200000000000",
        b"weather,site=north\\,\\ east temp=2.0 1704063601250000000",
        b"weather,site=s1 ok=false 1704067203000000000",
    ]
    assert part.refused == []


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
async def test_from_any_row_on_the_rest_is_read(tmp_path: Path, newline: str) -> None:
    source = csv_file(tmp_path, TABLE.replace("\n", newline).replace("north, east", 'north\n""east'))
    whole = await read(source)
    for index, place in enumerate(whole.places):
        assert (await read(source, place)).lines == whole.lines[index + 1 :]


@pytest.mark.parametrize(
    ("wishes", "line"),
    [
        (Wishes(measurement="m", tags=("site",)), b"m,site=s1 ok=true,temp=1.5"),
        (Wishes(fields=("temp",)), b"weather,ok=true,site=s1 temp=1.5"),
        (Wishes(fields=("ok:string", "temp"), tags=("site",)), b'weather,site=s1 ok="true",temp=1.5'),
        (Wishes(fields=("temp",), tags=("ok",)), b"weather,ok=true temp=1.5"),
    ],
)
async def test_columns_are_what_they_are_told_to_be(tmp_path: Path, wishes: Wishes, line: bytes) -> None:
    first = (await read(csv_file(tmp_path, TABLE, wishes))).lines[0]
    series, fields, _ = first.split(b" ")
    assert series + b" " + b",".join(sorted(fields.split(b","))) == line


async def test_rows_that_are_no_points_are_named(tmp_path: Path) -> None:
    rows = "ts;id;v\n1;a;1\n2;b;x\n3;c\nsoon;d;1\n4;e;\n5;f;1e999\n6;g;2\n"
    part = await read(csv_file(tmp_path, rows, Wishes(fields=("v:float",))))
    assert part.lines == [b"weather,id=a v=1.0 1000000000", b"weather,id=g v=2.0 6000000000"]
    assert [refused.where for refused in part.refused] == [f"line {n}" for n in (3, 4, 5, 6, 7)]
    assert "column 'v': 'x' is no number" in part.refused[0].reason


@pytest.mark.parametrize(
    ("header", "row", "wishes", "reason"),
    [
        (["when", "v"], ["1", "2"], Wishes(), "no column is called time"),
        (["time", "v"], ["1", "x"], Wishes(), "name the fields with --field"),
        (["time", "v", "v"], ["1", "2", "3"], Wishes(), "the same name"),
        (["time", "v"], ["1", "2"], Wishes(tags=("w",)), "there is no column 'w'; there are time, v"),
        (["time", "v"], ["1", "2"], Wishes(time="w"), "there is no column 'w'"),
        (["time", "v"], ["1", "2"], Wishes(fields=("v:complex",)), "'complex' is no kind"),
    ],
)
def test_what_cannot_be_told_says_which_option_helps(
    header: list[str], row: list[str], wishes: Wishes, reason: str
) -> None:
    with pytest.raises(ColumnsUnclear, match=reason):
        choose_columns(header, [row], wishes, "m")


def test_an_empty_file_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r"weather\.csv"):
        csv_file(tmp_path, "")


@pytest.mark.parametrize(
    ("text", "precision", "time"),
    [
        ("1700000000", None, 1_700_000_000 * 10**9),
        ("1700000000.5", None, 1_700_000_000 * 10**9 + 5 * 10**8),
        ("1700000000123", None, 1_700_000_000_123 * 10**6),
        ("1700000000123456", None, 1_700_000_000_123_456 * 10**3),
        ("1700000000123456789", None, 1_700_000_000_123_456_789),
        ("1700000000", "ms", 1_700_000_000 * 10**6),
        ("-5", "s", -5 * 10**9),
    ],
)
def test_numbers_are_times_of_their_precision_or_size(text: str, precision: str | None, time: int) -> None:
    assert time_reader(precision)(text) == time


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("1970-01-01T00:00:01Z", 10**9),
        ("1970-01-01 00:00:01.123456789", 1_123_456_789),
        ("1970-01-01T01:00:01.5+01:00", 1_500_000_000),
        ("1970-01-02", 86_400 * 10**9),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
    ],
)
def test_texts_are_times_to_the_nanosecond(text: str, time: int) -> None:
    assert read_moment(text) == time
