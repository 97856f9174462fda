"""How a client says who it is, in the words of both documents. An open hub asks nobody."""

from hub.contract.schemas import Document

BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "`Authorization: Bearer TOKEN`. A hub without tokens asks for none, and ignores one that comes.",
}
INFLUX_TOKEN = {
    "type": "apiKey",
    "in": "header",
    "name": "Authorization",
    "description": "`Authorization: Token TOKEN`, as InfluxDB's clients send it; it means the same.",
}
FIRST_MESSAGE = {
    "type": "apiKey",
    "in": "user",
    "description": (
        "A browser, which can set no header on a WebSocket, sends `auth` as its first message, within 5 s, and may "
        "send it again to renew. `ready` follows it."
    ),
}

OPENAPI: Document = {"bearer": BEARER, "token": INFLUX_TOKEN}
ASYNCAPI: Document = {
    "bearer": BEARER,
    "token": {**INFLUX_TOKEN, "type": "httpApiKey"},
    "auth": FIRST_MESSAGE,
}
OPTIONAL: list[Document] = [{}, {"bearer": []}, {"token": []}]
"""Nothing, where the hub has no tokens; or one of these."""
