"""Opening a DuckDB file: its folder made, another process's lock and a damaged file answered."""

import logging
import os
import shutil
from collections.abc import Callable
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
        return _open_damaged_or_not(path, load)
    except StoreMisconfigured as error:
        raise StoreMisconfigured(f"the store {path} cannot be opened: {error}") from None
    except OSError as error:
        raise StoreMisconfigured(f"the store {path} cannot be opened: {error.strerror or error}") from error


def _open_damaged_or_not(path: Path, load: Callable[[DuckDBPyConnection], T]) -> Opened[T]:
    try:
        return _connect(str(path), load)
    except duckdb.Error as error:
        reason = str(error)
        wal = path.with_name(path.name + ".wal")
        if "Could not set lock" in reason:
            raise StoreMisconfigured("another process has it open; stop that one, or name another file") from None
        if "replaying WAL" in reason and wal.exists():
            _cut_wal(path, wal)
        elif any(sign in reason for sign in _DAMAGE) or _is_blank(path):
            _log.error("%s is damaged (%s); starting with an empty store", path, _first_line(reason))
            _set_aside(path, os.replace)
            if wal.exists():
                _set_aside(wal, os.replace)
        else:
            raise StoreMisconfigured(f"{_first_line(reason)}; name another file") from None
    try:
        return _connect(str(path), load)
    except duckdb.Error as error:
        raise StoreMisconfigured(f"{_first_line(str(error))}; move it away") from None


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
    """Whether a file that DuckDB does not know was emptied or zeroed, and is not a file of something else."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return not any(file.read(_HEADER))


def _first_line(reason: str) -> str:
    return reason.splitlines()[0]
