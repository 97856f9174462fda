"""What became of a frame's points, the receipt that travels back to the device; and of a commit."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from streams.points import Reject

Place = Literal["store", "spool"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One frame's fate.

    `stored` says where its good points are durable, None when nothing of it was kept and the device has to send it
    again in `retry_after_ms`; `rejects` are the points that will never be stored, in order.
    """

    stored: Place | None
    rejects: tuple[Reject, ...] = ()
    retry_after_ms: int = 0


STORED = Outcome("store")
"""All of the frame is in the store."""
SPOOLED = Outcome("spool")
"""All of the frame is synced to this host's disk, on its way to the store."""


class Committed(NamedTuple):
    """A commit that has ended, well or not; `waited` is how long its oldest frame had waited for it, both in seconds.

    `spooled` says that it went straight to the spool; one that the store did not take ends there, too.
    """

    points: int
    frames: int
    devices: int
    waited: float
    seconds: float
    spooled: bool
