"""`pxl-hub replay` as a process: into a real hub, killed, stopped and resumed; from a file and from an InfluxDB."""

import gzip
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.hub import COMMAND, HubProcess, free_port
from tests.servers.influxdb import InfluxDB2

FIRST = 1_600_000_000
"""Long before what a hub takes without backfill, seconds."""


class Replays:
    """Runs the command with a state folder of its own."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.environment = {**os.environ, "HUB_STATE_FOLDER": str(folder / "state"), **(environment or {})}

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [str(COMMAND), "replay", *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(*arguments)
        stdout, stderr = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)


@pytest.fixture
def bucket(influxdb2: InfluxDB2) -> str:
    return influxdb2.new_bucket()


@pytest.fixture
def hub(tmp_path: Path, influxdb2: InfluxDB2, bucket: str) -> Iterator[HubProcess]:
    """A hub whose database can be asked what it has."""
    folder = tmp_path / "hub"
    folder.mkdir()
    with HubProcess(folder, environment=store_of(influxdb2, bucket)) as running:
        yield running


def store_of(server: InfluxDB2, bucket: str) -> dict[str, str]:
    return {"HUB_STORE": f"influxdb:{server.url}", **access_to(server, bucket)}


def access_to(server: InfluxDB2, bucket: str) -> dict[str, str]:
    return {
        "HUB_INFLUX_TOKEN": server.token,
        "HUB_INFLUX_ORG": server.organization,
        "HUB_INFLUX_BUCKET": bucket,
    }


def times(server: InfluxDB2, bucket: str, measurement: str = "m") -> list[int]:
    """The times of all points in the database, seconds."""
    found = server.query(bucket, f'SELECT f FROM "{measurement}"')
    return [row[0] // 10**9 for series in found for row in series["values"]]


def write_file(path: Path, points: int, *more: str) -> str:
    text = "".join(f"m,t=a f={i} {FIRST + i}\n" for i in range(points)) + "".join(f"{line}\n" for line in more)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return str(path)


def until(reached: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Wait for it while the process runs."""
    deadline = time.monotonic() + 20
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def acknowledged(text: str) -> int:
    found = re.search(r"([\d,]+) points acknowledged", text)
    assert found, text
    return int(found[1].replace(",", ""))


def test_a_file_is_stored_and_its_mistakes_are_named(
    tmp_path: Path, hub: HubProcess, influxdb2: InfluxDB2, bucket: str
) -> None:
    file = write_file(tmp_path / "a.lp.gz", 2_000, f"n f=1 {FIRST}", f"m f=true {FIRST}", "broken", "m f=1")
    replays = Replays(tmp_path)
    counted = replays.run(file, "--precision", "s", "--dry-run")
    assert counted.returncode == 3
    assert "m: 2,001 points from 2020-09-13T12:26:40.000Z to 2020-09-13T12:59:59.000Z" in counted.stdout
    assert times(influxdb2, bucket) == []

    done = replays.run(file, "--precision", "s", "--only", "m", "--url", hub.sockets)
    assert done.returncode == 3
    assert "2,000 points acknowledged, 3 rejected" in done.stdout
    for mistake in ("field_type", "line 2003: missing_fields", "line 2004: no_time"):
        assert mistake in done.stderr
    assert times(influxdb2, bucket) == [FIRST + i for i in range(2_000)]
    assert times(influxdb2, bucket, "n") == []


def test_it_goes_on_after_a_kill_where_everything_was_settled(
    tmp_path: Path, hub: HubProcess, influxdb2: InfluxDB2, bucket: str
) -> None:
    points = 40
    arguments = (write_file(tmp_path / "a.lp", points), "--precision", "s", "--speed", "10", "--url", hub.sockets)
    replays = Replays(tmp_path)
    process = replays.start(*arguments)
    state = tmp_path / "state" / "replays"
    until(lambda: any(b'"place":null' not in path.read_bytes() for path in state.glob("*.json")), process)
    process.kill()
    process.communicate()
    stored = len(times(influxdb2, bucket))
    assert 0 < stored < points

    other = replays.run(*arguments, "--only", "m", "--resume")
    assert (other.returncode, "had --only not set" in other.stderr) == (2, True)
    rest = replays.run(*arguments, "--resume")
    assert rest.returncode == 0
    assert "going on at" in rest.stderr
    assert points - stored <= acknowledged(rest.stdout) < points
    assert times(influxdb2, bucket) == [FIRST + i for i in range(points)]

    nothing = replays.run(*arguments, "--resume")
    assert (nothing.returncode, acknowledged(nothing.stdout)) == (0, 0)


