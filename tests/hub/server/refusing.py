"""An app whose workers start as long as no file of the name in REFUSE_FILE is there."""

import os
from pathlib import Path
from typing import Any


async def app(scope: Any, receive: Any, send: Any) -> None:
    """As ASGI says; every request is answered with the worker's process id."""
    if scope["type"] == "lifespan":
        await receive()
        if Path(os.environ["REFUSE_FILE"]).exists():
            await send({"type": "lifespan.startup.failed", "message": "told to refuse"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    else:
        body = str(os.getpid()).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})
