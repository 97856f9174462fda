"""A hub in a thread of the tests' own process, over real sockets."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import uvicorn

from hub.app import create_app
from hub.server.options import uvicorn_options
from hub.server.single import listen
from hub.settings import Settings


class Answer(NamedTuple):
    """What a request brought."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)


class RunningHub(NamedTuple):
    """Where it listens."""

    port: int

    @property
    def sockets(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def get(
        self, path: str, method: str = "GET", *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, body, dict(headers or {}), method=method)
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                return _answer(response.status, response)
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, error)


def _answer(status: int, response: Any) -> Answer:
    return Answer(status, {k.lower(): v for k, v in response.headers.items()}, response.read().decode())


@contextmanager
def running_hub(settings: Settings) -> Iterator[RunningHub]:
    """A hub with these settings on a free port, until the end of the block."""
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(create_app(settings), log_config=None, **uvicorn_options(settings)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield RunningHub(port)
    finally:
        server.should_exit = True
        thread.join(20)
