"""What operators and their machines ask: alive, ready, how much."""

import asyncio

from msgspec.structs import replace
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub.bodies import QueriesState, Readiness, SpoolState, StoreState
from hub.parts import Hub
from hub.reading import RequestRefused
from hub.routes.answers import answer, refusal
from hub.routes.peers import grants_of, is_operator
from streams.errors import StreamsError

PATIENCE_SECONDS = 3.0


async def healthz(_: Request) -> Response:
    """200 while the process works."""
    return Response('{"status":"alive"}', media_type="application/json")


async def readyz(request: Request) -> Response:
    """200 while the hub can acknowledge what devices send, 503 when not; the body says what keeps it."""
    state = shown_to(request, await readiness(request.app.state.hub))
    return answer(state, 200 if state.ready else 503)


async def metrics(request: Request) -> Response:
    """Prometheus's text format."""
    hub: Hub = request.app.state.hub
    try:
        if not grants_of(request).admin:
            raise RequestRefused("forbidden", "the token may not see the metrics: that takes the grant admin")
    except RequestRefused as error:
        return refusal(error)
    return Response(hub.metrics.exposition(), headers={"content-type": CONTENT_TYPE_LATEST})


def shown_to(request: Request, state: Readiness) -> Readiness:
    """As much of it as the sender may see: addresses and reasons are for the operator."""
    if is_operator(request):
        return state
    store, spool = state.store, state.spool
    store = replace(store, name=store.name.partition(":")[0], message=None)
    return replace(state, store=store, spool=spool and replace(spool, message=None))


async def readiness(hub: Hub) -> Readiness:
    """Whether the hub can acknowledge, and the state of what that needs."""
    store = await _store_state(hub)
    spool = _spool_state(hub)
    queries = QueriesState(plans=len(hub.engine.plans), streams=len(hub.streams))
    # While nothing waits, points go to the store, whatever the spool's disk is like.
    straight = store.ok and not (spool and spool.entries)
    ready = straight or (spool is not None and spool.ok)
    return Readiness(ready=ready, store=store, spool=spool, queries=queries)


async def _store_state(hub: Hub) -> StoreState:
    problem = None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await hub.store.check()
    except StreamsError as error:
        problem = str(error)
    except TimeoutError:
        problem = f"no answer within {PATIENCE_SECONDS:.0f} s"
    return StoreState(name=hub.store.name, ok=problem is None, message=problem)


def _spool_state(hub: Hub) -> SpoolState | None:
    if hub.spool is None:
        return None
    waiting = hub.spool.statistics()
    problem = hub.ingest.spool_trouble
    if hub.spool.full():
        problem = f"the spool is full: {waiting.bytes} of {hub.settings.spool_bytes} bytes wait for the database"
    return SpoolState(problem is None, problem, *waiting)


routes = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
