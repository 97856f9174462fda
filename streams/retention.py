"""Retention: how long a bucket keeps its points. Pure but for the `Bucket` that is asked and told.

It belongs to a bucket and not to a stream, as in InfluxDB: in the file, `[retention]` has a line for each,
`sensors = "30d"`. The embedded store is one bucket, called `duckdb`; of InfluxDB 1.x a bucket is a database, or
`DATABASE/POLICY`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from streams.durations import format_duration, parse_duration
from streams.errors import QueryInvalid

FOREVER = "forever"
LEAST_MS = 3_600_000
"""InfluxDB refuses less; and late points correct the windows of the last hour."""
SECOND_MS = 1_000


class Bucket(Protocol):
    """A place that keeps points for so long. Both may raise StoreUnavailable and StoreMisconfigured."""

    async def retention(self) -> int | None:
        """Milliseconds; None where it keeps them for ever."""

    async def set_retention(self, retention_ms: int | None) -> None:
        """Keep points for so long from now on."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done about one bucket; milliseconds, None for ever."""

    bucket: str
    now_ms: int | None
    wanted_ms: int | None

    @property
    def needed(self) -> bool:
        """Whether anything is to be done."""
        return self.now_ms != self.wanted_ms

    @property
    def shortens(self) -> bool:
        """Whether it deletes points."""
        return self.wanted_ms is not None and (self.now_ms is None or self.wanted_ms < self.now_ms)


async def changes(wanted: Mapping[str, int | None], buckets: Mapping[str, Bucket]) -> list[Change]:
    """What the buckets are to be told, in the order of the file."""
    return [Change(name, await buckets[name].retention(), retention) for name, retention in wanted.items()]


def parse_retention(text: object) -> int | None:
    """Milliseconds, None for `forever`; QueryInvalid says what was expected."""
    if text == FOREVER:
        return None
    if not isinstance(text, str):
        raise QueryInvalid(f"expected a duration such as '30d', or 'forever', not {text!r}")
    try:
        retention = parse_duration(text)
    except ValueError as error:
        raise QueryInvalid(str(error)) from None
    if retention < LEAST_MS or retention % SECOND_MS:
        raise QueryInvalid(f"{text!r} is no whole number of seconds from 1h on, the least possible")
    return retention


def format_retention(retention_ms: int | None) -> str:
    """As the file spells it."""
    return FOREVER if retention_ms is None else format_duration(retention_ms)
