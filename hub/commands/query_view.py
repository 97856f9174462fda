"""How `pxl-hub query` shows windows: as a table, or as a line of bars for each number. Pure."""

from collections.abc import Sequence
from itertools import groupby, pairwise

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from hub.client.messages import Cell, Row
from hub.commands.asking import Windows
from hub.commands.watch_view import format_cell, moment, sparkline

MOST_SILENT = 2
"""Windows one after the other without a point that have a line each; a longer silence is one line."""
MOST_BARS = 60
"""Bars of a line; where there are more windows, several share one."""


def as_table(answer: Windows) -> RenderableType:
    """A line for each row of each window, by the times at which the windows stopped."""
    table = Table(box=None, pad_edge=False)
    table.add_column("stop", no_wrap=True)
    for column in answer.columns:
        table.add_column(column.name, no_wrap=True, justify="left" if column.kind == "tag" else "right")
    for has_rows, run in groupby(answer.windows, key=lambda window: bool(window.rows)):
        windows = list(run)
        if not has_rows and len(windows) > MOST_SILENT:
            table.add_row(Text(f"{len(windows)} windows, no points", style="dim"))
            continue
        for window in windows:
            for row in window.rows or ((None,) * len(answer.columns),):
                table.add_row(Text(moment(window.stop), style="dim"), *(Text(format_cell(cell)) for cell in row))
    return table


def unknown_fields(answer: Windows) -> list[str]:
    """The fields of which the hub knows no kind and has no value: nobody has written them, or they are spelled so."""
    unknown = [
        column.name.rpartition(".")[0]
        for index, column in enumerate(answer.columns)
        if column.kind is None and all(row[index] is None for window in answer.windows for row in window.rows)
    ]
    return list(dict.fromkeys(unknown))


def as_sparklines(answer: Windows) -> RenderableType:
    """A line for each group and number: its bars over time, the least, the greatest and the latest."""
    tags = [column for column in answer.columns if column.kind == "tag"]
    table = Table(box=None, pad_edge=False)
    for name in (*(tag.name for tag in tags), "", "", "least", "greatest", "latest"):
        table.add_column(name, no_wrap=True, justify="right" if name in ("least", "greatest", "latest") else "left")
    for group in _groups(answer, len(tags)):
        for index in range(len(tags), len(answer.columns)):
            numbers = _numbers(answer, group, index)
            known = [number for number in numbers if number is not None]
            if known:
                found = [format_cell(cell) for cell in (min(known), max(known), known[-1])]
                names = [*map(format_cell, group), answer.columns[index].name]
                bars = Text(sparkline(shortened(numbers, MOST_BARS)), style="cyan")
                table.add_row(*map(Text, names), bars, *map(Text, found))
    return table


def shortened(numbers: Sequence[float | None], most: int) -> list[float | None]:
    """At most so many numbers: where there are more, the means of neighbours, None where none of them is known."""
    if len(numbers) <= most:
        return list(numbers)
    bounds = [index * len(numbers) // most for index in range(most + 1)]
    parts = [numbers[first:last] for first, last in pairwise(bounds)]
    known = [[number for number in part if number is not None] for part in parts]
    return [sum(part) / len(part) if part else None for part in known]


def _groups(answer: Windows, tags: int) -> list[Row]:
    return list(dict.fromkeys(row[:tags] for window in answer.windows for row in window.rows))


def _numbers(answer: Windows, group: Row, index: int) -> list[float | None]:
    def number(cell: Cell) -> float | None:
        return cell if isinstance(cell, int | float) and not isinstance(cell, bool) else None

    by_window = [[row[index] for row in window.rows if row[: len(group)] == group] for window in answer.windows]
    return [number(cells[0]) if cells else None for cells in by_window]
