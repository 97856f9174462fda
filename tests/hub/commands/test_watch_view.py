"""What `pxl-hub watch` prints."""

import json
from io import StringIO

from rich.console import Console

from hub.client.messages import Column, Window
from hub.commands.watch_view import (
    TREND,
    Status,
    WindowsView,
    format_cell,
    header_line,
    json_line,
    plain_lines,
    sparkline,
)

COLUMNS = (Column("core", "tag"), Column("usage.mean", "float"))
START = 1_700_000_000_000


def window(seconds: int, *rows: tuple[str, float | None], final: bool = False, revision: int = 0) -> Window:
    stop = START + seconds * 1_000
    return Window("P", stop - 1_000, stop, revision, final, rows, points=len(rows))


def drawn(view: WindowsView, status: Status) -> str:
    console = Console(file=StringIO(), width=100, force_terminal=False)
    console.print(view.render(COLUMNS, status))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_table_has_the_latest_window_and_trends() -> None:
    view = WindowsView()
    for second, usage in ((3, 30.0), (1, 10.0), (2, 20.0)):
        view.take(window(second, ("0", usage), ("1", None)))
    text = drawn(view, Status("cpu", None, None))
    assert "cpu  2023-11-14T22:13:22.000Z to 22:13:23.000Z" in text
    [zero] = [line for line in text.splitlines() if "30.00" in line]
    assert "▁▅█" in zero
    assert "provisional · revision 0 · 2 points" in text


def test_progress_makes_the_latest_window_final() -> None:
    view = WindowsView()
    view.take(window(1, ("0", 1.0)))
    assert "final ·" in drawn(view, Status("cpu", START + 1_000, None))
    assert "provisional ·" in drawn(view, Status("cpu", START, None))


def test_trouble_is_shown_beside_what_was_received() -> None:
    view = WindowsView()
    assert "connecting" in drawn(view, Status("cpu", None, "connecting to ws://h"))
    view.take(window(1, ("0", 1.0)))
    assert "closed with 1012" in drawn(view, Status("cpu", None, "closed with 1012"))


def test_only_the_trend_is_remembered() -> None:
    view = WindowsView()
    for second in range(TREND + 5):
        view.take(window(second, ("0", float(second))))
    assert sum(character in "▁▂▃▄▅▆▇█" for character in drawn(view, Status("cpu", None, None))) == TREND


def test_a_sparkline_spans_its_values_and_leaves_gaps() -> None:
    assert sparkline([0.0, None, 7.0]) == "▁ █"
    assert sparkline([5.0, 5.0]) == "▁▁"
    assert sparkline([]) == ""


def test_cells_are_for_people() -> None:
    cells = [None, 1234.5, 2_000_000, True, "text", 1e300]
    assert [format_cell(cell) for cell in cells] == ["–", "1,234.50", "2,000,000", "True", "text", "1e+300"]


def test_plain_lines_are_divided_by_tabs() -> None:
    assert header_line(COLUMNS) == "time\trevision\tstate\tcore\tusage.mean"
    lines = plain_lines(COLUMNS, window(1, ("0", 12.5), ("1", None), revision=2, final=True))
    time = "2023-11-14T22:13:21.000Z"
    assert lines == [f"{time}\t2\tfinal\t0\t12.5", f"{time}\t2\tfinal\t1\t–"]


def test_silence_is_a_line_too() -> None:
    assert plain_lines(COLUMNS, window(1)) == ["2023-11-14T22:13:21.000Z\t0\tprovisional\t–\t–"]


def test_json_rows_are_objects() -> None:
    assert json.loads(json_line("cpu", COLUMNS, window(1, ("0", 12.5)))) == {
        "stream": "cpu",
        "start": START,
        "stop": START + 1_000,
        "revision": 0,
        "final": False,
        "rows": [{"core": "0", "usage.mean": 12.5}],
    }
