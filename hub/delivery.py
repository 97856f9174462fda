"""Publications to many sockets, written in short turns so that acks, pings and new connections go on."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from hub.backlog import Prepared
from hub.outbound import Outbound

TURN_S = 0.004
"""How long one turn keeps the event loop. Between two turns it serves whatever else is ready."""

SOCKETS_AT_ONCE = 32
"""Sockets between two looks at the clock; fewer when the frames are large."""


class _Job(NamedTuple):
    plan: str
    prepared: Prepared
    members: Mapping[Outbound, int]
    """Who is subscribed now; `sockets` is who was when it was published, and shrinks as they are served."""
    sockets: list[Outbound]


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

    def publish(self, plan: str, prepared: Prepared, members: Mapping[Outbound, int]) -> None:
        """Give it to all who are members now, except those who have left by the time it is their turn."""
        self._jobs.append(_Job(plan, prepared, members, list(members)))
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
        plan, prepared, members, sockets = self._jobs[0]
        alone = len(self._jobs) == 1
        for socket in sockets[-SOCKETS_AT_ONCE:]:
            if socket not in members:
                continue
            if alone and socket.idle:
                write = socket.write  # called as a method, a slot costs twice as much
                write(prepared[socket.form])
            elif socket.enqueue(plan, prepared):
                self._unflushed.append(socket)
        del sockets[-SOCKETS_AT_ONCE:]
        if not sockets:
            self._jobs.popleft()

    def _flush(self) -> None:
        for _ in range(min(SOCKETS_AT_ONCE, len(self._unflushed))):
            self._unflushed.popleft().flush()
