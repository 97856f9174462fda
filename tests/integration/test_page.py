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


WATCH = """
const watch = setInterval(() => {
  const cards = [...document.querySelectorAll("section")];
  if (cards.length < COUNT || !cards.every((card) => /\\d/.test(card.querySelector("data")?.textContent))) return;
  window.secondsUntilValues = performance.now() / 1000;
  clearInterval(watch);
}, 20);
""".replace("COUNT", str(len(CARDS)))


def opened(browser: Browser, demo: Demo) -> Page:
    """The page, once every chart's legend has its values."""
    page = browser.new_page(viewport={"width": 1_440, "height": 1_100})
    page.add_init_script(WATCH)
    page.goto(demo.url)
    expect(page.locator("h2")).to_have_text(CARDS)
    for card in page.locator("section").all():
        expect(card.locator("data").first).to_have_text(re.compile(r"\d"), timeout=PATIENCE)
    return page


def seconds_until_values(browser: Browser, demo: Demo) -> float:
    """From the start of the navigation until every chart's legend has its values."""
    page = opened(browser, demo)
    seconds: float = page.evaluate("window.secondsUntilValues")
    page.close()
    return seconds


def picture(page: Page) -> str:
    data: str = page.locator("canvas").first.evaluate("canvas => canvas.toDataURL()")
    return data


def test_every_chart_moves_within_two_seconds(browser: Browser, demo: Demo) -> None:
    # Whatever else this machine does can only make it slower: the best of three counts.
    assert min(seconds_until_values(browser, demo) for _ in range(3)) < 2
    page = opened(browser, demo)
    complaints = Complaints(page)
    before = picture(page)
    page.wait_for_timeout(500)
    assert picture(page) != before
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
    before = picture(page)
    page.wait_for_timeout(1_500)
    assert picture(page) != before
    assert page.evaluate("window.isTheSamePage") is True
    assert failures == []
    page.close()
