"""`pxl-hub streams` and `streams apply`, on files and on a real InfluxDB."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hub.commands import app
from hub.settings import SettingInvalid
from streams.errors import DefinitionInvalid
from tests.servers.hub import free_port
from tests.servers.influxdb import InfluxDB2

STREAMS = """\
[streams.weather]
measurement = "weather"
select = { temp = ["mean"] }
window = "5m"
every = "1m"
into = "weather_5m"
rollup_after = "3d"

[streams.plain]
measurement = "m"
select = { v = "last" }
every = "1s"
"""


class Commands:
    """The command, with one configuration."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.file = folder / "hub.toml"
        self._environment = {"HUB_DATA_FOLDER": str(folder), "HUB_CONFIG": str(self.file), "COLUMNS": "200"}
        self._environment |= environment

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, ["streams", *arguments], env=self._environment)

    def changes(self, *arguments: str) -> tuple[int, Any]:
        """The exit code, and what `apply` says in JSON."""
        result = self.run("apply", "--json", *arguments)
        return result.exit_code, json.loads(result.stdout)


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    made = Commands(tmp_path)
    made.file.write_text(STREAMS)
    return made


def test_streams_are_listed(commands: Commands) -> None:
    header, weather, plain = commands.run().stdout.splitlines()
    assert header.split() == ["name", "measurement", "window", "every", "grace", "into", "rollup_after"]
    assert weather.split() == ["weather", "weather", "5m", "1m", "1s", "weather_5m", "3d"]
    assert plain.split() == ["plain", "m", "1s", "1s", "1s", "-", "-"]
    streams = json.loads(commands.run("--json").stdout)["streams"]
    assert [(stream["name"], stream["into"]) for stream in streams] == [("weather", "weather_5m"), ("plain", None)]


def test_what_would_delete_points_is_done_only_when_it_is_meant(commands: Commands) -> None:
    commands.file.write_text(f'{STREAMS}[retention]\nduckdb = "30d"\n')
    change = {"bucket": "duckdb", "now": "forever", "wanted": "30d", "change": "shorten"}
    code, shown = commands.changes("--dry-run")
    assert (code, shown["changes"], shown["applied"]) == (0, [change], False)
    assert [rollup["into"] for rollup in shown["rollups"]] == ["weather_5m"]
    code, refused = commands.changes()
    assert (code, refused["changes"], refused["applied"]) == (1, [change], False)
    assert "say --yes" in commands.run("apply").stderr
    code, done = commands.changes("--yes")
    assert (code, done["changes"], done["applied"]) == (0, [change], True)
    assert commands.changes()[1]["changes"][0]["change"] == "none"


def test_longer_needs_no_consent(commands: Commands) -> None:
    commands.file.write_text('[retention]\nduckdb = "30d"\n')
    assert commands.changes("--yes")[0] == 0
    for retention in ("60d", "forever"):
        commands.file.write_text(f'[retention]\nduckdb = "{retention}"\n')
        code, done = commands.changes()
        assert (code, done["changes"][0]["change"], done["applied"]) == (0, "lengthen", True)


def test_a_table_is_for_people(commands: Commands) -> None:
    commands.file.write_text(f'{STREAMS}[retention]\nduckdb = "30d"\n')
    lines = commands.run("apply", "--dry-run").stdout.splitlines()
    assert lines[1].split() == ["duckdb", "forever", "30d", "shorten"]
    assert lines[2] == "weather is rolled up into weather_5m"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('[retention]\nsensors = "30d"\n', ":2: retention.sensors: the embedded store's bucket is called duckdb"),
        (STREAMS.replace('"weather_5m"', '"long/w"'), ":6: weather.into: the embedded store has no buckets; write"),
    ],
)
def test_the_embedded_store_has_one_bucket(commands: Commands, text: str, error: str) -> None:
    commands.file.write_text(text)
    result = commands.run("apply")
    assert isinstance(result.exception, DefinitionInvalid)
    assert error in str(result.exception)


def test_what_there_is_to_apply_is_in_a_file(commands: Commands, tmp_path: Path) -> None:
    assert isinstance(Commands(tmp_path, HUB_CONFIG="").run("apply").exception, SettingInvalid)
    commands.file.write_text('[retention]\nduckdb = "30d"\n')
    in_memory = Commands(tmp_path, HUB_STORE="duckdb::memory:").run("apply").exception
    assert isinstance(in_memory, SettingInvalid)
    assert "nothing to apply" in str(in_memory)


def test_buckets_of_an_influxdb(tmp_path: Path, influxdb2: InfluxDB2) -> None:
    own, long = influxdb2.new_bucket(), influxdb2.new_bucket()
    commands = Commands(
        tmp_path,
        HUB_STORE=f"influxdb:{influxdb2.url}",
        HUB_INFLUX_TOKEN=influxdb2.token,
        HUB_INFLUX_ORG=influxdb2.organization,
        HUB_INFLUX_BUCKET=own,
    )
    retention = f'[retention]\n{own} = "7d"\n{long} = "forever"\n'
    commands.file.write_text(STREAMS.replace('"weather_5m"', f'"{long}/weather_5m"') + retention)
    code, shown = commands.changes("--dry-run")
    assert code == 0
    assert [(change["bucket"], change["change"]) for change in shown["changes"]] == [(own, "shorten"), (long, "none")]
    assert [rollup["into"] for rollup in shown["rollups"]] == [f"{long}/weather_5m"]
    assert commands.changes()[0] == 1
    assert commands.changes("--yes")[0] == 0
    buckets = json.loads(influxdb2.request("GET", "/api/v2/buckets", name=own))["buckets"]
    assert buckets[0]["retentionRules"][0]["everySeconds"] == 7 * 86_400
    assert commands.changes()[1]["changes"][0]["change"] == "none"


def test_an_influxdb_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    away = f"influxdb:http://127.0.0.1:{free_port()}"
    commands = Commands(tmp_path, HUB_STORE=away, HUB_INFLUX_BUCKET="b")
    commands.file.write_text('[retention]\nb = "7d"\n')
    result = commands.run("apply")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"pxl-hub: {away} cannot be reached")
