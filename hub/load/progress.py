"""How a running load is shown: a bar on a terminal, a line now and then elsewhere; on stderr."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from hub.load.tally import Tally

LINE_SECONDS = 5.0


def numbers(tally: Tally) -> str:
    """How it stands, in few words: what came, and the delay of all but one in a hundred."""
    parts = [f"{tally.acknowledged:,} points", f"{tally.windows:,} windows"]
    for index, delays in enumerate((tally.acks, tally.sendings)):
        if (p99 := delays.quantile(0.99)) is not None:
            parts[index] += f" (p99 {p99:,.0f} ms)"
    return ", ".join(parts)


class Lines:
    """Plain lines: each phase, and how it stands every few seconds."""

    def __init__(self) -> None:
        self._doing = ""
        self._next = 0.0

    def show(self, doing: str, done: float, tally: Tally) -> None:
        """As `hub.load.run.Watcher.show`."""
        now = time.monotonic()
        if doing == self._doing and now < self._next:
            return
        self._doing, self._next = doing, now + LINE_SECONDS
        sys.stderr.write(f"{doing}, {done:.0%}: {numbers(tally)}\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class Bar:
    """A bar for each phase, with the numbers so far."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TextColumn("{task.fields[numbers]}"),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("", total=1.0, numbers="")

    def show(self, doing: str, done: float, tally: Tally) -> None:
        """As `hub.load.run.Watcher.show`."""
        self._progress.update(self._task, description=doing, completed=done, numbers=numbers(tally))

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


def make_watcher() -> Bar | Lines:
    """What suits stderr."""
    console = Console(stderr=True)
    return Bar(console) if console.is_terminal else Lines()
