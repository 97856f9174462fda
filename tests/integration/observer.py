"""A device and a dashboard of the tests' own, and what a window should be; from PROTOCOL.md, not from the code."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection

Row = list[Any]


class Sent(NamedTuple):
    """A point that a device sent; `time` in nanoseconds."""

    tags: Mapping[str, str]
    fields: Mapping[str, float]
    time: int

    def line(self, measurement: str) -> str:
        """As line protocol."""
        tags = "".join(f",{name}={value}" for name, value in sorted(self.tags.items()))
        fields = ",".join(f"{name}={value!r}" for name, value in self.fields.items())
        return f"{measurement}{tags} {fields} {self.time}"


async def send_frame(socket: ClientConnection, lines: Iterable[str]) -> None:
    """One frame of lines; not waiting for its outcome."""
    await socket.send("\n".join(lines))


async def acknowledged(socket: ClientConnection, frame: int) -> None:
    """Return when every frame up to this one is acknowledged; anything but an ack is a failure."""
    while True:
        message = json.loads(await socket.recv())
        assert message["type"] in {"ready", "ack"}, message
        if message["type"] == "ack" and message["frame"] >= frame:
            return


@dataclass
class Subscription:
    """What a dashboard knows of one plan: for each stop the window of the highest revision."""

    plan: str = ""
    seam: int | None = None
    final_until: int = 0
    windows: dict[int, dict[str, Any]] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)

    def take(self, message: dict[str, Any]) -> None:
        """Apply a message of this plan as PROTOCOL.md says."""
        match message["type"]:
            case "subscribed":
                self.plan = message["plan"]
                self.columns = [column["name"] for column in message["columns"]]
            case "history":
                for window in message["windows"]:
                    self._put(window)
            case "live":
                self.seam = message["from"]
            case "window":
                self._put(message)
            case "progress":
                assert message["final_until"] > self.final_until, "progress goes forward"
                self.final_until = message["final_until"]

    def _put(self, window: dict[str, Any]) -> None:
        known = self.windows.get(window["stop"])
        if known is None or window["revision"] >= known["revision"]:
            self.windows[window["stop"]] = window


def mean(values: list[float]) -> float:
    """The arithmetic mean."""
    return math.fsum(values) / len(values)


def percentile(values: list[float], percent: float) -> float | None:
    """The value at rank floor(n·percent/100 + 0.5), counted from 1; None at rank 0."""
    rank = math.floor(len(values) * percent / 100 + 0.5)
    return sorted(values)[rank - 1] if rank else None


def expected_rows(points: Iterable[Sent], start: int, stop: int, *, group_by: str, field_name: str) -> list[Row]:
    """Rows of `count mean min max first last p95 sum` of a field in `[start, stop)` milliseconds, by one tag."""
    groups: dict[str, list[tuple[int, float]]] = {}
    for point in points:
        if start * 1_000_000 <= point.time < stop * 1_000_000 and field_name in point.fields:
            groups.setdefault(point.tags[group_by], []).append((point.time, point.fields[field_name]))
    return [list(_row(group, sorted(own))) for group, own in sorted(groups.items())]


def _row(group: str, own: list[tuple[int, float]]) -> Iterator[Any]:
    values = [value for _, value in own]
    yield from (group, len(values), mean(values), min(values), max(values))
    yield from (values[0], values[-1], percentile(values, 95), math.fsum(values))


def same(row: Row, wanted: Row) -> bool:
    """Whether a row is the one wanted: sums and means to 1e-9, everything else to the bit."""
    return len(row) == len(wanted) and all(
        math.isclose(is_, should, rel_tol=1e-9) if i in {2, 8} else is_ == should
        for i, (is_, should) in enumerate(zip(row, wanted, strict=True))
    )
