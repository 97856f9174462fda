"""Two things about files that every place with a promise to keep needs."""

import os
from pathlib import Path


def size_of(path: Path) -> int:
    """Bytes in a file; none when there is no file."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def sync_directory(directory: Path) -> None:
    """Return when the names in a directory are on disk: a new file that was synced is lost without its name."""
    file = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
