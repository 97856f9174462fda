"""The two `curl` examples against a real hub: points in, windows out, and a failure that is seen."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.examples.asking import EXAMPLES
from tests.servers.hub import HubProcess

STREAMS = """
[streams.weather]
measurement = "weather"
select = { temp = ["mean", "count"] }
group_by = ["site"]
every = "1s"
grace = "100ms"
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    (streams := tmp_path / "hub.toml").write_text(STREAMS)
    with HubProcess(tmp_path, "--config", str(streams)) as hub:
        yield hub


def write(hub: HubProcess, lines: str) -> subprocess.CompletedProcess[str]:
    command = [str(EXAMPLES / "curl" / "write"), "-", hub.url]
    return subprocess.run(command, input=lines, capture_output=True, text=True, timeout=20, check=False)


def test_what_is_written_is_watched(hub: HubProcess) -> None:
    now = time.time_ns()
    assert write(hub, f"weather,site=s1 temp=21.5 {now}\nweather,site=s1 temp=22.5 {now + 1}\n").returncode == 0
    command = [str(EXAMPLES / "curl" / "watch"), "weather", "10s", hub.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        events = (json.loads(line.removeprefix("data: ")) for line in watching.stdout if line.startswith("data: "))
        row = next(row for event in events if event["type"] == "window" for row in event["rows"])
        watching.kill()
    assert row == ["s1", 22.0, 2]


def test_a_bad_line_is_named_and_the_command_fails(hub: HubProcess) -> None:
    done = write(hub, "weather,site=s1 temp=21.5\nweather temp=warm\n")
    assert done.returncode == 22
    assert "line 2" in done.stdout + done.stderr


def test_a_stream_that_is_none_is_named_and_the_command_fails(hub: HubProcess) -> None:
    command = [str(EXAMPLES / "curl" / "watch"), "wether", "10s", hub.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 22
    assert "wether" in done.stdout
