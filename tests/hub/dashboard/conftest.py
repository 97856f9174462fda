"""A browser for the tests of the page, and in it the page with a hub that says what each test needs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import launched
from tests.hub.dashboard.scripted_hub import ScriptedHub


@pytest.fixture(scope="package")
def browser(chromium: Path) -> Iterator[Browser]:
    with launched(chromium) as browser:
        yield browser


@pytest.fixture
def hub(browser: Browser) -> Iterator[ScriptedHub]:
    hub = ScriptedHub(browser)
    hub.page.set_default_timeout(10_000)
    yield hub
    hub.page.close()
    assert hub.complaints.heard == []
