"""`pxl-hub dead-letters` on files as a hub leaves them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hub.commands import app
from hub.parts import make_dead_letters
from hub.settings import Settings
from streams.ingest.dead_letters import DeadLetter

TYPE = DeadLetter(1_700_000_000_000, "device 1", "field_type", "v is an integer", b"m v=1.5 1")
TIME = DeadLetter(1_700_000_001_000, "device 2", "too_old", "clock", b"m v=\xff 2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    letters = make_dead_letters(Settings(data_folder=str(tmp_path)))
    letters.refuse([TYPE])
    letters.reject([TIME])
    letters.close()
    return tmp_path


def run(folder: Path, *options: str, answer: str = "") -> Result:
    environment = {"HUB_DATA_FOLDER": str(folder), "COLUMNS": "200"}
    return CliRunner().invoke(app, ["dead-letters", *options], env=environment, input=answer)


def lines(result: Result) -> list[str]:
    return [json.loads(text)["line"] for text in result.stdout.splitlines()]


def test_the_table_says_when_whose_and_why(folder: Path) -> None:
    result = run(folder)
    assert result.exit_code == 0
    rows = result.stdout.splitlines()
    assert rows[1].split() == [
        *("2023-11-14", "22:13:20Z", "device", "1", "field_type", "yes"),
        *("v", "is", "an", "integer", "m", "v=1.5", "1"),
    ]
    assert "m v=\\xff 2" in rows[2]
    assert "2 points" in result.stderr


def test_json_has_everything(folder: Path) -> None:
    result = run(folder, "--json")
    assert json.loads(result.stdout.splitlines()[0]) == {**TYPE._asdict(), "line": "m v=1.5 1", "acknowledged": True}


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--code", "field_type"], ["m v=1.5 1"]),
        (["--source", "device"], ["m v=1.5 1", "m v=\udcff 2"]),
        (["--source", "2"], ["m v=\udcff 2"]),
        (["--code", "field_type", "--source", "2"], []),
    ],
)
def test_it_is_filtered(folder: Path, options: list[str], found: list[str]) -> None:
    assert lines(run(folder, "--json", *options)) == found


def test_nothing_is_cleared_unless_it_is_meant(folder: Path) -> None:
    assert run(folder, "--clear", answer="n\n").exit_code == 1
    assert run(folder, "--clear", "--yes", "--code", "field_type").exit_code == 2
    assert len(lines(run(folder, "--json"))) == 2


@pytest.mark.parametrize(("options", "answer"), [(["--yes"], ""), ([], "y\n")])
def test_all_are_cleared(folder: Path, options: list[str], answer: str) -> None:
    assert run(folder, "--clear", *options, answer=answer).exit_code == 0
    assert run(folder, "--json").stdout == ""
