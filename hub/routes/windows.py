"""`/v1/streams/{name}/windows` and `/v1/query`: final windows as JSON or CSV, in parts as the store gives them."""

import logging
from collections.abc import AsyncIterator, Sequence

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Send

from hub.bodies import Windows, WindowsRequest
from hub.consumer import columns
from hub.hints import with_names
from hub.messages import QueryRequest
from hub.parts import Hub
from hub.past import check_groups
from hub.ranges import Range, parameters, past_range, prefers_csv
from hub.reading import RequestRefused
from hub.request_bodies import BodyRefused
from hub.routes.answers import body_refusal, refusal
from hub.routes.peers import grants_of
from hub.tables import CsvTable, JsonTable, Table
from streams.engine import WindowUpdate
from streams.errors import StreamsError
from streams.queries import Query

log = logging.getLogger(__name__)

PARAMETERS = ("start", "stop", "history")
PATIENCE_MS = 10_000
"""How long the store may give no answer before the request fails."""

_request = msgspec.json.Decoder(WindowsRequest)


async def windows(request: Request) -> Response:
    """Final windows of a named stream."""
    hub: Hub = request.app.state.hub
    try:
        grants = grants_of(request)
        given = parameters(request.query_params.multi_items(), PARAMETERS)
        query = hub.live.query(request.path_params["name"], None, given.where, grants)
        asked = {name: given.named.get(name) for name in PARAMETERS}
        return await _answer(request, query, past_range(query, hub.clock.now(), **asked))
    except StreamsError as error:
        return refusal(error)


async def ask(request: Request) -> Response:
    """Final windows of a query, or of a named stream, without a subscription."""
    hub: Hub = request.app.state.hub
    try:
        grants = grants_of(request)
        async with hub.request_bodies.held(request.stream(), None) as body:
            asked = _read(body)
        query = hub.live.query(asked.stream, asked.query, asked.where, grants)
        times = past_range(query, hub.clock.now(), start=asked.start, stop=asked.stop, history=asked.history)
        return await _answer(request, query, times)
    except StreamsError as error:
        return refusal(error)
    except BodyRefused as refused:
        return body_refusal(refused)
    except ClientDisconnect:
        return refusal(RequestRefused("invalid_request", "the client went away"))


def _read(body: bytes) -> WindowsRequest:
    try:
        return _request.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        reason = with_names(str(error), {"": WindowsRequest, "query": QueryRequest})
        raise RequestRefused("invalid_request", reason) from None


async def _answer(request: Request, query: Query, times: Range) -> Response:
    hub: Hub = request.app.state.hub
    hub.live.check_range(times.first_stop - query.every_ms, times.last_stop)
    until = min(times.last_stop, hub.engine.final_until(query))
    past = hub.engine.history(query, *times, patience_ms=PATIENCE_MS)
    described = columns(query, await hub.kinds.of(query.measurement))
    table: Table
    if prefers_csv(request.headers.get("accept", "")):
        table = CsvTable(described)
    else:
        durations = (query.window_ms, query.every_ms, query.grace_ms)
        table = JsonTable(Windows(query.key, described, *durations, until, ()))
    # What fails at once still has a status of its own.
    first: list[WindowUpdate] = await anext(past, [])
    check_groups(first, hub.settings.max_groups)
    return _Parts(
        _parts(table, first, past, hub.settings.max_groups), media_type=table.media_type, headers={"vary": "accept"}
    )


async def _parts(
    table: Table, first: Sequence[WindowUpdate], past: AsyncIterator[list[WindowUpdate]], most_groups: int
) -> AsyncIterator[bytes]:
    yield table.head() + (table.part(first) if first else b"")
    async for updates in past:
        check_groups(updates, most_groups)
        yield table.part(updates)
    yield table.tail()


class _Parts(StreamingResponse):
    """An answer that is cut off where the store fails, so that nobody takes it for whole."""

    async def stream_response(self, send: Send) -> None:
        """Send the parts."""
        try:
            await super().stream_response(send)
        except StreamsError as error:
            log.warning("an answer with windows was cut off: %s", error)


routes = [Route("/v1/streams/{name}/windows", windows), Route("/v1/query", ask, methods=["POST"])]
