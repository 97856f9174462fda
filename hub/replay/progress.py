"""How a running replay is shown: a bar on a terminal, a line now and then elsewhere; on stderr."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from hub.replay.replay import Replay

LINE_SECONDS = 5.0
DAY_SECONDS = 86_400.0
_RATE_SECONDS = 3.0


class Rate:
    """Points each second, over the last seconds. Pure: the time is an argument."""

    def __init__(self) -> None:
        self._samples: list[tuple[float, int]] = []

    def of(self, points: int, now: float) -> float:
        """The rate when there are so many points now."""
        self._samples.append((now, points))
        while self._samples[0][0] < now - _RATE_SECONDS and len(self._samples) > 2:
            self._samples.pop(0)
        (began, before), (ended, after) = self._samples[0], self._samples[-1]
        return (after - before) / (ended - began) if ended > began else 0.0


class Lines:
    """Plain lines: what is to be known at once, and how it stands every few seconds."""

    def __init__(self) -> None:
        self._rate = Rate()
        self._began: tuple[float, float] | None = None
        self._next = 0.0

    def note(self, text: str) -> None:
        """As `Watcher.note`."""
        sys.stderr.write(f"{text}\n")

    def show(self, replay: Replay) -> None:
        """As `Watcher.show`."""
        now = time.monotonic()
        done = replay.settled.done
        began, done_then = self._began = self._began or (now, done)
        rate = self._rate.of(replay.acknowledged + replay.rejected, now)
        if now < (self._next or began + LINE_SECONDS):
            return
        self._next = now + LINE_SECONDS
        left = seconds_left(done - done_then, 1 - done, now - began)
        self.note(
            f"{done:.1%}, {replay.acknowledged:,} acknowledged, {replay.rejected:,} rejected, {rate:,.0f} points/s"
            + (f", {left:.0f} s left" if left is not None else "")
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class Bar:
    """A bar with the rate, what was acknowledged and rejected, and the time left."""

    def __init__(self, console: Console) -> None:
        self._rate = Rate()
        self._progress = Progress(
            BarColumn(bar_width=None),
            TaskProgressColumn("{task.percentage:>5.1f} %"),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("", total=1.0, numbers="")

    def note(self, text: str) -> None:
        """As `Watcher.note`."""
        self._progress.console.print(escape(text), highlight=False)

    def show(self, replay: Replay) -> None:
        """As `Watcher.show`."""
        rate = self._rate.of(replay.acknowledged + replay.rejected, time.monotonic())
        numbers = f"{rate:,.0f}/s  {replay.acknowledged:,} acknowledged  {replay.rejected:,} rejected"
        self._progress.update(self._task, completed=replay.settled.done, numbers=numbers)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


def seconds_left(done: float, left: float, seconds: float) -> float | None:
    """How long the rest takes at the pace so far; None while nobody can know, and where it would be days."""
    rest = left / done * seconds if done > 0 else DAY_SECONDS
    return rest if rest < DAY_SECONDS else None


def make_watcher() -> Bar | Lines:
    """What suits stderr."""
    console = Console(stderr=True)
    return Bar(console) if console.is_terminal else Lines()


@contextmanager
def reading_bar() -> Iterator[Callable[[float], None]]:
    """What hears how much of a source has been read, from 0 to 1, and shows it where stderr is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("reading"), BarColumn(bar_width=None), TaskProgressColumn("{task.percentage:>5.1f} %"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=1.0)
        yield lambda done: progress.update(task, completed=done)
