"""What the hub counts, as Prometheus reads it; the workers of one Gunicorn are added up."""

import asyncio
import os
import time
from collections import Counter as Counted
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from hub.messages import Ack, Reject, Retry, WriteMessage
from streams.clock import Clock
from streams.engine import Engine, Listener, Plan, WindowUpdate
from streams.ingest.dead_letters import DeadLetters
from streams.ingest.outcome import Committed
from streams.ingest.spool import Spool
from streams.queries import Query

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable by which the library knows that several processes count."""

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
MOST_MEASUREMENTS = 200
OTHERS = "(others)"
"""What all measurements but the first so many are called, and codes of points that a long `reject` does not list."""
_POINTS = (1, 10, 100, 1_000, 2_000, 5_000, 10_000, 20_000)


def add_up(folder: Path) -> None:
    """Have the processes started from now on keep their counts where each of them can add up all; empties it first."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.db"):
        old.unlink()
    os.environ[SHARED] = str(folder)
    # The library chooses when it is imported, which was before this process could know.
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]


def forget(process: int) -> None:
    """A process has ended: nothing is open there any more. What it counted still counts."""
    if SHARED in os.environ:
        mark_process_dead(process)  # type: ignore[no-untyped-call]


class Metrics:
    """One worker's counters, each named `hub_…`. `on_commit` and `on_window` hear of what is counted, for traces."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()

        def counter(name: str, meaning: str, labels: Sequence[str] = ()) -> Counter:
            return Counter(f"hub_{name}", meaning, labels, registry=registry)

        def gauge(name: str, meaning: str, labels: Sequence[str] = ()) -> Gauge:
            return Gauge(f"hub_{name}", meaning, labels, registry=registry, multiprocess_mode="livesum")

        def histogram(name: str, meaning: str, buckets: Sequence[float]) -> Histogram:
            return Histogram(f"hub_{name}", meaning, registry=registry, buckets=buckets)

        self.connections = gauge("connections", "Open sockets", ["endpoint"])
        self.frames = counter("frames", "Frames received from devices")
        self.acks = counter("acks", "Acknowledgements sent; one may cover many frames", ["stored"])
        self.rejects = counter(
            "rejected_points", "Points that were refused for good, by code where the device was told it", ["code"]
        )
        self.retries = counter("retries", "Frames that the device was asked to send again")
        self.points = counter("committed_points", "Points in commits that have ended")
        self.commit_points = histogram("commit_points", "Points of a commit", _POINTS)
        self.commit_seconds = histogram("commit_seconds", "Duration of a commit", _SECONDS)
        self.subscriptions = gauge("subscriptions", "Open subscriptions")
        self.plans = gauge("plans", "Distinct queries that are being answered", ["measurement"])
        self.subscribers = gauge("subscribers", "Subscriptions that these plans serve", ["measurement"])
        self.windows = counter("windows", "Windows answered, each sent to every subscriber of its plan")
        self.skipped = counter("skipped_windows", "Windows that clients which read too slowly were not given")
        self.window_delay = histogram(
            "window_delay_seconds", "From a window's stop to its first sending, where its plan had begun", _SECONDS
        )
        self.tail_reads = counter("tail_reads", "Readings of the database for the tail", ["measurement"])
        self.tail_slices = counter("tail_slices", "Slices that these readings brought", ["measurement"])
        self.tail_points = counter("tail_points", "Points that these readings brought", ["measurement"])
        self.tail_seconds = counter("tail_seconds", "What these readings took, loading included", ["measurement"])
        self.audits = counter("audits", "Windows that were computed again straight from the store", ["result"])
        self.troubles = counter("troubles", "Times that subscribers of a plan were told that its windows are late")
        self._refusals = counter(
            "refusals", "Errors that clients were told: of connections, requests and subscriptions", ["code"]
        )
        self.loop_stall = histogram(
            "loop_stall_seconds",
            "How late the event loop was at a timer due every 10 ms: so long it served nobody",
            _SECONDS,
        )
        self.closes = counter("closes", "Sockets that the hub closed", ["code"])
        self.drained_points = counter("drained_points", "Points that have gone from the spool into the store")
        self._dead_letters = counter("dead_letters", "Points written to the dead letters", ["code"])
        self.on_commit: Callable[[Committed], None] = lambda _commit: None
        self.on_window: Callable[[Query, WindowUpdate], None] = lambda _query, _update: None
        self.served = 0
        """Commits and windows, of this worker alone."""
        self._host = CollectorRegistry()
        self._host.register(_Worker())
        self._measurements: set[str] = set()

    def exposition(self) -> bytes:
        """All values as Prometheus text; of all workers where they share a folder for it."""
        registry = self._registry
        if SHARED in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry) + generate_latest(self._host)

    def watch_disk(self, dead_letters: DeadLetters, spool: Spool | None) -> None:
        """Count what is written to the dead letters, and tell how much lies on this host's disk."""
        dead_letters.on_written = lambda code, points: self._dead_letters.labels(code).inc(points)
        self._host.register(_Disk(dead_letters, spool))

    def committed(self, commit: Committed) -> None:
        """A commit has ended, well or not."""
        self.served += 1
        self.points.inc(commit.points)
        self.commit_points.observe(commit.points)
        self.commit_seconds.observe(commit.seconds)
        self.on_commit(commit)

    def told(self, message: WriteMessage) -> None:
        """A device is told this."""
        match message:
            case Ack(stored=stored):
                self.acks.labels(stored).inc()
            case Retry():
                self.retries.inc()
            case Reject(rejected=rejected, more=more):
                for code, points in Counted(point.code for point in rejected).items():
                    self.rejects.labels(code).inc(points)
                if more:
                    self.rejects.labels(OTHERS).inc(more)

    def refused(self, code: str) -> None:
        """Somebody is told this code of `hub.codes`."""
        self._refusals.labels(code).inc()

    def read(self, measurement: str, slices: int, points: int, milliseconds: float) -> None:
        """The tail has read slices of a measurement."""
        name = self.label(measurement)
        self.tail_reads.labels(name).inc()
        self.tail_slices.labels(name).inc(slices)
        self.tail_points.labels(name).inc(points)
        self.tail_seconds.labels(name).inc(milliseconds / 1_000)

    def audited(self, right: bool) -> None:
        """A window was computed again, and is as it was sent or not."""
        self.audits.labels("same" if right else "different").inc()

    def subscribed(self, plan: Plan, change: int) -> None:
        """So many subscriptions more share a plan, or less."""
        self.subscribers.labels(self.label(plan.query.measurement)).inc(change)

    def label(self, measurement: str) -> str:
        """What a measurement is called here: clients may name any, and each label stays for good."""
        if len(self._measurements) < MOST_MEASUREMENTS:
            self._measurements.add(measurement)
        return measurement if measurement in self._measurements else OTHERS


