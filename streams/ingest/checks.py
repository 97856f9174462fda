"""What every door holds a device's points against before they are put on their way."""

from collections.abc import Callable, Sequence

from streams.points import Batch, Reject, Scan

Check = Callable[[Batch, int], dict[int, Reject]]
"""One rule: the points of a batch that break it, by their index; told the time in nanoseconds."""


def held_against(checks: Sequence[Check], scan: Scan, now: int) -> Scan:
    """What is left of a scan; each rule sees only what those before it let through."""
    batch, rejects = scan
    for check in checks:
        if found := check(batch, now):
            rejects = [*rejects, *found.values()]
            batch = batch.select([index for index in range(len(batch)) if index not in found])
    return Scan(batch, rejects)
