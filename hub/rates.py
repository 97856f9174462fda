"""How fast messages and requests may come. Pure: time, in seconds of a clock that only goes on, is an argument."""

from hub.settings import is_loopback

MOST_REMEMBERED = 10_000
"""Addresses whose pace is known; beyond it the one that was silent longest is forgotten, and starts anew."""


class Rate:
    """So many a second, and as many at once after a pause; 0 is no limit."""

    __slots__ = ("_left", "_per_second", "_seen")

    def __init__(self, per_second: int, now: float) -> None:
        self._per_second = per_second
        self._left = float(per_second)
        self._seen = now

    def allows(self, now: float) -> bool:
        """Whether one more may come now; it is counted."""
        if not self._per_second:
            return True
        self._left = min(float(self._per_second), self._left + (now - self._seen) * self._per_second)
        self._seen = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class RatesOfAddresses:
    """The same for each address; this machine's own are free unless `loopback` says otherwise."""

    def __init__(self, per_second: int, *, loopback: bool) -> None:
        self._per_second = per_second
        self._loopback = loopback
        self._rates: dict[str, Rate] = {}

    def allows(self, address: str, now: float) -> bool:
        """Whether one more may come from there now; it is counted."""
        if not self._per_second or (not self._loopback and is_loopback(address)):
            return True
        rate = self._rates.pop(address, None) or Rate(self._per_second, now)
        self._rates[address] = rate
        if len(self._rates) > MOST_REMEMBERED:
            del self._rates[next(iter(self._rates))]
        return rate.allows(now)
