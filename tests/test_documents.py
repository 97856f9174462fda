"""What the documents say is so: each command, setting, address, code, file and example in them is run or checked."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from websockets.sync.client import connect

from hub.codes import CODES
from hub.contract import asyncapi, openapi
from hub.contract.endpoints import ENDPOINTS
from hub.messages import LiveRequest
from hub.settings import table
from streams.definitions import load_definitions
from tests.documents import DOCUMENTS, ROOT, Command, blocks, commands, inline, known_commands, parse
from tests.servers.hub import COMMAND, HubProcess

README = ROOT / "README.md"
COMMANDS = known_commands()
VARIABLES_BESIDE_SETTINGS = {"HUB_NAME", "HUB_TOKEN", "HUB_SKIP_DASHBOARD", "HUB_STATE_FOLDER"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def called(words: list[str]) -> str:
    return " ".join(words)


def names_in_examples(folder: Path) -> str:
    """What the files of an example say, its documents left out: it may have variables of its own."""
    files = [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".md"]
    return "\n".join(file.read_text(errors="replace") for file in files)


# Commands


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_commands_in_the_documents_are_ours(document: Path) -> None:
    for words in commands(document):
        if words[0] != "pxl-hub":
            assert os.access(ROOT / words[0], os.X_OK), called(words)
        elif tuple(words[1:]) not in [(), *(one.path for one in COMMANDS)]:  # else it is only named
            parse(words)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: called(list(command.path)))
def test_every_command_has_a_help_with_examples_and_exit_codes(command: Command) -> None:
    assert "Exit codes: " in command.help
    assert command.examples, "an example is indented by four and begins with pxl-hub"
    assert command.path in [parse(words) for words in command.examples if words[0] == "pxl-hub"]


def test_every_command_is_in_the_readme() -> None:
    named = {tuple(words[1:]) for words in commands(README) if words[0] == "pxl-hub"}
    assert [one.path for one in COMMANDS if not any(words[: len(one.path)] == one.path for words in named)] == []


# Settings, addresses, codes


def test_every_setting_is_in_the_documentation_that_the_hub_serves() -> None:
    assert [setting["name"] for setting in openapi()["x-settings"]] == [row.name for row in table()]
    assert ["pxl-hub", "settings"] in commands(README)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_variables_in_the_documents_are_settings(document: Path) -> None:
    variables = set(re.findall(r"\bHUB_[A-Z_]+[A-Z]\b", document.read_text()))
    own = names_in_examples(document.parent) if "examples" in document.parts else ""
    variables = {name for name in variables if name not in own}
    assert variables - {row.variable for row in table()} - VARIABLES_BESIDE_SETTINGS == set()


def test_every_address_is_in_the_readme() -> None:
    text = README.read_text()
    addresses = {endpoint.path.replace("{name}", "NAME") for endpoint in ENDPOINTS}
    addresses |= {channel["address"].replace("{name}", "NAME") for channel in asyncapi()["channels"].values()}
    assert {address for address in addresses if f"`{address}`" not in text and f" {address}`" not in text} == set()


def test_addresses_in_the_readme_exist() -> None:
    exist = {endpoint.path.replace("{name}", "NAME") for endpoint in ENDPOINTS}
    exist |= {channel["address"].replace("{name}", "NAME") for channel in asyncapi()["channels"].values()}
    named = {text.removeprefix("POST ").partition("?")[0] for text in inline(README)}
    assert {name for name in named if re.fullmatch(r"/[\w./]*", name)} - exist == set()


def test_every_code_is_in_the_documentation_that_the_hub_serves() -> None:
    assert {code["name"] for code in asyncapi()["x-codes"]} == {code.name for code in CODES}


# Files and blocks


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_files_in_the_documents_exist(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []
    paths = [text for text in inline(document) if re.fullmatch(r"(hub|streams|tests|infra|scripts)/[\w./-]*", text)]
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", [ROOT / "hub" / "README.md", ROOT / "streams" / "README.md"], ids=name_of)
def test_files_in_the_tables_exist(document: Path) -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", document.read_text(), re.MULTILINE)
    assert rows
    for row in rows:
        folder = document.parent
        for name in re.findall(r"`([\w./]+)`", row):
            place = next((at for at in (folder / name, document.parent / name) if at.exists()), None)
            assert place is not None, f"{name} in {row}"
            folder = place.parent


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_blocks_can_be_read(document: Path, tmp_path: Path) -> None:
    for block in blocks(document, "toml"):
        settings_and_streams = tomllib.loads(block.text)
        if {"hub", "streams"} & settings_and_streams.keys():
            (tmp_path / "hub.toml").write_text(block.text)
            load_definitions(tmp_path / "hub.toml", others=["hub", "retention"])
    for block in blocks(document, "json"):
        msgspec.json.decode(block.text, type=LiveRequest)
    for block in blocks(document, "python"):
        compile(block.text, name_of(document), "exec")


# The README, done


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub as the README starts one, with the stream that it defines, and with the points of its device."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "hub.toml").write_text(blocks(README, "toml")[0].text)
    with HubProcess(folder, "--config", str(folder / "hub.toml")) as hub:
        device = script_of(hub, "Writer").replace("range(60)", "range(3)")
        subprocess.run([sys.executable, "-c", device], check=True, timeout=60)
        yield hub


def script_of(hub: HubProcess, user_of: str) -> str:
    """The README's script that imports this from the client, for this hub."""
    found = next(block.text for block in blocks(README, "python") if f"import {user_of}\n" in block.text)
    return found.replace("ws://127.0.0.1:8000", hub.sockets)


def first_lines(arguments: list[str], most: int) -> list[str]:
    """The first lines of what does not end by itself."""
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(most)]
        process.kill()
    return lines


def test_the_readmes_dashboard_gets_its_devices_windows(hub: HubProcess) -> None:
    line = first_lines([sys.executable, "-u", "-c", script_of(hub, "Live")], 1)[0]
    stop, site, mean = line.split()[:3]
    assert (len(stop), site, float(mean) > 0) == (13, "roof", True)


def test_the_readmes_request_is_granted(hub: HubProcess) -> None:
    with connect(f"{hub.sockets}/v1/live") as socket:
        assert json.loads(socket.recv(10))["type"] == "ready"
        socket.send(blocks(README, "json")[0].text)
        assert json.loads(socket.recv(10))["type"] == "subscribed"


def test_the_readmes_commands_show_the_devices_windows(hub: HubProcess) -> None:
    watching, *_ = (words for words in commands(README) if words[:2] == ["pxl-hub", "watch"])
    told = first_lines([str(COMMAND), *watching[1:], "--url", hub.sockets], 2)
    assert told[0].split("\t")[:4] == ["time", "revision", "state", "site"]
    asking, *_ = (words for words in commands(README) if words[:2] == ["pxl-hub", "query"])
    shown = subprocess.run(
        [str(COMMAND), *asking[1:], "--url", hub.url], capture_output=True, text=True, timeout=60, check=True
    )
    assert shown.stdout.split()[:2] == ["stop", "site"]
