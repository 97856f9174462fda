"""`/v1/write`: a device's socket."""

import asyncio
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from typing import NamedTuple

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from hub.authority import Identity
from hub.codes import Close, SessionOver
from hub.formats import FORMATS, PRECISIONS, Format, Options, SchemaUnknown
from hub.logs import request_id
from hub.messages import WriteReady
from hub.outbound import Outbound
from hub.parts import Hub
from hub.producer import Lane, Producer
from hub.routes.peers import address_of
from hub.routes.sockets import check_pace, converse, hub_of, more_messages, next_message, pace_of
from streams.errors import StoreUnavailable, TemplateInvalid
from streams.ingest.acceptance import Acceptance
from streams.ingest.checks import Check
from streams.ingest.commit import RETRY_MS
from streams.ingest.turns import QUANTUM_FRAMES

TOGETHER_BYTES = 49_152
"""Frames that have come already are scanned at once, as many as this and as one commit takes: in 2 or 3 ms."""
PARAMETERS = ("format", "precision", "template", "backfill")


class Takes(NamedTuple):
    """What a session takes, from whom, and where it goes."""

    lane: Lane
    format: Format
    precision: str
    checks: Sequence[Check]
    identity: Identity


async def write(websocket: WebSocket) -> None:
    """A socket from its first to its last frame."""
    await converse(websocket, "write", partial(_serve, websocket))


async def _serve(websocket: WebSocket, outbound: Outbound, identity: Identity) -> None:
    frame_format, precision = _parameters(websocket)
    hub = hub_of(websocket)
    session, device = request_id.get(), address_of(websocket)
    if not _is_backfill(websocket):
        takes = Takes(hub.ingest.lane(session), frame_format, precision, hub.checks(device, hub.acceptance), identity)
        await _take_frames(websocket, outbound, session, takes)
        return
    _check_backfill(identity)
    identity.on_change.append(partial(_check_backfill, identity))
    with closing(hub.backfills.lane(session)) as lane:
        # Whatever is said of old times, a clock that is ahead is wrong in a backfill, too.
        acceptance = Acceptance(None, hub.acceptance.until_ms)
        takes = Takes(lane, frame_format, precision, hub.checks(device, acceptance), identity)
        await _take_frames(websocket, outbound, session, takes)


async def _take_frames(websocket: WebSocket, outbound: Outbound, session: str, takes: Takes) -> None:
    """Take frames, reading no further while too many of them have no outcome yet."""
    hub = hub_of(websocket)
    settings = hub.settings
    loop = asyncio.get_running_loop()
    room = asyncio.Event()

    def changed() -> None:
        # Once in a turn of the loop, so that one ack covers all frames of a commit.
        loop.call_soon(_tell, hub, outbound, this_producer(), room)

    producer = Producer(
        takes.lane,
        takes.format,
        identity=takes.identity,
        precision=takes.precision,
        checks=takes.checks,
        max_frame_bytes=settings.max_frame_bytes,
        max_unacked=settings.max_unacked,
        changed=changed,
    )
    this_producer = weakref.ref(producer)  # which has `changed`, and would hold itself
    outbound.message(
        WriteReady(
            session=session,
            max_frame_bytes=settings.max_frame_bytes,
            max_unacked=settings.max_unacked,
            time=hub.clock.now(),
        )
    )

    async def until(holds: Callable[[], bool]) -> None:
        while not holds():
            room.clear()
            await room.wait()

    pace = pace_of(hub)
    try:
        while (data := await next_message(websocket)) is not None:
            frames = [data, *more_messages(websocket, min(producer.room, QUANTUM_FRAMES) - 1, TOGETHER_BYTES)]
            for _ in frames:
                check_pace(pace, hub)
            hub.metrics.frames.inc(len(frames))
            await _receive_all(hub, producer, frames)
            await until(lambda: not producer.is_full)
    except SessionOver as over:
        if over.code == Close.RESTART:
            await until(lambda: producer.is_settled)
        raise


def _tell(hub: Hub, outbound: Outbound, producer: Producer | None, room: asyncio.Event) -> None:
    """Say what became of frames, unless the session is over and all of them are settled."""
    for message in producer.outgoing() if producer else ():
        hub.metrics.told(message)
        outbound.message(message)
    room.set()


async def _receive_all(hub: Hub, producer: Producer, frames: Sequence[str | bytes]) -> None:
    """Have these frames taken, together where they are plain."""
    if not producer.take_together(frames, time.time_ns()):
        for frame in frames:
            await _receive(hub, producer, frame)


async def _receive(hub: Hub, producer: Producer, data: str | bytes) -> None:
    """Have a frame taken, once the store has said what its values depend on."""
    now = time.time_ns()
    try:
        await hub.scan_turns.take(producer.receive(data, now), len(data))
    except SchemaUnknown as unknown:
        try:
            await hub.ingest.know(unknown.measurements)
        except StoreUnavailable:
            # To guess the kinds would be to have good points refused after the ack, when the store is back.
            producer.put_off(RETRY_MS)
        else:
            await hub.scan_turns.take(producer.receive(data, now), len(data))


def _parameters(websocket: WebSocket) -> tuple[Format, str]:
    """The format and the precision of the address. SessionOver names a parameter that cannot be understood."""
    given = websocket.query_params
    for name in given:
        if name not in PARAMETERS:
            raise SessionOver(Close.UNREADABLE, f"{name}: there is no such parameter; there are {_list(PARAMETERS)}")
    name, templates = given.get("format", "line"), given.getlist("template")
    if name not in FORMATS:
        raise SessionOver(Close.UNREADABLE, f"format: {name!r} is none; there are {_list(FORMATS)}")
    if templates and name != "graphite":
        raise SessionOver(Close.UNREADABLE, f"template: only format=graphite has templates, not {name}")
    hub = hub_of(websocket)
    try:
        chosen = FORMATS[name](
            Options(hub.ingest.schema, hub.settings.max_frame_points, hub.settings.max_objects, templates)
        )
    except TemplateInvalid as error:
        raise SessionOver(Close.UNREADABLE, f"template: {error}") from None
    precision = given.get("precision", chosen.precision)
    if precision not in PRECISIONS:
        raise SessionOver(Close.UNREADABLE, f"precision: {precision!r} is none; there are {_list(PRECISIONS)}")
    return chosen, precision


def _is_backfill(websocket: WebSocket) -> bool:
    given = websocket.query_params.get("backfill", "false")
    if given not in ("true", "false"):
        raise SessionOver(Close.UNREADABLE, f"backfill: {given!r} is none; there are true, false")
    return given == "true"


def _check_backfill(identity: Identity) -> None:
    if not identity.grants.backfill:
        raise SessionOver(Close.FORBIDDEN, "backfill: the token does not allow points of any age")


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


routes = [WebSocketRoute("/v1/write", write)]
