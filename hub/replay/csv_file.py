"""A CSV file with a header as a source."""

import csv
from collections.abc import AsyncGenerator, Iterator, Sequence
from itertools import islice
from pathlib import Path

from hub.replay.csv_columns import Columns, ColumnsUnclear, Wishes, choose_columns, read_value, time_reader
from hub.replay.files import SourceFile
from hub.replay.parts import Part, Refused, SourceUnreadable, in_thread
from streams.errors import PointRefused
from streams.formats.line import encode_line
from streams.points import TIME_MAX, TIME_MIN, Point, Value

SAMPLE_ROWS = 200
PART_ROWS = 1_000


class CSVFile:
    """Rows of one point each, inflated where the name ends in `.gz`; a place is an offset in bytes.

    Making it reads the header and the first rows. SourceUnreadable.
    """

    def __init__(self, path: Path, wishes: Wishes, precision: str | None) -> None:
        self.name = str(path)
        self._path = path
        self._time = time_reader(precision)
        with SourceFile(path) as file:
            first = next(file.lines(), b"").decode("utf-8-sig", "surrogateescape")
            self._delimiter = max(",;\t", key=first.count)
            rows = _Rows(file, self._delimiter)
            self._header = [column.strip() for column in next(csv.reader([first], delimiter=self._delimiter), [])]
            sample = [row for row in islice(rows, SAMPLE_ROWS) if isinstance(row, list)]
        stem = path.name.removesuffix(".gz").removesuffix(".csv")
        try:
            self.columns: Columns = choose_columns(self._header, sample, wishes, stem)
        except ColumnsUnclear as error:
            raise SourceUnreadable(f"{path}: {error}") from None

    def parts(self, place: int | None) -> AsyncGenerator[Part, None]:
        """As `Source.parts`."""
        return in_thread(self._read(place or 0))

    def _read(self, place: int) -> Iterator[Part]:
        with SourceFile(self._path) as file:
            # The header may stand before the place, and no row stands before the header.
            header = len(next(file.lines(), b""))
            if place > header:
                file.skip(place - header)
            rows = _Rows(file, self._delimiter, max(place, header))
            while chunk := list(islice(rows.numbered(), PART_ROWS)):
                yield self._part(chunk, rows.place, file.done())

    def _part(self, rows: Sequence[tuple[str, int, list[str] | str]], end: int, done: float) -> Part:
        lines, measurements, times, places, refused = [], [], [], [], []
        for where, place, row in rows:
            try:
                point = self._point(row)
                lines.append(encode_line(point))
            except PointRefused as error:
                refused.append(Refused(where, error.code, str(error)))
            except ValueError as error:
                refused.append(Refused(where, "unreadable_row", str(error)))
            else:
                measurements.append(point.measurement)
                times.append(point.time)
                places.append(place)
        return Part(lines, measurements, times, places, end, done, refused)

    def _point(self, row: list[str] | str) -> Point:
        """A row's point. ValueError says why it has none; an empty cell is no value."""
        if isinstance(row, str):
            raise ValueError(row)
        columns = self.columns
        if len(row) != len(self._header):
            raise ValueError(f"the row has {len(row)} cells and the header {len(self._header)}")
        named = columns.measurement
        time = self._time(row[columns.time])
        if not TIME_MIN <= time <= TIME_MAX:
            raise ValueError(f"{row[columns.time]!r} is beyond the times that can be stored")
        fields: dict[str, Value] = {}
        for name, at, kind in columns.fields:
            if row[at]:
                try:
                    fields[name] = read_value(row[at], kind)
                except ValueError as error:
                    raise ValueError(f"column {name!r}: {error}") from None
        if not fields:
            raise ValueError("the row has no value in any of the fields' columns")
        tags = {name: row[at] for name, at in columns.tags if row[at]}
        return Point(named if isinstance(named, str) else row[named], tags, fields, time)


class _Rows:
    """The rows of a file from a place on, each with the place after it; an error's text for what is no row."""

    def __init__(self, file: SourceFile, delimiter: str, place: int = 0) -> None:
        self.place = place
        self._file = file
        self._reader = csv.reader(self._lines(), delimiter=delimiter)

    def __iter__(self) -> Iterator[list[str] | str]:
        return self

    def __next__(self) -> list[str] | str:
        while True:
            try:
                row = next(self._reader)
            except csv.Error as error:
                return f"{error}"
            if row:
                return row

    def numbered(self) -> Iterator[tuple[str, int, list[str] | str]]:
        """Rows with where they are, and the place after each."""
        while True:
            line = self._file.line
            row = next(self, None)
            if row is None:
                return
            yield f"line {line}", self.place, row

    def _lines(self) -> Iterator[str]:
        for line in self._file.lines():
            self.place += len(line)
            yield line.decode("utf-8", "surrogateescape")
