"""`/v1/schema`: what there is to ask for."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub.parts import Hub
from hub.ranges import whole_number
from hub.reading import RequestRefused
from hub.routes.answers import answer, refusal
from hub.routes.peers import grants_of
from hub.schema import DEFAULT_VALUES, MOST_VALUES
from streams.errors import StreamsError

PARAMETERS = ("measurement", "values")


async def schema(request: Request) -> Response:
    """All measurements that the sender may read, or one, with their tags and fields."""
    hub: Hub = request.app.state.hub
    given = request.query_params
    try:
        grants = grants_of(request)
        for name in given:
            if name not in PARAMETERS:
                there_are = ", ".join(PARAMETERS)
                raise RequestRefused("invalid_request", f"{name}: there is no such parameter; there are {there_are}")
        values = whole_number("values", given["values"]) if "values" in given else DEFAULT_VALUES
        if not 0 <= values <= MOST_VALUES:
            raise RequestRefused("invalid_request", f"values: expected 0 to {MOST_VALUES}, not {values}")
        measurement = given.get("measurement")
        if measurement is None:
            return answer(await hub.schemas.all(values, grants))
        return answer(await hub.schemas.one(measurement, values, grants))
    except StreamsError as error:
        return refusal(error)


routes = [Route("/v1/schema", schema)]
