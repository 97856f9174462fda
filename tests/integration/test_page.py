"""What a newcomer sees: `pxl-hub demo`, and its page in a real Chromium."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import Complaints, launched
from tests.servers.demo import Demo

pytestmark = pytest.mark.browser

CARDS = ["cpu", "cpu_10s", "disk", "load", "memory", "network"]
PATIENCE = 20_000


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with launched(chromium) as browser:
        yield browser


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    with Demo(tmp_path) as demo:
        yield demo


def opened(browser: Browser, demo: Demo) -> Page:
    """The page, once every chart's legend has its values."""
    page = browser.new_page(viewport={"width": 1_440, "height": 1_100})
    page.goto(demo.url)
    expect(page.locator("h2")).to_have_text(CARDS)
    for card in page.locator("section").all():
        expect(card.locator("data").first).to_have_text(re.compile(r"\d"), timeout=PATIENCE)
    return page


def expect_another_picture(page: Page) -> None:
    """Wait until the first chart has been drawn anew, and differently."""
    picture = "document.querySelector('canvas').toDataURL()"
    page.wait_for_function(f"before => {picture} !== before", arg=page.evaluate(picture), timeout=PATIENCE)


def test_every_chart_moves(browser: Browser, demo: Demo) -> None:
    # How soon depends on the machine, and is measured: scripts/bench page.
    page = opened(browser, demo)
    complaints = Complaints(page)
    expect_another_picture(page)
    expect(page.get_by_role("status")).to_have_text("Live")
    page.reload()
    expect(page.get_by_role("status")).to_have_text("Live")
    assert complaints.heard == []
    page.close()


def test_a_phone_shows_it_without_scrolling_sideways(browser: Browser, demo: Demo) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme="dark")
    page.goto(demo.url)
    expect(page.locator(".legend data").first).to_have_text(re.compile(r"\d"), timeout=PATIENCE)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.close()


def test_it_goes_on_after_a_restart_of_the_hub_without_a_reload(browser: Browser, demo: Demo) -> None:
    page = opened(browser, demo)
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.evaluate("window.isTheSamePage = true")
    assert demo.stop() == 0
    expect(page.get_by_role("status")).to_contain_text("No connection", timeout=PATIENCE)
    demo.start()
    expect(page.get_by_role("status")).to_have_text("Live", timeout=PATIENCE)
    expect(page.locator("#facts")).to_contain_text("1 reconnect")
    expect_another_picture(page)
    assert page.evaluate("window.isTheSamePage") is True
    assert failures == []
    page.close()
