"""What the shell is offered where a command wants a name that a running hub knows."""

from typing import Any

import msgspec
import typer

from hub.client import HubError
from hub.commands.asking import ask

PATIENCE_SECONDS = 1.0
"""Somebody is waiting with a finger on the tabulator."""


class _Stream(msgspec.Struct):
    name: str


class _Streams(msgspec.Struct):
    streams: list[_Stream]


def stream_names(context: typer.Context, incomplete: str) -> list[str]:
    """The streams of the hub that the command line names, as far as they begin so; none while it does not answer."""
    options: dict[str, Any] = context.params
    try:
        body = ask(options["url"], "/v1/streams", token=options.get("token"), patience=PATIENCE_SECONDS)
        names = [stream.name for stream in msgspec.json.decode(body, type=_Streams).streams]
    except (HubError, ValueError, KeyError):
        return []
    return [name for name in names if name.startswith(incomplete)]
