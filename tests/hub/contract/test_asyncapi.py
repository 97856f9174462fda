"""The AsyncAPI document has every message, and its examples are what is said on the sockets of a real hub."""

import asyncio
import json
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from websockets.asyncio.client import ClientConnection, connect

from hub import messages
from hub.codes import CODES
from hub.contract import asyncapi
from hub.contract.asyncapi import OPERATIONS
from hub.contract.conversations import (
    CARBON,
    CONVERSATIONS,
    FULL,
    LINE_PROTOCOL,
    LISTENING,
    OBJECTS,
    PAST,
    PRESENT,
    RENEWAL,
    Conversation,
)
from hub.contract.examples import BEGIN, SECOND
from hub.ranges import SUBSCRIPTION_PARAMETERS
from hub.routes import live, write
from hub.settings import Settings
from tests.hub.contract.story import Present, check_schema, comparable, locked, settings
from tests.hub.running import RunningHub, running_hub
from tests.node import NODE
from tests.servers.hub import free_port

DOCUMENT = asyncapi()
DASHBOARD = Path(__file__).parents[3] / "hub" / "dashboard"
PARSE = """
const { Parser } = require("@asyncapi/parser");
const text = require("node:fs").readFileSync(0, "utf8");
new Parser().parse(text).then(({ document, diagnostics }) =>
  console.log(JSON.stringify({ version: document?.version(), diagnostics })));
"""
MESSAGES = DOCUMENT["components"]["messages"]
SAID = [said for conversation in CONVERSATIONS for said in conversation.said]


@pytest.fixture(scope="module")
def present() -> Present:
    return Present()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    with running_hub(settings(tmp_path_factory.mktemp("hub"))) as hub:
        yield hub


def test_the_document_names_the_hub_that_it_comes_from(hub: RunningHub) -> None:
    served = hub.get("/asyncapi.json").body
    assert served["asyncapi"] == "3.1.0"
    assert served["servers"]["hub"]["host"] == f"127.0.0.1:{hub.port}"
    assert served == json.loads(json.dumps(asyncapi(f"127.0.0.1:{hub.port}")))


