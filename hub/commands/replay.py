"""`pxl-hub replay SOURCE`: old points sent again, from a file or an InfluxDB."""

import asyncio
import itertools
import json
import shlex
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

import typer

from hub.client import Writer
from hub.commands.running import Token, run_until_stopped
from hub.progress import bar
from hub.replay.csv_columns import Wishes, read_moment
from hub.replay.dry_run import Survey, survey
from hub.replay.pacing import Pace
from hub.replay.parts import SourceUnreadable
from hub.replay.position import State, StateFile
from hub.replay.progress import make_watcher
from hub.replay.replay import MOST_NAMED, End, Plan, Replay, codes_text
from hub.replay.selection import Selection
from hub.replay.sources import Opening, open_source
from streams.durations import parse_duration
from streams.errors import StreamsError

BUFFER_BYTES = 8 * 1024 * 1024
"""Points that may be under way."""


class Speed(StrEnum):
    """How fast the time of the points passes."""

    LIVE = "1"
    TEN = "10"
    MAX = "max"


class Precision(StrEnum):
    """The unit of times that are numbers."""

    NS = "ns"
    US = "us"
    MS = "ms"
    S = "s"


def replay(
    source: Annotated[str, typer.Argument(help="A file (line protocol or CSV, also .gz), or influxdb:URL.")],
    *,
    url: Annotated[str, typer.Option(help="The hub's address.")] = "ws://127.0.0.1:8000",
    token: Token = None,
    speed: Annotated[Speed, typer.Option(help="As it was, ten times as fast, or as fast as possible.")] = Speed.MAX,
    shift_to: Annotated[
        str | None,
        typer.Option(
            help="`now`: at speed 1 the first point happens now; at others the last, so that none is to come."
        ),
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="A measurement to send; can be repeated.")] = None,
    start: Annotated[str | None, typer.Option(help="Points from this time on: 2026-01-31T12:00Z, or 1h ago.")] = None,
    stop: Annotated[str | None, typer.Option(help="Points before this time, likewise.")] = None,
    precision: Annotated[
        Precision | None, typer.Option(help="Unit of the times; else ns, in CSV told by their size.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what became of it as one line of JSON.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would be sent; send nothing.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the last replay to this hub ended.")] = False,
    patience: Annotated[str, typer.Option(help="How long the hub may give no answer before this ends.")] = "30s",
    measurement: Annotated[
        str | None, typer.Option(help="CSV: the measurement; else the column of that name, or the file's name.")
    ] = None,
    time_column: Annotated[
        str | None, typer.Option("--time", help="CSV: the column of times; else time, timestamp, ts, datetime or date.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(help="CSV: a column that is a tag; can be repeated.")] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(
            help="CSV: a column that is a field, or COLUMN:integer (float, string, boolean); can be repeated."
        ),
    ] = None,
) -> None:
    """Send old points to a hub: a file, or a range of an InfluxDB.

    What the hub has acknowledged is remembered, through kill -9 too: --resume goes on there. Windows that the points
    touch are corrected once, at the end.

    A CSV file has a header. Without --tag and --field, columns of numbers and of true or false are fields, and columns
    of text are tags; with one of them, all other columns are the other; with both, other columns are left out.

    An InfluxDB is reached with HUB_INFLUX_TOKEN, HUB_INFLUX_ORG and HUB_INFLUX_BUCKET.

        pxl-hub replay weather.lp.gz --only weather --dry-run

        pxl-hub replay weather.csv --time when --tag site --field temp --precision s

        pxl-hub replay influxdb:http://127.0.0.1:8086 --start 1h --speed 1 --shift-to now

    Exit codes: 0 all acknowledged; 1 stopped, or not all acknowledged: --resume goes on; 2 wrong options, a source that
    cannot be read, or refused by the hub; 3 all settled, and some points were rejected.
    """
    now = time.time_ns()
    try:
        if shift_to not in (None, "now"):
            raise ValueError(f"--shift-to {shift_to}: it can only be now")
        selection = Selection(tuple(only or ()), _moment(start, now), _moment(stop, now))
        opening = Opening(
            source,
            selection,
            precision=precision.value if precision else None,
            wishes=Wishes(measurement, time_column, tuple(tag or ()), tuple(field or ())),
            now=now,
        )
        report = _report_json if as_json else _report_text
        job = _Job(
            opening, url, token, speed, report, shifts=shift_to == "now", patience=parse_duration(patience) / 1_000
        )
        code = run_until_stopped(job.count if dry_run else lambda event: job.send(event, resume=resume))
    except (ValueError, SourceUnreadable, StreamsError) as error:
        print(f"pxl-hub: {error}", file=sys.stderr)
        code = 2
    raise typer.Exit(code)


def _moment(text: str | None, now: int) -> int | None:
    """Nanoseconds of a time, or of a duration before now."""
    if text is None:
        return None
    try:
        return now - parse_duration(text) * 10**6
    except ValueError:
        return read_moment(text)


