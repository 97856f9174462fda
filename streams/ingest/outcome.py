"""What became of a frame's points: the receipt that travels back to the device."""

from dataclasses import dataclass
from typing import Literal

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
