"""Which slices of a measurement the tail has, and which it has to read, again or for the first time. Pure.

A slice is `step` milliseconds long, aligned to the epoch and named by its stop. All times are milliseconds.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from math import gcd

from streams.points import NANOSECONDS
from streams.queries import Query

Span = tuple[int, int]
"""Half-open, `[start, stop)`."""

NEVER = -1
"""When a slice was read that is being read for the first time; until then it can be touched as any other."""


class Slices:
    """The slices of one measurement. A read counts from when it began: what was written later it may have missed."""

    def __init__(self) -> None:
        self.step = 0
        self._graces: tuple[int, ...] = ()
        self._read_at: dict[int, int] = {}
        self._dirty: set[int] = set()
        self._complete: tuple[Span, tuple[int, ...], bool] | None = None
        self._settled = range(0)
        """Stops of slices that were read after every grace, next to one another, which nobody has to look through."""

    def fit(self, queries: Iterable[Query]) -> None:
        """Make the slices fit these queries: each window is a whole number of slices."""
        self._complete, self._settled = None, range(0)
        queries = tuple(queries)
        self._graces = tuple(sorted({query.grace_ms for query in queries}))
        step = gcd(*(query.every_ms for query in queries))
        if step != self.step:
            self._regrid(step)

    def forget(self) -> None:
        """Nothing was read: what is stored no longer fits what is asked for."""
        self._complete, self._settled = None, range(0)
        self._read_at.clear()
        self._dirty.clear()

    def drop_before(self, time: int) -> None:
        """Slices that start before this time are not kept any more."""
        self._complete, self._settled = None, range(0)
        for stop in [stop for stop in self._read_at if stop - self.step < time]:
            del self._read_at[stop]
            self._dirty.discard(stop)

    def touch(self, start_ns: int, stop_ns: int) -> None:
        """Points were written in this range, nanoseconds, both ends included: slices that were read are out of date."""
        self._complete = None
        first, last = self._stop_of(start_ns // NANOSECONDS), self._stop_of(stop_ns // NANOSECONDS)
        if (last - first) // max(1, self.step) < len(self._read_at):
            stops: Iterable[int] = range(first, last + 1, self.step) if self.step else ()
            self._dirty.update(stop for stop in stops if stop in self._read_at)
        else:
            self._dirty.update(stop for stop in self._read_at if first <= stop <= last)

    def wanted(self, start: int, stop: int, now: int, *, provisional: bool = False) -> list[Span]:
        """What has to be read for windows within `[start, stop)` now, as few spans as there are gaps between.

        For `provisional` ones no slice is read again only because a grace has passed.
        """
        passed = tuple((now - grace) // self.step for grace in self._graces)
        if self._complete and _includes(self._complete, (start, stop), passed, provisional):
            return []  # as many plans have the same slices
        first = start - start % self.step + self.step
        stops = range(first, stop + self.step, self.step)
        due = [end for end in self._not_settled(stops) if self._is_due(end, now, provisional)]
        if not due:
            self._complete = (start, stop), passed, provisional
        return list(_joined(due, self.step))

    def begin(self, span: Span) -> None:
        """The slices of this span are being read: what touches them from now on makes them out of date again."""
        self._complete = None
        self._dirty.difference_update(self._stops(span))
        for stop in self._stops(span):
            self._read_at.setdefault(stop, NEVER)

    def done(self, span: Span, began: int) -> None:
        """The slices of this span were read, beginning at that time."""
        if span[0] + self.step < self._settled.stop and began < span[1] + self._graces[-1]:
            self._settled = range(0)  # the clock was put back
        for stop in self._stops(span):
            self._read_at[stop] = began

    def failed(self, span: Span) -> None:
        """They could not be read."""
        self._complete = None
        self._dirty.update(stop for stop in self._stops(span) if stop in self._read_at)

    def _not_settled(self, stops: range) -> list[int]:
        """Those that were not read after every grace or are out of date: few of the many that a long window has."""
        last, read_at, known = self._graces[-1], self._read_at.get, self._settled
        before = range(stops.start, min(known.start, stops.stop), self.step)
        after = range(max(known.stop, stops.start), stops.stop, self.step)
        unread = [stop for stop in chain(before, after) if read_at(stop, NEVER) < stop + last]
        end = unread[0] if unread else (stops[-1] if stops else 0) + self.step
        if end > known.stop:
            self._settled = range(stops.start, end, self.step)
        return sorted({*unread, *(stop for stop in self._dirty if stop in stops)})

    def _is_due(self, stop: int, now: int, provisional: bool) -> bool:
        """Each slice is read when it has stopped, once more when each grace has passed, and when it is out of date."""
        read_at = self._read_at.get(stop)
        if read_at is None or stop in self._dirty:
            return True
        passed = [] if provisional else [grace for grace in self._graces if stop + grace <= now]
        return read_at < stop + (passed[-1] if passed else 0)

    def _stops(self, span: Span) -> range:
        return range(span[0] + self.step, span[1] + 1, self.step)

    def _stop_of(self, time: int) -> int:
        return time - time % self.step + self.step if self.step else 0

    def _regrid(self, step: int) -> None:
        """Cut or join slices; a joined one was read when the first of its parts was, if all were."""
        if not self.step or (step % self.step and self.step % step):
            self.forget()
        elif step < self.step:
            parts = range(0, self.step, step)
            self._read_at = {stop - part: at for stop, at in self._read_at.items() for part in parts}
            self._dirty = {stop - part for stop in self._dirty for part in parts}
        else:
            self._join(step)
        self.step = step

    def _join(self, step: int) -> None:
        joined: dict[int, list[int]] = {}
        for stop, at in self._read_at.items():
            joined.setdefault(-(-stop // step) * step, []).append(at)
        self._read_at = {stop: min(parts) for stop, parts in joined.items() if len(parts) == step // self.step}
        self._dirty = {-(-stop // step) * step for stop in self._dirty} & self._read_at.keys()


def _includes(
    known: tuple[Span, tuple[int, ...], bool], span: Span, passed: tuple[int, ...], provisional: bool
) -> bool:
    """Whether what was found of one span, when so many slices had passed each grace, holds for another."""
    (start, stop), before, only_provisional = known
    inside = start <= span[0] and span[1] <= stop
    return inside and before == passed and (provisional or not only_provisional)


def _joined(stops: Sequence[int], step: int) -> Iterator[Span]:
    start = before = None
    for stop in stops:
        if before is not None and stop != before + step:
            yield start or 0, before
            start = None
        if start is None:
            start = stop - step
        before = stop
    if start is not None and before is not None:
        yield start, before
