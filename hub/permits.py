"""What a token allows of the points in a frame: which measurements, and with which tags."""

from functools import lru_cache

from hub.auth import Grants
from streams.ingest.checks import held_against
from streams.ingest.stamps import Stamps
from streams.points import Batch, Reject, Scan

MOST_REMEMBERED = 10_000
"""Measurements of which it is remembered whether they may be written."""


class Permit:
    """One set of grants at work. What it has found out once it remembers."""

    def __init__(self, grants: Grants) -> None:
        self._grants = grants
        self._free = "*" in grants.write
        self._stamps = Stamps(grants.tags)
        self._known: dict[str, bool] = {}

    def admit(self, scan: Scan, now: int) -> Scan:
        """What is left of a scan, with the token's tags on each point."""
        if not self._free:
            scan = held_against([self._forbidden], scan, now)
        return self._stamps.put_on(scan)

    def _forbidden(self, batch: Batch, _now: int) -> dict[int, Reject]:
        refused = {name for name in {series.measurement for series in batch.different_series} if not self._allows(name)}
        if not refused:
            return {}
        return {
            index: Reject(
                batch.numbers[index],
                "forbidden",
                f"the token may not write {series.measurement[:80]!r}; it may write {_list(self._grants.write)}",
            )
            for index, series in enumerate(batch.series)
            if series.measurement in refused
        }

    def _allows(self, measurement: str) -> bool:
        allowed = self._known.get(measurement)
        if allowed is None:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            allowed = self._known[measurement] = self._grants.may_write(measurement)
        return allowed


@lru_cache(maxsize=1_024)
def permit_of(grants: Grants) -> Permit:
    """The one permit of these grants: devices with equal tokens share what it remembers."""
    return Permit(grants)


def _list(patterns: tuple[str, ...]) -> str:
    return ", ".join(patterns) or "nothing"
