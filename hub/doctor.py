"""What `pxl-hub doctor` looks at before a hub is put to work: each finding says what to do, if anything."""

import asyncio
import os
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path

import psutil

from hub.auth import Principal
from hub.buckets import load_rollups, load_wanted
from hub.parts import load_streams, make_store
from hub.settings import SettingInvalid, Settings, data_folder, duckdb_path, has_jwt, is_loopback
from hub.tokens import read_tokens
from hub.tracing import check_tracing
from streams.errors import DefinitionInvalid, StoreMisconfigured, StreamsError

MOST_CLOCK_SECONDS = 2.0
"""A database's clock is told in whole seconds, so a smaller difference says nothing."""
SPARE_FILES = 512
"""Files that a worker has open beside its sockets, with plenty to spare."""
SLOW_SYNC_SECONDS = 0.1
STORE_SECONDS = 5.0
MIB = 2**20


class State(StrEnum):
    """How bad it is: `warning` lets a hub run, `failure` keeps it from doing its work."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found at one thing that was looked at; `remedy` is empty where all is well."""

    check: str
    state: State
    message: str
    remedy: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything, one thing after the other."""
    yield _definitions(settings)
    yield _store(settings)
    yield _clock(settings)
    yield open_files(settings.max_connections, _soft_limit())
    yield from _disk(settings)
    yield from access(settings, round(time.time() * 1_000))


def _definitions(settings: Settings) -> Finding:
    try:
        streams = load_streams(settings)
        load_rollups(settings)
        load_wanted(settings)
        check_tracing(settings)
    except (DefinitionInvalid, SettingInvalid) as error:
        return Finding("settings", State.FAILURE, str(error), "Correct that line.")
    named = f"{settings.config} defines {len(streams)} streams" if settings.config else "no file names any stream"
    return Finding("settings", State.OK, f"they can be used; {named}")


def _store(settings: Settings) -> Finding:
    if not settings.store.startswith("influxdb:"):
        return _embedded_store(settings)
    try:
        name = asyncio.run(_try_store(settings))
    except StoreMisconfigured as error:
        remedy = "Correct HUB_INFLUX_TOKEN, HUB_INFLUX_ORG or HUB_INFLUX_BUCKET."
        return Finding("store", State.FAILURE, str(error), remedy)
    except (StreamsError, TimeoutError) as error:
        remedy = "Start the database, or correct HUB_STORE; until then points would wait in the spool."
        return Finding("store", State.FAILURE, str(error) or f"no answer within {STORE_SECONDS:g} s", remedy)
    return Finding("store", State.OK, f"{name} answers, and takes the token")


def _embedded_store(settings: Settings) -> Finding:
    """Only read: what a start would make or mend is left to the start."""
    import duckdb

    try:
        path = duckdb_path(settings)
    except SettingInvalid as error:
        return Finding("store", State.FAILURE, str(error), "Choose another file.")
    if path is None:
        return Finding(
            "store", State.WARNING, "points are in memory, and gone with the hub", "Name a file: duckdb:PATH."
        )
    if not path.exists():
        return Finding("store", State.OK, f"{path} is made at the first start")
    try:
        duckdb.connect(str(path), read_only=True).close()
    except duckdb.Error as error:
        if "Could not set lock" in str(error):
            return Finding("store", State.OK, f"{path} is in use, by a running hub as it seems")
        remedy = "At its start the hub sets it aside and begins a new one: copy it first, or name another file."
        return Finding("store", State.FAILURE, f"{path} cannot be read: {str(error).splitlines()[0]}", remedy)
    return Finding("store", State.OK, f"{path} can be read")


async def _try_store(settings: Settings) -> str:
    store = make_store(settings)
    try:
        async with asyncio.timeout(STORE_SECONDS):
            await store.open()
            await store.check()
        return store.name
    finally:
        await store.close()


def _clock(settings: Settings) -> Finding:
    kind, _, url = settings.store.partition(":")
    if kind != "influxdb":
        return Finding("clock", State.OK, "the store has no clock of its own to compare with")
    before = time.time()
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/ping", timeout=STORE_SECONDS) as answer:  # noqa: S310
            date = answer.headers.get("Date")
    except (OSError, ValueError) as error:
        return Finding("clock", State.WARNING, f"the store's clock cannot be asked: {error}", "Look again later.")
    if date is None:
        return Finding(
            "clock", State.WARNING, "the store does not tell its clock", "Ask the store itself, not a cache."
        )
    return clock(parsedate_to_datetime(date).timestamp(), before, time.time(), settings.accept_until / 1_000)


def clock(theirs: float, before: float, after: float, most: float) -> Finding:
    """What their whole second, told between two times of ours, means; beyond `most` seconds points are refused."""
    # As little as it can be, within the second that they name.
    difference = max(theirs - after, 0.0) or min(theirs + 1 - before, 0.0)
    if abs(difference) <= MOST_CLOCK_SECONDS:
        return Finding("clock", State.OK, "as the store's, to the second")
    state = State.FAILURE if abs(difference) > most else State.WARNING
    message = f"this host's clock is {abs(difference):.0f} s {'behind' if difference > 0 else 'ahead of'} the store's"
    return Finding("clock", state, message, "Let both follow a time server: timedatectl set-ntp true, or chrony.")


def open_files(connections: int, limit: int) -> Finding:
    """Whether a worker can have as many connections open as the settings allow."""
    if limit >= connections + SPARE_FILES:
        return Finding("open files", State.OK, f"a process may have {limit} open")
    message = f"a process may have {limit} open, and max_connections allows {connections}"
    wanted = 1 << (connections + SPARE_FILES - 1).bit_length()
    remedy = f"Raise it: ulimit -n {wanted}, LimitNOFILE={wanted} for systemd, ulimits for containers"
    remedy += "; or lower max_connections."
    return Finding("open files", State.FAILURE if limit < SPARE_FILES * 2 else State.WARNING, message, remedy)


def _soft_limit() -> int:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return 2**31
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2**31 if soft == resource.RLIM_INFINITY else soft


def _disk(settings: Settings) -> Iterator[Finding]:
    try:
        folder = data_folder(settings)
        took = _sync(folder)
    except SettingInvalid as error:
        yield Finding("disk", State.FAILURE, str(error), "Choose another with HUB_DATA_FOLDER, or change its owner.")
        return
    except OSError as error:
        message = f"{settings.data_folder or folder} does not keep a file: {error.strerror or error}"
        yield Finding("disk", State.FAILURE, message, "Points could not be kept there: choose another HUB_DATA_FOLDER.")
        return
    yield space(folder, shutil.disk_usage(folder).free, settings)
    if _is_memory(folder):
        message = f"{folder} is in memory: what waits there is lost when the machine stops"
        yield Finding("sync", State.WARNING, message, "Choose a folder on a disk: HUB_DATA_FOLDER.")
    elif took > SLOW_SYNC_SECONDS:
        message = f"to sync a file in {folder} took {took * 1_000:.0f} ms, and so long would an acknowledgement"
        yield Finding("sync", State.WARNING, message, "Choose a folder on a faster disk: HUB_DATA_FOLDER.")
    else:
        yield Finding("sync", State.OK, f"a file in {folder} is synced within {took * 1_000:.1f} ms")


def space(folder: Path, free: int, settings: Settings) -> Finding:
    """Whether all that may be kept in the folder has room there."""
    wanted = settings.dead_letter_bytes + (settings.spool_bytes if settings.store.startswith("influxdb:") else 0)
    if free >= wanted:
        return Finding("disk", State.OK, f"{free // MIB} MiB are free at {folder}")
    message = f"{free // MIB} MiB are free at {folder}, and up to {wanted // MIB} MiB may have to be kept there"
    return Finding("disk", State.WARNING, message, "Make room, or lower spool_bytes and dead_letter_bytes.")


def _sync(folder: Path) -> float:
    """Seconds that it takes to have a small file on the disk."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix="doctor-") as file:
        file.write(b"x" * 4_096)
        started = time.perf_counter()
        file.flush()
        os.fsync(file.fileno())
        return time.perf_counter() - started


