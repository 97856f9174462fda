"""Which event times are accepted: a device whose clock is wrong is told so, instead of filling the far future. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from streams.points import NANOSECONDS, Batch, Reject


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Points may be this much older or newer than the hub's clock, in milliseconds; None is no bound."""

    from_ms: int | None = 7 * 86_400_000
    until_ms: int | None = 300_000

    def rejects(self, batch: Batch, now: int) -> dict[int, Reject]:
        """The points outside, by their index; `now` in nanoseconds."""
        if not len(batch):
            return {}
        earliest = batch.first_time if self.from_ms is None else now - self.from_ms * NANOSECONDS
        latest = batch.last_time if self.until_ms is None else now + self.until_ms * NANOSECONDS
        if batch.first_time >= earliest and batch.last_time <= latest:
            return {}
        return {
            index: Reject(batch.numbers[index], *_reason(time, now, time < earliest))
            for index, time in enumerate(batch.times)
            if not earliest <= time <= latest
        }


def _reason(time: int, now: int, early: bool) -> tuple[str, str]:
    code, word, setting = ("too_old", "older", "accept_from") if early else ("too_new", "newer", "accept_until")
    hint = "; replay old points with backfill=true" if early else "; check the device's clock and the precision"
    return code, f"time {_text(time)} is {word} than {setting} allows at the hub's time {_text(now)}{hint}"


def _text(time: int) -> str:
    try:
        return f"{_second(time // 1_000_000_000)}.{time % 1_000_000_000:09d}Z"
    except (OverflowError, ValueError):
        return f"{time} ns"


@lru_cache(maxsize=1_000)  # a device whose clock is wrong sends many points of nearly the same time
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")
