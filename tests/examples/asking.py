"""What the tests of the examples ask a hub, as a person with `curl` would."""

import json
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[2] / "infra" / "examples"


def rows(url: str, query: dict[str, Any], history: str = "3m") -> list[list[Any]]:
    """The rows of all windows of a query that have stopped; its `grace` is none."""
    body = json.dumps({"query": {"grace": "0s", **query}, "history": history}).encode()
    request = urllib.request.Request(f"{url}/v1/query", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return [row for window in json.load(response)["windows"] for row in window["rows"]]


def eventually(what: Callable[[], bool], otherwise: Callable[[], object], seconds: float = 30) -> None:
    """Return when it holds; fail, saying this, when it does not in so many seconds."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, otherwise()
        time.sleep(0.05)
