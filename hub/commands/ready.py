"""`pxl-hub ready`: whether a running hub can acknowledge, for health checks and for those who stop it."""

import json
import sys
import time
import urllib.error
import urllib.request
from typing import Annotated, Any

import typer

from hub.preflight import address
from hub.settings import Settings, load_settings
from streams.durations import parse_duration

ANSWER_SECONDS = 8.0
PAUSE_SECONDS = 1.0
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to ask, not where to listen


def ready(
    url: Annotated[
        str | None, typer.Option(help="The hub's address; default: from the settings.", show_default=False)
    ] = None,
    *,
    drained: Annotated[bool, typer.Option("--drained", help="Nothing may wait in its spool, either.")] = False,
    wait: Annotated[str, typer.Option(help="How long to wait for it: 30s, 10m.")] = "0s",
) -> None:
    """Say whether a running hub can acknowledge what devices send.

        pxl-hub ready --wait 30s

        pxl-hub ready --drained --wait 1h

    Exit codes: 0 it can, 1 it cannot or does not answer, 2 wrong options.
    """
    try:
        until = time.monotonic() + parse_duration(wait) / 1_000
    except ValueError as error:
        raise typer.BadParameter(f"--wait: {error}") from None
    where = (url or own_url(load_settings())).rstrip("/")
    told = None
    while problem := _problem(where, drained=drained):
        if problem != told:
            print(f"{where}: {problem}", file=sys.stderr)
            told = problem
        if time.monotonic() >= until:
            raise typer.Exit(1)
        time.sleep(PAUSE_SECONDS)


def own_url(settings: Settings) -> str:
    """Where a hub with these settings is asked from its own host."""
    return f"http://{address(EVERYWHERE.get(settings.host, settings.host), settings.port)}"


def _problem(url: str, *, drained: bool) -> str | None:
    """What keeps the hub at this address from being ready, or drained; None when it is."""
    try:
        state = _state(url)
    except (OSError, ValueError) as error:
        return f"no answer: {getattr(error, 'reason', error)}"
    spool = state["spool"]
    if drained:
        return f"{spool['entries']} batches wait in the spool" if spool and spool["entries"] else None
    if state["ready"]:
        return None
    problems = (part["message"] for part in (state["store"], spool) if part and not part["ok"])
    return "; ".join(filter(None, problems)) or "it cannot acknowledge"


def _state(url: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=ANSWER_SECONDS) as answer:  # noqa: S310
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 503:
                return dict(json.load(error))
            raise
