"""What was written and is not durable yet: the numbering and the order of a device's frames.

Pure: no socket, no clock. A line here is whatever the caller wrote in one piece, one line of protocol or several.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from hub.client.errors import ProtocolViolated
from hub.client.messages import RejectedPoint

FRAME_BYTES = 256 * 1024
"""Lines that wait are gathered into frames of about this size: large enough that a frame's own cost vanishes."""


class Rejection(NamedTuple):
    """A point that the hub will never store. `text` is what was written, `line` the number of its line in there."""

    text: bytes
    line: int
    code: str
    message: str


class _Frame(NamedTuple):
    """Lines in flight, and how many had been written before each of them."""

    lines: Sequence[bytes]
    places: Sequence[int]
    size: int


class Unacknowledged:
    """Lines in the order written, each either waiting to be sent or in a numbered frame without an outcome.

    A frame to retry takes all later ones with it: they are sent again too, although they may have been stored.
    Otherwise its old value of a point would overwrite the newer one of a later frame. Points are idempotent, so
    sending them twice changes nothing.
    """

    def __init__(self) -> None:
        self.settled = 0
        """Lines that have their outcome."""
        self.rejected = 0
        """Points that will never be stored."""
        self.held_bytes = 0
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._written = 0
        self._in_flight: dict[int, _Frame] = {}
        self._last_number = 0
        self._most_in_flight = 1
        self._frame_bytes = FRAME_BYTES
        self._hold_until = 0.0

    def __len__(self) -> int:
        return len(self._waiting) + sum(len(frame.lines) for frame in self._in_flight.values())

    def lines(self) -> list[bytes]:
        """Everything that is not durable, as far as is known, in the order written."""
        waiting = (line for _, line in self._waiting)
        return [*(line for frame in self._in_flight.values() for line in frame.lines), *waiting]

    @property
    def complete(self) -> int:
        """How many lines were written before the first that has no outcome."""
        oldest = next((frame.places[0] for frame in self._in_flight.values() if frame.places), None)
        if oldest is not None:
            return oldest
        return self._waiting[0][0] if self._waiting else self._written

    def add(self, line: bytes) -> None:
        """Something more to send."""
        self._waiting.append((self._written, line))
        self._written += 1
        self.held_bytes += len(line)

    def connected(self, max_unacked: int, max_frame_bytes: int) -> None:
        """A new connection: numbers begin at 1, and everything without an outcome is to be sent, oldest first."""
        self._take_back(from_number=0)
        self._in_flight.clear()
        self._last_number = 0
        self._most_in_flight = max(1, max_unacked)
        self._frame_bytes = min(FRAME_BYTES, max_frame_bytes)

    def next_frame(self, now: float) -> bytes | None:
        """The next frame to send; None when there is nothing, when the hub has enough in flight, or while it rests."""
        if not self._waiting or len(self._in_flight) >= self._most_in_flight or now < self._hold_until:
            return None
        place, line = self._waiting.popleft()
        lines, places, size = [line], [place], len(line)
        while self._waiting and size + 1 + len(self._waiting[0][1]) <= self._frame_bytes:
            place, line = self._waiting.popleft()
            lines.append(line)
            places.append(place)
            size += 1 + len(line)
        self._last_number += 1
        self._in_flight[self._last_number] = _Frame(lines, places, sum(map(len, lines)))
        return b"\n".join(lines)

    def resting(self, now: float) -> float | None:
        """Seconds until `next_frame` may answer again after a retry; None when it is not resting."""
        return self._hold_until - now if now < self._hold_until else None

    def ack(self, number: int) -> None:
        """Every frame up to this one that has no outcome of its own is durable."""
        self._check_sent(number)
        for earlier in [sent for sent in self._in_flight if sent <= number]:
            self._settle(self._in_flight.pop(earlier))

    def reject(self, number: int, points: Sequence[RejectedPoint], more: int = 0) -> list[Rejection]:
        """These points of a frame, and `more`, are refused; the rest of it is durable."""
        self._check_sent(number)
        frame = self._in_flight.pop(number, None)
        if frame is None or not frame.lines:
            return []
        self._settle(frame)
        self.rejected += len(points) + more
        return _locate(frame.lines, points)

    def retry(self, number: int, until: float) -> None:
        """Nothing of this frame was kept: it and all later ones are sent again, none before `until`."""
        self._check_sent(number)
        self._hold_until = max(self._hold_until, until)
        self._take_back(from_number=number)
        self._in_flight.pop(number, None)

    def _take_back(self, from_number: int) -> None:
        """Let frames wait again. Their numbers stay in flight, without lines: the hub still owes them an outcome."""
        for number in reversed([sent for sent in self._in_flight if sent >= from_number]):
            frame = self._in_flight[number]
            self._waiting.extendleft(reversed(list(zip(frame.places, frame.lines, strict=True))))
            self._in_flight[number] = _Frame((), (), 0)

    def _settle(self, frame: _Frame) -> None:
        self.settled += len(frame.lines)
        self.held_bytes -= frame.size

    def _check_sent(self, number: int) -> None:
        if not 1 <= number <= self._last_number:
            raise ProtocolViolated(f"the hub gave an outcome to frame {number}; {self._last_number} were sent")


def _locate(lines: Sequence[bytes], points: Sequence[RejectedPoint]) -> list[Rejection]:
    """Which line each refused point was in: a frame's line numbers go through all its lines, from 1."""
    rejections = []
    remaining = iter(lines)
    text, first = next(remaining), 1
    for point in sorted(points, key=lambda point: point.line):
        while point.line > first + text.count(b"\n"):
            first += text.count(b"\n") + 1
            following = next(remaining, None)
            if following is None:
                raise ProtocolViolated(f"the hub rejected line {point.line} of a frame of {first - 1} lines")
            text = following
        rejections.append(Rejection(text, point.line - first + 1, point.code, point.message))
    return rejections
