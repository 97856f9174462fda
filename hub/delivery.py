"""Publications to many sockets, written in short turns so that acks, pings and new connections go on."""

import asyncio
from collections import Counter, deque
from itertools import islice
from operator import attrgetter, length_hint

from hub.backlog import Form, Prepared
from hub.outbound import WRITE_BYTES, Outbound

TURN_S = 0.002
"""How long one turn keeps the event loop. Between two turns it serves whatever else is ready."""

SOCKETS_AT_ONCE = 32
"""Sockets between two looks at the clock."""

GAUGED_PART = 16
"""One socket in so many is gauged after a publication: to gauge an eighth took a tenth of the writes' time."""

MOST_GAUGED = 256
"""At once: that takes half a turn."""

GAUGED_EVERY_S = 0.05
"""The shortest time between two looks: who has stopped to read has not gone on before."""

_LAGS = attrgetter("lags")


class Members:
    """The sockets of one plan. One that is added twice is there until discarded twice.

    They are in the order in which they came, but those that lag come after all others: as long as the kernel takes
    what their readers do not, to write to them costs as much as to the others, who need not wait for it.
    `sockets` is the same tuple for as long as nothing of that changes: to copy it would cost as much as a write.
    """

    __slots__ = ("_added", "_gauged", "_gauged_at", "_sockets")

    def __init__(self) -> None:
        self._added: Counter[Outbound] = Counter()
        self._gauged = 0
        self._gauged_at = 0.0
        self._sockets: tuple[Outbound, ...] | None = ()

    @property
    def sockets(self) -> tuple[Outbound, ...]:
        """All of them, each once."""
        if self._sockets is None:
            self._sockets = tuple(sorted(self._added, key=_LAGS))
        return self._sockets

    def __contains__(self, socket: Outbound) -> bool:
        return socket in self._added

    def __len__(self) -> int:
        return len(self._added)

    def add(self, socket: Outbound) -> None:
        """It comes."""
        if socket not in self._added:
            socket.plans += 1
        self._added[socket] += 1
        self._sockets = None

    def discard(self, socket: Outbound) -> None:
        """Take back one `add`; nothing happens to a socket that was not added."""
        if self._added[socket] > 1:
            self._added[socket] -= 1
        elif self._added.pop(socket, 0):
            socket.plans -= 1
            self._sockets = None

    def gauge(self, now: float) -> None:
        """See which of the next few lag; `now` in seconds of a clock that never goes back."""
        if now < self._gauged_at + GAUGED_EVERY_S:
            return
        self._gauged_at = now
        sockets = self.sockets
        first = self._gauged
        self._gauged += min(1 + len(sockets) // GAUGED_PART, MOST_GAUGED)
        for socket in sockets[first : self._gauged]:
            if socket.gauge():
                self._sockets = None
        if self._gauged >= len(sockets):
            self._gauged = 0


class _Burst(dict[Form, bytes]):
    """What is to be told to the members of one plan: `burst[form]` is all of it for one write, the same for all.

    It is empty where several messages cannot be one write.
    """

    __slots__ = ("members", "parts", "rest", "sockets")

    def __init__(self, prepared: Prepared, members: Members) -> None:
        super().__init__()
        self.parts = [prepared]
        self.members = members
        self.sockets = members.sockets
        """Who was a member when it was published."""
        self.rest = iter(self.sockets)
        """Those of them whose turn is still to come."""

    def __missing__(self, form: Form) -> bytes:
        if len(self.parts) == 1:
            data = self.parts[0][form]
        else:
            data = b"".join([part[form] for part in self.parts])
            if not form.framed or len(data) > WRITE_BYTES:
                data = b""
        self[form] = data
        return data


class Delivery:
    """One worker's publications, in the order published for each plan.

    What is published while others are being written is the next batch. A socket that has nothing else to write and is
    a member of one plan only is written to at once; the others are given everything of the batch first, so that it
    leaves them in one write.
    """

    def __init__(self) -> None:
        self._waiting: list[_Burst] = []
        self._newest: dict[str, _Burst] = {}
        self._batch: deque[_Burst] = deque()
        self._unflushed: deque[Outbound] = deque()
        self._scheduled = False

    @property
    def busy(self) -> bool:
        """Something published has not been written yet."""
        return bool(self._waiting or self._batch or self._unflushed)

    def publish(self, prepared: Prepared, members: Members) -> None:
        """Give it to all who are members now, except those who have left by the time it is their turn."""
        burst = self._newest.get(prepared.plan)
        if burst is not None and burst.sockets is members.sockets:
            burst.parts.append(prepared)
        else:
            burst = self._newest[prepared.plan] = _Burst(prepared, members)
            self._waiting.append(burst)
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        clock = asyncio.get_running_loop().time
        stop_at = clock() + TURN_S
        while self.busy:
            if self._batch:
                self._serve(self._batch[0])
            elif self._unflushed:
                self._flush()
            else:
                self._batch.extend(self._waiting)
                self._waiting.clear()
                self._newest.clear()
            if clock() >= stop_at:
                self._schedule()
                return

    def _serve(self, burst: _Burst) -> None:
        changed = burst.members.sockets is not burst.sockets
        for socket in islice(burst.rest, SOCKETS_AT_ONCE):
            if changed and socket not in burst.members:
                continue
            if socket.idle and socket.plans == 1 and (data := burst[socket.form]):
                send = socket.send  # called as a method, a slot costs twice as much
                try:
                    taken = send(data)
                except OSError:
                    taken = 0
                if taken != len(data):
                    socket.write(data[taken:])
                continue
            for prepared in burst.parts:
                if socket.enqueue(prepared):
                    self._unflushed.append(socket)
        if not length_hint(burst.rest):
            self._batch.popleft()
            burst.members.gauge(asyncio.get_running_loop().time())

    def _flush(self) -> None:
        for _ in range(min(SOCKETS_AT_ONCE, len(self._unflushed))):
            self._unflushed.popleft().flush()
