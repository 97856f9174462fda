"""A device's session, without its socket: frames come in, their outcomes go out in order."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from hub.authority import Identity
from hub.codes import Close, SessionOver
from hub.encodings import decode_auth
from hub.formats import Format
from hub.messages import Ack, Auth, Reject, RejectedPoint, Retry
from hub.permits import permit_of
from streams.errors import FrameUnreadable
from streams.ingest.checks import Check, held_against
from streams.ingest.outcome import STORED, Outcome, Place
from streams.points import Batch, Scan
from streams.points import Reject as Refused

MOST_LISTED = 100
"""Rejected points that one `reject` message lists; the others are counted in `more`."""
LONGEST_AUTH = 16_384

FrameMessage = Ack | Reject | Retry
"""What is said of a frame."""


class Lane(Protocol):
    """What a session needs of `streams.ingest`."""

    def submit(self, batch: Batch, settled: Callable[[Outcome], None], frames: int = 1) -> None: ...


class _Frame:
    __slots__ = ("number", "outcome", "points", "refused")

    def __init__(self, number: int, points: int, refused: list[Refused]) -> None:
        self.number = number
        self.points = points
        self.refused = refused
        self.outcome: Outcome | None = None


class Producer:
    """Numbers a device's frames, puts their points on their way, and says what became of them.

    `changed` is called when `outgoing` has something to say; it may be called again before `outgoing` was asked.
    """

    def __init__(
        self,
        lane: Lane,
        frame_format: Format,
        *,
        identity: Identity,
        precision: str,
        checks: Sequence[Check],
        max_frame_bytes: int,
        max_unacked: int,
        changed: Callable[[], None],
    ) -> None:
        self._lane = lane
        self._format = frame_format
        self._identity = identity
        self._precision = precision
        self._checks = checks
        self._max_frame_bytes = max_frame_bytes
        self._max_unacked = max_unacked
        self._changed = changed
        self._frames = 0
        self._pending: deque[_Frame] = deque()

    @property
    def is_full(self) -> bool:
        """So many frames wait for their outcome that no more should be read."""
        return self.room <= 0

    @property
    def room(self) -> int:
        """How many more frames may be read."""
        return self._max_unacked - len(self._pending)

    @property
    def is_settled(self) -> bool:
        """Every frame has its outcome, and `outgoing` has said so."""
        return not self._pending

    def receive(self, data: str | bytes, now: int) -> Iterator[None]:
        """Take what came from the socket at `now`, nanoseconds, in steps of some milliseconds: let others have a turn
        between two of them. SessionOver when the device must not go on; an `auth` message is no frame.

        SchemaUnknown: nothing was taken, give it again when those measurements are known, or `put_off`.
        """
        if auth := auth_in(data):
            self._identity.show(auth.token)
            return
        if isinstance(data, str):
            if not self._format.is_text:
                raise SessionOver(Close.WRONG_KIND, "this format comes in binary frames, not in text")
            data = data.encode()
        if len(data) > self._max_frame_bytes:
            raise SessionOver(Close.TOO_BIG, f"a frame may have {self._max_frame_bytes} bytes, not {len(data)}")
        yield from self.take(data, now)

    def take_together(self, frames: Sequence[str | bytes], now: int) -> bool:
        """Take small frames at `now`, nanoseconds, for the price of one; False where they have to be taken apart, as
        something in them is unusual. Then nothing was taken."""
        if len(frames) < 2 or self._format.plain is None:
            return False
        parts = [(frame.encode() if isinstance(frame, str) else frame).removesuffix(b"\n") for frame in frames]
        points = [part.count(b"\n") + 1 for part in parts]
        data = b"\n".join(parts)
        if len(data) > self._max_frame_bytes or (batch := self._format.plain(data, self._precision)) is None:
            return False
        batch, refused = held_against(self._checks, permit_of(self._identity.grants).admit(Scan(batch, []), now), now)
        if refused or len(batch) != sum(points):
            return False
        together = [self._frame(count, []) for count in points]
        self._lane.submit(batch, partial(self._settle_together, together), len(together))
        return True

    def take(self, data: bytes, now: int) -> Iterator[None]:
        """As `receive`, of bytes that are points and nothing else."""
        permit = permit_of(self._identity.grants)
        batches: list[Batch] = []
        refused: list[Refused] = []
        try:
            for scan in self._format.steps(data, precision=self._precision, now=now):
                if batches:
                    yield
                batch, rejects = held_against(self._checks, permit.admit(scan, now), now)
                batches.append(batch)
                refused += rejects
        except FrameUnreadable as error:
            refused.append(Refused(error.line, error.code, str(error)))
        batch = Batch.concat(batches)
        frame = self._frame(len(batch), refused)
        if len(batch):
            self._lane.submit(batch, partial(self._settle, frame))
        else:
            self._settle(frame, STORED)

    def put_off(self, after_ms: int) -> None:
        """A frame has come that cannot be read now: have it sent again."""
        self._settle(self._frame(0, []), Outcome(None, retry_after_ms=after_ms))

    def outgoing(self) -> list[FrameMessage]:
        """The outcomes to tell now: those settled, up to the first frame that is not, and at most one `ack`."""
        messages: list[FrameMessage] = []
        durable = 0
        stored: Place = "store"
        while self._pending and (outcome := self._pending[0].outcome):
            frame = self._pending.popleft()
            if outcome.stored is None:
                messages.append(Retry(frame=frame.number, after_ms=outcome.retry_after_ms))
            elif frame.refused or outcome.rejects:
                messages.append(_reject(frame, outcome))
            else:
                durable = frame.number
                stored = "spool" if "spool" in (stored, outcome.stored) else "store"
        if durable:
            messages.append(Ack(frame=durable, stored=stored))
        return messages

    def _frame(self, points: int, refused: list[Refused]) -> _Frame:
        self._frames += 1
        frame = _Frame(self._frames, points, refused)
        self._pending.append(frame)
        return frame

    def _settle_together(self, frames: list[_Frame], outcome: Outcome) -> None:
        before = 0
        for frame in frames:
            own = tuple(
                reject._replace(line=reject.line - before)
                for reject in outcome.rejects
                if before < reject.line <= before + frame.points
            )
            before += frame.points
            frame.outcome = replace(outcome, rejects=own) if outcome.rejects else outcome
        if self._pending[0] is frames[0]:
            self._changed()

    def _settle(self, frame: _Frame, outcome: Outcome) -> None:
        frame.outcome = outcome
        if self._pending[0] is frame:
            self._changed()


def auth_in(data: str | bytes) -> Auth | None:
    """The `auth` message that this frame is; None where it is points."""
    if len(data) >= LONGEST_AUTH or data[:1] not in ("{", b"{"):
        return None
    raw = data.encode() if isinstance(data, str) else data
    return decode_auth(raw) if b'"auth"' in raw else None


def _reject(frame: _Frame, outcome: Outcome) -> Reject:
    refused = sorted([*frame.refused, *outcome.rejects])
    return Reject(
        frame=frame.number,
        accepted=frame.points - len(outcome.rejects),
        rejected=[RejectedPoint(*point) for point in refused[:MOST_LISTED]],
        more=max(0, len(refused) - MOST_LISTED),
    )
