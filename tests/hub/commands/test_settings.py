"""`pxl-hub settings`."""

import json
from pathlib import Path

from typer.testing import CliRunner

from hub.commands import app
from hub.settings import SettingInvalid, table


def test_every_setting_is_listed_with_its_value_and_where_it_comes_from(tmp_path: Path) -> None:
    config = tmp_path / "hub.toml"
    config.write_text("[hub]\nmax_unacked = 8\n")
    environment = {"HUB_PORT": "9000", "HUB_INFLUX_TOKEN": "zq9"}
    result = CliRunner().invoke(app, ["settings", "--config", str(config), "--json"], env=environment)
    listed = {row["name"]: row for row in json.loads(result.stdout)["settings"]}
    assert list(listed) == [row.name for row in table()]
    assert (listed["max_unacked"]["value"], listed["max_unacked"]["source"]) == ("8", f"max_unacked in {config}")
    assert (listed["port"]["value"], listed["port"]["source"]) == ("9000", "HUB_PORT")
    assert (listed["workers"]["value"], listed["workers"]["default"]) == (None, "1")
    assert listed["influx_token"]["value"] == "(set)"
    assert "zq9" not in result.stdout


def test_a_table_is_for_people() -> None:
    result = CliRunner().invoke(app, ["settings"], env={"HUB_PORT": "9000"})
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["setting", "value", "meaning"]
    assert ["port", "9000", "HUB_PORT"] in [line[:3] for line in lines]


def test_a_setting_that_cannot_be_used_is_named() -> None:
    result = CliRunner().invoke(app, ["settings"], env={"HUB_PORT": "http"})
    assert isinstance(result.exception, SettingInvalid)
