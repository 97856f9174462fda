"""How far a rollup is: a small file for each, replaced as a whole, that the workers of a host share."""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

import msgspec

from streams.disk import sync_directory
from streams.rollups import Rollup


class Position(NamedTuple):
    """Every final window from the one that stops at `first` to the one that stops at `last` was written."""

    first: int
    last: int


_decode = msgspec.json.Decoder(Position).decode


class PositionFile:
    """One rollup's position; another query or target begins anew. Everything blocks."""

    def __init__(self, directory: Path, rollup: Rollup) -> None:
        identity = hashlib.sha256(f"{rollup.query.key}\n{rollup.into}".encode()).hexdigest()[:12]
        self._path = directory / f"{rollup.stream}-{identity}.json"

    def load(self) -> Position | None:
        """The position; None where there is none, or a damaged one: then the rollup begins anew, and loses nothing."""
        try:
            return _decode(self._path.read_bytes())
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def save(self, position: Position) -> None:
        """Return when it is on disk. OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        with new.open("wb") as file:
            file.write(msgspec.json.encode(position))
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
        sync_directory(self._path.parent)
