"""`pxl-hub settings`: every setting, its default, and what it is set to here."""

import json
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from hub.commands.printing import print_table
from hub.settings import Given, Row, given_settings, load_settings, table

HIDDEN = "(set)"
"""Stands for a secret."""


def settings(
    config: Annotated[str | None, typer.Option(help="TOML file with [hub] settings; default: HUB_CONFIG.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List every setting: its environment variable, its default, what it is set to here and where, and its meaning.

    A setting is given as an option of `serve`, as an environment variable, or under [hub] in the file: the first of
    these counts. Secrets are not shown.

        pxl-hub settings

        pxl-hub settings --config hub.toml --json

    Exit codes: 0 listed, 2 a setting that cannot be used.
    """
    options = {"config": config}
    load_settings(options)
    described = [_described(row, given) for row, given in _with_given(given_settings(options))]
    if as_json:
        print(json.dumps({"settings": described}))
        return
    shown = Table("setting", "value", "meaning", box=None, pad_edge=False)
    for row in described:
        value = row["value"] or row["default"] or "–"
        source = f"  {row['source']}" if row["source"] else ""
        shown.add_row(row["name"], Text(value, style="bold" if source else "").append(source, "dim"), Text(row["help"]))
    print_table(shown)


def _with_given(found: dict[str, Given]) -> list[tuple[Row, Given | None]]:
    return [(row, found.get(row.name)) for row in table()]


def _described(row: Row, given: Given | None) -> dict[str, Any]:
    value = None if given is None else HIDDEN if row.secret else given.text
    return {
        "name": row.name,
        "variable": row.variable,
        "unit": row.unit,
        "default": row.default,
        "value": value,
        "source": None if given is None else given.source,
        "help": row.help,
    }