class _Job:
    """One call of the command."""

    def __init__(
        self,
        opening: Opening,
        url: str,
        token: str | None,
        speed: Speed,
        report: "_Report",
        *,
        shifts: bool,
        patience: float,
    ) -> None:
        self._opening = opening
        self._url = url
        self._token = token
        self._speed = speed
        self._report = report
        self._shifts = shifts
        self._patience = patience

    async def count(self, stop: asyncio.Event) -> int:
        """`--dry-run`."""
        async with open_source(self._opening) as source:
            with bar("reading") as look:
                counting = asyncio.create_task(
                    survey(source, self._opening.selection, None, most_examples=MOST_NAMED, look=look)
                )
                stopping = asyncio.create_task(stop.wait())
                await asyncio.wait([counting, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not counting.done():
                counting.cancel()
                return 1
            stopping.cancel()
            self._report(counting.result())
            return 3 if counting.result().refused else 0

    async def send(self, stop: asyncio.Event, *, resume: bool) -> int:
        """Send it all, from the start or from where the last replay ended."""
        async with open_source(self._opening) as source:
            with closing(StateFile(source.name, self._url)) as file, make_watcher() as watcher:
                state = self._begin(source.name, file, resume=resume)
                anchor = None
                if self._shifts and self._speed is not Speed.LIVE and state.shift is None:
                    with bar("reading") as look:
                        whole = await survey(source, self._opening.selection, None, most_examples=0, look=look)
                    anchor = whole.latest
                pace = Pace(None if self._speed is Speed.MAX else float(self._speed.value))
                plan = Plan(source, self._opening.selection, pace, self._shifts, anchor, self._patience)
                run = Replay(plan, state, save=file.save, watcher=watcher)
                writer = Writer(
                    self._url,
                    token=self._token,
                    parameters={"backfill": "true"},
                    on_reject=run.on_reject,
                    on_setback=run.on_setback,
                    buffer_bytes=BUFFER_BYTES,
                    patience=None,
                )
                end = await run.run(writer, stop)
        self._report(Outcome(run.acknowledged, run.rejected, run.codes, run.settled.done, end.name.lower()))
        return _conclude(run, end)

    def _begin(self, source: str, file: StateFile, *, resume: bool) -> State:
        options = {**self._opening.meaning(), "shift-to": "now" if self._shifts else ""}
        fresh = State(source=source, target=self._url, options=options)
        earlier = file.load()
        if not resume:
            if earlier and not earlier.finished and earlier.place is not None:
                print(f"an earlier replay came to {earlier.done:.1%}; --resume goes on there", file=sys.stderr)
            return fresh
        if earlier is None:
            print("there is nothing to go on with: beginning at the start", file=sys.stderr)
            return fresh
        for name, value in options.items():
            if (before := earlier.options.get(name, "")) != value:
                raise ValueError(
                    f"--resume: the replay to go on with had --{name} {before or 'not set'}, and this one has"
                    f" {value or 'not'}: give the same options, or leave --resume out to begin anew"
                )
        print(f"going on at {earlier.done:.1%}", file=sys.stderr)
        return earlier


def _conclude(run: Replay, end: End) -> int:
    if end is End.DONE:
        return 3 if run.rejected else 0
    reason = f": {run.reason}" if run.reason and end is not End.STOPPED else ""
    print(f"{end.value}{reason}", file=sys.stderr)
    print(f"{run.settled.done:.1%} is settled; go on with: {_again()}", file=sys.stderr)
    return 2 if end in {End.REFUSED, End.UNREADABLE} else 1


class Outcome(NamedTuple):
    """What became of the points, the rejected ones by code; the part of the source that is settled; why it ended."""

    acknowledged: int
    rejected: int
    codes: Counter[str]
    settled: float
    end: str

    def text(self) -> list[str]:
        """For people."""
        codes = f" ({codes_text(self.codes.most_common())})" if self.codes else ""
        return [f"{self.acknowledged:,} points acknowledged, {self.rejected:,} rejected{codes}"]

    def described(self) -> dict[str, Any]:
        """For programs."""
        return self._asdict()


_Report = Callable[[Outcome | Survey], None]


def _report_text(found: Outcome | Survey) -> None:
    print(*found.text(), sep="\n")


def _report_json(found: Outcome | Survey) -> None:
    print(json.dumps(found.described()))


def _again() -> str:
    """The command to go on with, but for the token: a terminal is not the place for it."""
    arguments: list[str] = []
    for before, argument in itertools.pairwise(["", *sys.argv[1:]]):
        if argument not in {"--resume", "--token"} and before != "--token" and not argument.startswith("--token="):
            arguments.append(argument)
    return shlex.join(["pxl-hub", *arguments, "--resume"])
