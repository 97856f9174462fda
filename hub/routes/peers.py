"""Who is at the other end of a request or a socket."""

from starlette.requests import HTTPConnection

from hub.auth import Grants, Principal, Unauthenticated, token_of
from hub.parts import Hub
from hub.reading import RequestRefused


def address_of(connection: HTTPConnection) -> str:
    """The address that it comes from, without the port; that of a trusted proxy's client."""
    return connection.client.host if connection.client else "unknown"


def shown_token(connection: HTTPConnection, *, basic: bool = False) -> str | None:
    """The token in its header, None where it has none. Unauthenticated where the header cannot be read."""
    return token_of(connection.headers.get("authorization"), basic=basic)


def principal_of(connection: HTTPConnection, *, basic: bool = False) -> Principal:
    """Who sends a request. RequestRefused where nobody is known by its token."""
    hub: Hub = connection.app.state.hub
    try:
        # An open hub ignores whatever header there is.
        return hub.authority.principal(None if hub.authority.is_open else shown_token(connection, basic=basic))
    except Unauthenticated as error:
        raise RequestRefused("unauthenticated", str(error)) from None


def grants_of(connection: HTTPConnection) -> Grants:
    """What the sender of a request may do. RequestRefused where nobody is known by its token."""
    return principal_of(connection).grants


def is_operator(connection: HTTPConnection) -> bool:
    """Whether its sender may see what concerns the operator alone."""
    try:
        return grants_of(connection).admin
    except RequestRefused:
        return False
