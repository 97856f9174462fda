"""How a running load is shown: each phase, and what came so far."""

import time

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn

from hub.load.tally import Tally
from hub.progress import LINE_SECONDS, BarWatcher, LineWatcher


def numbers(tally: Tally) -> str:
    """How it stands, in few words: what came, and the delay of all but one in a hundred."""
    parts = [f"{tally.acknowledged:,} points", f"{tally.windows:,} windows"]
    for index, delays in enumerate((tally.acks, tally.sendings)):
        if (p99 := delays.quantile(0.99)) is not None:
            parts[index] += f" (p99 {p99:,.0f} ms)"
    return ", ".join(parts)


class Lines(LineWatcher):
    """A line for each phase, and how it stands every few seconds."""

    def __init__(self) -> None:
        self._doing = ""
        self._next = 0.0

    def show(self, doing: str, done: float, tally: Tally) -> None:
        """As `hub.load.run.Watcher.show`."""
        now = time.monotonic()
        if doing == self._doing and now < self._next:
            return
        self._doing, self._next = doing, now + LINE_SECONDS
        self.note(f"{doing}, {done:.0%}: {numbers(tally)}")


class Bar(BarWatcher):
    """A bar for each phase, with the numbers so far."""

    def __init__(self, console: Console) -> None:
        super().__init__(
            console,
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TextColumn("{task.fields[numbers]}"),
        )

    def show(self, doing: str, done: float, tally: Tally) -> None:
        """As `hub.load.run.Watcher.show`."""
        self.move(done, numbers(tally), doing)


def make_watcher() -> Bar | Lines:
    """What suits stderr."""
    console = Console(stderr=True)
    return Bar(console) if console.is_terminal else Lines()
