"""The id of a request and of a session: told to the client, and in each line that the log has of it."""

import json
import signal
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from hub.settings import Settings
from tests.hub.running import running_hub
from tests.servers.hub import GunicornProcess, HubProcess

pytestmark = pytest.mark.anyio

SETTINGS = Settings(store="duckdb::memory:")


def test_every_answer_tells_its_id() -> None:
    with running_hub(SETTINGS) as hub:
        first, second, missing = hub.get("/healthz"), hub.get("/v1/streams"), hub.get("/nothing")
    identities = {answer.headers["x-request-id"] for answer in (first, second, missing)}
    assert len(identities) == 3
    assert all(len(identity) == 16 for identity in identities)


@pytest.mark.parametrize("sent", ["from-the-proxy:1", "a" * 64])
def test_an_id_that_came_with_the_request_is_kept(sent: str) -> None:
    with running_hub(SETTINGS) as hub:
        assert hub.get("/healthz", headers={"X-Request-ID": sent}).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "a" * 65, "a b", "x\ttraceparent", "<script>"])
def test_an_id_that_may_do_harm_is_replaced(sent: str) -> None:
    with running_hub(SETTINGS) as hub:
        assert hub.get("/healthz", headers={"X-Request-ID": sent}).headers["x-request-id"] != sent


@pytest.mark.parametrize("path", ["/v1/write", "/v1/live"])
async def test_a_sockets_id_is_its_session_which_no_client_chooses(path: str) -> None:
    with running_hub(SETTINGS) as hub:
        async with connect(hub.sockets + path, additional_headers={"X-Request-ID": "mine"}) as socket:
            ready = json.loads(await socket.recv())
            assert socket.response is not None
            assert socket.response.headers["X-Request-ID"] == ready["session"] != "mine"


@pytest.mark.parametrize("kind", [HubProcess, GunicornProcess])
def test_the_whole_log_of_a_hub_is_json_with_the_ids_and_without_the_queries(
    kind: type[HubProcess], tmp_path: Path
) -> None:
    environment = {"HUB_LOG_FORMAT": "json", "HUB_LOG_LEVEL": "debug"}
    with kind(tmp_path, environment=environment) as hub:
        hub.wait("/healthz?token=hunter2")
        hub.process.send_signal(signal.SIGTERM)
        hub.process.wait(15)
    lines = [json.loads(line) for line in hub.log.read_text().splitlines()]
    asked = [line for line in lines if "GET /healthz: 200" in line["message"]]
    assert asked
    assert all(line["request"] for line in asked)
    assert "hunter2" not in hub.log.read_text()
