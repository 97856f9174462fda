"""What came of a run, for people and for programs. Pure."""

from collections.abc import Mapping, Sequence
from typing import Self

import msgspec

from hub.load.dashboard import Dashboard
from hub.load.delays import Delays
from hub.load.tally import Tally
from hub.load.wanted import Wanted
from streams.durations import format_duration

BUSY_MS = 20.0
"""Timers of our own that are this late at p99 say more of this process than of the hub."""


class Quantiles(msgspec.Struct):
    """Of delays, in milliseconds; None where there were none."""

    p50: float | None
    p99: float | None
    max: float | None
    count: int

    @classmethod
    def of(cls, delays: Delays) -> Self:
        """The quantiles of these delays."""
        largest = delays.largest if delays.count else None
        return cls(_rounded(delays.quantile(0.5)), _rounded(delays.quantile(0.99)), _rounded(largest), delays.count)


class Sockets(msgspec.Struct):
    """How many were wanted and opened, how long that took, and how often they broke later."""

    wanted: int
    opened: int
    open_seconds: float
    cut_off: int
    """Times that a slow or stalled dashboard was cut off."""
    setbacks: Mapping[str, int]


class Points(msgspec.Struct):
    """Points by what became of them. `lost` were acknowledged, and final windows do not have them."""

    written: int
    acknowledged: int
    rejected: Mapping[str, int]
    unacknowledged: int
    checked: int
    lost: int


class Windows(msgspec.Struct):
    """Windows of the dashboards that read at once, of all of them; `lost` never came; `slow` is what the others had."""

    received: int
    different: int
    skipped: int
    lost: int
    slow: int
    slow_skipped: int


class Report(msgspec.Struct):
    """All of it."""

    url: str
    seconds: float
    devices: int
    dashboards: int
    slow: int
    stalled: int
    plans: int
    every_ms: int
    points_per_second: float
    sockets: Sockets
    points: Points
    windows: Windows
    ack_ms: Quantiles
    stop_to_receipt_ms: Quantiles
    sent_to_receipt_ms: Quantiles
    own_lag_ms: Quantiles
    """How late this process's own timers were."""
    warnings: Sequence[str]

    @classmethod
    def of(
        cls, wanted: Wanted, tally: Tally, dashboards: Sequence[Dashboard], until: int, *, sockets: int,
        open_seconds: float, seconds: float,
    ) -> Self:  # fmt: skip
        """The report of a run whose windows should have come `until` then, milliseconds."""
        final: dict[int, int] = {}
        for dashboard in dashboards:
            final[dashboard.plan] = max(final.get(dashboard.plan, 0), min(until, dashboard.final_until))
        checked, found = tally.ledger.compare(
            {one.plan: (one.after, min(until, one.final_until)) for one in dashboards if one.keeps_books}
        )
        return cls(
            url=wanted.url,
            seconds=round(seconds, 2),
            devices=wanted.devices,
            dashboards=wanted.dashboards,
            slow=wanted.slow_dashboards,
            stalled=wanted.stalled_dashboards,
            plans=wanted.plans,
            every_ms=wanted.every_ms,
            points_per_second=wanted.points_per_s,
            sockets=Sockets(
                wanted.devices + wanted.dashboards, sockets, round(open_seconds, 2), tally.cut_off, tally.setbacks
            ),
            points=Points(
                tally.written, tally.acknowledged, tally.rejected, tally.unacknowledged, checked, checked - found
            ),
            windows=Windows(
                received=tally.windows,
                different=sum(dashboard.received for dashboard in dashboards),
                skipped=sum(dashboard.skipped for dashboard in dashboards),
                lost=sum(dashboard.lost(final[dashboard.plan]) for dashboard in dashboards),
                slow=tally.slow_windows,
                slow_skipped=tally.slow_skipped,
            ),
            ack_ms=Quantiles.of(tally.acks),
            stop_to_receipt_ms=Quantiles.of(tally.stops),
            sent_to_receipt_ms=Quantiles.of(tally.sendings),
            own_lag_ms=Quantiles.of(tally.lags),
            warnings=_warnings(tally),
        )

    @property
    def exit_code(self) -> int:
        """0 nothing lost, 1 something lost or without an outcome, 3 nothing lost, and some points rejected."""
        if self.points.lost or self.points.unacknowledged or self.windows.lost:
            return 1
        if self.sockets.opened < self.sockets.wanted:
            return 1
        return 3 if self.points.rejected else 0

    def json(self) -> str:
        """One line."""
        return msgspec.json.encode(self).decode()

    def lines(self) -> list[str]:
        """For people."""
        points, windows, sockets = self.points, self.windows, self.sockets
        every = format_duration(self.every_ms)
        queries = "1 query" if self.plans == 1 else f"{self.plans} queries"
        lines = [
            f"{self.devices:,} devices with {self.points_per_second:,.0f} points/s, {self.dashboards:,} dashboards"
            f" ({self.slow:,} slow, {self.stalled:,} stalled) of {queries} every {every}, for {self.seconds:.1f} s",
            "",
            f"sockets  {sockets.opened:,} of {sockets.wanted:,} opened in {sockets.open_seconds:.1f} s;"
            f" {sockets.cut_off:,} times a slow or stalled one was cut off",
            f"points   {points.written:,} written, {points.acknowledged:,} acknowledged,"
            f" {sum(points.rejected.values()):,} rejected, {points.unacknowledged:,} without an outcome",
            f"windows  {windows.different:,} received, {windows.received - windows.different:,} corrections,"
            f" {windows.skipped:,} late because skipped, {windows.lost:,} lost",
            f"checked  {points.checked - points.lost:,} of {points.checked:,} acknowledged points are in final windows,"
            f" {points.lost:,} lost",
        ]
        if self.slow or self.stalled:
            lines.append(f"slow     {windows.slow:,} windows received, {windows.slow_skipped:,} skipped")
        lines += ["", f"{'delay in ms':17}{'p50':>10}{'p99':>10}{'max':>10}"]
        named = {"due to ack": self.ack_ms, "stop to receipt": self.stop_to_receipt_ms,
                 "sent to receipt": self.sent_to_receipt_ms}  # fmt: skip
        lines += [_row(name, quantiles) for name, quantiles in named.items()]
        lines += [f"{count:,} times {reason}" for reason, count in sockets.setbacks.items()]
        return [*lines, *self.warnings]


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 2)


def _row(name: str, quantiles: Quantiles) -> str:
    cells = (quantiles.p50, quantiles.p99, quantiles.max)
    return f"{name:17}" + "".join(f"{'—' if cell is None else f'{cell:,.1f}':>10}" for cell in cells)


def _warnings(tally: Tally) -> list[str]:
    warnings = [f"rejected with {code}, the first because {tally.reasons[code]}" for code in tally.rejected]
    lag = tally.lags.quantile(0.99)
    if lag is not None and lag > BUSY_MS:
        warnings.append(
            f"warning: this machine was too busy to measure well: its own timers were {lag:.0f} ms late at p99"
        )
    if tally.sendings.count and tally.sendings.least < -1:
        warnings.append(
            f"warning: the hub's clock is {-tally.sendings.least:.0f} ms or more ahead of this machine's:"
            " delays of windows are wrong by that"
        )
    return warnings
