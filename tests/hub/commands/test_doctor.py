"""`pxl-hub doctor` and `pxl-hub ready` as an operator calls them."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hub.commands import app
from hub.settings import Settings
from tests.hub.running import running_hub
from tests.servers.hub import HubProcess, free_port
from tests.servers.influxdb import InfluxDB2


def run(folder: Path, *options: str, **environment: str) -> Result:
    given = {
        "HUB_DATA_FOLDER": str(folder),
        "HUB_MAX_CONNECTIONS": "100",
        "HUB_DEAD_LETTER_BYTES": "1MiB",
        **environment,
    }
    return CliRunner().invoke(app, ["doctor", *options], env=given | {"HUB_SPOOL_BYTES": "1MiB"})


def found(result: Result) -> dict[str, dict[str, Any]]:
    return {finding["check"]: finding for finding in json.loads(result.stdout)["findings"]}


def influxdb(server: InfluxDB2, **changes: str) -> dict[str, str]:
    return {
        "HUB_STORE": f"influxdb:{server.url}",
        "HUB_INFLUX_TOKEN": server.token,
        "HUB_INFLUX_ORG": server.organization,
        "HUB_INFLUX_BUCKET": server.new_bucket(),
        **changes,
    }


def test_a_laptop_without_a_database_is_well(tmp_path: Path) -> None:
    result = run(tmp_path, "--json")
    assert result.exit_code == 0, result.stdout
    assert found(result).keys() == {"settings", "store", "clock", "open files", "disk", "sync", "tokens", "origins"}
    assert json.loads(result.stdout)["ok"] is True
    assert not (tmp_path / "hub.duckdb").exists()


def test_the_table_has_a_line_for_each_check(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 0
    assert "open files" in result.stdout
    assert "✓" in result.stdout


def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    result = run(tmp_path, "--json", HUB_PORT="many")
    assert result.exit_code == 2
    assert "HUB_PORT: expected a port" in found(result)["settings"]["message"]


def test_a_stream_that_cannot_be_used_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "hub.toml").write_text('[streams.weather]\nmeasurement = "weather"\nselect = 3\nevery = "1s"\n')
    result = run(tmp_path, "--json", "--config", str(tmp_path / "hub.toml"))
    assert result.exit_code == 1
    assert "hub.toml:3" in found(result)["settings"]["message"]


def test_a_store_that_a_hub_has_open_is_well(tmp_path: Path) -> None:
    with HubProcess(tmp_path):
        result = run(tmp_path, "--json")
    assert "in use" in found(result)["store"]["message"]
    assert result.exit_code == 0


def test_a_store_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "hub.duckdb").write_text("this is no database, and long enough to be seen as none" * 10)
    result = run(tmp_path, "--json")
    assert (result.exit_code, found(result)["store"]["state"]) == (1, "failure")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run(tmp_path / "file" / "folder", "--json")
    assert (result.exit_code, found(result)["disk"]["state"]) == (1, "failure")


@pytest.mark.influxdb
def test_an_influxdb_is_asked_and_its_clock_is_ours(influxdb2: InfluxDB2, tmp_path: Path) -> None:
    result = run(tmp_path, "--json", **influxdb(influxdb2))
    assert result.exit_code == 0, result.stdout
    assert "answers" in found(result)["store"]["message"]
    assert found(result)["clock"]["message"] == "as the store's, to the second"


@pytest.mark.influxdb
@pytest.mark.parametrize("wrong", ["HUB_INFLUX_TOKEN", "HUB_INFLUX_ORG", "HUB_INFLUX_BUCKET"])
def test_what_an_influxdb_refuses_is_said(wrong: str, influxdb2: InfluxDB2, tmp_path: Path) -> None:
    result = run(tmp_path, "--json", **influxdb(influxdb2, **{wrong: "wrong"}))
    assert result.exit_code == 1
    assert wrong in found(result)["store"]["remedy"]


def test_an_influxdb_that_is_away_is_said(tmp_path: Path) -> None:
    store = {"HUB_STORE": f"influxdb:http://127.0.0.1:{free_port()}", "HUB_INFLUX_BUCKET": "b"}
    result = run(tmp_path, "--json", **store)
    assert (result.exit_code, found(result)["clock"]["state"]) == (1, "warning")
    assert "Start the database" in found(result)["store"]["remedy"]


def ready(url: str, *options: str) -> Result:
    return CliRunner().invoke(app, ["ready", "--url", url, *options])


def test_a_hub_that_can_acknowledge_is_ready_and_drained(tmp_path: Path) -> None:
    with running_hub(Settings(store="duckdb::memory:", data_folder=str(tmp_path))) as hub:
        assert ready(f"http://127.0.0.1:{hub.port}").exit_code == 0
        assert ready(f"http://127.0.0.1:{hub.port}", "--drained").exit_code == 0


def test_a_hub_whose_database_is_away_is_drained_when_the_spool_is_empty(tmp_path: Path) -> None:
    store = f"influxdb:http://127.0.0.1:{free_port()}"
    with running_hub(Settings(store=store, influx_bucket="b", data_folder=str(tmp_path))) as hub:
        url = f"http://127.0.0.1:{hub.port}"
        assert ready(url, "--drained").exit_code == 0
        hub.get("/api/v2/write?bucket=b", "POST", body=b"weather temp=1 1700000000000000000\nweather temp=1")
        result = ready(url, "--drained")
        assert (result.exit_code, "1 batches wait in the spool" in result.stderr) == (1, True)


def test_nobody_there_is_not_ready() -> None:
    result = ready(f"http://127.0.0.1:{free_port()}", "--wait", "10ms")
    assert result.exit_code == 1
    assert "no answer" in result.stderr
