"""`pxl-hub demo` as a newcomer starts and stops it, and `pxl-hub watch` beside it."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.servers.demo import Demo
from tests.servers.hub import COMMAND


def run(demo: Demo, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *command], env=demo.environment, capture_output=True, text=True, timeout=30, check=False
    )


def test_it_starts_is_watched_and_stops(tmp_path: Path) -> None:
    demo = Demo(tmp_path)
    with demo:
        taken = run(demo, "demo", "--port", str(demo.port))
        assert taken.returncode == 2
        assert taken.stderr.startswith(f"pxl-hub: port: 127.0.0.1:{demo.port} cannot be listened on: Address already")

        unknown = run(demo, "watch", "cpuu", "--url", demo.url)
        assert unknown.returncode == 2
        assert "no stream is named 'cpuu'; did you mean 'cpu'?" in unknown.stderr

        watch: list[str | Path] = [COMMAND, "watch", "load", "--json", "--history", "2s", "--url", demo.url]
        with subprocess.Popen(watch, stdout=subprocess.PIPE, text=True) as watching:
            assert watching.stdout is not None
            windows = [json.loads(watching.stdout.readline()) for _ in range(3)]
            watching.send_signal(signal.SIGTERM)
        assert watching.returncode == 0
        assert [window["stream"] for window in windows] == ["load"] * 3
        assert all(window["stop"] - window["start"] == 1_000 for window in windows)
        assert {name for window in windows for row in window["rows"] for name in row} == {
            "host",
            "load1.last",
            "load5.last",
            "load15.last",
        }
        assert demo.stop() == 0
    assert "Traceback" not in demo.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_its_processes_stops_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with Demo(tmp_path) as demo:
        assert demo.stop(number, group=True) == 0
    log = demo.log.read_text()
    assert "Traceback" not in log
    assert "Aborted" not in log
