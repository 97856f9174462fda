"""What the engine needs of the host it runs on."""

from collections.abc import Sequence
from typing import Protocol

from streams.points import Touched


class Host(Protocol):
    """What the engine asks the workers of its host, and tells them (`streams.host`)."""

    def holds(self, measurement: str, start_ns: int, stop_ns: int) -> bool:
        """Whether points in `[start_ns, stop_ns)` were received and cannot be read yet."""

    def publish_final(self, until_ms: int) -> None:
        """From now on tell of points that come before this time: their windows are final, or about to be."""

    def poll(self) -> None:
        """Tell now what other workers have announced."""

    def announce(self, touched: Sequence[Touched]) -> None:
        """Have other workers correct their windows, and those know of it who come back."""

    def late_since(self, measurement: str, time: int) -> list[Touched] | None:
        """What was announced of a measurement from this time on, milliseconds, and perhaps more; None if unknown."""