def test_the_document_is_asyncapi_3_1_for_the_official_parser() -> None:
    if not (DASHBOARD / "node_modules" / "@asyncapi").exists():
        subprocess.run([sys.executable, DASHBOARD / "build_hook.py", "npm", "ls"], check=True, timeout=300)
    run = subprocess.run(
        [NODE, "--eval", PARSE],
        input=json.dumps(DOCUMENT),
        cwd=DASHBOARD,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert json.loads(run.stdout) == {"version": "3.1.0", "diagnostics": []}, run.stderr


def test_every_message_of_the_protocol_is_in_the_document() -> None:
    spoken = [message for operation in OPERATIONS for message in operation.messages + operation.replies]
    unions = (messages.WriteMessage, messages.LiveMessage, messages.LiveRequest)
    assert {message.of for message in spoken} >= {of for union in unions for of in get_args(union)}


def test_every_reference_leads_somewhere() -> None:
    def references(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            if isinstance(name := part.get("$ref"), str):
                yield name
            part = list(part.values())
        if isinstance(part, list):
            for one in part:
                yield from references(one)

    for reference in set(references(DOCUMENT)):
        place: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_every_socket_is_documented_and_every_documented_one_exists() -> None:
    assert {channel["address"] for channel in DOCUMENT["channels"].values()} == {
        route.path for route in (*write.routes, *live.routes)
    }


@pytest.mark.parametrize(("name", "parameters"), [("write", write.PARAMETERS), ("stream", SUBSCRIPTION_PARAMETERS)])
def test_the_parameters_are_those_that_the_socket_takes(name: str, parameters: tuple[str, ...]) -> None:
    assert tuple(DOCUMENT["channels"][name]["bindings"]["ws"]["query"]["properties"]) == parameters


def test_every_code_is_listed_with_its_remedy() -> None:
    assert [code["name"] for code in DOCUMENT["x-codes"]] == [code.name for code in CODES]
    for name, place in (("reject", "reject"), ("error", "error")):
        for code in CODES:
            assert (f"| {code.name} |" in MESSAGES[name]["description"]) is (place in code.places)
    for channel in DOCUMENT["channels"].values():
        assert all(f"| {code.name} |" in channel["description"] for code in CODES if "close" in code.places)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_has_examples_that_fit_it(name: str) -> None:
    message = MESSAGES[name]
    examples = message.get("examples", [])
    assert examples or name == "packed", "binary, which JSON cannot show"
    for example in examples:
        check_schema(DOCUMENT, message["payload"], example["payload"])


def test_every_example_is_of_a_message() -> None:
    assert {said.message for said in SAID} <= set(MESSAGES)


@pytest.mark.anyio
@pytest.mark.parametrize("conversation", [LINE_PROTOCOL, OBJECTS, CARBON, PAST, LISTENING])
async def test_a_conversation_goes_as_the_examples_say(
    conversation: Conversation, hub: RunningHub, present: Present
) -> None:
    async with connect(address(hub, conversation, present)) as socket:
        await play(conversation, socket, present)


@pytest.mark.anyio
async def test_a_window_comes_live_as_the_examples_say(hub: RunningHub) -> None:
    *until_live, window, progress = PRESENT.said
    async with connect(address(hub, PRESENT, Present())) as socket:
        earlier = Present()
        seam = await play(Conversation(PRESENT.path, tuple(until_live)), socket, earlier)
        present = Present(int(earlier.forth(str(seam["from"]))))
        line = present.forth(f"door opened=true {BEGIN + 1_500}")
        assert hub.get("/write?precision=ms", "POST", body=line.encode()).status == 204
        told: dict[str, Any] = {}
        while not told.get("rows"):
            told = await heard(socket, present)
        assert comparable(told) == comparable(window.payload)
        while told["type"] != "progress" or told["final_until"] < BEGIN + 2_000:
            told = await heard(socket, present)
        assert told == progress.payload


@pytest.mark.anyio
async def test_a_token_opens_a_hub_as_the_examples_say(tmp_path: Path, present: Present) -> None:
    with running_hub(locked(tmp_path)) as hub:
        async with connect(address(hub, RENEWAL, present)) as socket:
            await play(RENEWAL, socket, present)


@pytest.mark.anyio
async def test_a_hub_that_can_keep_nothing_says_so(tmp_path: Path, present: Present) -> None:
    away = Settings(
        store=f"influxdb:http://127.0.0.1:{free_port()}",
        influx_bucket="b",
        data_folder=str(tmp_path),
        spool_bytes=1,
    )
    with running_hub(away) as hub:
        async with connect(address(hub, FULL, present)) as socket:
            await play(FULL, socket, present)


def address(hub: RunningHub, conversation: Conversation, present: Present) -> str:
    query = urllib.parse.urlencode({name: present.forth(value) for name, value in conversation.parameters.items()})
    return f"{hub.sockets}{conversation.path}" + (f"?{query}" if query else "")


async def play(conversation: Conversation, socket: ClientConnection, present: Present) -> dict[str, Any]:
    """Say and hear all of it; the last message."""
    told: dict[str, Any] = {}
    for said in conversation.said:
        if said.by == "client":
            text = said.payload if isinstance(said.payload, str) else json.dumps(said.payload)
            await socket.send(present.forth(text))
        else:
            told = await heard(socket, present)
            assert comparable(told) == comparable(said.payload)
    return told


async def heard(socket: ClientConnection, present: Present) -> dict[str, Any]:
    """The next message, in the story's time; all of a history, but for the windows that came after the story."""
    async with asyncio.timeout(10):
        told: dict[str, Any] = json.loads(present.back(str(await socket.recv())))
    if told["type"] == "history":
        if told["more"]:
            rest = await heard(socket, present)
            told = {**rest, "windows": told["windows"] + rest["windows"]}
        told["windows"] = [window for window in told["windows"] if window["stop"] <= SECOND["stop"]]
    return told
