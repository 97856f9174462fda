"""The page with twelve charts at ten updates a second in a real Chromium, beside an empty page in the same browser.

`scripts/bench page [--seconds N]`. Frames are those that the browser could have drawn something in; a long task is one
that keeps the page from answering for 50 ms or more. Without a graphics card each frame is drawn by the processor.
"""

import argparse
import asyncio
import json
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from hub.client import Writer
from tests.browser import launched
from tests.servers.hub import HubProcess

CHARTS, GROUPS, HERTZ = 12, 4, 10
STREAM = """
[streams.m{n}]
measurement = "m{n}"
select = {{ value = ["mean"] }}
group_by = ["line"]
every = "100ms"
grace = "200ms"
"""
MEASURE = """milliseconds => new Promise(resolve => {
  const gaps = [], long = [];
  const observer = new PerformanceObserver(list => long.push(...list.getEntries().map(entry => entry.duration)));
  observer.observe({ entryTypes: ["longtask"] });
  let last = performance.now();
  const end = last + milliseconds;
  const frame = now => {
    gaps.push(now - last);
    last = now;
    if (now < end) return requestAnimationFrame(frame);
    observer.disconnect();
    resolve({ gaps: gaps.slice(1), long });
  };
  requestAnimationFrame(frame);
})"""


async def _write(address: str, stop: threading.Event) -> None:
    chance = random.Random(1)
    async with Writer(address) as writer:
        while not stop.is_set():
            now = time.time_ns()
            points = (
                f"m{n},line=l{g} value={chance.gauss(g, 0.2)} {now}" for n in range(CHARTS) for g in range(GROUPS)
            )
            await writer.write("\n".join(points))
            await asyncio.sleep(1 / HERTZ / 2)


@contextmanager
def device(address: str) -> Iterator[None]:
    """Points for every window of every chart, until the end of the block."""
    stop = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_write(address, stop)))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def measure(page: Page, seconds: float) -> dict[str, Any]:
    """Frames, long tasks, and the share of a core that the page's own thread used."""
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable")

    def busy() -> float:
        metrics = {m["name"]: m["value"] for m in client.send("Performance.getMetrics")["metrics"]}
        return float(metrics["TaskDuration"])

    before, begun = busy(), time.monotonic()
    seen = page.evaluate(MEASURE, seconds * 1_000)
    share = (busy() - before) / (time.monotonic() - begun)
    gaps = sorted(seen["gaps"])
    frames = len(gaps) / sum(gaps) * 1_000
    return {"fps": frames, "p99_ms": gaps[int(len(gaps) * 0.99)], "long": seen["long"], "core": share}


def report(name: str, seen: dict[str, Any]) -> None:
    long = f"{len(seen['long'])} long tasks"
    if seen["long"]:
        long += f", the longest {max(seen['long']):.0f} ms"
    frames = f"{seen['fps']:5.1f} frames/s   p99 {seen['p99_ms']:5.1f} ms"
    print(f"  {name:28} {frames}   {seen['core']:6.1%} of a core   {long}")


def compare(browser: Browser, hub: HubProcess, seconds: float) -> None:
    empty = browser.new_page(viewport={"width": 1920, "height": 1080})
    bare = measure(empty, seconds)
    report("an empty page", bare)
    empty.close()
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    received: list[str | bytes] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(frame)))  # noqa: PLW0108
    page.goto(hub.url)
    page.wait_for_timeout(8_000)
    received.clear()
    busy = measure(page, seconds)
    windows = sum(json.loads(frame)["type"] == "window" for frame in received) / seconds
    report(f"{CHARTS} charts, {windows:.0f} windows/s", busy)
    page.set_viewport_size({"width": 1440, "height": 300})
    page.locator("main").evaluate("main => { main.style.paddingTop = '3000px'; }")
    page.wait_for_timeout(4_000)
    received.clear()
    report("all of them out of sight", measure(page, seconds))
    print(f"  {len(received) / seconds:.1f} messages/s then")
    print(f"  frames/s, to an empty page: {busy['fps'] / bare['fps']:.2f}")
    page.close()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench page")
    parser.add_argument("--seconds", type=float, default=10)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("chromium is not installed; install your system's package of that name")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "hub.toml").write_text("".join(STREAM.format(n=n) for n in range(CHARTS)))
        with (
            HubProcess(folder, "--config", str(folder / "hub.toml")) as hub,
            device(hub.sockets),
            launched(Path(chromium)) as browser,
        ):
            print(f"Chromium {browser.version}, {CHARTS} charts of {GROUPS} lines, {HERTZ} windows a second each")
            compare(browser, hub, parser.parse_args(arguments).seconds)
