"""`pxl-hub serve` as a process: it starts, stops, and says in one sentence why it does not."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hub.server.single import listen
from tests.servers.hub import COMMAND, HubProcess

ROOT = Path(__file__).parents[3]


def serve(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`pxl-hub serve` where it is expected not to start."""
    return subprocess.run(
        [COMMAND, "serve", *options],
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "HUB_DATA_FOLDER": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_it_starts_answers_and_stops(tmp_path: Path) -> None:
    hub = HubProcess(tmp_path, "--store", "duckdb::memory:")
    with hub:
        pass
    assert hub.process.returncode == 0
    log = hub.log.read_text()
    assert f"pxl-hub listens on http://127.0.0.1:{hub.port}/ with duckdb::memory:" in log
    assert "Traceback" not in log


def test_interrupted_at_the_keyboard_it_stops_without_a_traceback(tmp_path: Path) -> None:
    with HubProcess(tmp_path, "--store", "duckdb::memory:") as hub:
        hub.process.send_signal(signal.SIGINT)
        assert hub.process.wait(15) in {0, 130}
    assert "Traceback" not in hub.log.read_text()


def test_points_are_kept_in_the_data_folder_unless_told_otherwise(tmp_path: Path) -> None:
    with HubProcess(tmp_path):
        assert (tmp_path / "hub.duckdb").exists()


@pytest.mark.parametrize(
    ("options", "environment", "sentence"),
    [
        (["--port", "http"], {}, "--port: expected a port from 0 to 65535, not 'http'"),
        (["--store", "mysql:x"], {}, "store: 'mysql:x' is none; write duckdb:PATH, duckdb::memory: or influxdb:"),
        (["--workers", "2"], {}, "workers: DuckDB serves one process, not 2; use --workers 1, or --store influxdb:URL"),
        (["--host", "0.0.0.0"], {}, "host: 0.0.0.0 can be reached from the network, and no token is configured"),
        (["--config", "/nowhere.toml"], {}, "the configuration /nowhere.toml cannot be read: No such file"),
        ([], {"HUB_LOG_LEVEL": "loud"}, "HUB_LOG_LEVEL: expected debug, info, warning or error"),
    ],
)
def test_a_wrong_setting_is_one_sentence_and_exit_code_2(
    options: list[str], environment: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    result = serve(tmp_path, *options, **environment)
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"pxl-hub: {sentence}")


def test_a_taken_port_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        result = serve(tmp_path, "--port", str(port), "--store", "duckdb::memory:")
    assert result.returncode == 2
    assert f"port: 127.0.0.1:{port} cannot be listened on: Address already in use; another hub may" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_host_that_is_not_ours_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    result = serve(tmp_path, "--host", "::1%nowhere", "--store", "duckdb::memory:")
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)


def test_a_broken_definition_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    config = tmp_path / "hub.toml"
    config.write_text('[streams.weather]\nmeasurement = "weather"\nselect = {temp = ["avg"]}\nevery = "10s"\n')
    result = serve(tmp_path, "--config", str(config))
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert str(config) in line
    assert "'avg' is no aggregate" in line


def test_a_folder_that_cannot_be_used_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = serve(tmp_path, "--store", f"duckdb:{tmp_path}/file/hub.duckdb")
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"pxl-hub: store: the folder {tmp_path}/file cannot be")


def test_a_file_that_another_hub_has_open_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    with HubProcess(tmp_path):
        result = serve(tmp_path, "--port", "0")
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert str(tmp_path / "hub.duckdb") in line


def test_a_part_that_fails_ends_it_with_exit_code_1(tmp_path: Path) -> None:
    code = """
import sys
from hub.commands import main
from streams.engine import Engine

async def run(self):
    raise RuntimeError("a defect")

Engine.run = run
sys.argv = ["pxl-hub", "serve", "--port", "0", "--store", "duckdb::memory:"]
main()
"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT), "HUB_DATA_FOLDER": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1
    assert "the hub stops: a part of it failed" in result.stderr
    assert "RuntimeError: a defect" in result.stderr
    assert "shutdown failed" not in result.stderr


def test_importing_the_app_reads_no_settings_and_opens_nothing(tmp_path: Path) -> None:
    code = "import hub.app, os; print(sorted(os.listdir('.')))"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT), "HUB_PORT": "nonsense", "HUB_DATA_FOLDER": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert result.stdout == "[]\n"


def test_help_names_every_option_with_its_default(tmp_path: Path) -> None:
    result = serve(tmp_path, "--help", COLUMNS="200")
    assert result.returncode == 0
    for text in ("--host", "--port", "--store", "--workers", "--config", "[default: 8000]", "HUB_INFLUX_TOKEN="):
        assert text in result.stdout


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"HUB_PORT": "http"}, "HUB_PORT: expected a port from 0 to 65535, not 'http'"),
        ({"HUB_WORKERS": "2"}, "workers: DuckDB serves one process, not 2"),
        ({"HUB_STORE": "duckdb:/proc/none/hub.duckdb"}, "store: the folder /proc/none cannot be made"),
    ],
)
def test_a_plain_gunicorn_says_the_same(environment: dict[str, str], sentence: str, tmp_path: Path) -> None:
    result = subprocess.run(
        [COMMAND.with_name("gunicorn"), "-c", "infra/gunicorn.conf.py", "hub.app:app"],
        env={"PATH": "/usr/bin:/bin", "HUB_DATA_FOLDER": str(tmp_path), **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert result.returncode == 2
    assert f"pxl-hub: {sentence}" in result.stderr
    assert "Traceback" not in result.stderr
