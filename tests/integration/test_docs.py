"""What a developer does with `/docs`, in a real Chromium: read, make a request, open a socket, see the frames."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from hub.codes import CODES
from hub.contract.endpoints import ENDPOINTS
from hub.contract.refusals import TOKEN
from hub.settings import table
from tests.browser import Complaints, launched
from tests.hub.contract.story import locked, settings
from tests.hub.running import RunningHub, running_hub

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with launched(chromium) as browser:
        yield browser


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    with running_hub(settings(tmp_path_factory.mktemp("hub"))) as hub:
        yield hub


@pytest.fixture
def page(browser: Browser, hub: RunningHub) -> Iterator[Page]:
    """The page, which must neither complain nor ask anybody but the hub."""
    page = browser.new_page(viewport={"width": 1_300, "height": 1_000})
    complaints = Complaints(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"http://127.0.0.1:{hub.port}/docs")
    expect(page.get_by_role("heading", name="WebSocket")).to_be_visible()
    yield page
    page.close()
    # Chromium itself notes an answer that says no.
    assert [text for text in complaints.heard if not text.startswith("Failed to load resource")] == []
    assert [url for url in asked if not url.startswith(f"http://127.0.0.1:{hub.port}/")] == []


def endpoint(page: Page, name: str) -> Locator:
    return page.locator(f"#http-{name}")


def test_everything_is_there_to_read(page: Page) -> None:
    for one in ENDPOINTS:
        expect(endpoint(page, one.name).locator("h3")).to_have_text(f"{one.method} {one.path}")
    for code in CODES:
        expect(page.locator(f"#code-{code.name}")).to_be_visible()
    for row in table():
        expect(page.locator("#settings").get_by_text(row.variable, exact=True)).to_be_visible()


def test_a_request_is_made_and_its_answer_shown(page: Page) -> None:
    section = endpoint(page, "stream")
    section.get_by_role("button", name="Send").click()
    expect(section.locator(".status")).to_have_text(re.compile(r"^200 OK, application/json, \d+ ms$"))
    expect(section.locator(".result pre").last).to_contain_text('"measurement": "weather"')
    expect(section.locator(".result pre").first).to_contain_text("/v1/streams/weather'")
    section.get_by_label("Example").select_option("misspelt")
    section.get_by_role("button", name="Send").click()
    expect(section.locator(".status")).to_contain_text("404")
    expect(section.locator(".result pre").last).to_contain_text('"code": "unknown_stream"')


def test_points_are_written_and_asked_for(page: Page) -> None:
    writing = endpoint(page, "write")
    writing.get_by_label(re.compile("^Body")).fill("rain,site=roof fallen=0.2")
    writing.get_by_label("precision").fill("")
    writing.get_by_role("button", name="Send").click()
    expect(writing.locator(".status")).to_contain_text("204")
    asking = endpoint(page, "schema")
    asking.get_by_label("measurement").fill("rain")
    asking.get_by_role("button", name="Send").click()
    expect(asking.locator(".result pre").last).to_contain_text('"name": "fallen"')


def test_windows_come_as_csv_of_one_site(page: Page) -> None:
    section = endpoint(page, "windows")
    section.get_by_label("Example").select_option("of_one_site")
    section.get_by_label("start").fill("")
    section.get_by_label("stop").fill("")
    section.get_by_label("Accept").select_option("text/csv")
    section.get_by_role("button", name="Send").click()
    expect(section.locator(".result pre").first).to_contain_text("where.site=yard")
    expect(section.locator(".result pre").last).to_contain_text("start,stop,revision,site,temp.mean,temp.max,hum.last")


def test_events_are_shown_as_they_come_until_they_are_stopped(page: Page) -> None:
    section = endpoint(page, "events")
    section.get_by_label("after").fill("")
    section.get_by_role("button", name="Send").click()
    expect(section.locator(".result pre").last).to_contain_text('"type":"live"')
    section.get_by_role("button", name="Stop").click()
    expect(section.locator(".status")).to_contain_text("stopped")
    expect(section.get_by_role("button", name="Send")).to_be_enabled()


def test_a_socket_is_opened_a_message_sent_and_the_frames_seen(page: Page) -> None:
    live, write = page.locator("#socket-live"), page.locator("#socket-write")
    live.get_by_role("button", name="Open").click()
    frames = live.locator(".frames")
    expect(frames).to_contain_text("▼ received ready")
    live.get_by_label("Message").select_option(label="A query, from now on")
    live.get_by_role("button", name="Send").click()
    for kind in ("▲ sent subscribe", "▼ received subscribed", "▼ received live", "▼ received window"):
        expect(frames).to_contain_text(kind)

    write.get_by_role("button", name="Open").click()
    write.get_by_label("Frame", exact=True).fill("door opened=true")
    write.get_by_role("button", name="Send").click()
    expect(write.locator(".frames")).to_contain_text('"stored": "store"')
    expect(frames).to_contain_text('"points": 1')
    picture(page, "socket")
    live.get_by_role("button", name="Close").click()
    expect(frames).to_contain_text("closed with 1000")


def test_what_the_socket_refuses_is_shown(page: Page) -> None:
    live = page.locator("#socket-live")
    live.get_by_role("button", name="Open").click()
    expect(live.locator(".frames")).to_contain_text("▼ received ready")
    live.get_by_label("Frame", exact=True).fill("what?")
    live.get_by_role("button", name="Send").click()
    expect(live.locator(".frames")).to_contain_text("closed with 4400")
    expect(live.get_by_role("button", name="Open")).to_be_visible()


def test_a_token_opens_what_is_locked(browser: Browser, tmp_path: Path) -> None:
    with running_hub(locked(tmp_path)) as hub:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{hub.port}/docs")
        streams, live = endpoint(page, "streams"), page.locator("#socket-live")
        streams.get_by_role("button", name="Send").click()
        expect(streams.locator(".status")).to_contain_text("401")
        page.get_by_label("Token", exact=True).fill(TOKEN)
        streams.get_by_role("button", name="Send").click()
        expect(streams.locator(".status")).to_contain_text("200")
        live.get_by_role("button", name="Open").click()
        expect(live.locator(".frames")).to_contain_text("▼ received ready")
        for shown in (streams.locator(".result"), live.locator(".frames")):
            expect(shown).not_to_contain_text(TOKEN)
        page.close()


def test_a_telephone_is_wide_enough(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture(page, "telephone")


def picture(page: Page, name: str) -> None:
    """For people to look at, where PICTURES names a folder."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"docs-{name}.png")
