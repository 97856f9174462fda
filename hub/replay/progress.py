"""How a running replay is shown: what was acknowledged and rejected, how fast, and how long the rest takes."""

import time

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

from hub.progress import LINE_SECONDS, BarWatcher, LineWatcher
from hub.replay.replay import Replay

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


class Lines(LineWatcher):
    """What is to be known at once, and how it stands every few seconds."""

    def __init__(self) -> None:
        self._rate = Rate()
        self._began: tuple[float, float] | None = None
        self._next = 0.0

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


class Bar(BarWatcher):
    """A bar with the rate, what was acknowledged and rejected, and the time left."""

    def __init__(self, console: Console) -> None:
        super().__init__(
            console,
            BarColumn(bar_width=None),
            TaskProgressColumn("{task.percentage:>5.1f} %"),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
        )
        self._rate = Rate()

    def show(self, replay: Replay) -> None:
        """As `Watcher.show`."""
        rate = self._rate.of(replay.acknowledged + replay.rejected, time.monotonic())
        numbers = f"{rate:,.0f}/s  {replay.acknowledged:,} acknowledged  {replay.rejected:,} rejected"
        self.move(replay.settled.done, numbers)


def seconds_left(done: float, left: float, seconds: float) -> float | None:
    """How long the rest takes at the pace so far; None while nobody can know, and where it would be days."""
    rest = left / done * seconds if done > 0 else DAY_SECONDS
    return rest if rest < DAY_SECONDS else None


def make_watcher() -> Bar | Lines:
    """What suits stderr."""
    console = Console(stderr=True)
    return Bar(console) if console.is_terminal else Lines()
