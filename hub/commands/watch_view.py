"""How `pxl-hub watch` shows windows: as a table, as plain lines, as JSON. Pure."""

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hub.client.messages import Cell, Column, Row, Window

TREND = 40
"""Windows in the trend of a single number; several share it."""

NUMBER_WIDTH = 12

_BARS = "▁▂▃▄▅▆▇█"
_MISSING = "–"


class Status(NamedTuple):
    """What is beside the windows."""

    stream: str
    final_until: int | None
    trouble: str | None
    """Why nothing comes at the moment; None while all is well."""


class WindowsView:
    """The latest window as a table, with the trend of each number over the windows before it."""

    def __init__(self) -> None:
        self._windows: dict[int, Window] = {}

    def take(self, window: Window) -> None:
        """A window, or a window once more: the last one taken holds."""
        self._windows[window.stop] = window
        if len(self._windows) > TREND:
            del self._windows[min(self._windows)]

    def render(self, columns: tuple[Column, ...], status: Status) -> RenderableType:
        """The table of the latest window."""
        if not self._windows:
            return Text(status.trouble or f"{status.stream}: waiting for the first window", style="dim")
        latest = self._windows[max(self._windows)]
        table = Table()
        for column in columns:
            table.add_column(column.name, no_wrap=True)
        for row in latest.rows:
            table.add_row(*self._cells(row, columns))
        title = Text(f"{status.stream}  {_span(latest)}", style="bold")
        return Group(title, table, Text(_footer(latest, status), style="dim" if status.trouble is None else "yellow"))

    def _cells(self, row: Row, columns: tuple[Column, ...]) -> list[Text]:
        tags = _tags(row, columns)
        numbers = sum(column.kind != "tag" for column in columns)
        cells = []
        for index, (cell, column) in enumerate(zip(row, columns, strict=True)):
            text = Text(format_cell(cell))
            if column.kind != "tag":
                text.pad_left(max(0, NUMBER_WIDTH - len(text)))
                text.append(" " + sparkline(self._past(tags, index, columns)[-TREND // numbers :]), style="cyan")
            cells.append(text)
        return cells

    def _past(self, tags: Row, index: int, columns: tuple[Column, ...]) -> list[float | None]:
        values: list[float | None] = []
        for stop in sorted(self._windows):
            cells = [row[index] for row in self._windows[stop].rows if _tags(row, columns) == tags]
            number = cells[0] if cells else None
            values.append(number if isinstance(number, int | float) else None)
        return values


def sparkline(values: list[float | None]) -> str:
    """Numbers as bars between the least and the greatest of them; a gap where there is none."""
    numbers = [value for value in values if value is not None]
    low, high = min(numbers, default=0), max(numbers, default=0)
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(" " if value is None else _BARS[round((value - low) * scale)] for value in values)


def format_cell(cell: Cell) -> str:
    """A cell for people."""
    if cell is None:
        return _MISSING
    if isinstance(cell, float):
        return f"{cell:,.2f}" if abs(cell) < 1e15 else f"{cell:.6g}"
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)


def header_line(columns: tuple[Column, ...]) -> str:
    """What the fields of `plain_lines` are."""
    return "\t".join(["time", "revision", "state", *(column.name for column in columns)])


def plain_lines(columns: tuple[Column, ...], window: Window) -> list[str]:
    """A line for each row, its fields divided by tabs; a window without rows is a line of missing values."""
    start = [moment(window.stop), str(window.revision), "final" if window.final else "provisional"]
    rows = window.rows or ((None,) * len(columns),)
    return ["\t".join([*start, *(_MISSING if cell is None else str(cell) for cell in row)]) for row in rows]


def json_line(stream: str, columns: tuple[Column, ...], window: Window) -> str:
    """The window as one line of JSON; each row is an object with the columns' names."""
    names = [column.name for column in columns]
    return msgspec.json.encode(
        {
            "stream": stream,
            "start": window.start,
            "stop": window.stop,
            "revision": window.revision,
            "final": window.final,
            "rows": [dict(zip(names, row, strict=True)) for row in window.rows],
        }
    ).decode()


def _tags(row: Row, columns: tuple[Column, ...]) -> Row:
    return tuple(cell for cell, column in zip(row, columns, strict=True) if column.kind == "tag")


def _footer(window: Window, status: Status) -> str:
    is_final = window.final or (status.final_until is not None and window.stop <= status.final_until)
    parts = ["final" if is_final else "provisional", f"revision {window.revision}"]
    if window.points is not None:
        parts.append(f"{window.points:,} points")
    if status.trouble is not None:
        parts.append(status.trouble)
    return " · ".join(parts)


def _span(window: Window) -> str:
    return f"{moment(window.start)} to {moment(window.stop)[11:]}"


def moment(milliseconds: int) -> str:
    """A time as RFC 3339 in UTC."""
    return datetime.fromtimestamp(milliseconds / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
