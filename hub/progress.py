"""How long commands show how far they are: a bar on a terminal, a line now and then elsewhere; on stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, TaskProgressColumn, TextColumn

LINE_SECONDS = 5.0
"""Between two lines that say the same with other numbers."""


class Watcher:
    """Who looks at a command while it runs; entered once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class LineWatcher(Watcher):
    """Plain lines."""

    def note(self, text: str) -> None:
        """Something a person should know."""
        sys.stderr.write(f"{text}\n")


class BarWatcher(Watcher):
    """A bar of these columns, with `numbers` beside it; it goes when it ends."""

    def __init__(self, console: Console, *columns: ProgressColumn) -> None:
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("", total=1.0, numbers="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def note(self, text: str) -> None:
        """Something a person should know; it stays above the bar."""
        self._progress.console.print(escape(text), highlight=False)

    def move(self, done: float, numbers: str, doing: str = "") -> None:
        """So far it is, from 0 to 1."""
        self._progress.update(self._task, description=doing, completed=done, numbers=numbers)


@contextmanager
def bar(doing: str) -> Iterator[Callable[[float], None]]:
    """What hears how much is done, from 0 to 1, and shows it where stderr is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn(doing), BarColumn(bar_width=None), TaskProgressColumn("{task.percentage:>5.1f} %"))
    with BarWatcher(console, *columns) as watcher:
        yield lambda done: watcher.move(done, "")
