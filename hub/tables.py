"""Windows of the past as the body of an answer, JSON or CSV, part by part."""

from collections.abc import Iterable, Sequence

import msgspec

from hub.bodies import Windows
from hub.messages import Column, PastWindow
from streams.engine import WindowUpdate
from streams.stores.base import Cell

_SPECIAL = frozenset(',"\r\n')


class JsonTable:
    """A `Windows` as JSON, the windows in as many parts as they come."""

    media_type = "application/json"

    def __init__(self, described: Windows) -> None:
        self._empty = msgspec.json.encode(described)
        self._separator = b""

    def head(self) -> bytes:
        """What comes before the first window."""
        return self._empty.removesuffix(b"]}")

    def part(self, updates: Sequence[WindowUpdate]) -> bytes:
        """Some windows."""
        windows = [PastWindow(u.start, u.stop, u.revision, u.final, u.rows) for u in updates]
        body = self._separator + msgspec.json.encode(windows)[1:-1]
        self._separator = b","
        return body

    def tail(self) -> bytes:
        """What comes after the last window; without it the body is not whole."""
        return b"]}"


class CsvTable:
    """As RFC 4180 says: a heading, then a line for each row of each window. Null is nothing, empty text is `""`.

    A window without rows has no line.
    """

    media_type = "text/csv"

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns

    def head(self) -> bytes:
        """The heading."""
        return _line(("start", "stop", "revision", *(column.name for column in self._columns))).encode()

    def part(self, updates: Sequence[WindowUpdate]) -> bytes:
        """The lines of some windows."""
        return "".join(_line((u.start, u.stop, u.revision, *row)) for u in updates for row in u.rows).encode()

    def tail(self) -> bytes:
        """Nothing comes after the last line."""
        return b""


Table = JsonTable | CsvTable


def _line(cells: Iterable[Cell]) -> str:
    return ",".join(map(_cell, cells)) + "\r\n"


def _cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if not isinstance(cell, str):
        return repr(cell)
    if cell and _SPECIAL.isdisjoint(cell):
        return cell
    return f'"{cell.replace(chr(34), chr(34) * 2)}"'
