"""Points through the hub's /v1/write, durable and readable, against the same lines posted straight to InfluxDB.

`scripts/bench ingest [--runs N] [--lines N]`. All use four connections; the hub has one worker. Telegraf, which stands
between as the hub does, is posted the same bodies.
"""

import argparse
import base64
import http.client
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from websockets.frames import Frame, Opcode

from tests.benchmarks.processes import CLIENT_CORE, SERVER_CORE, median, pinned, print_versions, verdict
from tests.servers import build
from tests.servers.hub import HubProcess
from tests.servers.influxdb import InfluxDB2
from tests.servers.telegraf import Telegraf

CONNECTIONS = 4
POSTED = 5_000
"""Lines in a body that is posted straight to InfluxDB, or to Telegraf."""
BARS = {5_000: 0.8, 20: 0.4}
"""What part of the straight rate the hub has to reach in frames of so many lines."""
TELEGRAF = """
[[outputs.influxdb_v2]]
  urls = ["{server.url}"]
  token = "{server.token}"
  organization = "{server.organization}"
  bucket = "{bucket}"
"""


def lines_of(connection: int, count: int) -> list[bytes]:
    """Lines of 250 devices, a second apart, that end now."""
    now = time.time_ns()
    first = now - count // 250 * 1_000_000_000
    return [
        b"weather,site=s%d,dev=d%d-%d temp=%.2f,hum=%di,ok=true %d"
        % (connection, connection, n % 250, 20 + n % 700 / 70, 40 + n % 50, first + n // 250 * 1_000_000_000)
        for n in range(count)
    ]


def bodies(count: int, size: int) -> list[list[bytes]]:
    """For each connection its part of the lines, in bodies of so many."""
    all_lines = [lines_of(connection, count // CONNECTIONS) for connection in range(CONNECTIONS)]
    return [[b"\n".join(lines[start : start + size]) for start in range(0, len(lines), size)] for lines in all_lines]


def post(port: int, path: str, headers: Mapping[str, str], parts: Sequence[bytes]) -> None:
    """Post each body when the one before is answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for part in parts:
        connection.request("POST", path, part, dict(headers))
        response = connection.getresponse()
        answer = response.read()
        assert response.status == 204, answer
    connection.close()


def framed(parts: Sequence[bytes]) -> list[bytes]:
    """Each part as the WebSocket frame of a client."""
    return [Frame(Opcode.TEXT, part).serialize(mask=True) for part in parts]


def push(hub: HubProcess, frames: Sequence[bytes]) -> None:
    """Send every frame as fast as the hub reads; return when all are acknowledged."""
    connection = socket.create_connection(("127.0.0.1", hub.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = base64.b64encode(os.urandom(16)).decode()
    connection.sendall(
        f"GET /v1/write HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(1_000)
    sending = threading.Thread(target=connection.sendall, args=(b"".join(frames),), daemon=True)
    sending.start()
    while f'"frame":{len(frames)},'.encode() not in received:
        part = connection.recv(65_536)
        received = received[-1_000:] + part
        if not part or b'"reject"' in part or b'"retry"' in part:
            raise AssertionError(f"not everything was acknowledged: {received!r}")
    connection.close()


def timed(
    work: Callable[[Sequence[bytes]], None],
    parts: Sequence[Sequence[bytes]],
    count: int,
    server: InfluxDB2,
    bucket: str,
) -> float:
    """Lines a second until every connection has had its parts acknowledged, and all `count` lines can be read."""
    failures: list[BaseException] = []

    def run(parts: Sequence[bytes]) -> None:
        try:
            work(parts)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(each,)) for each in parts]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    readable(server, bucket, count)
    return count / (time.perf_counter() - started)


def readable(server: InfluxDB2, bucket: str, count: int) -> None:
    """Return when that many points can be read: what a hub has on its disk is durable before."""
    while True:
        found = server.query(bucket, 'SELECT count("temp") FROM "weather"')
        if found and found[0]["values"][0][1] == count:
            return
        time.sleep(0.02)


def straight(server: InfluxDB2, count: int) -> float:
    """Lines a second into a bucket of their own, without anything between."""
    bucket = server.new_bucket()
    path = f"/api/v2/write?org={server.organization}&bucket={bucket}&precision=ns"
    headers = {"Authorization": f"Token {server.token}"}
    return timed(partial(post, server.port, path, headers), bodies(count, POSTED), count, server, bucket)


def through_the_hub(server: InfluxDB2, folder: Path, count: int, size: int) -> float:
    """As `straight`, in frames of so many lines through a new hub."""
    bucket = server.new_bucket()
    frames = [framed(parts) for parts in bodies(count, size)]
    environment = {
        "HUB_INFLUX_TOKEN": server.token,
        "HUB_INFLUX_ORG": server.organization,
        "HUB_INFLUX_BUCKET": bucket,
        "HUB_DATA_FOLDER": str(folder / bucket),
    }
    with pinned(SERVER_CORE):
        hub = HubProcess(folder, "--store", f"influxdb:{server.url}", environment=environment)
        hub.start()
    try:
        hub.wait()
        return timed(partial(push, hub), frames, count, server, bucket)
    finally:
        hub.stop()


def through_telegraf(server: InfluxDB2, folder: Path, count: int, binary: Path) -> float:
    """As `straight`, through a Telegraf, which answers when the lines are in its memory."""
    bucket = server.new_bucket()
    output = TELEGRAF.format(server=server, bucket=bucket)
    with ExitStack() as stack:
        with pinned(SERVER_CORE):
            telegraf = stack.enter_context(Telegraf(binary, folder, output, batch=POSTED))
        return timed(partial(post, telegraf.port, "/write", {}), bodies(count, POSTED), count, server, bucket)


def one_run(server: InfluxDB2, folder: Path, count: int, telegraf: Path | None) -> dict[str, float]:
    """Lines a second of each, one after the other."""
    rates = {"straight": straight(server, count)}
    for size in BARS:
        rates[f"frames of {size:,}"] = through_the_hub(server, folder, count, size)
    if telegraf:
        rates["Telegraf"] = through_telegraf(server, folder, count, telegraf)
    return rates


def main(arguments: list[str]) -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="scripts/bench ingest", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    # In a run of a second or two the first writes into a new bucket, which take three times as long, are most of it.
    parser.add_argument("--lines", type=int, default=1_000_000)
    options = parser.parse_args(arguments)
    print_versions("pxl-hub", "uvicorn", "influxdb-client", "msgspec")
    try:
        telegraf: Path | None = build.find("telegraf-1.39.0")
    except build.Unbuildable as error:
        telegraf = None
        print(f"without Telegraf: {error}")
    runs: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder, InfluxDB2(Path(folder)) as server, pinned(CLIENT_CORE):
        for _ in range(options.runs):
            runs.append(one_run(server, Path(folder), options.lines, telegraf))
            print("  " + ", ".join(f"{name} {rate:,.0f} lines/s" for name, rate in runs[-1].items()), flush=True)

    def ratio(name: str) -> float:
        return median([run[name] / run["straight"] for run in runs])

    for size, bar in BARS.items():
        print(verdict(f"frames of {size:,}, of straight", ratio(f"frames of {size:,}"), "≥", bar))
    if telegraf:
        print(f"           Telegraf, which keeps them in memory alone: {ratio('Telegraf'):.2f}")
