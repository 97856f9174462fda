"""`pxl-hub streams`: what the file defines; `apply`: have the buckets keep points for as long as it says."""

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from hub.buckets import DUCKDB, database_file, is_influxdb, load_rollups, load_wanted, open_bucket
from hub.commands.printing import print_table
from hub.parts import load_streams
from hub.settings import SettingInvalid, Settings, load_settings
from streams.durations import format_duration
from streams.errors import StoreUnavailable
from streams.queries import Query
from streams.retention import Bucket, Change, changes, format_retention
from streams.rollups import Rollup

streams = typer.Typer(invoke_without_command=True)

Config = Annotated[str | None, typer.Option(help="TOML file with the definitions; default: HUB_CONFIG.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@streams.callback()
def list_streams(context: typer.Context, config: Config = None, as_json: AsJson = False) -> None:
    """List the named streams: what each reads, its windows, and what it is rolled up into.

        pxl-hub streams --config hub.toml

    Exit codes: 0 listed, 2 wrong options or settings.
    """
    if context.invoked_subcommand:
        return
    settings = load_settings({"config": config})
    rollups = {rollup.stream: rollup for rollup in load_rollups(settings)}
    described = [_described(name, query, rollups.get(name)) for name, query in load_streams(settings).items()]
    if as_json:
        _print_json({"streams": described})
    else:
        _print_table(["name", "measurement", "window", "every", "grace", "into", "rollup_after"], described)


@streams.command()
def apply(
    config: Config = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Shorten retention too: older points are deleted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Have each bucket keep its points for as long as the file's table of retention says.

    A bucket that the file does not name stays as it is. Nothing is changed while one would be shortened without
    --yes. Rollups need no applying, the running hub writes them; they are shown so that one look is enough.

        pxl-hub streams apply --config hub.toml --dry-run

    Exit codes: 0 applied, shown, or nothing to do; 1 not applied: --yes is missing, or the database does not answer;
    2 wrong options or settings, or a bucket that is not there.
    """
    settings = load_settings({"config": config})
    if not settings.config:
        raise SettingInvalid("config: retention is defined in a file; name it with --config or HUB_CONFIG")
    rollups = load_rollups(settings)
    try:
        found, applied = asyncio.run(_apply(settings, really=not dry_run, shorten=yes))
    except StoreUnavailable as error:
        sys.stderr.write(f"pxl-hub: {error}\n")
        raise typer.Exit(1) from None
    described = [_change(change) for change in found]
    if as_json:
        targets = [_described(rollup.stream, rollup.query, rollup) for rollup in rollups]
        _print_json({"changes": described, "rollups": targets, "applied": applied})
    else:
        _print_table(["bucket", "now", "wanted", "change"], described)
        for rollup in rollups:
            print(f"{rollup.stream} is rolled up into {rollup.into}")
    if not applied and not dry_run:
        sys.stderr.write("pxl-hub: nothing was changed: points would be deleted; say --yes if they may be\n")
        raise typer.Exit(1)


async def _apply(settings: Settings, *, really: bool, shorten: bool) -> tuple[list[Change], bool]:
    """What is to change, and whether it was changed."""
    wanted = load_wanted(settings)
    if not is_influxdb(settings) and not database_file(settings) and wanted:
        raise SettingInvalid(f"store: in memory, retention.{DUCKDB} holds from each start; there is nothing to apply")
    async with AsyncExitStack() as opened:
        buckets: dict[str, Bucket] = {
            name: await opened.enter_async_context(open_bucket(settings, name)) for name in wanted
        }
        found = await changes(wanted, buckets)
        if not really or (not shorten and any(change.shortens for change in found)):
            return found, False
        for change in found:
            if change.needed:
                await buckets[change.bucket].set_retention(change.wanted_ms)
        return found, True


def _described(name: str, query: Query, rollup: Rollup | None) -> dict[str, Any]:
    after = rollup.after_ms if rollup else None
    return {
        "name": name,
        "measurement": query.measurement,
        "window": format_duration(query.window_ms),
        "every": format_duration(query.every_ms),
        "grace": format_duration(query.grace_ms),
        "into": rollup.into if rollup else None,
        "rollup_after": None if after is None else format_duration(after),
    }


def _change(change: Change) -> dict[str, Any]:
    kind = "none" if not change.needed else "shorten" if change.shortens else "lengthen"
    return {
        "bucket": change.bucket,
        "now": format_retention(change.now_ms),
        "wanted": format_retention(change.wanted_ms),
        "change": kind,
    }


def _print_json(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")


def _print_table(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text("-" if row[column] is None else row[column]) for column in columns))
    print_table(table if rows else "none")