def test_ctrl_c_ends_it_and_says_how_to_go_on(
    tmp_path: Path, hub: HubProcess, influxdb2: InfluxDB2, bucket: str
) -> None:
    arguments = (write_file(tmp_path / "a.lp", 30), "--precision", "s", "--speed", "10", "--url", hub.sockets)
    replays = Replays(tmp_path)
    process = replays.start(*arguments)
    until(lambda: bool(times(influxdb2, bucket)), process)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == 1
    assert f"go on with: pxl-hub replay {' '.join(arguments)} --resume" in stderr
    first = acknowledged(stdout)
    assert first == len(times(influxdb2, bucket))

    rest = replays.run(*arguments, "--resume")
    assert rest.returncode == 0
    assert first + acknowledged(rest.stdout) == 30
    assert times(influxdb2, bucket) == [FIRST + i for i in range(30)]


def test_a_hub_that_does_not_answer_ends_it(tmp_path: Path) -> None:
    url = f"ws://127.0.0.1:{free_port()}"
    ended = Replays(tmp_path).run(write_file(tmp_path / "a.lp", 3), "--url", url, "--patience", "500ms")
    assert ended.returncode == 1
    assert "the hub does not answer" in ended.stderr
    assert "--resume" in ended.stderr


def test_points_can_happen_now(tmp_path: Path, hub: HubProcess, influxdb2: InfluxDB2, bucket: str) -> None:
    file = write_file(tmp_path / "a.lp", 3)
    begin = int(time.time())
    options = (file, "--precision", "s", "--shift-to", "now", "--url", hub.sockets)
    assert Replays(tmp_path).run(*options, "--speed", "1").returncode == 0
    first, second, third = times(influxdb2, bucket)
    assert (second - first, third - first) == (1, 2)
    assert begin <= first <= third <= time.time() + 1

    assert Replays(tmp_path).run(*options).returncode == 0
    assert max(times(influxdb2, bucket)) <= time.time()


def test_a_range_of_an_influxdb_is_replayed_and_resumed(
    tmp_path: Path, hub: HubProcess, influxdb2: InfluxDB2, bucket: str
) -> None:
    origin = influxdb2.new_bucket()
    seconds = [*range(12_000), *range(50_000, 50_010)]
    lines = [f'm,t=a\\ b f={i},s="x, {i}",u={i}u,b=true {(FIRST + i) * 10**9}' for i in seconds]
    lines += [f"n,t={i} f={i}i {FIRST * 10**9}" for i in range(6_000)]
    influxdb2.write(origin, "\n".join(lines).encode())
    replays = Replays(tmp_path, access_to(influxdb2, origin))
    source = f"influxdb:{influxdb2.url}"

    done = replays.run(source, "--url", hub.sockets)
    assert done.returncode == 0, done.stderr
    assert acknowledged(done.stdout) == len(lines)
    for measurement in "mn":
        assert all_of(influxdb2, bucket, measurement) == all_of(influxdb2, origin, measurement)
    again = replays.run(source, "--url", hub.sockets, "--resume")
    assert (again.returncode, acknowledged(again.stdout)) == (0, 0)

    part = replays.run(
        source, "--start", f"{moment(FIRST + 5)}", "--stop", moment(FIRST + 15), "--only", "m", "--dry-run"
    )
    assert "10 points in 1 measurements would be sent" in part.stdout


def moment(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def all_of(server: InfluxDB2, bucket: str, measurement: str) -> list[list[object]]:
    (series,) = server.query(bucket, f'SELECT * FROM "{measurement}"')
    return sorted((row for row in series["values"]), key=str)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["none.lp"], "No such file"),
        (["none.csv"], "No such file"),
        (["none.lp", "--tag", "a"], "describe CSV files"),
        (["none.lp", "--shift-to", "then"], "it can only be now"),
        (["none.lp", "--start", "soon"], "is no time"),
        (["influxdb:http://127.0.0.1:1"], "HUB_INFLUX_BUCKET"),
        (["/dev/null", "--url", "nowhere"], "is no address of a hub"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path: Path, arguments: list[str], reason: str) -> None:
    ended = Replays(tmp_path).run(*arguments)
    assert ended.returncode == 2
    assert reason in ended.stderr
    assert len([line for line in ended.stderr.splitlines() if line]) <= 2


def test_what_became_of_it_as_json(tmp_path: Path) -> None:
    file = tmp_path / "points.lp"
    file.write_text(f"m v=1 {FIRST}\nm v= {FIRST}\nn v=2 {FIRST + 1}\n")
    replays = Replays(tmp_path)
    counted = replays.run(str(file), "--precision", "s", "--dry-run", "--json")
    assert counted.returncode == 3
    assert json.loads(counted.stdout) == {
        "points": 2,
        "rejected": 1,
        "codes": {"missing_field_value": 1},
        "measurements": {
            "m": {"points": 1, "first": FIRST * 10**9, "last": FIRST * 10**9},
            "n": {"points": 1, "first": (FIRST + 1) * 10**9, "last": (FIRST + 1) * 10**9},
        },
    }
    with HubProcess(tmp_path) as hub:
        sent = replays.run(str(file), "--precision", "s", "--json", "--url", hub.sockets)
    assert sent.returncode == 3
    assert json.loads(sent.stdout) == {
        "acknowledged": 2,
        "rejected": 1,
        "codes": {"missing_field_value": 1},
        "settled": 1.0,
        "end": "done",
    }
