"""Many sockets, slow sockets, small sockets, against the bare loop of send() in C and what else one would write.

`scripts/bench delivery [fanout|paced|idle|slow|stop|tick …] [--runs N]`. Frames for each second of the server's CPU are
given beside frames for each second, because they say the same on a machine that has other work too.
"""

import argparse
import json
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.benchmarks.processes import (
    SERVER_CORE,
    median,
    pinned,
    print_versions,
    processor_time,
    receiver,
    resident_kib,
    server,
    verdict,
)
from tests.servers.hub import HubProcess


def fanout(runs: int) -> None:
    """500 subscribers, 200-byte frames, as fast as they are taken."""
    kinds = ("c", "hub", "send_text", "broadcast")
    rates: dict[str, list[float]] = {kind: [] for kind in kinds}
    costs: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(runs):
        for kind in kinds:
            sockets, rounds = 500, 500
            with server(kind, sockets, rounds, 200, 0) as sender, receiver(sender.line(), sockets, windows=rounds) as r:
                r.line()
                received, sent = r.line(), sender.line()
            assert received["least"] == rounds, received
            rates[kind].append(sockets * rounds / received["seconds"])
            costs[kind].append(sent["cpu_s"] / sockets / rounds * 1e6)
    for kind in kinds:
        rate, cost = median(rates[kind]), median(costs[kind])
        print(f"  {kind:10} {rate:9,.0f} frames/s   {cost:5.1f} µs of CPU for each")
    print(verdict("frames/s, to send() in C", median(rates["hub"]) / median(rates["c"]), "≥", 0.8))
    print(verdict("frames for each CPU second, to send() in C", median(costs["c"]) / median(costs["hub"]), "≥", 0.8))


def paced(_: int) -> None:
    """2,000 subscribers of one plan of a real hub, every 100 ms."""
    sockets, rounds = 2_000, 50
    with server("c", sockets, rounds, 200, 100) as sender, receiver(sender.line(), sockets, windows=rounds) as r:
        r.line()
        bare, used = r.line(), sender.line()["cpu_s"]
    bare_cost = used / bare["windows"] * 1e6
    with hub() as running:
        subscribe = subscription(every="100ms", grace="0s")
        with receiver(running.port, sockets, path="/v1/live", message=subscribe, seconds=6, every_ms=100) as r:
            r.line()
            before = processor_time(running.process.pid)
            received = r.line()
            used = processor_time(running.process.pid) - before
    cost = used / received["frames"] * 1e6
    # Each window is followed by a frame that says until when windows are final.
    print(f"  {received['windows']:,} windows in {received['frames']:,} frames; p50 {received['p50_ms']} ms")
    print(f"  CPU for each frame: {cost:.1f} µs, {bare_cost:.1f} in C; for each window {cost * 2:.1f} µs")
    print(verdict("windows that did not come", received["gaps"], "≤", 0))
    print(verdict("CPU for each frame, to send() in C", cost / bare_cost, "≤", 1.3))
    print(verdict("stop to receive, p99", received["p99_ms"], "≤", 60, " ms"))


def idle(_: int) -> None:
    """10,000 subscribers of a plan that sends nothing meanwhile."""
    sockets = 10_000
    rates: dict[str, float] = {}
    costs: dict[str, float] = {}
    for kind in ("send_text", "hub"):
        with server(kind, sockets, 0, 200, 0) as opened:
            port, used = opened.line(), processor_time(opened.pid)
            with receiver(port, sockets, seconds=1) as r:
                rates[kind] = sockets / r.line()["seconds"]
                costs[kind] = (processor_time(opened.pid) - used) / sockets * 1e6
    with hub() as running:
        pid = running.process.pid
        before = resident_kib(pid)
        with receiver(running.port, sockets, path="/v1/live", message=subscription(every="1h"), seconds=5) as r:
            whole_rate = sockets / r.line()["seconds"]
            time.sleep(3)
            each = (resident_kib(pid) - before) / sockets
    plain, ours = rates["send_text"], rates["hub"]
    print(f"  handshakes/s: Uvicorn {plain:,.0f}, our protocol {ours:,.0f}, the whole hub {whole_rate:,.0f}")
    print(f"  CPU for each: Uvicorn {costs['send_text']:.0f} µs, our protocol {costs['hub']:.0f} µs")
    print(verdict("memory of an idle subscriber", each, "≤", 25, " KiB"))
    print(verdict("handshakes/s, to plain Uvicorn's", ours / plain, "≥", 1))
    print(verdict("handshakes for each CPU second, to plain Uvicorn's", costs["send_text"] / costs["hub"], "≥", 1))


