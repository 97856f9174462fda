"""How far a replay has come: the place up to which everything has its outcome, kept where a kill cannot reach it."""

import hashlib
import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import platformdirs

from hub.replay.parts import SourceUnreadable
from streams.host.locks import FileLock


class _Piece(NamedTuple):
    place: int
    points: int
    done: float


class Settled:
    """The pieces that were sent and have no outcome yet, and what those before them add up to. Pure."""

    def __init__(self, place: int | None, done: float) -> None:
        self.place = place
        """Everything before it is durable or rejected; None is the start."""
        self.points = 0
        self.done = done
        """How much of the source that is, from 0 to 1."""
        self._complete = 0
        self._under_way: deque[_Piece] = deque()

    def sent(self, place: int, points: int, done: float) -> None:
        """A piece was written, after which the source goes on at this place."""
        self._under_way.append(_Piece(place, points, done))

    def passed(self, place: int, done: float) -> None:
        """The source has been read up to here without anything to send."""
        if self._under_way:
            self._under_way[-1] = _Piece(place, self._under_way[-1].points, done)
        else:
            self.place, self.done = place, done

    def complete(self, pieces: int) -> None:
        """So many pieces from the first on have their outcome."""
        while self._complete < pieces:
            piece = self._under_way.popleft()
            self._complete += 1
            self.place, self.done = piece.place, piece.done
            self.points += piece.points


class State(msgspec.Struct, kw_only=True):
    """A replay as it stands: what a later one needs to go on."""

    source: str
    target: str
    options: dict[str, str]
    """Those that say which points there are, and what they look like."""
    place: int | None = None
    done: float = 0.0
    shift: int | None = None
    """By how many nanoseconds the points' times are moved; None until the first point is known."""
    finished: bool = False


class StateFile:
    """The state of the replay of one source to one target, which only one process at a time works on."""

    def __init__(self, source: str, target: str, environment: Mapping[str, str] = os.environ) -> None:
        folder = environment.get("HUB_STATE_FOLDER") or platformdirs.user_state_dir("pxl-hub")
        key = hashlib.sha256(f"{source}\n{target}".encode()).hexdigest()[:16]
        self.path = Path(folder).expanduser() / "replays" / f"{key}.json"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.path.with_suffix(".lock"))
        except OSError as error:
            raise SourceUnreadable(f"the position cannot be kept in {self.path.parent}: {error.strerror}") from None
        if not self._lock.acquire():
            raise SourceUnreadable(f"another replay of {source} to {target} is running")

    def load(self) -> State | None:
        """What was saved last; None where nothing was, or nothing that can be read."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=State)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def save(self, state: State) -> None:
        """Replace what was saved, or leave it as it was."""
        written = self.path.with_suffix(".new")
        written.write_bytes(msgspec.json.encode(state))
        written.replace(self.path)

    def close(self) -> None:
        """Let others work on it."""
        self._lock.close()
