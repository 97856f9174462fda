"""`pxl-hub token`: what is made is printed once, what is listed tells no token, what is revoked is gone."""

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hub.auth import Grants
from hub.commands import app
from hub.settings import SettingInvalid
from hub.tokens import hash_of, read_tokens


def run(file: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["token", *arguments], env={"HUB_TOKENS": str(file), "COLUMNS": "200"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tokens.toml"


def test_a_token_is_printed_once_and_kept_as_a_hash(file: Path) -> None:
    options = ["--write", "weather*", "--read", "weather", "--read", "other", "--tag", "tenant=a", "--expires", "30d"]
    made = run(file, "add", "roof", *options, "--admin", "--backfill")
    assert made.exit_code == 0, made.output
    token = made.stdout.strip()
    assert token not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    principal = read_tokens(file)[hash_of(token)]
    assert principal.name == "roof"
    tags = (("tenant", "a"),)
    assert principal.grants == Grants(("weather*",), ("weather", "other"), tags, admin=True, backfill=True)
    assert principal.expires is not None


def test_a_list_shows_what_each_may_do_and_no_token(file: Path) -> None:
    token = run(file, "add", "roof", "--write", "weather*", "--tag", "site=r").stdout.strip()
    run(file, "add", "wall", "--read", "weather", "--expires", "2999-01-01T00:00:00Z")
    listed = run(file, "list").stdout
    assert "weather*" in listed
    assert "site=r" in listed
    assert "2999-01-01T00:00:00Z" in listed
    assert token not in listed
    assert hash_of(token) not in listed
    document = json.loads(run(file, "list", "--json").stdout)
    assert [entry["name"] for entry in document["tokens"]] == ["roof", "wall"]
    assert document["tokens"][0]["tags"] == {"site": "r"}


def test_a_revoked_token_is_gone(file: Path) -> None:
    for name in ("roof", "wall"):
        run(file, "add", name, "--write", "*")
    assert run(file, "revoke", "roof").exit_code == 0
    assert [principal.name for principal in read_tokens(file).values()] == ["wall"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["add", "a"], "opens nothing"),
        (["add", "a b", "--read", "*"], "is no name of a token"),
        (["add", "a", "--read", "*", "--tag", "tenant"], "expected NAME=VALUE"),
        (["add", "a", "--read", "*", "--tag", "time=1"], "cannot be a tag"),
        (["add", "a", "--read", "*", "--expires", "soon"], "expected 30d"),
        (["add", "a", "--read", "*", "--expires", "2020-01-01T00:00:00Z"], "has passed already"),
    ],
)
def test_a_wrong_option_is_said(file: Path, arguments: list[str], sentence: str) -> None:
    result = run(file, *arguments)
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.replace("│", " ").split())
    assert not file.exists()


def test_what_the_file_forbids_is_said(file: Path) -> None:
    assert isinstance(run(file, "list").exception, SettingInvalid)
    assert isinstance(run(file, "revoke", "a").exception, SettingInvalid)
    run(file, "add", "a", "--read", "*")
    assert "there is a token 'a' already" in str(run(file, "add", "a", "--read", "*").exception)
    assert "there is no token 'b'; there are a" in str(run(file, "revoke", "b").exception)
    file.write_text("[tokens")
    before = file.read_text()
    assert "is not TOML" in str(run(file, "add", "b", "--read", "*").exception)
    assert file.read_text() == before


def test_without_a_file_it_is_asked_for() -> None:
    result = CliRunner().invoke(app, ["token", "list"], env={"HUB_TOKENS": ""})
    assert "name the file, as in --tokens tokens.toml" in str(result.exception)
