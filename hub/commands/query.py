"""`pxl-hub query TEXT`: a quick look at windows of the past."""

import sys
from contextlib import suppress
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

import msgspec
import typer
from rich.console import RenderableType

from hub.client import HubError, HubRefused
from hub.commands.asking import Measurement, Schema, Windows, ask
from hub.commands.printing import print_table
from hub.commands.query_text import Asked, QueryTextWrong, parse_query_text
from hub.commands.query_view import as_sparklines, as_table, unknown_fields
from hub.commands.running import Token

MOST_NAMED = 20
"""Of what there is to ask for, where nobody has written what was asked for."""


class Form(StrEnum):
    """How windows are shown."""

    TABLE = "table"
    SPARKLINE = "sparkline"
    CSV = "csv"
    JSON = "json"


def query(
    text: Annotated[list[str], typer.Argument(help="The query; in quotes, or as several words.", metavar="QUERY")],
    form: Annotated[
        Form, typer.Option("--as", help="A line for each row; a line of bars for each group; CSV; JSON.")
    ] = Form.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --as json.")] = False,
    url: Annotated[str, typer.Option(help="The hub's address.")] = "http://127.0.0.1:8000",
    token: Token = None,
) -> None:
    """Show final windows of a measurement, or of a named stream.

    A query names the measurement, fields with their aggregates, and the length of a window; then come, in any order,
    where TAG=VALUE,… (and …), by TAG,…, window for one that is longer than its step, and last for how much of the past.
    Without last the latest hundred windows are shown. A name without fields is that of a stream. Names with blanks or
    signs are written in double quotes; TAG= with nothing behind asks for series that have no such tag.

        pxl-hub query 'weather temp:mean,p95 by site 10s last 1h'

        pxl-hub query 'weather temp:max hum:last where site=roof,yard and dev=7 1m window 5m last 1d' --as sparkline

        pxl-hub query 'cpu last 10m' --as csv > cpu.csv

    Exit codes: 0 shown, 1 the hub or its database does not answer, 2 wrong query or options, or refused by the hub.
    """
    whole = " ".join(text)
    try:
        asked = parse_query_text(whole)
    except QueryTextWrong as wrong:
        print(f"pxl-hub: {wrong.pointing(whole)}", file=sys.stderr)
        raise typer.Exit(2) from None
    try:
        answer = _ask(asked, Form.JSON if as_json else form, url, token)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    except HubError as error:
        print(f"pxl-hub: {error}", file=sys.stderr)
        raise typer.Exit(2 if isinstance(error, HubRefused) else 1) from None
    if isinstance(answer, bytes):
        sys.stdout.buffer.write(answer if answer.endswith(b"\n") else answer + b"\n")
    else:
        print_table(answer)


def _ask(asked: Asked, form: Form, url: str, token: str | None) -> bytes | RenderableType:
    """What the hub says, in this form. HubError, ValueError."""
    accept = "text/csv" if form is Form.CSV else "application/json"
    body = ask(url, "/v1/query", token=token, body=msgspec.json.encode(asked.request()), accept=accept)
    if form in (Form.CSV, Form.JSON):
        return body
    windows = msgspec.json.decode(body, type=Windows)
    if unknown := unknown_fields(windows):
        print(
            f"pxl-hub: nobody has written {', '.join(unknown)} yet; {_what_there_is(asked, url, token)}",
            file=sys.stderr,
        )
    return as_sparklines(windows) if form is Form.SPARKLINE else as_table(windows)


def _what_there_is(asked: Asked, url: str, token: str | None) -> str:
    """What could have been meant by a name that nobody has written; a question where the hub does not say."""
    if asked.query is not None:
        name = asked.query["measurement"]
        with suppress(HubError):
            known = _schema(url, token, measurement=name)
            if known:
                return f"{name} has {', '.join(field.name for field in known[0].fields[:MOST_NAMED])}"
            others = ", ".join(one.name for one in _schema(url, token)[:MOST_NAMED])
            return f"there is no measurement {name}, but {others}" if others else "nobody has written anything"
    return "is it spelled so?"


def _schema(url: str, token: str | None, **parameters: str) -> tuple[Measurement, ...]:
    path = f"/v1/schema?{urlencode({**parameters, 'values': 0})}"
    return msgspec.json.decode(ask(url, path, token=token), type=Schema).measurements
