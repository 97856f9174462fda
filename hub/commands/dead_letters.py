"""`pxl-hub dead-letters`: the points that were refused for good, for a person to look at."""

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from hub.commands.printing import print_table
from hub.parts import make_dead_letters
from hub.settings import load_settings
from streams.ingest.dead_letters import DeadLetter

MOST_SHOWN = 1_000
"""Rows of the table; `--json` has no bound."""


def dead_letters(
    code: Annotated[str | None, typer.Option(help="Only points refused with this code, such as field_type.")] = None,
    source: Annotated[
        str | None, typer.Option(help="Only points of this session or address, or of a part of it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each point as a line of JSON.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Forget all of them; asks first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Clear without asking.")] = False,
) -> None:
    """List the points that were refused: when, whose, why, and the line as it came.

    Points marked as acknowledged were believed stored by their device: they came through the spool, and are kept
    until they are cleared. Of the others, the newest are kept. Run it on the hub's host, with the hub's settings.

        pxl-hub dead-letters --code field_type

        pxl-hub dead-letters --json | jq -r .line

    Exit codes: 0 listed or cleared, 1 not cleared, 2 wrong options or settings.
    """
    letters = make_dead_letters(load_settings())
    if clear:
        if code or source:
            raise typer.BadParameter("--clear forgets all points: it goes with neither --code nor --source")
        if not yes and not typer.confirm("Forget all dead letters, the acknowledged ones too?"):
            raise typer.Exit(1)
        letters.clear()
        return
    chosen = (
        letter
        for letter in letters.letters()
        if (code is None or letter.code == code) and (source is None or source in letter.source)
    )
    if as_json:
        for letter in chosen:
            sys.stdout.write(json_line(letter) + "\n")
    else:
        _print_table(chosen)


def json_line(letter: DeadLetter) -> str:
    """A point as JSON; bytes of its line that are no UTF-8 as half surrogates, as in the file."""
    return json.dumps({**letter._asdict(), "line": letter.line.decode("utf-8", "surrogateescape")})


def _print_table(letters: Iterable[DeadLetter]) -> None:
    table = Table("time", "source", "code", "acknowledged", "reason", "line", box=None, pad_edge=False)
    more = 0
    for number, letter in enumerate(letters):
        if number >= MOST_SHOWN:
            more += 1
            continue
        row = (_moment(letter.time), letter.source, letter.code, "yes" if letter.acknowledged else "no", letter.reason)
        table.add_row(*map(Text, row), Text(letter.line.decode("utf-8", "backslashreplace")))
    if table.row_count:
        print_table(table)
    print(f"{table.row_count} points" + (f", and {more} more: list all with --json" if more else ""), file=sys.stderr)


def _moment(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1_000, UTC):%Y-%m-%d %H:%M:%S}Z"
