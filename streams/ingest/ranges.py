"""Which times a batch touches. Pure."""

from collections.abc import Sequence

from streams.points import Batch, Touched

APART = 60_000_000_000
"""Points further apart than this, in nanoseconds, are two ranges: what lies between is not touched."""


def touched_by(batch: Batch) -> list[Touched]:
    """The ranges of times of each measurement in a batch, as few as are not mostly empty."""
    measurements = {series.measurement for series in batch.different_series}
    if len(measurements) == 1:
        return _ranges(measurements.pop(), batch.times, batch.first_time, batch.last_time)
    times: dict[str, list[int]] = {measurement: [] for measurement in measurements}
    for series, time in zip(batch.series, batch.times, strict=True):
        times[series.measurement].append(time)
    return [touched for measurement, own in times.items() for touched in _ranges(measurement, own, min(own), max(own))]


def _ranges(measurement: str, times: Sequence[int], first: int, last: int) -> list[Touched]:
    if last - first <= APART:
        return [Touched(measurement, first, last)]
    ranges = []
    before = first
    for time in sorted(times):
        if time - before > APART:
            ranges.append(Touched(measurement, first, before))
            first = time
        before = time
    return [*ranges, Touched(measurement, first, last)]
