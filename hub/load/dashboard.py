"""A dashboard of the load that reads everything at once: what it was told, and how late."""

import time

from hub.client import Live, Setback, Window
from hub.load.phases import Phases
from hub.load.tally import Series, Tally
from hub.load.wanted import Wanted


class Dashboard:
    """One subscription. If it `keeps_books`, its windows are held against what was acknowledged."""

    def __init__(self, wanted: Wanted, number: int, tally: Tally, *, keeps_books: bool) -> None:
        self.plan = wanted.plan_of(number)
        self.keeps_books = keeps_books
        self._every_ms = wanted.every_ms
        self._tally = tally
        self._live = Live(wanted.url, query=wanted.query(self.plan), token=wanted.token, on_setback=self._on_setback)
        self._series: Series | None = None

    @property
    def final_until(self) -> int:
        """Every window that stopped by then is final, milliseconds."""
        return self._live.final_until or 0

    @property
    def after(self) -> int:
        """Every window that stops later comes, milliseconds."""
        return self._series.after if self._series else 0

    @property
    def skipped(self) -> int:
        """Windows that came later than the rest, because this process was too slow."""
        return self._live.skipped

    @property
    def received(self) -> int:
        """Different windows."""
        return self._series.received if self._series else 0

    def lost(self, until: int) -> int:
        """Windows that stopped by then and never came."""
        return self._series.lost(until) if self._series else 0

    async def run(self, phases: Phases) -> None:
        """Until cancelled. HubRefused."""
        await phases.may_open()
        async with self._live as windows:
            await windows.granted()
            self._series = Series(self._every_ms, self.final_until)
            phases.opened()
            async for window in windows:
                self._take(window, self._series, time.time() * 1_000)

    def _take(self, window: Window, series: Series, now: float) -> None:
        tally = self._tally
        tally.windows += 1
        is_new = series.take(window.stop)
        if self.keeps_books:
            tally.ledger.tell(self.plan, window.stop, int(window.rows[0][0] or 0) if window.rows else 0)
        if tally.measuring and window.sent is not None:
            tally.sendings.add(now - window.sent)
            if is_new:
                tally.stops.add(now - window.stop)

    def _on_setback(self, setback: Setback, _: float) -> None:
        self._tally.setbacks[setback.message] += 1
