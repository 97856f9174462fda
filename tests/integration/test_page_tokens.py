"""The page of a hub that asks for tokens: it asks too, shows what the token may read, and hears when it is revoked."""

import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import launched
from tests.servers.hub import COMMAND, HubProcess

pytestmark = pytest.mark.browser

STREAMS = "".join(
    f'[streams.{name}]\nmeasurement = "{name}"\nselect = {{temp = ["mean"]}}\nevery = "1s"\n'
    for name in ("weather", "secret")
)


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    with launched(chromium) as browser:
        yield browser


def token(folder: Path, *arguments: str) -> str:
    """What the command prints: the token, when one is added."""
    command = [str(COMMAND), "token", *arguments, "--tokens", str(folder / "tokens.toml")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubProcess]:
    (tmp_path / "hub.toml").write_text(STREAMS)
    token(tmp_path, "add", "device", "--write", "*")
    with HubProcess(tmp_path, "--config", str(tmp_path / "hub.toml"), "--tokens", str(tmp_path / "tokens.toml")) as hub:
        yield hub


def write(hub: HubProcess, secret: str) -> None:
    body = f"weather temp=21.5 {int(time.time() * 1_000) - 3_000}".encode()
    url = f"{hub.url}/api/v2/write?precision=ms"
    with urllib.request.urlopen(urllib.request.Request(url, body, {"authorization": f"Bearer {secret}"}), timeout=10):
        pass


def test_it_asks_for_a_token_and_shows_what_that_may_read(hub: HubProcess, browser: Browser, tmp_path: Path) -> None:
    writer = token(tmp_path, "add", "roof", "--write", "weather")
    reader = token(tmp_path, "add", "wall", "--read", "weather")
    time.sleep(3)
    write(hub, writer)
    page = browser.new_page()
    page.goto(hub.url)
    field = page.get_by_role("textbox", name="Token")
    field.fill("wrong")
    field.press("Enter")
    expect(page.get_by_role("heading", name="This hub asks for a token")).to_be_visible()
    field.fill(reader)
    field.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Live", timeout=15_000)
    expect(page.locator("section h2")).to_have_text("weather")
    page.get_by_role("button", name="Show as table").click()
    expect(page.locator("tbody")).to_contain_text("21.5", timeout=15_000)
    assert reader not in page.url
    token(tmp_path, "revoke", "wall")
    expect(page.get_by_role("dialog")).to_contain_text("the hub needs a valid token", timeout=20_000)
    page.close()
