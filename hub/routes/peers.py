"""Who is at the other end of a request or a socket."""

from starlette.requests import HTTPConnection


def address_of(connection: HTTPConnection) -> str:
    """The address that it comes from, without the port; that of a trusted proxy's client."""
    return connection.client.host if connection.client else "unknown"
