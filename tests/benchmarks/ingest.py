"""Points through the hub's /v1/write, durable and readable, against the same lines posted straight to InfluxDB.

`scripts/bench ingest [--runs N] [--lines N]`. Both use four connections; the hub has one worker.
"""

import argparse
import base64
import http.client
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from websockets.frames import Frame, Opcode

from tests.benchmarks.processes import CLIENT_CORE, SERVER_CORE, median, pinned, print_versions, verdict
from tests.servers.hub import HubProcess
from tests.servers.influxdb import InfluxDB2

CONNECTIONS = 4
POSTED = 5_000
"""Lines in a body that is posted straight to InfluxDB."""


def lines_of(connection: int, count: int) -> list[bytes]:
    """Lines of 250 devices, a second apart, that end now."""
    now = time.time_ns()
    first = now - count // 250 * 1_000_000_000
    return [
        b"weather,site=s%d,dev=d%d-%d temp=%.2f,hum=%di,ok=true %d"
        % (connection, connection, n % 250, 20 + n % 700 / 70, 40 + n % 50, first + n // 250 * 1_000_000_000)
        for n in range(count)
    ]


def bodies(lines: Sequence[bytes], size: int) -> list[bytes]:
    """The lines in frames or bodies of so many."""
    return [b"\n".join(lines[start : start + size]) for start in range(0, len(lines), size)]


def post(server: InfluxDB2, bucket: str, parts: Sequence[bytes]) -> None:
    """Post each body when the one before is durable."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    path = f"/api/v2/write?org={server.organization}&bucket={bucket}&precision=ns"
    for part in parts:
        connection.request("POST", path, part, {"Authorization": f"Token {server.token}"})
        response = connection.getresponse()
        answer = response.read()
        assert response.status == 204, answer
    connection.close()


def push(hub: HubProcess, parts: Sequence[bytes]) -> None:
    """Send every part as a frame, as fast as the hub reads; return when all are acknowledged."""
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
    frames = b"".join(Frame(Opcode.TEXT, part).serialize(mask=True) for part in parts)
    sending = threading.Thread(target=connection.sendall, args=(frames,), daemon=True)
    sending.start()
    while f'"frame":{len(parts)},'.encode() not in received:
        part = connection.recv(65_536)
        received = received[-1_000:] + part
        if not part or b'"reject"' in part or b'"retry"' in part:
            raise AssertionError(f"not everything was acknowledged: {received!r}")
    connection.close()


def timed(
    work: Callable[[Sequence[bytes]], None], size: int, all_lines: Sequence[Sequence[bytes]], server: InfluxDB2,
    bucket: str,
) -> float:  # fmt: skip
    """Seconds until every connection has had its lines acknowledged and they can be read."""
    failures: list[BaseException] = []

    def run(parts: Sequence[bytes]) -> None:
        try:
            work(parts)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(bodies(lines, size),)) for lines in all_lines]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    readable(server, bucket, sum(map(len, all_lines)))
    return time.perf_counter() - started


def readable(server: InfluxDB2, bucket: str, count: int) -> None:
    """Return when that many points can be read: what a hub has on its disk is durable before."""
    while True:
        found = server.query(bucket, 'SELECT count("temp") FROM "weather"')
        if found and found[0]["values"][0][1] == count:
            return
        time.sleep(0.02)


def one_run(server: InfluxDB2, folder: Path, count: int) -> dict[str, float]:
    """Lines a second: straight, and through the hub in two sizes of frames; each into a bucket of its own."""
    rates = {}
    for name, size in (("straight", POSTED), ("frames of 5,000", 5_000), ("frames of 20", 20)):
        all_lines = [lines_of(connection, count // CONNECTIONS) for connection in range(CONNECTIONS)]
        bucket = server.new_bucket()
        if name == "straight":
            seconds = timed(lambda parts, bucket=bucket: post(server, bucket, parts), size, all_lines, server, bucket)  # type: ignore[misc]
        else:
            environment = {
                "HUB_INFLUX_TOKEN": server.token,
                "HUB_INFLUX_ORG": server.organization,
                "HUB_INFLUX_BUCKET": bucket,
                "HUB_STATE_DIR": str(folder / bucket),
            }
            with pinned(SERVER_CORE):
                hub = HubProcess(folder, "--store", f"influxdb:{server.url}", environment=environment)
                hub.start()
            try:
                hub.wait()
                seconds = timed(lambda parts: push(hub, parts), size, all_lines, server, bucket)  # noqa: B023
            finally:
                hub.stop()
        rates[name] = count / seconds
    return rates


def main(arguments: list[str]) -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="scripts/bench ingest", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--lines", type=int, default=200_000)
    options = parser.parse_args(arguments)
    print_versions("pxl-hub", "uvicorn", "influxdb-client", "msgspec")
    runs: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder, InfluxDB2(Path(folder)) as server, pinned(CLIENT_CORE):
        for _ in range(options.runs):
            runs.append(one_run(server, Path(folder), options.lines))
            print("  " + ", ".join(f"{name} {rate:,.0f} lines/s" for name, rate in runs[-1].items()), flush=True)
    for name in list(runs[0])[1:]:
        ratio = median([run[name] / run["straight"] for run in runs])
        bar = 0.8 if "5,000" in name else None
        print(verdict(name, ratio, "≥", bar) if bar else f"           {name}: {ratio:.2f} of straight")
