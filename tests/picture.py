"""Make the picture of the page for the README: `python -m tests.picture`. It needs Chromium.

A hub of its own is given ten minutes of made-up weather and power, and the page is taken as it then looks.
"""

import math
import random
import shutil
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import expect

from tests.browser import launched
from tests.servers.hub import HubProcess

PICTURE = Path(__file__).parents[1] / "hub" / "dashboard" / "picture.png"
MOST_BYTES = 150_000
SIZE = {"width": 1180, "height": 712}
STREAMS = """
[streams.temperature]
measurement = "weather"
select = { temperature_celsius = ["mean"] }
group_by = ["site"]
every = "2s"
window = "10s"
grace = "6s"

[streams.requests]
measurement = "gateway"
select = { requests_per_second = ["mean"] }
group_by = ["region"]
every = "2s"

[streams.memory]
measurement = "gateway"
select = { used_bytes = ["max"] }
group_by = ["region"]
every = "2s"

[streams.latency]
measurement = "gateway"
select = { latency_ms = ["median", "p95", "p99"] }
every = "5s"
grace = "10s"
"""
VIEW = "/#span=5m&chart=temperature&chart=requests&chart=latency&table=memory"


def points(begin: int, end: int) -> Iterator[str]:
    """Lines of a point each second for each site and region; times in seconds."""
    chance = random.Random(7)
    for second in range(begin, end):
        for index, site in enumerate(("harbour", "roof", "greenhouse")):
            swing = math.sin(second / (55 + 20 * index) + index) * (0.8 + index)
            temperature = 14 + 5 * index + swing + chance.gauss(0, 0.08)
            yield f"weather,site={site} temperature_celsius={temperature:.3f} {second}"
        for index, region in enumerate(("eu", "us", "asia")):
            load = 800 - 190 * index + 140 * math.sin(second / 40 + 2 * index) + chance.gauss(0, 18)
            latency = chance.lognormvariate(3.1 + 0.2 * math.sin(second / 60), 0.35)
            memory = (2 + index / 2) * 2**30 * (1 + 0.04 * math.sin(second / 70 + index))
            fields = f"requests_per_second={load:.1f},latency_ms={latency:.2f},used_bytes={memory:.0f}"
            yield f"gateway,region={region} {fields} {second}"


def write(hub: HubProcess, lines: list[str]) -> None:
    request = f"{hub.url}/api/v2/write?precision=s"
    with urllib.request.urlopen(request, "\n".join(lines).encode(), timeout=30):
        pass


def take(hub: HubProcess, chromium: Path) -> None:
    now = int(time.time())
    write(hub, list(points(now - 600, now)))
    with launched(chromium) as browser:
        page = browser.new_page(viewport=SIZE, color_scheme="dark")  # type: ignore[arg-type]
        page.goto(hub.url + VIEW)
        expect(page.locator(".legend data").first).not_to_have_text("–", timeout=30_000)
        for _ in range(16):
            page.wait_for_timeout(1_000)
            write(hub, list(points(now, now := int(time.time()))))
        box = page.locator(".u-over").nth(1).bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] * 0.62, box["y"] + box["height"] * 0.4)
        page.wait_for_timeout(300)
        page.screenshot(path=PICTURE)


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("chromium is not installed; install your system's package of that name")
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "hub.toml").write_text(STREAMS)
        with HubProcess(Path(name), "--config", f"{name}/hub.toml") as hub:
            take(hub, Path(chromium))
    size = PICTURE.stat().st_size
    print(f"{PICTURE}: {size:,} bytes")
    if size > MOST_BYTES:
        raise SystemExit(f"that is more than {MOST_BYTES:,}")


if __name__ == "__main__":
    main()
