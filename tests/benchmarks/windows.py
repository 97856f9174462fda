"""Windows of one measurement for many dashboards, beside naive polling of InfluxDB and the bare work in the same run.

`scripts/bench windows [tick|delay|plans|long …] [--series N …] [--seconds N] [--steps N …]`. A feeder writes every
series once a second straight to InfluxDB 2.9.1. There are 200 subscriptions over 20 plans, as of a wall of dashboards:
totals, sites, the devices of one site, statistics of one, all devices, each over 1 s, 5 s, 10 s and 60 s, every second.
"""

import argparse
import asyncio
import json
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import mean

from websockets.asyncio.client import connect

from hub.server.collector import COLLECTOR
from streams.clock import SystemClock
from streams.queries import Query, parse_query
from streams.stores.duckdb_answers import statement, windows
from streams.stores.influxdb import InfluxDBStore
from streams.stores.influxdb_queries import Script
from streams.stores.partials import Partials
from streams.stores.tail import Tail
from tests.benchmarks.feeding import backfill, feeder
from tests.benchmarks.processes import (
    CLIENT_CORE,
    SERVER_CORE,
    median,
    percentile,
    pinned,
    print_versions,
    processor_time,
    verdict,
)
from tests.servers.hub import HubProcess
from tests.servers.influxdb import InfluxDB2

PLANS, SUBSCRIPTIONS, SITES = 20, 200, 10
WARM_UP = 5
TICKS_TO_POLL = 3
"""Ticks come every second in a hub; a polling may take many."""
BARS = {1_000: 0.1, 10_000: 0.05}


