"""Writing a batch of which the store may refuse a part: halve it until the guilty points are known."""

from collections.abc import Awaitable, Callable

from streams.errors import BatchRefused
from streams.points import Batch, Reject


async def write_good(write: Callable[[Batch], Awaitable[None]], batch: Batch) -> dict[int, Reject]:
    """Store every point that the store takes; the others by their index, with the store's reason.

    Raises what `write` raises, except BatchRefused. Halves are written in order, so the newer value of a point wins
    as it would have in one write; what was written twice is idempotent.
    """
    refused: dict[int, Reject] = {}
    parts = [range(len(batch))] if len(batch) else []
    while parts:
        part = parts.pop()
        try:
            await write(batch if len(part) == len(batch) else batch.select(part))
        except BatchRefused as error:
            # A store that counts what it refused saves the search where that is everything.
            if len(part) == 1 or error.refused == len(part):
                refused.update({i: Reject(batch.numbers[i], error.code, str(error)) for i in part})
            else:
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]
    return refused
