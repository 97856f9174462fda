"""Every setting: its name, default, unit and meaning, in one table, read once.

A setting is given as an option of the command line, as the environment variable `HUB_NAME`, or under `[hub]` in the
configuration file, the first of these counting. Durations are written as `10s`, sizes as `4MiB`.
"""

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

from streams.durations import parse_duration


class SettingInvalid(Exception):
    """A setting that cannot be used: the text names it, what is wrong and what is possible."""


def text(value: str) -> str:
    """text"""
    return value


def number(value: str) -> int:
    """whole number"""
    if not re.fullmatch(r"\d{1,15}", value):
        raise ValueError(f"expected a whole number, not {value!r}")
    return int(value)


def port(value: str) -> int:
    """port"""
    if not re.fullmatch(r"\d{1,5}", value) or int(value) > 65_535:
        raise ValueError(f"expected a port from 0 to 65535, not {value!r}")
    return int(value)


def count(value: str) -> int:
    """number from 1"""
    if number(value) < 1:
        raise ValueError("expected at least 1")
    return int(value)


def size(value: str) -> int:
    """size"""
    match = re.fullmatch(r"(\d{1,12})\s*(B|KiB|MiB|GiB)?", value)
    if match is None or int(match[1]) == 0:
        raise ValueError(f"expected a size such as 512KiB or 4MiB, not {value!r}")
    return int(match[1]) * {None: 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}[match[2]]


def duration(value: str) -> int:
    """duration"""
    return parse_duration(value)


def level(value: str) -> str:
    """debug, info, warning or error"""
    if value.lower() not in {"debug", "info", "warning", "error"}:
        raise ValueError(f"expected debug, info, warning or error, not {value!r}")
    return value.lower()


def _setting(unit: Callable[[str], Any], default: str, meaning: str, *, secret: bool = False) -> Any:
    parsed = unit(default) if default else ""
    return field(default=parsed, metadata={"unit": unit, "text": default, "help": meaning, "secret": secret})


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The table. Durations are held in milliseconds, sizes in bytes."""

    host: str = _setting(text, "127.0.0.1", "Address to listen on.")
    port: int = _setting(port, "8000", "Port to listen on; 0 lets the system choose one.")
    store: str = _setting(
        text,
        "duckdb",
        "Where points are kept: duckdb (a file in your data folder), duckdb:PATH, duckdb::memory: or influxdb:URL.",
    )
    workers: int = _setting(count, "1", "Processes that serve; more than one needs InfluxDB.")
    config: str = _setting(text, "", "TOML file with [hub] settings and [streams.NAME] definitions.")
    influx_token: str = _setting(text, "", "InfluxDB's token (1.x: user:password).", secret=True)
    influx_org: str = _setting(text, "", "InfluxDB's organisation.")
    influx_bucket: str = _setting(text, "", "InfluxDB's bucket (1.x: database or database/retention policy).")
    data_folder: str = _setting(
        text, "", "Folder for the DuckDB file and for what the workers of this host share; default: your data folder."
    )
    spool_bytes: int = _setting(size, "1GiB", "Most that may wait on this host's disk while InfluxDB is away.")
    dead_letter_bytes: int = _setting(size, "64MiB", "Most that may be kept of points that were refused.")
    max_frame_bytes: int = _setting(size, "4MiB", "Largest frame a client may send.")
    max_body_bytes: int = _setting(size, "25MiB", "Largest body of a request, inflated where it is compressed.")
    max_frame_points: int = _setting(count, "20000", "Points of one frame.")
    max_objects: int = _setting(count, "5000", "Points of one JSON or MessagePack frame; one with more is refused.")
    max_tags: int = _setting(count, "64", "Tags of one point.")
    max_fields: int = _setting(count, "256", "Fields of one point.")
    max_name_bytes: int = _setting(size, "1KiB", "Longest name of a measurement, tag or field.")
    max_value_bytes: int = _setting(size, "64KiB", "Longest tag value or string.")
    max_new_series: int = _setting(
        number, "0", "Series that a device may bring in an hour and had not sent in the one before; 0 is no limit."
    )
    max_unacked: int = _setting(count, "64", "Frames of a device without an outcome before the hub reads no more.")
    max_subscriptions: int = _setting(count, "100", "Subscriptions of one socket.")
    max_history: int = _setting(count, "100000", "Windows of the past that one request may ask for.")
    max_connections: int = _setting(count, "20000", "Sockets of one worker.")
    socket_budget: int = _setting(size, "1MiB", "Bytes that may wait for one socket; there is always room for a frame.")
    ping_interval: int = _setting(duration, "20s", "Time between the pings that find dead sockets.")
    ping_timeout: int = _setting(duration, "20s", "Time a socket has to answer a ping.")
    tail_horizon: int = _setting(
        duration,
        "15m",
        "Longest window that is answered from its points; longer ones are put together from parts that are kept.",
    )
    tail_points: int = _setting(
        count, "5000000", "Points, and rows of such parts, that a worker keeps in memory; some 60 bytes each."
    )
    correct_for: int = _setting(duration, "1h", "How long after its stop a window is corrected when late points come.")
    audit_every: int = _setting(
        duration, "10s", "How often a random window is computed again straight from the store; 0s is never."
    )
    accept_from: int = _setting(duration, "7d", "How much older than the hub's clock a point may be.")
    accept_until: int = _setting(duration, "5m", "How much newer than the hub's clock a point may be.")
    log_level: str = _setting(level, "info", "Least important log lines shown: debug, info, warning or error.")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table, for the documentation and the command line."""

    name: str
    variable: str
    default: str
    unit: str
    help: str
    secret: bool


