"""The page in a real Chromium, with a hub that says what each test needs."""

import json
import mimetypes
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, Page, Route, WebSocketRoute, expect

from hub.routes.page import FOLDER, HEADERS
from tests.browser import Complaints

ADDRESS = "http://hub.test/"
COLUMNS: list[dict[str, Any]] = [{"name": "site", "kind": "tag"}, {"name": "temp.mean", "kind": "float", "unit": None}]
STREAM = {
    "name": "weather",
    "measurement": "w",
    "where": {},
    "columns": COLUMNS,
    "window_ms": 1_000,
    "every_ms": 1_000,
    "grace_ms": 1_000,
}
SCHEMA = [
    {
        "name": "w",
        "tags": [
            {"name": "site", "values": ["s1", "s2"], "more": False},
            {"name": "dev", "values": ["d"], "more": False},
        ],
        "fields": [{"name": "hum", "kinds": ["integer"]}, {"name": "temp", "kinds": ["float"]}],
    }
]


class ScriptedHub:
    """The hub as the page sees it; the test says what it says."""

    def __init__(self, browser: Browser) -> None:
        self.page: Page = browser.new_page()
        self.complaints = Complaints(self.page)
        self.streams: list[dict[str, Any]] = [STREAM]
        self.schema: list[dict[str, Any]] = SCHEMA
        self.token: str | None = None
        self.sockets: list[WebSocketRoute] = []
        self.requests: list[dict[str, Any]] = []
        self.page.route(ADDRESS + "**", self._answer)
        self.page.route_web_socket("ws://hub.test/v1/live", self._connect)
        self.second = int(time.time()) * 1_000

    def open(self, view: str = "") -> Page:
        self.page.goto(ADDRESS + view)
        return self.page

    def _answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(ADDRESS).partition("?")[0] or "index.html"
        if not path.startswith("v1/"):
            kind = mimetypes.guess_type(path)[0] or "text/plain"
            route.fulfill(path=FOLDER / path, headers={**HEADERS, "content-type": kind})
        elif self.token is not None and route.request.headers.get("authorization") != f"Bearer {self.token}":
            route.fulfill(status=401, json={"code": "unauthenticated", "message": "a token is needed", "remedy": ""})
        elif path == "v1/streams":
            route.fulfill(json={"streams": self.streams})
        else:
            route.fulfill(json={"measurements": self.schema, "more": False})

    def _connect(self, socket: WebSocketRoute) -> None:
        self.sockets.append(socket)
        socket.on_message(lambda data: self.requests.append(json.loads(data)))
        self.say(type="ready", session=f"s{len(self.sockets)}", time=int(time.time() * 1_000))

    def say(self, **message: Any) -> None:
        self.sockets[-1].send(json.dumps(message))

    def request(self, kind: str = "subscribe") -> dict[str, Any]:
        """Wait for the page's next request of this kind, and take it."""
        self.until(lambda: any(request["type"] == kind for request in self.requests))
        request = next(request for request in self.requests if request["type"] == kind)
        self.requests.remove(request)
        return request

    def grant(self, columns: list[dict[str, Any]] = COLUMNS, plan: str = "P", every_ms: int = 1_000) -> dict[str, Any]:
        """Wait for the page's next subscription and grant it; what it asked."""
        request = self.request()
        durations = {"window_ms": every_ms, "every_ms": every_ms, "grace_ms": 1_000, "shared_by": 1}
        self.say(type="subscribed", id=request["id"], plan=plan, columns=columns, **durations)
        self.say(type="live", id=request["id"], plan=plan, **{"from": self.second - 3_600_000})
        return request

    def window(self, ago: int, temp: float | None, revision: int = 0, plan: str = "P", **changes: Any) -> int:
        """A window that stopped so many seconds before the start of the test; its stop."""
        stop = self.second - ago * 1_000
        message = {"start": stop - 1_000, "stop": stop, "revision": revision, "final": False, "rows": [["s1", temp]]}
        details = {"points": 1, "late": 0, "queried_ms": 1.0, "sent": stop}
        self.say(type="window", plan=plan, **{**message, **details, **changes})
        return stop

    def until(self, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not happened():
            assert time.monotonic() < deadline, "the page did not do it within 10 s"
            self.page.wait_for_timeout(10)

    def shows(self, value: str) -> None:
        expect(self.page.locator(".legend data")).to_have_text(value)
