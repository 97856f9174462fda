"""`pxl-hub query` of a real hub, in each of its forms."""

import csv
import json
import re
import time
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from hub.commands import app
from hub.settings import Settings
from tests.hub.running import RunningHub, running_hub
from tests.servers.hub import free_port

CONFIGURATION = """
[streams.weather]
measurement = "weather"
select = { temp = ["mean"] }
every = "10s"
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    folder = tmp_path_factory.mktemp("hub")
    (folder / "hub.toml").write_text(CONFIGURATION)
    settings = Settings(store="duckdb::memory:", data_folder=str(folder), config=str(folder / "hub.toml"))
    with running_hub(settings) as hub:
        begin = int(time.time()) // 10 * 10 - 100
        lines = [f"weather,site=roof temp={20 + n / 10} {begin + n}" for n in range(30)]
        lines.append(f"weather,site=yard temp=-1.5 {begin + 5}")
        assert hub.get("/write?precision=s", "POST", body="\n".join(lines).encode()).status == 204
        yield hub


def query(hub: RunningHub, *arguments: str) -> Result:
    url = f"http://127.0.0.1:{hub.port}"
    return CliRunner().invoke(app, ["query", *arguments, "--url", url], env={"COLUMNS": "40"})


def test_a_table_has_a_line_for_each_row(hub: RunningHub) -> None:
    result = query(hub, "weather temp:mean,count by site 10s last 10m")
    assert result.exit_code == 0
    header, *lines = result.stdout.splitlines()
    assert header.split() == ["stop", "site", "temp.mean", "temp.count"]
    rows = [line.split()[1:] for line in lines if "roof" in line or "yard" in line]
    assert rows == [["roof", "20.45", "10"], ["yard", "-1.50", "1"], ["roof", "21.45", "10"], ["roof", "22.45", "10"]]
    assert "\x1b" not in result.stdout


def test_a_long_silence_is_one_line(hub: RunningHub) -> None:
    lines = query(hub, "weather temp:mean 10s last 10m").stdout.splitlines()
    assert re.fullmatch(r"\d\d windows, no points *", lines[1])
    assert lines[2].split()[1] == "18.45"


def test_a_field_that_nobody_has_written_is_named(hub: RunningHub) -> None:
    result = query(hub, "weather tmp:mean,max temp:max 10s last 10m")
    assert result.exit_code == 0
    assert result.stderr == "pxl-hub: nobody has written tmp yet; weather has temp\n"


def test_where_nobody_has_written_the_measurement_those_there_are_are_named(hub: RunningHub) -> None:
    result = query(hub, "whether temp:max 10s last 10m")
    assert result.exit_code == 0
    assert result.stderr == "pxl-hub: nobody has written temp yet; there is no measurement whether, but weather\n"


def test_words_need_no_quotes(hub: RunningHub) -> None:
    assert "22.90" in query(hub, "weather", "temp:max", "where", "site=roof", "10s", "last", "10m").stdout


def test_a_line_of_bars_for_each_group(hub: RunningHub) -> None:
    lines = query(hub, "weather temp:mean by site 10s last 10m", "--as", "sparkline").stdout.splitlines()
    roof, yard = (line.split() for line in lines[1:])
    assert (roof[0], roof[1], roof[2], roof[-3:]) == ("roof", "temp.mean", "▁▅█", ["20.45", "22.45", "22.45"])
    assert (yard[0], yard[-1]) == ("yard", "-1.50")


def test_csv_and_json_are_what_the_hub_says(hub: RunningHub) -> None:
    rows = list(csv.DictReader(query(hub, "weather temp:mean by site 10s last 10m", "--as", "csv").stdout.splitlines()))
    assert [(row["site"], row["temp.mean"]) for row in rows][:2] == [("roof", "20.45"), ("yard", "-1.5")]
    for option in (("--json",), ("--as", "json")):
        told = json.loads(query(hub, "weather last 10m", *option).stdout)
        assert [column["name"] for column in told["columns"]] == ["temp.mean"]
        assert any(window["rows"] for window in told["windows"])


def test_a_mistake_is_pointed_at(hub: RunningHub) -> None:
    result = query(hub, "weather temp:avrage 10s")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "pxl-hub: 'avrage' is no aggregate; did you mean mean?",
        "  weather temp:avrage 10s",
        "               ^^^^^^",
    ]


def test_what_the_hub_refuses_is_said_with_its_remedy(hub: RunningHub) -> None:
    result = query(hub, "wether last 1m")
    assert result.exit_code == 2
    assert "no stream is named 'wether'; did you mean 'weather'?" in result.stderr
    assert "define it in the configuration file" in result.stderr


def test_a_hub_that_is_away(hub: RunningHub) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    result = CliRunner().invoke(app, ["query", "weather", "--url", url])
    sentence = "does not answer: Connection refused; is it running there? --url names another"
    assert (result.exit_code, result.stderr) == (1, f"pxl-hub: the hub at {url} {sentence}\n")
    assert CliRunner().invoke(app, ["query", "weather", "--url", "hub"]).exit_code == 2
