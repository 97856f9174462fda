"""The OpenAPI document is valid, says what the routes do, and its examples are what a real hub answers."""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate
from starlette.routing import Route

from hub.app import create_app
from hub.codes import CODES
from hub.contract import openapi
from hub.contract.endpoints import ENDPOINTS
from hub.contract.examples import EXAMPLES, SECOND, Example
from hub.contract.refusals import BEARER, CROWDED, MOST_CONNECTIONS, REFUSALS
from hub.contract.shapes import CSV, JSON
from hub.ranges import SUBSCRIPTION_PARAMETERS
from hub.routes import schema, windows
from tests.hub.contract.story import Present, check_schema, comparable, decoded, locked, settings
from tests.hub.running import RunningHub, running_hub

ENDPOINT = {endpoint.name: endpoint for endpoint in ENDPOINTS}
DOCUMENT = openapi()
ALL = (*EXAMPLES, *REFUSALS, *CROWDED)


@pytest.fixture(scope="module")
def present() -> Present:
    return Present()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    with running_hub(settings(tmp_path_factory.mktemp("hub"))) as hub:
        yield hub


@pytest.fixture(scope="module")
def locked_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    with running_hub(locked(tmp_path_factory.mktemp("locked"))) as hub:
        yield hub


def test_the_document_is_openapi_3_1(hub: RunningHub) -> None:
    served = hub.get("/openapi.json")
    assert served.headers["content-type"] == JSON
    assert served.body["openapi"] == "3.1.0"
    assert served.body == json.loads(json.dumps(DOCUMENT))
    validate(served.body)


def test_every_address_is_documented_and_every_documented_one_exists(tmp_path: Path) -> None:
    routes = [route for route in create_app(settings(tmp_path)).routes if isinstance(route, Route)]
    exist = {(method, route.path) for route in routes for method in route.methods or () if method != "HEAD"}
    documented = {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}
    files = {("GET", "/{path:path}")}  # the page's own; of them "/" and "/docs" are for people
    assert exist - files - documented == set()
    assert documented - exist <= {("GET", "/"), ("GET", "/docs")}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("windows", windows.PARAMETERS), ("events", SUBSCRIPTION_PARAMETERS), ("schema", schema.PARAMETERS)],
)
def test_the_parameters_are_those_that_the_routes_take(name: str, parameters: tuple[str, ...]) -> None:
    documented = [parameter for parameter in ENDPOINT[name].parameters if parameter.place == "query"]
    assert [parameter.name for parameter in documented if not parameter.is_where] == list(parameters)


def test_every_code_of_a_problem_is_in_the_catalogue() -> None:
    over_http = {code.name for code in CODES if "http" in code.places}
    documented = {code for endpoint in ENDPOINTS for answer in endpoint.answers.values() for code in answer.codes}
    assert documented - over_http == set()
    anywhere = {"internal", "not_found", "method_not_allowed"}
    anywhere |= {"no_tokens", "token_in_address", "origin_not_allowed", "host_not_allowed", "too_many_requests"}
    assert over_http - documented == anywhere


def test_every_endpoint_has_an_example() -> None:
    shown = {example.endpoint for example in EXAMPLES}
    assert set(ENDPOINT) - shown == {"metrics", "openapi", "asyncapi", "docs", "page"}


EVENTS_EXAMPLE = next(example for example in EXAMPLES if example.endpoint == "events" and example.is_steady)


@pytest.mark.parametrize(
    "example",
    [example for example in EXAMPLES if example.endpoint != "events"],
    ids=lambda example: f"{example.endpoint}-{example.name}",
)
def test_an_example_is_what_a_hub_answers(example: Example, hub: RunningHub, present: Present) -> None:
    told(hub, example, present)


def test_the_example_of_events_is_what_a_hub_tells(hub: RunningHub, present: Present) -> None:
    address = f"http://127.0.0.1:{hub.port}{present.forth(address_of(EVENTS_EXAMPLE))}"
    with urllib.request.urlopen(address, timeout=10) as response:
        text = present.back("".join(until_live(response)))
    assert list(events_of(text)) == list(events_of(EVENTS_EXAMPLE.answer))


@pytest.mark.parametrize("example", REFUSALS, ids=lambda example: f"{example.endpoint}-{example.name}")
def test_a_refusal_is_what_a_hub_with_tokens_says(example: Example, locked_hub: RunningHub, present: Present) -> None:
    told(locked_hub, example, present)


@pytest.mark.parametrize("example", CROWDED, ids=lambda example: f"{example.endpoint}-{example.name}")
def test_a_crowded_hub_says_so(example: Example, tmp_path: Path, present: Present) -> None:
    with (
        running_hub(replace(locked(tmp_path), max_connections_per_token=MOST_CONNECTIONS)) as hub,
        ExitStack() as open_ones,
    ):
        request = urllib.request.Request(
            f"http://127.0.0.1:{hub.port}/v1/streams/weather/events", headers={"authorization": BEARER}
        )
        for _ in range(MOST_CONNECTIONS):
            open_ones.enter_context(urllib.request.urlopen(request, timeout=10)).readline()
        told(hub, example, present)


@pytest.mark.parametrize("example", ALL, ids=lambda example: f"{example.endpoint}-{example.name}")
def test_an_example_fits_its_schema(example: Example) -> None:
    operation = operation_of(example)
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        assert content["examples"][example.name]["value"] == example.body
        if media_type == JSON and example.status == 200:
            check_schema(DOCUMENT, content["schema"], example.body)
    if not example.is_steady:
        return
    contents = operation["responses"][str(example.status)].get("content", {})
    for media_type, content in contents.items():
        if (media_type == CSV) is (example.accept == CSV):
            assert content["examples"][example.name]["value"] == example.answer
            check_schema(DOCUMENT, content["schema"], example.answer)


def told(hub: RunningHub, example: Example, present: Present) -> None:
    """Ask this hub, and hold its answer against the example's."""
    headers = {"accept": example.accept, "authorization": example.authorization}
    body = None if example.body is None else present.forth(text_of(example.body)).encode()
    answer = hub.get(
        present.forth(address_of(example)),
        ENDPOINT[example.endpoint].method,
        headers={name: value for name, value in headers.items() if value},
        body=body,
    )
    assert answer.status == example.status
    text = decoded(present.back(answer.text), answer.headers.get("content-type", ""))
    if example.is_steady:
        assert comparable(text) == comparable(example.answer)
    else:
        check_schema(DOCUMENT, operation_of(example)["responses"]["200"]["content"][JSON]["schema"], text)


def operation_of(example: Example) -> dict[str, Any]:
    endpoint = ENDPOINT[example.endpoint]
    operation: dict[str, Any] = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]
    return operation


def address_of(example: Example) -> str:
    path = ENDPOINT[example.endpoint].path
    query = {name: value for name, value in example.parameters.items() if f"{{{name}}}" not in path}
    return path.format_map(example.parameters) + ("?" + urllib.parse.urlencode(query) if query else "")


def until_live(response: Iterable[bytes]) -> Iterator[str]:
    for line in response:
        yield line.decode()
        if '"type":"live"' in line.decode():
            return


def events_of(text: str) -> Iterator[Any]:
    """The events, without those of windows after the story."""
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "retry" in fields:
            yield "retry"
        elif fields:
            data = json.loads(fields["data"])
            if data.get("stop", 0) <= SECOND["stop"]:
                yield fields.get("id"), comparable(data)


def text_of(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body)