def query_of(number: int) -> dict[str, object]:
    """The request of one of the plans; those from 20 on are about other sites, and all are different."""
    site, window = f"s{number // PLANS % SITES}", ("1s", "5s", "10s", "60s")[number // 5 % 4]
    shapes: list[dict[str, object]] = [
        {"select": {"temp": ["mean", "max"], "hum": ["last"]}},
        {"select": {"temp": ["mean", "p95"]}, "group_by": ["site"]},
        {"select": {"temp": ["mean", "min", "max", "last"]}, "group_by": ["dev"], "where": {"site": site}},
        {"select": {"hum": ["min", "max"], "temp": ["stddev"]}, "where": {"site": site}},
        {"select": {"temp": ["mean", "min", "max", "last"]}, "group_by": ["dev"]},
    ]
    shape = shapes[number % 5]
    if number >= PLANS:
        shape["where"] = {"site": [site, f"none{number}"]}
    return {"measurement": "weather", **shape, "window": window, "every": "1s"}


def parsed(number: int) -> Query:
    """The same as a query."""
    return parse_query(**query_of(number))


def store_of(server: InfluxDB2, bucket: str) -> InfluxDBStore:
    """A store of this bucket."""
    return InfluxDBStore(server.url, server.token, server.organization, bucket)


async def poll(store: InfluxDBStore, query: Query, stop: int) -> None:
    """What a dashboard without a hub asks for each window: one InfluxQL query."""
    columns = [
        aggregate.influxql(f'"{field}"::field') for field, aggregates in query.select for aggregate in aggregates
    ]
    start, stop = query.span(stop)
    tests = [f"time >= {start}ms", f"time < {stop}ms"]
    tests += [f"({' OR '.join(f'{tag}::tag = {value!r}' for value in values)})" for tag, values in query.where]
    groups = f" GROUP BY {', '.join(f'{tag}::tag' for tag in query.group_by)}" if query.group_by else ""
    script = Script()
    script.statements.append(f"SELECT {', '.join(map(str, columns))} FROM weather WHERE {' AND '.join(tests)}{groups}")
    await store._server.query(script)


async def next_second(extra_ms: int = 0) -> int:
    """Sleep to the next boundary of a second, and so much longer; the boundary, milliseconds."""
    clock = SystemClock()
    stop = (clock.now() // 1_000 + 1) * 1_000
    await clock.sleep_until(stop + extra_ms)
    return stop


async def tick(server: InfluxDB2, options: argparse.Namespace) -> None:
    """All of a tick's work for 20 plans, reading, loading and answering, to 20 InfluxQL queries."""
    for series in options.series:
        bucket = server.new_bucket()
        store = store_of(server, bucket)
        tail = Tail(store, store.reader, SystemClock())
        reads: list[int] = []
        tail.on_read = lambda _measurement, slices, _points, _ms: reads.append(slices)  # noqa: B023
        await tail.open()
        plans = [parsed(number) for number in range(PLANS)]
        for plan in plans:
            tail.watch(plan)
        ours: list[tuple[float, float]] = []
        naive: list[tuple[float, float]] = []

        async def answer(stop: int, tail: Tail = tail, plans: Sequence[Query] = plans) -> None:
            # As the engine asks: the window that stopped, and the one before, which becomes final.
            await asyncio.gather(*(tail.answer(plan, stop - 1_000, stop) for plan in plans))

        with feeder(server, bucket, series):
            await asyncio.sleep(2)
            for _ in range(WARM_UP):
                await answer(await next_second())
            while len(ours) < options.seconds:
                for _ in range(2):  # what stopped while it was polled, for longer than a second perhaps
                    await answer(await next_second())
                for _ in range(TICKS_TO_POLL):
                    stop = await next_second()
                    reads.clear()
                    began = Cost(server)
                    await answer(stop)
                    ours.append(began.until_now())
                    assert sum(reads) <= 2, f"{reads} slices were read; due are one that stopped and the one before"
                began = Cost(server)
                await asyncio.gather(*(poll(store, plan, stop) for plan in plans))
                naive.append(began.until_now())
        await tail.close()
        for position, unit in enumerate(("ms", "ms of CPU, InfluxDB's too")):
            mine, polled = (median([cost[position] for cost in costs]) for costs in (ours, naive))
            print(f"  {series:6,} series: tail {mine:7.1f} {unit} a tick, polling {polled:7.1f}")
            name = f"a tick of {PLANS} plans at {series:,} series, to polling"
            bar = BARS.get(series)
            print(verdict(name, mine / polled, "≤", bar) if bar else f"           {name}: {mine / polled:.2f}")


class Cost:
    """What passes from now on: milliseconds, and those of CPU that this process and InfluxDB use."""

    def __init__(self, server: InfluxDB2) -> None:
        self._pid = server.pid
        self._began = time.perf_counter(), time.process_time(), processor_time(self._pid)

    def until_now(self) -> tuple[float, float]:
        """Both."""
        wall, used, server = self._began
        cpu = time.process_time() - used + processor_time(self._pid) - server
        return (time.perf_counter() - wall) * 1e3, cpu * 1e3


@contextmanager
def hub_of(server: InfluxDB2, bucket: str) -> Iterator[HubProcess]:
    """A hub of one worker on the server's core."""
    environment = {
        "HUB_INFLUX_TOKEN": server.token,
        "HUB_INFLUX_ORG": server.organization,
        "HUB_INFLUX_BUCKET": bucket,
        "HUB_AUDIT_EVERY": "0s",
    }
    with tempfile.TemporaryDirectory() as folder, pinned(SERVER_CORE):
        running = HubProcess(Path(folder), "--store", f"influxdb:{server.url}", environment=environment)
        with running:
            yield running


def metrics_of(hub: HubProcess) -> dict[str, float]:
    """What the hub counts, by name and labels."""
    with urllib.request.urlopen(hub.url + "/metrics", timeout=5) as answer:
        rows = [line.rpartition(" ") for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in rows}


async def subscribers(hub: HubProcess, queries: Sequence[Sequence[dict[str, object]]], seconds: float) -> list[float]:
    """A socket for each list of queries; milliseconds from a window's stop to its first arrival, at all of them."""
    delays: list[float] = []
    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(connect(f"{hub.sockets}/v1/live", max_size=None, compression=None))
            for _ in queries
        ]
        for socket, wanted in zip(sockets, queries, strict=True):
            for number, query in enumerate(wanted):
                await socket.send(json.dumps({"type": "subscribe", "id": str(number), "query": query}))
        measuring = time.time() + WARM_UP

        async def listen(socket: object) -> None:
            async for message in socket:  # type: ignore[attr-defined]
                now = time.time()
                head = message[:200]
                if now > measuring and head.startswith('{"type":"window"') and '"revision":0' in head:
                    stop = int(head.partition('"stop":')[2].partition(",")[0])
                    delays.append(now * 1e3 - stop)

        tasks = [asyncio.create_task(listen(socket)) for socket in sockets]
        await asyncio.sleep(WARM_UP + seconds)
        for task in tasks:
            task.cancel()
    return delays


async def bare(server: InfluxDB2, bucket: str, seconds: int) -> list[float]:
    """Milliseconds of the bare read of each slice and 20 bare answers to it, one SQL statement after the other."""
    store = store_of(server, bucket)
    tail = Tail(store, store.reader, SystemClock())
    await tail.open()
    plans = [parsed(number) for number in range(PLANS)]
    for plan in plans:
        tail.watch(plan)
    took = []
    for number in range(WARM_UP + seconds):
        stop = await next_second()
        began = time.perf_counter()
        await store.reader.read_points("weather", ("temp", "hum"), (stop - 1_000) * 1_000_000, stop * 1_000_000)
        read = time.perf_counter() - began
        for plan in plans:  # loads what it was read for once more, which is not counted
            await tail.answer(plan, stop, stop)
        points = tail._watched["weather"].points
        table = points._loaded.load(points._chunks, points._kinds, points._series)
        began = time.perf_counter()
        with tail._tables.cursor() as cursor:
            for plan in plans:
                asked = statement(plan, table, stop, stop)
                windows(plan, stop, stop, cursor.execute(asked.sql, asked.values).fetchall() if asked else [])
        if number >= WARM_UP:
            took.append((read + time.perf_counter() - began) * 1e3)
    await tail.close()
    return took


async def delay(server: InfluxDB2, options: argparse.Namespace) -> None:
    """From a window's stop to the sockets of 200 subscriptions over 20 plans, to the bare read and answers."""
    for series in options.series:
        bucket = server.new_bucket()
        with feeder(server, bucket, series):
            with pinned(SERVER_CORE):
                before = await bare(server, bucket, options.seconds // 2)
            shared = SUBSCRIPTIONS // PLANS
            queries = [[query_of((first + n) % PLANS) for n in range(10)] for first in range(0, PLANS * shared, 10)]
            with hub_of(server, bucket) as hub:
                delays = await subscribers(hub, queries, options.seconds)
                metrics = metrics_of(hub)
            with pinned(SERVER_CORE):
                after = await bare(server, bucket, options.seconds // 2)
        limit = percentile(before + after, 99)
        measured = percentile(delays, 99)
        print(
            f"  {series:6,} series: {len(delays):,} windows, p50 {median(delays):.0f} ms, p99 {measured:.0f} ms;"
            f" bare p50 {median(before + after):.0f} ms, p99 {limit:.0f} ms"
        )
        label = '{measurement="weather"}'
        reads, slices = (metrics[f"hub_tail_{name}_total{label}"] for name in ("reads", "slices"))
        elapsed = options.seconds + WARM_UP + 60  # the longest window is read back when it is first asked for
        print(f"  {reads:.0f} reads brought {slices:.0f} slices of {elapsed} in all")
        print(verdict(f"times that each slice was read at {series:,} series", slices / elapsed, "≤", 2.1))
        if series in BARS:
            print(verdict(f"p99 at {series:,} series, to the bare work", measured / limit, "≤", 1.5))


async def plans(server: InfluxDB2, options: argparse.Namespace) -> None:
    """500 distinct plans each second on one core, at 100 series."""
    wanted, bucket = 500, server.new_bucket()
    with feeder(server, bucket, 100), hub_of(server, bucket) as hub:
        queries = [[query_of(first + n) for n in range(50)] for first in range(0, wanted, 50)]
        assert len({json.dumps(query) for some in queries for query in some}) == wanted
        started = asyncio.create_task(subscribers(hub, queries, options.seconds))
        await asyncio.sleep(WARM_UP)
        used, began = processor_time(hub.process.pid), time.perf_counter()
        await asyncio.sleep(options.seconds)
        used, seconds = processor_time(hub.process.pid) - used, time.perf_counter() - began
        delays = await started  # which lasts until all sockets are closed
    print(f"  {len(delays) / seconds:.0f} windows/s, {used / seconds:.2f} of a core")
    print(f"  from stop to socket p50 {median(delays):.0f} ms, p99 {percentile(delays, 99):.0f} ms")
    print(verdict("distinct plans answered each second", len(delays) / seconds, "≥", wanted * 0.95))
    print(verdict("distinct plans for each second of a core", len(delays) / used, "≥", wanted))
    print(verdict("p99 from stop to socket, which has to be before the next stop", percentile(delays, 99), "≤", 1_000))


class Standing:
    """A clock that is put."""

    def __init__(self) -> None:
        self.time = 0

    def now(self) -> int:
        return self.time

    async def sleep_until(self, time_ms: int) -> None:
        self.time = max(self.time, time_ms)


async def long(server: InfluxDB2, options: argparse.Namespace) -> None:
    """A window of 24 h every minute, to one of 1 min, of 100 series."""
    clock, ticks = Standing(), 3 * options.seconds
    now = time.time_ns() // 1_000_000 // 60_000 * 60_000
    began = now - ticks * 60_000
    for step in options.steps:
        bucket = server.new_bucket()
        backfill(server, bucket, 100, began - 24 * 3_600_000, now, step * 1_000)
        for aggregates in (["mean", "min", "max", "last", "stddev"], ["mean", "p95"]):
            minute = parse_query(measurement="weather", select={"temp": aggregates}, group_by=["dev"], every="1m")
            name = f"{' '.join(aggregates)}, of points every {step} s"
            await long_to_short(server, bucket, clock, minute, (began, ticks), name)


async def long_to_short(
    server: InfluxDB2, bucket: str, clock: Standing, minute: Query, times: tuple[int, int], name: str
) -> None:
    """What each of so many ticks from a time on costs: of 24 h, and of this query's minute."""
    began, ticks = times
    queries = {"24h": replace(minute, window_ms=24 * 3_600_000), "1m": minute}
    costs: dict[str, list[tuple[float, float]]] = {window: [] for window in queries}
    stores = {}
    for window, query in queries.items():
        store = store_of(server, bucket)
        stores[window] = partials = Partials(Tail(store, store.reader, clock), clock)
        await partials.open()
        partials.watch(query)
        first = time.perf_counter()
        points = await as_the_engine(partials, clock, query, began)
        print(f"  {window:3} {name}: {points:,} points, the first in {time.perf_counter() - first:.1f} s")
    for number in range(1, ticks + 1):
        # In turns, as a machine is not as fast at all times; who comes second may wait for InfluxDB longer, or shorter.
        for window, query in sorted(queries.items(), reverse=bool(number % 2)):
            cost = Cost(server)
            await as_the_engine(stores[window], clock, query, began + number * 60_000)
            costs[window].append(cost.until_now())
    for partials in stores.values():
        await partials.close()
    for position, unit in enumerate(("ms", "ms of CPU, InfluxDB's too")):
        # InfluxDB's CPU is counted in steps of 10 ms, which a mean evens out; an elapsed time may be an outlier.
        typical = (of_both_turns, mean)[position]
        long, short = (typical([cost[position] for cost in each]) for each in costs.values())
        print(f"  {name}: {long:.1f} {unit} a tick of 24 h, {short:.1f} of 1 min")
        print(verdict(f"a tick of 24 h of {name}, to one of 1 min", long / short, "≤", 1))


def of_both_turns(elapsed: Sequence[float]) -> float:
    """The mean of two medians: of the ticks in which one came first, and of those in which it came second."""
    return mean([median(elapsed[0::2]), median(elapsed[1::2])])


async def as_the_engine(partials: Partials, clock: Standing, query: Query, stop: int) -> int:
    """Ask for a window as the engine does: when it has stopped, and when its grace has passed; its points."""
    clock.time = stop
    await partials.answer(query, stop, stop)
    clock.time += query.grace_ms
    return (await partials.answer(query, stop, stop)).windows[0].points


Part = Callable[[InfluxDB2, argparse.Namespace], object]
PARTS: dict[str, Part] = {part.__name__: part for part in (tick, delay, plans, long)}


def main(arguments: list[str]) -> None:
    """Run the parts asked for, or all."""
    parser = argparse.ArgumentParser(prog="scripts/bench windows", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="|".join(PARTS), default=[])
    parser.add_argument("--series", type=int, nargs="+", default=[100, 1_000, 10_000])
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--steps", type=int, nargs="+", default=[10, 1], help="seconds between a series' points")
    options = parser.parse_args(arguments)
    print_versions("pxl-hub", "duckdb", "influxdb-client", "uvicorn")
    COLLECTOR.start()  # as in a hub
    for name in options.parts or PARTS:
        print(f"{name}: {PARTS[name].__doc__}", flush=True)
        with tempfile.TemporaryDirectory() as folder, InfluxDB2(Path(folder)) as server, pinned(CLIENT_CORE):
            asyncio.run(PARTS[name](server, options))  # type: ignore[arg-type]
