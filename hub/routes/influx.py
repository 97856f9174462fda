"""InfluxDB's own write API over HTTP, so that its clients, Telegraf and `curl` need nothing but another address."""

import asyncio
import time
from contextlib import closing

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from hub.auth import Principal
from hub.bodies import Check, Health
from hub.codes import SessionOver
from hub.formats import LINE
from hub.http_write import HEADERS, INFLUXDB_VERSION, V1, V2, Answer, Dialect, Written
from hub.parts import Hub
from hub.producer import Producer
from hub.reading import RequestRefused
from hub.request_bodies import BodyRefused, Inflater, too_large
from hub.routes.operations import readiness, shown_to
from hub.routes.peers import address_of, principal_of
from streams.errors import FrameUnreadable
from streams.formats.line_pieces import Piece, pieces

MAX_UNSETTLED = 8
"""Pieces of one request that are under way at once."""
COMPRESSED, PLAIN = ("gzip", "x-gzip"), ("", "identity")


async def write_v2(request: Request) -> Response:
    """InfluxDB 2: `org` and `bucket` are accepted and ignored."""
    return _response(await _write(request, V2))


async def write_v1(request: Request) -> Response:
    """InfluxDB 1: `db`, `rp`, `u`, `p` and `consistency` are accepted and ignored."""
    return _response(await _write(request, V1))


async def ping(_: Request) -> Response:
    """Alive."""
    return Response(status_code=204, headers=HEADERS)


async def health(request: Request) -> Response:
    """200 while the hub can acknowledge what is written, 503 when not."""
    state = shown_to(request, await readiness(request.app.state.hub))
    parts = [("store", state.store), ("spool", state.spool)]
    checks = [Check(name, "pass" if part.ok else "fail", part.message) for name, part in parts if part]
    message = "ready for queries and writes" if state.ready else "nothing can be stored now"
    body = Health("pxl-hub", message, "pass" if state.ready else "fail", checks, INFLUXDB_VERSION, "none")
    return _response(Answer(200 if state.ready else 503, msgspec.json.encode(body), dict(HEADERS)))


async def _write(request: Request, dialect: Dialect) -> Answer:
    hub: Hub = request.app.state.hub

    def refused(status: int, code: str, message: str, retry_seconds: int = 0) -> Answer:
        hub.metrics.refused(code)
        return dialect.problem(status, message, retry_seconds=retry_seconds)

    try:
        principal = principal_of(request, basic=True)
    except RequestRefused as error:
        return refused(401, error.code, str(error))
    precision = dialect.precision(request.query_params.get("precision", ""))
    if precision is None:
        return refused(400, "invalid_request", dialect.unknown_precision)
    encoding = request.headers.get("content-encoding", "").strip().lower()
    inflater = Inflater() if encoding in COMPRESSED else None
    # InfluxDB reads a body of any other encoding as if it had none.
    ignored = encoding not in (*COMPRESSED, *PLAIN)
    note = f"the Content-Encoding {encoding!r} is not known, send gzip or none; " if ignored else ""
    try:
        if int(request.headers.get("content-length", "0")) > hub.request_bodies.largest:
            raise too_large(hub.request_bodies.largest)
        async with hub.request_bodies.held(request.stream(), inflater) as body:
            with closing(_Writing(hub, request, precision, principal)) as writing:
                written = await writing.store(body)
        return written.answer(dialect, note)
    except BodyRefused as error:
        return refused(error.status, error.code, str(error), error.retry_seconds)
    except SessionOver as over:  # the token has ended on the way
        return refused(401, "unauthenticated", over.reason)
    except ClientDisconnect:
        return refused(400, "invalid_request", "the client went away")


class _Writing:
    """One request's lines on their way, piece after piece in order."""

    def __init__(self, hub: Hub, request: Request, precision: str, principal: Principal) -> None:
        self._metrics = hub.metrics
        self._hub = hub
        self._identity = hub.authority.identify(principal)
        self._settled = asyncio.Event()
        self._producer = Producer(
            hub.ingest.lane(_source(request)),
            LINE,
            identity=self._identity,
            precision=precision,
            checks=hub.checks(address_of(request)),
            max_frame_bytes=hub.request_bodies.largest,
            max_unacked=MAX_UNSETTLED,
            changed=self._settled.set,
        )
        self._under_way: dict[int, Piece] = {}
        self._written = Written()

    def close(self) -> None:
        """The request has its answer."""
        self._hub.authority.forget(self._identity)

    async def store(self, body: bytes) -> Written:
        """Return when every line is durable or refused, or it is clear that not all can be kept now."""
        now, next_line = time.time_ns(), 1
        try:
            for number, piece in enumerate(pieces(body), 1):
                self._under_way[number] = piece
                await self._hub.scan_turns.take(self._producer.take(piece.data, now), len(piece.data))
                next_line += piece.data.count(b"\n")
                await asyncio.sleep(0)
                while self._producer.is_full:
                    await self._next_outcomes()
                if self._written.retry_after_ms is not None:
                    break
        except FrameUnreadable as error:
            self._written.unreadable(next_line, str(error))
        while self._under_way:
            await self._next_outcomes()
        return self._written

    async def _next_outcomes(self) -> None:
        await self._settled.wait()
        self._settled.clear()
        last = 0
        for message in self._producer.outgoing():
            self._metrics.told(message)
            self._written.tell(message, self._under_way)
            last = max(last, message.frame)
        for number in [number for number in self._under_way if number <= last]:
            del self._under_way[number]


def _source(request: Request) -> str:
    port = request.client.port if request.client else 0
    return f"http {address_of(request)}:{port}"


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, answer.headers, "application/json" if answer.body else None)


routes = [
    Route("/api/v2/write", write_v2, methods=["POST"]),
    Route("/write", write_v1, methods=["POST"]),
    Route("/ping", ping),
    Route("/health", health),
]
