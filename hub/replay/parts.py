"""What every source gives: points in its order, each with the place to go on from once it is settled."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import NamedTuple, Protocol

MOST_LINE_BYTES = 1 << 20
"""A longer line is no point."""


class SourceUnreadable(Exception):
    """A source that cannot be read, or not as it was described; the text says why and what to do."""


class Refused(NamedTuple):
    """What is no point: where it is in the source, a code as the hub's, and the reason."""

    where: str
    code: str
    reason: str


class Part(NamedTuple):
    """Some points of a source, as parallel columns, and what in between is none.

    `lines` are line protocol with times in nanoseconds, as `times`. A place is a number that grows: reading from
    `places[i]` on gives the points after the i-th, reading from `end` on those after this part. `done` is how much
    of the source has been read, from 0 to 1.
    """

    lines: Sequence[bytes]
    measurements: Sequence[str]
    times: Sequence[int]
    places: Sequence[int]
    end: int
    done: float
    refused: Sequence[Refused] = ()


class Source(Protocol):
    """Where points come from. Everything may raise SourceUnreadable."""

    name: str
    """What it is called in messages, and what a position is kept for."""

    def parts(self, place: int | None) -> AsyncGenerator[Part, None]:
        """All points from a place on, None being the start; never much more than a mebibyte of them at once."""


async def in_thread(parts: Iterator[Part]) -> AsyncGenerator[Part, None]:
    """The same, read in a thread: a disk may be slow."""
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        yield part
