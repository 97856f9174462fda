"""Opening a DuckDB file: its folder made, another process's lock and a damaged file answered."""

import logging
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import duckdb
from duckdb import DuckDBPyConnection

from streams.errors import StoreMisconfigured

T = TypeVar("T")
Opened = tuple[DuckDBPyConnection, T]

_log = logging.getLogger(__name__)

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}
_DAMAGE = ("Corrupt database file", "Could not read enough bytes", "Serialization Error", "INTERNAL Error")
_HEADER = 4096


def open_memory(load: Callable[[DuckDBPyConnection], T]) -> Opened[T]:
    """A new database in memory, and what `load` makes of it."""
    return _connect(":memory:", load)


def open_file(path: Path, load: Callable[[DuckDBPyConnection], T]) -> Opened[T]:
    """The database of this file, made where there is none, and what `load` reads from it.

    A damaged file is set aside and what can be read of it kept. StoreMisconfigured where the path cannot be used.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _open_or_repair(path, load)
    except StoreMisconfigured as error:
        raise StoreMisconfigured(f"the store {path} cannot be opened: {error}") from None
    except OSError as error:
        raise StoreMisconfigured(f"the store {path} cannot be opened: {error.strerror or error}") from error
    except duckdb.Error as error:
        raise StoreMisconfigured(f"the store {path} cannot be opened: {_first_line(error)}") from error


def _open_or_repair(path: Path, load: Callable[[DuckDBPyConnection], T]) -> Opened[T]:
    blank = _is_blank(path)
    try:
        return _connect(str(path), load)
    except duckdb.Error as error:
        reason = _first_line(error)
    wal = path.with_name(path.name + ".wal")
    if "Could not set lock" in reason:
        raise StoreMisconfigured("another process has it open; stop that one, or name another file")
    if "replaying WAL" in reason:
        _cut_wal(path, wal)
        with suppress(duckdb.Error):
            return _connect(str(path), load)
    elif not blank and not any(sign in reason for sign in _DAMAGE):
        raise StoreMisconfigured(f"{reason}; name another file")
    _log.error("%s is damaged (%s); starting with an empty store", path, reason)
    _set_aside(path, os.replace)
    if wal.exists():
        _set_aside(wal, os.replace)
    return _connect(str(path), load)


def _connect(path: str, load: Callable[[DuckDBPyConnection], T]) -> Opened[T]:
    connection = duckdb.connect(path, config=_CONFIG)
    try:
        return connection, load(connection)
    except BaseException:
        connection.close()
        raise


def _cut_wal(path: Path, wal: Path) -> None:
    """Keep the longest part of a damaged write-ahead log that DuckDB can replay; each length is tried read-only."""
    aside = _set_aside(wal, shutil.copy2)
    size = wal.stat().st_size
    good, bad = 0, size
    while bad - good > 1:
        middle = (good + bad) // 2
        shutil.copyfile(aside, wal)
        os.truncate(wal, middle)
        good, bad = (middle, bad) if _opens(path) else (good, middle)
    shutil.copyfile(aside, wal)
    os.truncate(wal, good)
    _log.error(
        "%s is damaged; commits after its first %d of %d bytes are lost, the log is kept as %s", wal, good, size, aside
    )


def _opens(path: Path) -> bool:
    try:
        duckdb.connect(str(path), read_only=True, config=_CONFIG).close()
    except duckdb.Error:
        return False
    return True


def _set_aside(path: Path, transfer: Callable[[Path, Path], object]) -> Path:
    numbers = iter(range(1, 1_000_000))
    while (aside := path.with_name(f"{path.name}.damaged-{next(numbers)}")).exists():
        pass
    transfer(path, aside)
    _log.error("%s is kept as %s", path, aside)
    return aside


def _is_blank(path: Path) -> bool:
    """Whether a file was emptied or zeroed. StoreMisconfigured for a file of something else, which nobody may touch."""
    if not path.exists():
        return False
    with path.open("rb") as file:
        header = file.read(_HEADER)
    if any(header) and header[8:12] != b"DUCK":
        raise StoreMisconfigured("it is no DuckDB database; name another file")
    return not any(header)


def _first_line(error: duckdb.Error) -> str:
    return str(error).splitlines()[0]
