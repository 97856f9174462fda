"""The parts of a running hub, made from the settings and put together; the routes take them from here."""

import asyncio
import hashlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from hub import systemd
from hub.auth import Principal
from hub.authority import Authority, Identity
from hub.connections import Connections, Most, Place
from hub.metrics import Metrics, ObservedEngine
from hub.rates import RatesOfAddresses
from hub.request_bodies import RequestBodies
from hub.schema import Schemas
from hub.settings import Settings, data_folder, duckdb_path
from hub.shared import Shared
from hub.stalls import Reader, watch_readers, watch_stalls
from hub.topics import Topics
from hub.turns import ScanTurns
from hub.upkeep import Upkeep
from streams.clock import SystemClock
from streams.definitions import load_definitions
from streams.engine import Engine
from streams.errors import StoreUnavailable, StreamsError
from streams.host import Host, LocalHost, SharedHost
from streams.ingest.acceptance import Acceptance
from streams.ingest.backfills import Backfills
from streams.ingest.checks import Check
from streams.ingest.commit import Ingest
from streams.ingest.dead_letters import DeadLetters
from streams.ingest.drain import Drain
from streams.ingest.limits import PointLimits
from streams.ingest.novelty import Novelty
from streams.ingest.spool import Spool
from streams.points import Kind
from streams.queries import Query
from streams.stores.base import Room, Store

log = logging.getLogger(__name__)

KINDS_SECONDS = 1.0
"""How long what the store said of a measurement's fields is good for the next subscriber."""
FEW_POINTS = 100_000
"""Windows of so many points the embedded store answers as fast from all of them as from parts."""
KINDS_PATIENCE_SECONDS = 2.0
"""How long a subscriber waits for the kinds of its columns; without them they are null, which is allowed."""


class Hub:
    """One worker's store, ingest, engine and topics, and what the sessions need of the settings.

    DefinitionInvalid and SettingInvalid where the configuration cannot be used. Made after the fork, in the worker.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.has_failed = False
        """Whether it stops because a part that it cannot do without has failed."""
        self.streams = load_streams(settings)
        self.host = make_host(settings)
        self.clock = SystemClock()
        self.authority = Authority(settings, self.clock)
        self.metrics = Metrics()
        self.readers: set[Reader] = set()
        self.store = make_store(settings, self.metrics.read)
        self.upkeep = Upkeep(settings, self.store, self.host, self.clock, rollup_folder(settings))
        self.dead_letters = make_dead_letters(settings)
        self.spool = make_spool(settings)
        self.metrics.watch_disk(self.dead_letters, self.spool)
        self.ingest = Ingest(self.store, self.host, self.spool, self.dead_letters)
        self.engine = Engine(
            self.store,
            self.clock,
            self.host,
            correct_for_ms=settings.correct_for,
            history_windows=settings.max_history,
            past=self.upkeep.past(),
        )
        self.acceptance = Acceptance(settings.accept_from, settings.accept_until)
        self.limits = PointLimits(
            settings.max_tags, settings.max_fields, settings.max_name_bytes, settings.max_value_bytes
        )
        self.novelty = Novelty(settings.max_new_series) if settings.max_new_series else None
        self.scan_turns = ScanTurns()
        self.backfills = Backfills(self.ingest, backfill_folder(settings), self.clock, settings.correct_for)
        self.kinds = Kinds(self.store)
        self.schemas = Schemas(self.store)
        self.live = Shared(
            self.streams,
            self.engine,
            Topics(ObservedEngine(self.engine, self.metrics, self.clock), self.metrics.subscribed, settings.max_groups),
            self.clock,
            self.kinds.of,
            max_frame_bytes=settings.max_frame_bytes,
            max_subscriptions=settings.max_subscriptions,
            max_groups=settings.max_groups,
            max_range_ms=settings.max_range,
            refused=self.metrics.refused,
        )
        self.request_bodies = RequestBodies(settings.max_body_bytes)
        self.request_rates = RatesOfAddresses(settings.max_request_rate, loopback=settings.limit_loopback)
        self.connections = Connections(
            Most(
                settings.max_connections,
                settings.max_connections_per_address,
                settings.max_connections_per_token,
                settings.limit_loopback,
            )
        )

    def checks(self, device: str, acceptance: Acceptance | None = None) -> list[Check]:
        """What a device's points are held against; `acceptance` where other times are accepted than usual."""
        checks: list[Check] = [self.limits.rejects, (acceptance or self.acceptance).rejects]
        if self.novelty:
            checks.append(partial(self.novelty.rejects, device))
        return checks

    @contextmanager
    def admitted(self, address: str) -> Iterator[Place]:
        """A connection from there, as long as the block runs. TooMany."""
        place = self.connections.enter(address)
        try:
            yield place
        finally:
            place.leave()

    @contextmanager
    def identified(self, principal: Principal, place: Place) -> Iterator[Identity]:
        """Who is at the other end, kept up to date as long as the block runs. TooMany, also when another is shown."""
        identity = self.authority.identify(principal)

        def hold() -> None:
            place.hold(identity.principal.credential)

        try:
            if not self.authority.is_open:
                hold()
                identity.on_change.append(hold)
            yield identity
        finally:
            self.authority.forget(identity)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open the store and work. StoreMisconfigured when the store will never work as configured."""
        self.ingest.after_commit = self.host.on_touched = self.engine.touched
        self.ingest.on_commit = self.metrics.committed
        await self.store.open()
        await self.upkeep.open()
        work = [self.engine.run(), self.host.run(), self.backfills.run(), self.authority.run()]
        work += [watch_stalls(self.metrics.loop_stall.observe), watch_readers(self.readers)]
        work += self.upkeep.work(self.engine, self.ingest, self.metrics)
        if self.spool:
            drain = Drain(self.spool, self.store, self.host, self.dead_letters)
            drain.after_commit = self.engine.touched
            drain.on_drained = self.metrics.drained_points.inc
            self.host.held_elsewhere = self.spool.holds
            work.append(drain.run())
        tasks = [self._essential(part) for part in (*work, self.ingest.run())]
        greeting = asyncio.create_task(self._look_at_store())
        systemd.notify(systemd.READY)
        try:
            with systemd.watched():
                yield
        finally:
            # What devices sent is settled before the store is closed.
            for task in (greeting, *reversed(tasks)):
                task.cancel()
                await asyncio.wait([task])  # one that failed has said so
            await self.store.close()
            await self.upkeep.close()
            self.backfills.close()
            self.host.close()
            if self.spool:
                self.spool.close()
            self.dead_letters.close()

    def _essential(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run what a hub cannot do without: if it fails, the process ends, and whoever started it starts it anew."""

        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()):
                self.has_failed = True
                log.critical("the hub stops: a part of it failed", exc_info=error)
                os.kill(os.getpid(), signal.SIGTERM)

        task = asyncio.create_task(work)
        task.add_done_callback(ended)
        return task

    async def _look_at_store(self) -> None:
        try:
            await self.store.check()
        except StoreUnavailable as error:
            log.warning("%s does not answer; until it does, points wait in the spool: %s", self.store.name, error)