def slow(_: int) -> None:
    """300 consumers, of whom 60 read nothing and 60 read 1 kB a second, and the same without them."""
    rounds, size, interval_ms = 600, 5_000, 20
    worst: dict[int, list[float]] = {}
    memory: dict[int, float] = {}
    for bad in (0, 60, 0, 60):
        sockets = 180 + 2 * bad
        with server("hub", sockets, rounds, size, interval_ms) as sender:
            with receiver(sender.line(), sockets, windows=rounds, stalled=bad, slow=bad, seconds=30) as r:
                r.line()
                received = r.line()
                assert received["least"] == rounds, received
            memory[bad] = sender.line()["memory_kib"]
        worst.setdefault(bad, []).append(received["p99_ms"])
    print(f"  p99 of the others {median(worst[60]):.1f} ms, without the bad ones {median(worst[0]):.1f} ms")
    print(verdict("the others' p99, to a run without the bad ones", median(worst[60]) / median(worst[0]), "≤", 1.2))
    print(verdict("memory more", (memory[60] - memory[0]) / 1_024, "≤", 64, " MiB"))


def stop(_: int) -> None:
    """SIGTERM to a hub with 300 consumers of large windows, of whom 60 read nothing and 60 read 1 kB a second."""
    subscribe = subscription(every="100ms", window="10s", group_by=["dev"])
    with (
        hub() as running,
        written(running),
        receiver(running.port, 300, path="/v1/live", message=subscribe, stalled=60, slow=60, seconds=20) as r,
    ):
        r.line()
        time.sleep(6)
        began = time.monotonic()
        code = running.stop()
        took = time.monotonic() - began
        received = r.line()
    assert code == 0, code
    print(f"  before that {received['bytes'] / received['windows']:,.0f} bytes for each window")
    print(verdict("SIGTERM to exit", took, "≤", 10, " s"))


def tick(_: int) -> None:
    """One tick with 5,000 frames of 2 kB, ten times; one with 100,000 frames, 20 for each of 5,000 sockets."""
    for what, size, plans in (("5,000 frames of 2 kB", 2_000, 1), ("100,000 frames of 200 bytes", 200, 20)):
        with (
            server("hub", 5_000, 10, size, 1_500, plans) as sender,
            receiver(sender.line(), 5_000, windows=10 * plans) as r,
        ):
            r.line()
            assert r.line()["least"] == 10 * plans
            took = sender.line()
        print(f"  {what}: the most CPU that was used before the loop went on: {took['busy_ms']:.1f} ms")
        print(verdict(f"longest stall of the loop, {what}", took["stall_ms"], "≤", 20, " ms"))


@contextmanager
def written(running: HubProcess) -> Iterator[None]:
    """Meanwhile 300 devices are written for, twice a second."""
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.5):
            body = "\n".join(f"weather,dev=device-{number} temp={number}.5" for number in range(300)).encode()
            with suppress(OSError):  # it may be stopping
                urllib.request.urlopen(urllib.request.Request(f"{running.url}/write", body, method="POST")).close()

    writing = threading.Thread(target=write)
    writing.start()
    try:
        yield
    finally:
        over.set()
        writing.join()


@contextmanager
def hub() -> Iterator[HubProcess]:
    """A real hub that keeps nothing, on the server's core."""
    with tempfile.TemporaryDirectory() as folder, pinned(SERVER_CORE):
        running = HubProcess(Path(folder), "--store", "duckdb::memory:")
        with running:
            yield running


def subscription(**changes: object) -> str:
    """A subscribe message."""
    query = {"measurement": "weather", "select": {"temp": ["mean"]}, **changes}
    return json.dumps({"type": "subscribe", "id": "a", "query": query})


PARTS: dict[str, Callable[[int], None]] = {part.__name__: part for part in (fanout, paced, idle, slow, stop, tick)}


def main(arguments: list[str]) -> None:
    """Run the parts asked for, or all."""
    parser = argparse.ArgumentParser(prog="scripts/bench delivery", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="|".join(PARTS), default=[])
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args(arguments)
    print_versions("pxl-hub", "uvicorn", "websockets", "starlette", "uvloop")
    for name in options.parts or PARTS:
        print(f"{name}: {PARTS[name].__doc__}")
        PARTS[name](options.runs)
