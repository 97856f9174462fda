"""`pxl-hub query TEXT`: a quick look at windows of the past."""

import sys
from enum import StrEnum
from typing import Annotated

import msgspec
import typer
from rich.console import RenderableType

from hub.client import HubError, HubRefused
from hub.commands.asking import Windows, ask
from hub.commands.printing import print_table
from hub.commands.query_text import Asked, QueryTextWrong, parse_query_text
from hub.commands.query_view import as_sparklines, as_table, unknown_fields
from hub.commands.running import Token


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
        print(f"pxl-hub: nobody has written {', '.join(unknown)} yet; is it spelled so?", file=sys.stderr)
    return as_sparklines(windows) if form is Form.SPARKLINE else as_table(windows)
