"""Asking the store until it answers: when to ask again, and when to say that it does not. Pure: time is an argument."""

import asyncio
from typing import NamedTuple

from streams.clock import NEVER

TROUBLE_MS = 10_000
"""Listeners hear of a store that has not answered for this long, and then as often again."""
FIRST_RETRY_MS, LAST_RETRY_MS = 100, 5_000


class Trouble(NamedTuple):
    """What to tell listeners, and in how many milliseconds the store is asked again; None while it is being asked."""

    message: str
    retry_after_ms: int | None


def retry_delay(failures: int, wish_ms: int | None = None) -> int:
    """Milliseconds until the next attempt after so many failures, or what the store wishes for, within reason."""
    if wish_ms is not None:
        return min(wish_ms, TROUBLE_MS)
    return min(LAST_RETRY_MS, FIRST_RETRY_MS << min(failures - 1, 10))


class Attempts:
    """One kind of a plan's readings, of which at most one is under way; `task` is set while it is."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self._unanswered_since: int | None = None
        self._trouble_at = 0
        self._retry_at = 0
        self._failures = 0
        self._problem = ""

    def asked(self, now: int) -> None:
        """The store is being asked."""
        if self._unanswered_since is None:
            self._unanswered_since, self._trouble_at = now, now + TROUBLE_MS

    def answered(self) -> None:
        """The store has answered."""
        self._unanswered_since = None
        self._failures = self._retry_at = 0
        self._problem = ""

    def failed(self, now: int, problem: str, wish_ms: int | None = None) -> None:
        """The store could not answer: ask again later, and each time later still, unless it names a time itself."""
        self._failures += 1
        self._retry_at = now + retry_delay(self._failures, wish_ms)
        self._problem = problem

    def trouble(self, now: int) -> Trouble | None:
        """What to tell listeners now, if the store has not answered for long."""
        if self._unanswered_since is None or now < self._trouble_at:
            return None
        self._trouble_at = now + TROUBLE_MS
        seconds = (now - self._unanswered_since) // 1_000
        problem = f": {self._problem}" if self._problem else ""
        message = f"the store has not answered for {seconds} s{problem}; windows come late, none is lost"
        return Trouble(message, None if self.task else max(0, self._retry_at - now))

    def ready(self, due: int, now: int) -> bool:
        """Whether to ask now for what was due at this time, which is NEVER when there is nothing to ask for."""
        return self.task is None and due <= now and self._retry_at <= now

    def wake_at(self, due: int) -> int:
        """When to look at `ready` and `trouble` again."""
        ask = max(self._retry_at, due)
        if self._unanswered_since is None:
            return NEVER if self.task else ask
        return self._trouble_at if self.task else min(ask, self._trouble_at)