class Kinds:
    """The kinds of measurements' fields as the store knows them, asked for once for many subscribers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asked: dict[str, tuple[float, asyncio.Task[Mapping[str, Kind]]]] = {}

    async def of(self, measurement: str) -> Mapping[str, Kind]:
        """The kind of each field that has exactly one; none while the store does not answer."""
        now = asyncio.get_running_loop().time()
        until, asking = self._asked.get(measurement, (now, None))
        if asking is None or until <= now:
            asking = asyncio.create_task(self._ask(measurement))
            self._asked = {name: asked for name, asked in self._asked.items() if asked[0] > now}
            self._asked[measurement] = (now + KINDS_SECONDS, asking)
        return await asyncio.shield(asking)

    async def _ask(self, measurement: str) -> Mapping[str, Kind]:
        try:
            async with asyncio.timeout(KINDS_PATIENCE_SECONDS):
                schema = await self._store.schema(measurement)
        except (StreamsError, TimeoutError):
            return {}
        return {field: next(iter(kinds)) for field, kinds in schema.fields.items() if len(kinds) == 1}


def load_streams(settings: Settings) -> Mapping[str, Query]:
    """The named streams of the configuration file. DefinitionInvalid names line and reason."""
    if not settings.config:
        return {}
    return {name: stream.query for name, stream in load_definitions(Path(settings.config), others=["hub"]).items()}


def make_store(settings: Settings, on_read: Callable[[str, int, int, float], None] = lambda *_: None) -> Store:
    """The store that the settings name, not yet open; `on_read` is the tail's, where it has one."""
    # Each brings large libraries that the other needs not.
    from streams.stores.partials import Partials

    kind, _, url = settings.store.partition(":")
    clock, room = SystemClock(), Room(settings.tail_points)
    in_front = partial(
        Partials, clock=clock, horizon_ms=settings.tail_horizon, longer_ms=settings.correct_for, room=room
    )
    if kind == "influxdb":
        from streams.stores.influxdb import InfluxDBStore
        from streams.stores.tail import Tail

        access = settings.influx_token, settings.influx_org, settings.influx_bucket
        store = InfluxDBStore(url, *access, most_points=settings.tail_points)
        tail = Tail(store, store.reader, clock, horizon_ms=settings.tail_horizon, room=room)
        tail.on_read = on_read
        return in_front(tail, is_dense=tail.is_dense)
    from streams.stores.duckdb import DuckDBStore

    path = duckdb_path(settings)
    return in_front(DuckDBStore(None if path is None else str(path)), few_points=FEW_POINTS)


def make_host(settings: Settings) -> Host:
    """What the workers of this host share. Only an InfluxDB can have several, however they were started."""
    if not settings.store.startswith("influxdb:"):
        return LocalHost()
    return SharedHost(data_folder(settings) / f"workers-{_digest(settings)}")


def backfill_folder(settings: Settings) -> Path:
    """Where the workers of this host keep what their backfills have touched."""
    return data_folder(settings) / f"backfills-{_digest(settings)}"


def rollup_folder(settings: Settings) -> Path:
    """Where the workers of this host keep how far their rollups are."""
    return data_folder(settings) / f"rollups-{_digest(settings)}"


def make_spool(settings: Settings) -> Spool | None:
    """Where points wait while the database is away; an embedded store is never away."""
    if not settings.store.startswith("influxdb:"):
        return None
    return Spool(data_folder(settings), _place(settings), settings.spool_bytes)


def make_dead_letters(settings: Settings) -> DeadLetters:
    """Where points that will never be stored are kept for people to look at."""
    return DeadLetters(data_folder(settings) / "dead-letters", settings.dead_letter_bytes)


def _digest(settings: Settings) -> str:
    return hashlib.sha256(_place(settings).encode()).hexdigest()[:12]


def _place(settings: Settings) -> str:
    """What names one database: workers and spools of another are not ours."""
    return "\n".join((settings.store, settings.influx_org, settings.influx_bucket))
