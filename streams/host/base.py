"""The contract between the workers of one host.

The race it makes impossible: a worker commits a point and tells nobody, while another makes the point's window
final without having read it. Each side says first and looks afterwards:

    the writer      hold -> write to the store -> announce -> release
    the reader      publish_final -> holds? -> read from the store

If the reader's `holds` misses the hold, then either the write was over before, so the reader reads the point, or the
writer's `announce` comes after `publish_final`, so the reader is told. No order of these steps leaves a third case.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from streams.errors import Remedy, StreamsError
from streams.points import Touched

Hold = tuple[int, ...]
"""What `release` wants back; otherwise meaningless."""

OnTouched = Callable[[Sequence[Touched]], None]

HeldElsewhere = Callable[[str, int, int], bool]
"""Like `Host.holds`, of another place that keeps points, such as the spool."""


class AnnouncementFailed(StreamsError):
    """Other workers could not be told of points that were stored; the text says why."""

    code = "host_unavailable"
    remedy = Remedy.WAIT


def ignore(touched: Sequence[Touched]) -> None:
    """What `on_touched` is until somebody listens."""


class Host(Protocol):
    """One worker's view of the host it runs on. All methods are synchronous, quick, and for one thread."""

    on_touched: OnTouched
    """Called by `run` with the ranges that other workers announced; set it before `run` starts."""

    held_elsewhere: HeldElsewhere | None
    """Asked by `holds` last: a point goes from a worker's hand into the spool, so it is looked for in that order."""

    def hold(self, touched: Sequence[Touched]) -> Hold:
        """Points of these ranges were received and cannot be read from the store yet. Call it before the write."""

    def release(self, hold: Hold) -> None:
        """Those points can be read, or are in the spool, or will never be stored. Call it once, after `announce`."""

    def holds(self, measurement: str, start: int, stop: int) -> bool:
        """Whether a worker of this host holds a point in `[start, stop)` ns. May err on the side of yes.

        Before a window becomes final, ask this after `publish_final` and before reading the store.
        """

    def publish_final(self, until: int) -> None:
        """A plan of this worker is about to make every window that stops by `until` ms final. It never goes back."""

    def announce(self, touched: Sequence[Touched]) -> None:
        """These ranges can be read from the store now: tell each worker that may have made them final before.

        When it returns, those workers will hear of it, even if this one dies at once. Settle a device's frame only
        afterwards: a worker that dies between commit and `announce` has acknowledged nothing, so the points come again.
        AnnouncementFailed when it cannot be said: answer `retry`, then the points come again, too.
        """

    def write_late(self, *, under_way: bool) -> None:
        """A write that took too long was spooled, but the store may still do it; or there is no such write any more.

        The spool must not be drained meanwhile: the store could do the old write after the newer ones.
        """

    def late_writes(self) -> bool:
        """Whether a worker of this host has a late write under way."""

    def lead(self, role: str) -> bool:
        """Whether this worker is the one of its host that does `role`; it stays so until it closes or dies."""

    def poll(self) -> None:
        """Hand what other workers announced to `on_touched`, now."""

    async def run(self) -> None:
        """Poll every 100 ms, until cancelled."""

    def close(self) -> None:
        """Leave the host: this worker's holds and leaderships end."""
