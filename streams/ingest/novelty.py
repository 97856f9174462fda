"""How many new series a device may bring: one that puts a counter into a tag would fill any database. Pure."""

from collections.abc import Iterable

from streams.formats.series import shown
from streams.points import Batch, Reject, Series

HOUR = 3_600 * 10**9
"""In nanoseconds."""
MOST_REMEMBERED = 250_000
"""Series of all devices together; beyond it the device that was silent longest is forgotten, and starts anew."""


class _Device:
    """The series, by hash, that a device has sent in the hour and had sent in the one before."""

    def __init__(self, hour: int) -> None:
        self.hour = hour
        self.before: set[int] = set()
        self.series: set[int] = set()
        self.new = 0

    def turn(self, hour: int) -> None:
        """It is this hour now; what was sent neither in it nor in the last is new again."""
        if hour != self.hour:
            self.before = self.series if hour == self.hour + 1 else set()
            self.series, self.hour, self.new = set(), hour, 0

    def __len__(self) -> int:
        return len(self.before) + len(self.series)


class Novelty:
    """At most so many series for each device and hour that it sent neither in this hour nor in the last."""

    def __init__(self, most_new: int) -> None:
        self._most_new = most_new
        self._devices: dict[str, _Device] = {}  # the one that was silent longest first
        self._remembered = 0

    def rejects(self, device: str, batch: Batch, now: int) -> dict[int, Reject]:
        """The points of series that are too many, by their index; `now` in nanoseconds."""
        known = self._devices.pop(device, None) or _Device(now // HOUR)
        self._remembered -= len(known)
        known.turn(now // HOUR)
        excess = self._look(known, batch.different_series)
        self._devices[device] = known
        self._remembered += len(known)
        self._forget()
        if not excess:
            return {}
        return {
            index: Reject(batch.numbers[index], "too_many_series", self._reason(series))
            for index, series in enumerate(batch.series)
            if id(series) in excess
        }

    def _look(self, known: _Device, sent: Iterable[Series]) -> set[int]:
        """Remember the series; those that are too many are not, so that they are none when the hour is over."""
        excess = set()
        for series in sent:
            name = hash(series.key)
            if name in known.series:
                continue
            if name not in known.before:
                if known.new >= self._most_new:
                    excess.add(id(series))
                    continue
                known.new += 1
            known.series.add(name)
        return excess

    def _forget(self) -> None:
        while self._remembered > MOST_REMEMBERED:
            device = next(iter(self._devices))
            self._remembered -= len(self._devices.pop(device))

    def _reason(self, series: Series) -> str:
        return (
            f"the series {shown(series.key)} is new, and a device may bring {self._most_new} new ones "
            "in an hour (max_new_series); put what changes all the time into fields"
        )
