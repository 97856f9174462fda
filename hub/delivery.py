"""Publications to many sockets, written in short turns so that acks, pings and new connections go on."""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from itertools import islice
from operator import length_hint
from typing import NamedTuple

from hub.backlog import Prepared
from hub.outbound import Outbound

TURN_S = 0.004
"""How long one turn keeps the event loop. Between two turns it serves whatever else is ready."""

SOCKETS_AT_ONCE = 32
"""Sockets between two looks at the clock."""


class Members:
    """The sockets of one plan, in the order in which they came. One that is added twice is there until discarded twice.

    `sockets` is the same tuple for as long as nobody comes or goes: to copy it would cost as much as a write.
    """

    __slots__ = ("_added", "_sockets")

    def __init__(self) -> None:
        self._added: Counter[Outbound] = Counter()
        self._sockets: tuple[Outbound, ...] | None = ()

    @property
    def sockets(self) -> tuple[Outbound, ...]:
        """All of them, each once."""
        if self._sockets is None:
            self._sockets = tuple(self._added)
        return self._sockets

    def __contains__(self, socket: Outbound) -> bool:
        return socket in self._added

    def __len__(self) -> int:
        return len(self._added)

    def add(self, socket: Outbound) -> None:
        """It comes."""
        self._added[socket] += 1
        self._sockets = None

    def discard(self, socket: Outbound) -> None:
        """Take back one `add`; nothing happens to a socket that was not added."""
        if self._added[socket] > 1:
            self._added[socket] -= 1
        elif self._added.pop(socket, 0):
            self._sockets = None


class _Job(NamedTuple):
    plan: str
    prepared: Prepared
    members: Members
    sockets: tuple[Outbound, ...]
    """Who was subscribed when it was published."""
    rest: Iterator[Outbound]
    """Those of them whose turn is still to come."""


class Delivery:
    """One worker's publications, in the order published.

    A single publication is written to each socket that has nothing else to write. When there are several, every
    socket is given all of them first, so that they leave it in one write.
    """

    def __init__(self) -> None:
        self._jobs: deque[_Job] = deque()
        self._unflushed: deque[Outbound] = deque()
        self._scheduled = False

    @property
    def busy(self) -> bool:
        """Something published has not been written yet."""
        return bool(self._jobs or self._unflushed)

    def publish(self, plan: str, prepared: Prepared, members: Members) -> None:
        """Give it to all who are members now, except those who have left by the time it is their turn."""
        self._jobs.append(_Job(plan, prepared, members, members.sockets, iter(members.sockets)))
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        clock = asyncio.get_running_loop().time
        stop_at = clock() + TURN_S
        while self._jobs or self._unflushed:
            if self._jobs:
                self._serve()
            else:
                self._flush()
            if clock() >= stop_at:
                self._schedule()
                return

    def _serve(self) -> None:
        plan, prepared, members, sockets, rest = self._jobs[0]
        alone = len(self._jobs) == 1
        changed = members.sockets is not sockets
        for socket in islice(rest, SOCKETS_AT_ONCE):
            if changed and socket not in members:
                continue
            if alone and socket.idle:
                write = socket.write  # called as a method, a slot costs twice as much
                write(prepared[socket.form])
            elif socket.enqueue(plan, prepared):
                self._unflushed.append(socket)
        if not length_hint(rest):
            self._jobs.popleft()

    def _flush(self) -> None:
        for _ in range(min(SOCKETS_AT_ONCE, len(self._unflushed))):
            self._unflushed.popleft().flush()
