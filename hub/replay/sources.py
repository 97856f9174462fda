"""What the word SOURCE of the command line means."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hub.replay.csv_columns import Wishes
from hub.replay.csv_file import CSVFile
from hub.replay.line_file import LineFile
from hub.replay.parts import Source
from hub.replay.selection import Selection
from hub.settings import SettingInvalid, load_settings

TIMEOUT_SECONDS = 60.0
"""For one read of an InfluxDB."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A source as it was asked for. `now`, nanoseconds, is the end of a range that has none."""

    word: str
    selection: Selection
    precision: str | None
    wishes: Wishes
    now: int

    def meaning(self) -> dict[str, str]:
        """The options that say which points there are and what they look like, by their names."""
        wishes, selection = self.wishes, self.selection
        return {
            "only": ",".join(sorted(selection.only)),
            "precision": self.precision or "",
            "measurement": wishes.measurement or "",
            "time": wishes.time or "",
            "tag": ",".join(wishes.tags),
            "field": ",".join(wishes.fields),
        }


@asynccontextmanager
async def open_source(opening: Opening) -> AsyncIterator[Source]:
    """The source, ready to be read. SourceUnreadable, SettingInvalid, or an error of the store."""
    if not opening.word.startswith("influxdb:"):
        yield _open_file(opening)
        return
    if opening.wishes != Wishes():
        raise SettingInvalid("--measurement, --time, --tag and --field describe CSV files; an InfluxDB has --only")
    # A large library that files need not.
    from hub.replay.influxdb import InfluxDBRange
    from streams.stores.influxdb_server import Server

    settings = load_settings({"store": opening.word})
    url = opening.word.removeprefix("influxdb:")
    # Not a store: it would have to be allowed to write.
    server = Server(
        url,
        settings.influx_token,
        settings.influx_org,
        settings.influx_bucket,
        write_timeout=TIMEOUT_SECONDS,
        read_timeout=TIMEOUT_SECONDS,
    )
    selection = opening.selection
    stop = opening.now if selection.stop is None else selection.stop
    await server.open()
    try:
        yield InfluxDBRange(server, selection.only, selection.start, stop)
    finally:
        await server.close()


def _open_file(opening: Opening) -> Source:
    path = Path(opening.word).expanduser().resolve()
    if Path(path.name.removesuffix(".gz")).suffix == ".csv":
        return CSVFile(path, opening.wishes, opening.precision)
    if opening.wishes != Wishes():
        raise SettingInvalid(f"--measurement, --time, --tag and --field describe CSV files; {path.name} is none")
    return LineFile(path, opening.precision or "ns")
