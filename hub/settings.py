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

from hub.units import algorithm, count, duration, flag, level, log_format, number, origins, port, size, text


class SettingInvalid(Exception):
    """A setting that cannot be used: the text names it, what is wrong and what is possible."""


def _setting(unit: Callable[[str], Any], default: str, meaning: str, *, secret: bool = False) -> Any:
    parsed = unit(default) if default or unit is origins else ""
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
    tokens: str = _setting(text, "", "File of the tokens that open this hub, which `pxl-hub token add` writes.")
    jwt_keys: str = _setting(
        text, "", "File with the keys of JSON Web Tokens: PEM public keys, a JWKS, or for HS256 a secret."
    )
    jwt_algorithm: str = _setting(algorithm, "", "The one algorithm that they may be signed with.")
    jwt_issuer: str = _setting(text, "", "Their issuer, `iss`.")
    jwt_audience: str = _setting(text, "", "Their audience, `aud`: what they call this hub.")
    allowed_origins: tuple[str, ...] = _setting(
        origins, "", "Origins of other sites' pages that may use this hub, divided by commas; its own page always may."
    )
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
    max_connections_per_address: int = _setting(number, "0", "Sockets of one address and worker; 0 is no limit.")
    max_connections_per_token: int = _setting(number, "0", "Sockets of one token and worker; 0 is no limit.")
    limit_loopback: bool = _setting(flag, "false", "Whether limits for each address count for this machine's own, too.")
    max_message_rate: int = _setting(number, "0", "Messages of one socket a second; 0 is no limit.")
    max_request_rate: int = _setting(
        number, "0", "Requests and handshakes of one address, a second and worker; 0 is no limit."
    )
    max_groups: int = _setting(count, "100000", "Rows of one window; a query that has more is ended.")
    max_range: int = _setting(duration, "0s", "How much of the past one request may ask for; 0s is no limit.")
    header_timeout: int = _setting(duration, "5s", "Time that a request's or a handshake's headers may take to come.")
    auth_timeout: int = _setting(duration, "5s", "Time a socket has to say who it is, where tokens are used.")
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
    otlp_endpoint: str = _setting(
        text,
        "",
        "Base address of an OpenTelemetry collector, such as http://127.0.0.1:4318; none is sent to otherwise.",
    )
    log_format: str = _setting(
        log_format, "auto", "How log lines look: text, json, or auto, which is text on a terminal and else json."
    )
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


def secrets_of(settings: Settings) -> list[str]:
    """The values that nobody must see, and their parts after a colon, as in user:password."""
    values = [getattr(settings, row.name) for row in table() if row.secret]
    return [part for value in values if value for part in {value, value.rpartition(":")[2]} if part]


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
        if not isinstance(value, str | int):
            raise SettingInvalid(f"{path}: {name} must be a text, a whole number, true or false, not {value!r}")
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in section.items()}


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
    _check_access(settings)


def _check_access(settings: Settings) -> None:
    for name in ("jwt_keys", "jwt_algorithm", "jwt_issuer", "jwt_audience"):
        if has_jwt(settings) and not getattr(settings, name):
            raise SettingInvalid(
                f"{name}: JSON Web Tokens need jwt_keys, jwt_algorithm, jwt_issuer and jwt_audience; "
                f"set {variable(name)}"
            )
    if not settings.tokens and not has_jwt(settings):
        check_open(settings)


def check_open(settings: Settings) -> None:
    """SettingInvalid where a hub that no token is configured for would be open to the network."""
    if not is_loopback(settings.host):
        raise SettingInvalid(
            f"host: {settings.host} can be reached from the network, and no token is configured; make one with: "
            f"pxl-hub token add NAME --tokens {settings.tokens or 'tokens.toml'} --write '*' --read '*', "
            f"and start with --tokens {settings.tokens or 'tokens.toml'}; or listen on 127.0.0.1"
        )


def has_jwt(settings: Settings) -> bool:
    """Whether JSON Web Tokens open this hub."""
    return bool(settings.jwt_keys or settings.jwt_algorithm or settings.jwt_issuer or settings.jwt_audience)


def is_loopback(host: str) -> bool:
    """Whether it is this machine as it calls itself."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


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
