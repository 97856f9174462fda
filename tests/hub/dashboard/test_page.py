"""The page in a real Chromium, with a hub that says what each test needs."""

import json
import mimetypes
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, WebSocketRoute, expect

from hub.routes.page import FOLDER, HEADERS
from tests.browser import Complaints, launched

pytestmark = pytest.mark.browser

ADDRESS = "http://hub.test/"
COLUMNS: list[dict[str, Any]] = [{"name": "site", "kind": "tag"}, {"name": "temp.mean", "kind": "float", "unit": None}]
STREAM = {"name": "weather", "measurement": "w", "columns": COLUMNS, "window_ms": 1_000, "every_ms": 1_000}


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with launched(chromium) as browser:
        yield browser


class Hub:
    """The hub as the page sees it; the test says what it says."""

    def __init__(self, browser: Browser) -> None:
        self.page = browser.new_page()
        self.complaints = Complaints(self.page)
        self.streams: list[dict[str, Any]] = [STREAM]
        self.sockets: list[WebSocketRoute] = []
        self.requests: list[dict[str, Any]] = []
        self.page.route(ADDRESS + "**", self._answer)
        self.page.route_web_socket("ws://hub.test/v1/live", self._connect)
        self.second = int(time.time()) * 1_000

    def _answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(ADDRESS) or "index.html"
        if path == "v1/streams":
            route.fulfill(json={"streams": self.streams})
        else:
            kind = mimetypes.guess_type(path)[0] or "text/plain"
            route.fulfill(path=FOLDER / path, headers={**HEADERS, "content-type": kind})

    def _connect(self, socket: WebSocketRoute) -> None:
        self.sockets.append(socket)
        socket.on_message(lambda data: self.requests.append(json.loads(data)))
        self.say(type="ready", session=f"s{len(self.sockets)}", time=int(time.time() * 1_000))

    def say(self, **message: Any) -> None:
        self.sockets[-1].send(json.dumps(message))

    def grant(self, name: str = "weather", columns: list[dict[str, Any]] = COLUMNS) -> dict[str, Any]:
        """Wait for the page's request and grant it; what it asked."""
        self.until(lambda: any(request.get("id") == name for request in self.requests))
        request = next(request for request in self.requests if request.get("id") == name)
        self.requests.remove(request)
        durations = {"window_ms": 1_000, "every_ms": 1_000, "grace_ms": 1_000, "shared_by": 1}
        self.say(type="subscribed", id=name, plan="P", columns=columns, **durations)
        return request

    def window(self, ago: int, temp: float | None, revision: int = 0, **changes: Any) -> None:
        """A window that stopped so many seconds before the start of the test."""
        stop = self.second - ago * 1_000
        message = {"start": stop - 1_000, "stop": stop, "revision": revision, "final": False, "rows": [["s1", temp]]}
        details = {"points": 1, "late": 0, "queried_ms": 1.0, "sent": stop}
        self.say(type="window", plan="P", **{**message, **details, **changes})

    def until(self, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not happened():
            assert time.monotonic() < deadline, "the page did not do it within 10 s"
            self.page.wait_for_timeout(10)

    def shows(self, value: str) -> None:
        expect(self.page.locator(".legend data")).to_have_text(value)


@pytest.fixture
def hub(browser: Browser) -> Iterator[Hub]:
    hub = Hub(browser)
    yield hub
    hub.page.close()
    assert hub.complaints.heard == []


def opened(hub: Hub) -> Page:
    hub.page.goto(ADDRESS)
    return hub.page


def test_a_stream_has_a_card_with_its_values(hub: Hub) -> None:
    page = opened(hub)
    assert hub.grant()["history"] == "300000ms"
    hub.window(0, 21.5)
    expect(page.get_by_role("heading", name="weather")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Live")
    hub.shows("21.5")
    expect(page.locator(".what")).to_have_text("w · site s1 · 1 s windows")


def test_within_a_session_the_highest_revision_holds(hub: Hub) -> None:
    opened(hub)
    hub.grant()
    hub.window(0, 10.0)
    hub.window(0, 12.0, revision=2)
    hub.window(0, 11.0, revision=1)
    hub.window(1, 99.0)
    hub.shows("12.0")


def test_after_a_restart_the_page_goes_on_where_it_was_and_takes_the_new_sessions_word(hub: Hub) -> None:
    page = opened(hub)
    hub.grant()
    hub.window(1, 10.0)
    hub.window(0, 11.0, revision=3)
    hub.say(type="progress", plan="P", final_until=hub.second - 1_000)
    hub.shows("11.0")
    hub.sockets[-1].close(code=1012, reason=json.dumps({"retry_after_ms": 1_500}))
    expect(page.get_by_role("status")).to_contain_text("No connection, next try in")
    request = hub.grant()
    assert (request["after"], request.get("history")) == (hub.second - 1_000, None)
    window = {"start": hub.second - 1_000, "stop": hub.second, "revision": 0, "final": True, "rows": [["s1", 10.5]]}
    hub.say(type="history", id="weather", plan="P", windows=[window], more=False)
    hub.shows("10.5")
    expect(page.locator("#reconnects")).to_have_text("1 reconnect")


def test_what_was_skipped_is_asked_for(hub: Hub) -> None:
    opened(hub)
    hub.grant()
    hub.window(5, 1.0)
    hub.say(type="progress", plan="P", final_until=hub.second - 5_000)
    skipped = {"from": hub.second - 4_000, "to": hub.second - 2_000}
    hub.say(type="skipped", plan="P", windows=3, **skipped)
    hub.until(lambda: len(hub.requests) == 2)
    assert [request["type"] for request in hub.requests] == ["unsubscribe", "subscribe"]
    assert hub.requests[1]["after"] == hub.second - 5_000


def test_a_refusal_is_shown_on_the_card_and_a_passing_failure_tried_again(hub: Hub) -> None:
    page = opened(hub)
    hub.until(lambda: len(hub.requests) == 1)
    hub.requests.clear()
    hub.say(type="error", id="weather", code="internal", message="the hub failed", retry_after_ms=None)
    expect(page.locator(".card .trouble")).to_have_text("the hub failed")
    hub.say(type="error", id="weather", code="store_unavailable", message="away", retry_after_ms=10)
    hub.grant()
    expect(page.locator(".card .trouble")).to_be_hidden()


def test_late_windows_are_said_until_they_come(hub: Hub) -> None:
    page = opened(hub)
    hub.grant()
    hub.say(type="error", id=None, code="store_unavailable", message="windows are late", retry_after_ms=1_000)
    expect(page.locator("#trouble")).to_have_text("windows are late")
    hub.window(0, 1.0)
    expect(page.locator("#trouble")).to_be_hidden()


def test_pointing_at_a_time_shows_its_values(hub: Hub) -> None:
    page = opened(hub)
    hub.grant()
    for ago in range(30, -1, -1):
        hub.window(ago, 100.0 + ago)
    hub.shows("100")
    canvas = page.locator("canvas")
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2)
    expect(page.locator(".legend data")).not_to_have_text("100")
    page.mouse.move(0, 0)
    hub.shows("100")


def test_columns_of_one_unit_share_a_chart(hub: Hub) -> None:
    page = opened(hub)
    names = ["used_bytes.mean", "free_bytes.mean", "load1.last", "load5.last", "temp.count", "state.last"]
    kinds = ["float", "float", "float", "float", "integer", "string"]
    hub.grant(columns=[{"name": name, "kind": kind, "unit": None} for name, kind in zip(names, kinds, strict=True)])
    hub.window(0, None, rows=[[3 * 2**30, 1536.0, 0.5, 0.25, 7, "on"]])
    expect(page.locator("figcaption")).to_have_text(["mean · B", "last", "temp · count"])
    expect(page.locator(".legend data")).to_have_text(["3.00 GiB", "1.50 KiB", "0.50", "0.25", "7.00"])


def test_without_streams_it_says_how_to_have_some(hub: Hub) -> None:
    hub.streams = []
    page = opened(hub)
    expect(page.get_by_role("heading", name="No streams yet")).to_be_visible()


def test_a_thousand_groups_are_cut_to_what_can_be_read(hub: Hub) -> None:
    page = opened(hub)
    hub.grant()
    hub.window(0, None, rows=[[f"site {number}", float(number)] for number in range(1_000)])
    expect(page.locator(".legend li")).to_have_count(25)
    expect(page.locator(".legend li").last).to_have_text("and 976 more")