def table() -> list[Row]:
    """Every setting, in order."""
    return [
        Row(
            setting.name,
            variable(setting.name),
            setting.metadata["text"],
            setting.metadata["unit"].__doc__,
            setting.metadata["help"],
            setting.metadata["secret"],
        )
        for setting in fields(Settings)
    ]


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"HUB_{name.upper()}"


def load_settings(
    options: Mapping[str, str | None] | None = None, environment: Mapping[str, str] = os.environ
) -> Settings:
    """The settings in force: option, environment, file, default. SettingInvalid names the one that is wrong."""
    found = given_settings(options, environment)
    units = {setting.name: setting.metadata["unit"] for setting in fields(Settings)}
    settings = Settings(**{name: _parse(given.source, units[name], given.text) for name, given in found.items()})
    _check(settings)
    return settings


class Given(NamedTuple):
    """What a setting was set to, as it was written, and where."""

    source: str
    text: str


def given_settings(
    options: Mapping[str, str | None] | None = None, environment: Mapping[str, str] = os.environ
) -> dict[str, Given]:
    """The settings that are not left at their defaults, by name. SettingInvalid where the file cannot be used."""
    chosen = {name: value for name, value in (options or {}).items() if value is not None}
    file = chosen.get("config") or environment.get("HUB_CONFIG", "")
    from_file = _read_file(Path(file)) if file else {}
    found: dict[str, Given] = {}
    for setting in fields(Settings):
        name = setting.name
        for source, value in (
            (f"--{name}", chosen.get(name)),
            (variable(name), environment.get(variable(name))),
            (f"{name} in {file}", from_file.get(name)),
        ):
            if value is not None:
                found[name] = Given(source, value)
                break
    return found


def _parse(source: str, unit: Callable[[str], Any], value: str) -> Any:
    try:
        return unit(value)
    except ValueError as error:
        raise SettingInvalid(f"{source}: {error}") from None


def _read_file(path: Path) -> dict[str, str]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingInvalid(f"the configuration {path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise SettingInvalid(f"the configuration {path} is not TOML: {error}") from None
    section = document.get("hub", {})
    if not isinstance(section, dict):
        raise SettingInvalid(f"{path}: hub must be a table, as in [hub]")
    names = [setting.name for setting in fields(Settings) if setting.name != "config"]
    for name, value in section.items():
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(names)}"
            raise SettingInvalid(f"{path}: hub has no setting {name!r}{hint}")
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise SettingInvalid(f"{path}: {name} must be a text or a whole number, not {value!r}")
    return {name: str(value) for name, value in section.items()}


def _check(settings: Settings) -> None:
    kind, _, place = settings.store.partition(":")
    if kind not in {"duckdb", "influxdb"} or (kind == "influxdb" and not re.match(r"https?://[^/]", place)):
        raise SettingInvalid(
            f"store: {settings.store!r} is none; write duckdb:PATH, duckdb::memory: or influxdb:http://HOST:8086"
        )
    if kind == "influxdb" and not settings.influx_bucket:
        raise SettingInvalid("influx_bucket: InfluxDB needs the name of a bucket; set HUB_INFLUX_BUCKET")
    if kind == "duckdb" and settings.workers > 1:
        raise SettingInvalid(
            f"workers: DuckDB serves one process, not {settings.workers}; use --workers 1, or --store influxdb:URL"
        )
    if not _is_loopback(settings.host):
        raise SettingInvalid(
            f"host: {settings.host} can be reached from the network, and no token is configured; "
            "listen on 127.0.0.1, and put a proxy that asks who is there in front"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def duckdb_path(settings: Settings) -> Path | None:
    """The DuckDB file, or None for memory; its folder is made. SettingInvalid when it cannot be."""
    place = settings.store.partition(":")[2]
    if place == ":memory:":
        return None
    if not place:
        return data_folder(settings) / "hub.duckdb"
    path = Path(place).expanduser()
    _make_folder("store", path.parent)
    return path


def data_folder(settings: Settings) -> Path:
    """The folder of the hub's files; it is made. SettingInvalid when it cannot be."""
    path = Path(settings.data_folder or platformdirs.user_data_dir("pxl-hub")).expanduser()
    _make_folder("data_folder", path)
    return path


def _make_folder(name: str, path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingInvalid(f"{name}: the folder {path} cannot be made: {error.strerror or error}") from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise SettingInvalid(f"{name}: the folder {path} cannot be written; choose another, or change its owner")
