"""What devices have been promised, and what an InfluxDB holds in the end: the two are compared point by point."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from tests.servers.influxdb import InfluxDB

MEASUREMENT = "faults"
OVERWRITTEN = 5
"""Points of each device that are written again and again: the newest value has to win."""
STEP_NS = 1_000_000


class Place(NamedTuple):
    """Where a point is: its series, by the tags `device` and `kind`, and its time in nanoseconds."""

    device: str
    kind: str
    time: int


class Promise:
    """What one device has written. Of every point it wrote, it knows the place and the newest value."""

    def __init__(self, device: str, start: int) -> None:
        self.device = device
        self.points = 0
        """Points, each with its own time, and its number for its value."""
        self._start = start
        self._newest: dict[int, int] = {}

    def lines(self, count: int) -> Iterator[bytes]:
        """So many points that were never written before, and a new value for one that was."""
        for number in range(self.points, self.points + count):
            yield _line(Place(self.device, "once", self._start + number * STEP_NS), number)
        self.points += count
        again = self._start + (self.points // count % OVERWRITTEN) * STEP_NS
        self._newest[again] = self.points
        yield _line(Place(self.device, "again", again), self.points)

    def places(self) -> dict[Place, int]:
        """Every point with the value that has to be stored."""
        once = {Place(self.device, "once", self._start + i * STEP_NS): i for i in range(self.points)}
        return once | {Place(self.device, "again", time): value for time, value in self._newest.items()}


@dataclass
class Differences:
    """What is not as it was promised; all empty when nothing was lost and nothing stored twice."""

    lost: list[Place]
    foreign: list[Place]
    """Points that nobody wrote there: a double of one, or another device's."""
    altered: list[tuple[Place, int, int]]
    """Points with the value promised and the one that is stored."""

    def __str__(self) -> str:
        parts: dict[str, Sequence[object]] = {"lost": self.lost, "foreign": self.foreign, "altered": self.altered}
        told = (f"{len(part)} {name}: {', '.join(map(str, part[:5]))}" for name, part in parts.items() if part)
        return "; ".join(told) or "no differences"

    def add(self, more: "Differences") -> None:
        """Take over what was found elsewhere."""
        self.lost += more.lost
        self.foreign += more.foreign
        self.altered += more.altered


def compare(promised: Mapping[Place, int], stored: Mapping[Place, int]) -> Differences:
    """Pure."""
    return Differences(
        sorted(promised.keys() - stored.keys()),
        sorted(stored.keys() - promised.keys()),
        sorted(
            (place, value, stored[place])
            for place, value in promised.items()
            if place in stored and stored[place] != value
        ),
    )


def check(server: InfluxDB, bucket: str, promises: Sequence[Promise]) -> Differences:
    """Compare everything that is in the bucket, series that nobody has written too, with what was promised."""
    differences = Differences([], [], [])
    known = {promise.device: promise for promise in promises}
    for device in sorted(known.keys() | _devices(server, bucket)):
        promise = known.get(device)
        differences.add(compare(promise.places() if promise else {}, _stored(server, bucket, device)))
    return differences


def write(server: InfluxDB, bucket: str, values: Mapping[Place, int]) -> None:
    """Write points past the hub."""
    server.write(bucket, b"\n".join(_line(place, value) for place, value in values.items()))


def delete(server: InfluxDB, bucket: str, place: Place) -> None:
    """Delete a point of an InfluxDB 2."""
    moment = _rfc3339(place.time)
    predicate = f'_measurement="{MEASUREMENT}" AND device="{place.device}" AND kind="{place.kind}"'
    body = json.dumps({"start": moment, "stop": moment, "predicate": predicate}).encode()
    server.request("POST", "/api/v2/delete", body, org=server.organization, bucket=bucket)


def _line(place: Place, value: int) -> bytes:
    return f"{MEASUREMENT},device={place.device},kind={place.kind} n={value}i {place.time}".encode()


def _devices(server: InfluxDB, bucket: str) -> set[str]:
    series = server.query(bucket, f'SHOW TAG VALUES FROM "{MEASUREMENT}" WITH KEY = "device"')
    return {value for one in series for _, value in one["values"]}


def _stored(server: InfluxDB, bucket: str, device: str) -> dict[Place, int]:
    """The points of a device by their places."""
    series = server.query(bucket, f"SELECT n FROM \"{MEASUREMENT}\" WHERE device = '{device}' GROUP BY kind")
    return {Place(device, one["tags"]["kind"], time): value for one in series for time, value in one["values"]}


def _rfc3339(time: int) -> str:
    return datetime.fromtimestamp(time // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{time % 10**9:09}Z"