def _is_memory(folder: Path) -> bool:
    places = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    nearest = next((place for place in (folder.resolve(), *folder.resolve().parents) if place in places), None)
    return nearest is not None and places[nearest] in {"tmpfs", "ramfs"}


def access(settings: Settings, now: int) -> Iterator[Finding]:
    """Who gets in, at this time in milliseconds."""
    try:
        principals = list(read_tokens(Path(settings.tokens).expanduser()).values()) if settings.tokens else []
    except SettingInvalid as error:
        yield Finding("tokens", State.FAILURE, str(error), "pxl-hub token add makes the file.")
        return
    yield _tokens(settings, principals, now)
    plain = [origin for origin in settings.allowed_origins if origin.startswith("http:") and not _is_local(origin)]
    if plain:
        message = f"pages of {', '.join(plain)} may use the hub, and anybody on their way can change such pages"
        yield Finding("origins", State.WARNING, message, "Serve them with TLS, and allow https://… instead.")
    else:
        others = ", ".join(settings.allowed_origins) or "no other site"
        yield Finding("origins", State.OK, f"the hub's own page may use it, and {others}")


def _tokens(settings: Settings, principals: list[Principal], now: int) -> Finding:
    if has_jwt(settings):
        return Finding("tokens", State.OK, f"JSON Web Tokens of {settings.jwt_issuer}, and {len(principals)} others")
    if not settings.tokens:
        where = "only this machine reaches it" if is_loopback(settings.host) else "the network reaches it"
        remedy = (
            "" if is_loopback(settings.host) else "pxl-hub token add NAME --tokens tokens.toml --read '*' --write '*'"
        )
        return Finding("tokens", State.OK if not remedy else State.FAILURE, f"none is asked for; {where}", remedy)
    valid = [principal for principal in principals if principal.expires is None or principal.expires > now]
    if not valid:
        remedy = f"pxl-hub token add NAME --tokens {settings.tokens} --read '*' --write '*'"
        return Finding("tokens", State.FAILURE, f"none in {settings.tokens} is valid: nobody gets in", remedy)
    if not any(principal.grants.admin for principal in valid):
        remedy = f"pxl-hub token add prometheus --tokens {settings.tokens} --admin"
        return Finding("tokens", State.WARNING, "none may see /metrics", remedy)
    expired = len(principals) - len(valid)
    return Finding("tokens", State.OK, f"{len(valid)} are valid" + (f", {expired} have expired" if expired else ""))


def _is_local(origin: str) -> bool:
    host = origin.partition("://")[2].rpartition(":")[0] or origin.partition("://")[2]
    return is_loopback(host.strip("[]"))
