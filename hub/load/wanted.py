"""What a load is made of: how many of whom, how fast. Pure."""

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.client import Point
from streams.durations import format_duration

MOST_FRAMES_PER_S = 1_000
"""Of one device: its points are told apart by their milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Devices, dashboards and their numbers. ValueError names what cannot be.

    `slow` and `stalled` are shares of the dashboards, from 0 to 1.
    """

    url: str
    token: str | None = None
    measurement: str = "load"
    devices: int = 10
    rate: float = 1.0
    """Frames a second of each device."""
    points: int = 10
    """Points of a frame."""
    dashboards: int = 10
    plans: int = 1
    """Different queries; devices and dashboards are spread over them."""
    every_ms: int = 1_000
    grace_ms: int = 1_000
    slow: float = 0.0
    stalled: float = 0.0
    slow_bytes_per_s: int = 1_000
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    """The tag by which the points of this run are told from all others."""

    def __post_init__(self) -> None:
        if self.devices + self.dashboards == 0:
            raise ValueError("there is nothing to do without --devices and without --dashboards")
        if self.slow + self.stalled > 1:
            raise ValueError(f"--slow {self.slow:g} and --stalled {self.stalled:g} are more than all dashboards")
        if not 0 < self.rate <= MOST_FRAMES_PER_S:
            raise ValueError(f"--rate {self.rate:g}: a device sends up to {MOST_FRAMES_PER_S} frames a second")
        if self.every_ms < 1:
            raise ValueError("--every: a window is longer than that; write for instance 1s")
        self._head(0)
        if self.plans > max(1, self.dashboards):
            raise ValueError(f"--plans {self.plans} cannot be watched by {self.dashboards} dashboards")

    @property
    def stalled_dashboards(self) -> int:
        """Dashboards that read nothing."""
        return round(self.dashboards * self.stalled)

    @property
    def slow_dashboards(self) -> int:
        """Dashboards that read little."""
        return min(round(self.dashboards * self.slow), self.dashboards - self.stalled_dashboards)

    @property
    def healthy_dashboards(self) -> int:
        """Dashboards that read everything at once."""
        return self.dashboards - self.stalled_dashboards - self.slow_dashboards

    @property
    def points_per_s(self) -> float:
        """Points that all devices write in a second."""
        return self.devices * self.rate * self.points

    def query(self, plan: int) -> Mapping[str, Any]:
        """The query of one plan, as the protocol has it."""
        return {
            "measurement": self.measurement,
            "select": {"value": ["count", "mean", "max"]},
            "where": {"run": self.run, "group": f"g{plan}"},
            "every": format_duration(self.every_ms),
            "grace": format_duration(self.grace_ms),
        }

    def plan_of(self, number: int) -> int:
        """The plan of a device or a dashboard."""
        return number % self.plans

    def frame(self, device: int, time_ms: int) -> bytes:
        """What a device writes at this time: points of one millisecond, each of its own nanosecond."""
        head = self._head(device)
        value = 20 + 5 * math.sin(time_ms / 10_000 + device)
        lines = (b"%b value=%.3f %d" % (head, value + n % 10 / 10, time_ms * 1_000_000 + n) for n in range(self.points))
        return b"\n".join(lines)

    def _head(self, device: int) -> bytes:
        """Measurement and tags of a device's lines."""
        tags = {"dev": f"d{device}", "group": f"g{self.plan_of(device)}", "run": self.run}
        return Point(self.measurement, {"value": 0.0}, tags, time=0).line().removesuffix(b" value=0.0 0")

    def stop_of(self, time_ms: int) -> int:
        """The stop of the window that has the points of this time."""
        return time_ms // self.every_ms * self.every_ms + self.every_ms
