"""The page with twelve charts at ten updates a second in a real Chromium, beside an empty page and uPlot alone.

`scripts/bench page [--seconds N]`. Frames are those that the browser could have drawn something in; a long task is one
that keeps the page from answering for 50 ms or more. Without a graphics card each frame is drawn by the processor,
which hub, device and browser share: as many bare charts of the same windows show what these leave, and the processor
time of the page's own thread says what the page itself costs.
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

from playwright.sync_api import Browser, Page, ViewportSize

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
ROOT = Path(__file__).parents[2]
UPLOT = ROOT / "hub" / "dashboard" / "node_modules" / "uplot" / "dist"
BARE = (Path(__file__).parent / "bare_charts.js").read_text()
COLORS = ["#2f6feb", "#e8710a", "#12915f", "#c2185b"]
SIZE: ViewportSize = {"width": 1920, "height": 1080}
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


VALUES = """
const known = new Set();
const watch = setInterval(() => {
  for (const card of document.querySelectorAll("section"))
    if (/\\d/.test(card.querySelector("data")?.textContent)) known.add(card);
  if (known.size < COUNT) return;
  window.secondsUntilValues = performance.now() / 1000;
  clearInterval(watch);
}, 20);
""".replace("COUNT", str(CHARTS))
"""Notes when every chart's legend has its first values, from the start of the navigation."""


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


def kinds(received: list[str | bytes]) -> list[str]:
    """The types of the hub's messages."""
    return [json.loads(frame)["type"] for frame in received]


def measure(page: Page, seconds: float) -> dict[str, Any]:
    """Frames and long tasks as the page sees them, and the processor time of its own thread."""
    browser = page.context.browser
    assert browser is not None
    browser.start_tracing(page=page, categories=["toplevel"])
    seen = page.evaluate(MEASURE, seconds * 1_000)
    times = main_thread_times(json.loads(browser.stop_tracing())["traceEvents"])
    gaps = sorted(seen["gaps"])
    return {
        "fps": len(gaps) / sum(gaps) * 1_000,
        "p99_ms": gaps[int(len(gaps) * 0.99)],
        "long": len(seen["long"]),
        "longest_cpu_ms": max(times) / 1_000,
        "core": sum(times) / 1e6 / seconds,
    }


def main_thread_times(events: list[dict[str, Any]]) -> list[int]:
    """Microseconds of processor time of each task of the busiest page's main thread."""
    threads = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks: dict[tuple[int, int], list[int]] = {thread: [0] for thread in threads}
    for event in events:
        if event["name"] == "ThreadControllerImpl::RunTask" and (event["pid"], event["tid"]) in threads:
            tasks[event["pid"], event["tid"]].append(event.get("tdur", 0))
    return max(tasks.values(), key=sum)


def report(name: str, seen: dict[str, Any]) -> None:
    frames = f"{seen['fps']:5.1f} frames/s   p99 {seen['p99_ms']:5.1f} ms"
    work = f"{seen['core']:6.1%} of a core, the longest task {seen['longest_cpu_ms']:.0f} ms of it"
    print(f"  {name:28} {frames}   {work}   {seen['long']} tasks of 50 ms or more by the clock")


def settle(page: Page, received: list[str | bytes]) -> None:
    """Wait until all the past has come: the hub reads it, which takes it a whole core."""
    while kinds(received).count("live") < CHARTS:
        page.wait_for_timeout(200)
    page.wait_for_timeout(5_000)
    received.clear()


@contextmanager
def opened(browser: Browser, url: str) -> Iterator[tuple[Page, list[str | bytes]]]:
    """A page, and what it receives over its sockets."""
    page = browser.new_page(viewport=SIZE, bypass_csp=True)
    received: list[str | bytes] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(frame)))  # noqa: PLW0108
    page.add_init_script(VALUES)
    page.goto(url)
    yield page, received
    page.close()


def compare(browser: Browser, hub: HubProcess, seconds: float) -> None:
    with opened(browser, "about:blank") as (page, _):
        empty = measure(page, seconds)
        report("an empty page", empty)
    with opened(browser, f"{hub.url}/healthz") as (page, received):
        page.add_style_tag(path=UPLOT / "uPlot.min.css")
        page.add_script_tag(path=UPLOT / "uPlot.iife.min.js")
        page.evaluate(BARE, {"charts": CHARTS, "lines": GROUPS, "colors": COLORS})
        settle(page, received)
        bare = measure(page, seconds)
        report(f"{CHARTS} charts of uPlot alone", bare)
    with opened(browser, f"{hub.url}/#span=1m") as (page, received):
        settle(page, received)
        first = page.evaluate("window.secondsUntilValues")
        busy = measure(page, seconds)
        windows = kinds(received).count("window") / seconds
        report(f"{CHARTS} charts, {windows:.0f} windows/s", busy)
        page.set_viewport_size({"width": 1440, "height": 300})
        page.locator("main").evaluate("main => { main.style.paddingTop = '3000px'; }")
        page.wait_for_timeout(4_000)
        received.clear()
        report("all of them out of sight", measure(page, seconds))
        print(f"  {len(received) / seconds:.1f} messages/s then")
    ratios = f"{busy['fps'] / empty['fps']:.2f}; to uPlot alone: {busy['fps'] / bare['fps']:.2f}"
    print(f"  frames/s, to an empty page: {ratios}")
    print(f"  {first:.1f} s from the address to values in every chart")


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