class _Worker(Collector):
    """What only the worker that is asked knows of itself."""

    def collect(self) -> Iterable[Metric]:
        """The families of metrics, as the library asks for them."""
        try:
            tasks = len(asyncio.all_tasks())
        except RuntimeError:  # there is no loop, so nothing runs
            tasks = 0
        yield GaugeMetricFamily("hub_tasks", "Tasks of the worker that answers", value=tasks)


class _Disk(Collector):
    """What all workers of a host have in common is not added up: it is looked at when it is asked for."""

    def __init__(self, dead_letters: DeadLetters, spool: Spool | None) -> None:
        self._dead_letters = dead_letters
        self._spool = spool

    def collect(self) -> Iterable[Metric]:
        """The families of metrics, as the library asks for them."""

        def gauge(name: str, meaning: str, value: float) -> Metric:
            return GaugeMetricFamily(f"hub_{name}", meaning, value=value)

        meaning = "Size of the dead letters that had been acknowledged, which are never evicted"
        yield gauge("dead_letter_bytes", meaning, self._dead_letters.refused_bytes())
        if self._spool:
            waiting = self._spool.statistics()
            age = time.time() - waiting.oldest / 1_000 if waiting.oldest is not None else 0
            yield gauge("spool_entries", "Batches that wait in the spool", waiting.entries)
            yield gauge("spool_bytes", "Size of what waits in the spool", waiting.bytes)
            yield gauge("spool_limit_bytes", "Most that may wait in the spool", self._spool.most_bytes)
            yield gauge("spool_oldest_seconds", "How long the oldest batch has waited in the spool", max(0, age))
            yield gauge("spool_damaged", "Damaged stretches of the spool that this worker has found", waiting.damaged)


class _PlanMetrics:
    """The listener that counts one plan's windows; it began `since` then, milliseconds."""

    def __init__(self, metrics: Metrics, since: int) -> None:
        self._metrics = metrics
        self._since = since

    def window(self, plan: Plan, update: WindowUpdate) -> None:
        """A window is sent; how long after its stop counts the first time, unless the plan began later still."""
        self._metrics.on_window(plan.query, update)
        self._metrics.served += 1
        self._metrics.windows.inc()
        if update.revision == 0 and update.stop > self._since:
            self._metrics.window_delay.observe((update.sent - update.stop) / 1_000)

    def progress(self, *_: object) -> None:
        """Not counted."""

    def trouble(self, *_: object) -> None:
        """A plan's windows are late."""
        self._metrics.troubles.inc()


class ObservedEngine:
    """An engine whose plans are watched by the metrics too, as long as anybody watches them."""

    def __init__(self, engine: Engine, metrics: Metrics, clock: Clock) -> None:
        self._engine = engine
        self._metrics = metrics
        self._clock = clock
        self._watching: dict[str, _PlanMetrics] = {}

    def join(self, query: Query, listener: Listener) -> Plan:
        """As `Engine.join`."""
        plan = self._engine.join(query, listener)
        watching = self._watching[plan.key] = _PlanMetrics(self._metrics, self._clock.now())
        self._engine.join(query, watching)
        self._metrics.plans.labels(self._metrics.label(query.measurement)).inc()
        return plan

    def leave(self, plan: Plan, listener: Listener) -> None:
        """As `Engine.leave`."""
        self._engine.leave(plan, listener)
        self._engine.leave(plan, self._watching.pop(plan.key))
        self._metrics.plans.labels(self._metrics.label(plan.query.measurement)).dec()
