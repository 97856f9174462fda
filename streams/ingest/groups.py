"""What one commit takes, and what becomes of its parts. Pure but for the time of day."""

import time
from collections.abc import Sequence

from streams.ingest.dead_letters import DeadLetter
from streams.ingest.spool import SpoolEntry
from streams.ingest.turns import Entry, Queue
from streams.points import Batch, Reject

Group = dict[Queue, list[Entry]]
"""Of each device some entries, in order."""


def batch_of(group: Group) -> Batch:
    """All points of a group, in order."""
    return Batch.concat([entry.batch for entries in group.values() for entry in entries])


def points_of(group: Group) -> int:
    """How many points a group has."""
    return sum(len(entry.batch) for entries in group.values() for entry in entries)


def without(batch: Batch, rejects: dict[int, Reject]) -> tuple[Sequence[int], Batch]:
    """The indexes of the points that are not rejected, and those points."""
    if not rejects:
        return range(len(batch)), batch
    good = [i for i in range(len(batch)) if i not in rejects]
    return good, batch.select(good)


def spool_entries(group: Group, batch: Batch, rejects: dict[int, Reject]) -> list[SpoolEntry]:
    """What one commit puts into the spool: an entry for each device that has good points in it."""
    now = time.time_ns() // 1_000_000
    made, offset = [], 0
    for queue, entries in group.items():
        count = sum(len(entry.batch) for entry in entries)
        own = enumerate(batch.lines[offset : offset + count], offset)
        lines = [line for i, line in own if i not in rejects]
        offset += count
        if lines:
            touched = [touched for entry in entries for touched in entry.touched]
            made.append(SpoolEntry(b"\n".join(lines), queue.source, now, touched))
    return made


def dead_letters(group: Group, batch: Batch, rejects: dict[int, Reject]) -> list[DeadLetter]:
    """The rejected points of a group; `rejects` has them by their index in its batch."""
    now = time.time_ns() // 1_000_000
    owners = [queue.source for queue, entries in group.items() for entry in entries for _ in range(len(entry.batch))]
    return [
        DeadLetter(now, owners[i], reject.code, reject.message, batch.lines[i]) for i, reject in sorted(rejects.items())
    ]
