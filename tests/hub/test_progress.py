"""A bar on a terminal, lines elsewhere."""

import io

import pytest
from rich.console import Console
from rich.progress import BarColumn, TextColumn

from hub.progress import BarWatcher, LineWatcher, bar


def test_a_note_is_a_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with LineWatcher() as watcher:
        watcher.note("3 files [of 7]")
    assert capsys.readouterr() == ("", "3 files [of 7]\n")


def test_a_bar_shows_the_numbers_and_leaves_the_notes() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    with BarWatcher(console, TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[numbers]}")) as w:
        w.move(0.5, "1,000 points", "writing")
        w.note("a note [with brackets]")
    assert isinstance(console.file, io.StringIO)
    written = console.file.getvalue()
    assert "writing" in written
    assert "1,000 points" in written
    assert "a note [with brackets]\n" in written


def test_no_bar_is_drawn_where_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with bar("reading") as look:
        look(0.5)
    assert capsys.readouterr() == ("", "")
