"""Which batches may be stored in any order. Pure."""

from streams.points import Batch


def apart(one: Batch, other: Batch) -> bool:
    """Whether no point of one is in the other, too, with another value perhaps: one series at one time.

    ValueError where a batch has no points.
    """
    first = max(one.first_time, other.first_time)
    last = min(one.last_time, other.last_time)
    # A device sends one second after another: there are few times that both have, most often none.
    return first > last or _points(one, first, last).isdisjoint(_points(other, first, last))


def _points(batch: Batch, first: int, last: int) -> set[tuple[bytes, int]]:
    columns = zip(batch.series, batch.times, strict=True)
    return {(series.key, time) for series, time in columns if first <= time <= last}
