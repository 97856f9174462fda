"""Named streams from a TOML file, `[streams.NAME]`, and how long buckets keep their points, `[retention]`.

Each key is checked, and each error has its file and line.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from streams.durations import parse_duration
from streams.errors import DefinitionInvalid, QueryInvalid
from streams.queries import Query, parse_query
from streams.retention import parse_retention
from streams.rollups import Rollup, parse_into

REQUIRED = ("measurement", "select")
ROLLUP = ("into", "rollup_after")
KEYS = (*REQUIRED, "where", "group_by", "window", "every", "grace", *ROLLUP)
TABLES = ("streams", "retention")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_SYNTAX_LINE = re.compile(r"(?P<reason>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)", re.DOTALL)

KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stream:
    """A query with a name that clients can ask for, and what becomes of its final windows."""

    name: str
    query: Query
    rollup: Rollup | None = None


def load_definitions(path: Path, others: Iterable[str] = ()) -> dict[str, Stream]:
    """The streams that a file defines, in its order; DefinitionInvalid.

    `others` are keys of the file's top level that are somebody else's; any but those and `TABLES` is an error.
    """
    return parse_definitions(_read(path), str(path), others)


def load_retention(path: Path, others: Iterable[str] = ()) -> dict[str, int | None]:
    """How long each bucket that a file names is to keep its points, milliseconds, None for ever; DefinitionInvalid."""
    return parse_retentions(_read(path), str(path), others)


def parse_definitions(text: str, origin: str, others: Iterable[str] = ()) -> dict[str, Stream]:
    """As `load_definitions`, of a text; `origin` is what errors call it."""
    return _Checker(text, origin, others).streams()


def parse_retentions(text: str, origin: str, others: Iterable[str] = ()) -> dict[str, int | None]:
    """As `load_retention`, of a text; `origin` is what errors call it."""
    return _Checker(text, origin, others).retentions()


def line_of(path: Path, *keys: str) -> int:
    """The line on which a file that can be read names a key, for what only its reader can find wrong."""
    return _lines(_read(path)).get(keys, 1)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise DefinitionInvalid(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise DefinitionInvalid(f"{path}:{line}: this is not UTF-8 text") from None


class _Checker:
    """Turns what tomllib read into streams; looks for lines only when something is wrong."""

    def __init__(self, text: str, origin: str, others: Iterable[str]) -> None:
        self._text = text
        self._origin = origin
        known = (*TABLES, *others)
        try:
            self._document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            match = _SYNTAX_LINE.fullmatch(str(error))
            line = int(match["line"]) if match and match["line"] else text.count("\n") + 1
            raise DefinitionInvalid(f"{origin}:{line}: {match['reason'] if match else error}") from None
        for key in self._document:
            if key not in known:
                self._fail((key,), f"{key}: {_unknown(key, known)}; streams are defined as [streams.NAME]")

    def streams(self) -> dict[str, Stream]:
        definitions = self._table("streams", "streams: expected tables, each [streams.NAME]")
        streams = {name: self._stream(name, definition) for name, definition in definitions.items()}
        targets: dict[str, str] = {}
        for stream in streams.values():
            if stream.rollup and (first := targets.setdefault(stream.rollup.into, stream.name)) != stream.name:
                self._fail(
                    ("streams", stream.name, "into"),
                    f"{stream.name}.into: stream {first!r} writes to {stream.rollup.into!r} already",
                )
        return streams

    def retentions(self) -> dict[str, int | None]:
        retentions: dict[str, int | None] = {}
        for bucket, text in self._table("retention", "retention: expected a table [retention] of buckets").items():
            try:
                retentions[bucket] = parse_retention(text)
            except QueryInvalid as error:
                self._fail(("retention", bucket), f"retention.{bucket}: {error}")
        return retentions

    def _table(self, name: str, otherwise: str) -> Mapping[str, Any]:
        table = self._document.get(name, {})
        if not isinstance(table, Mapping):
            self._fail((name,), otherwise)
        return table

    def _stream(self, name: str, definition: Any) -> Stream:
        at = ("streams", name)
        if not _NAME.fullmatch(name):
            self._fail(at, f"{name!r}: a stream's name is a letter and up to 63 more letters, digits, _ or -")
        if not isinstance(definition, Mapping):
            self._fail(at, f"{name}: expected a table [streams.{name}], not a value")
        for key in definition:
            if key not in KEYS:
                self._fail((*at, key), f"{name}.{key}: {_unknown(key, KEYS)}")
        for key in REQUIRED:
            if key not in definition:
                self._fail(at, f"{name}: the key {key!r} is missing")
        try:
            query = parse_query(**{key: value for key, value in definition.items() if key not in ROLLUP})
            return Stream(name, query, _rollup(name, query, definition))
        except QueryInvalid as error:
            self._fail(self._blamed(at, str(error)), f"{name}.{error}")

    def _blamed(self, stream: KeyPath, reason: str) -> KeyPath:
        """The key of a stream that an error from `parse_query` begins with, as far down as the file has it."""
        keys = [path for path in _lines(self._text) if path[: len(stream)] == stream]
        named = [path for path in keys if reason.startswith(".".join(path[len(stream) :]) + ":")]
        whole = [path for path in keys if path == (*stream, reason.partition(":")[0].partition(".")[0])]
        return max(named or whole, key=len, default=stream)

    def _fail(self, at: KeyPath, reason: str) -> NoReturn:
        raise DefinitionInvalid(f"{self._origin}:{_lines(self._text).get(at, 1)}: {reason}")


def _rollup(name: str, query: Query, definition: Mapping[str, Any]) -> Rollup | None:
    after = definition.get("rollup_after")
    if "into" not in definition:
        if after is not None:
            raise QueryInvalid("rollup_after: without into there is nothing to read; name the target in into")
        return None
    bucket, measurement = parse_into(definition["into"], query.measurement)
    try:
        after_ms = None if after is None else parse_duration(after)
    except (ValueError, TypeError):
        raise QueryInvalid(f"rollup_after: expected a duration such as '7d', not {after!r}") from None
    return Rollup(name, query, measurement, bucket, after_ms)


def _unknown(key: str, known: Iterable[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"there is no such key; did you mean {nearest[0]!r}?" if nearest else "there is no such key"


def _lines(text: str) -> dict[KeyPath, int]:
    """The line of each key of a valid document: of the statement that first names it, counted from 1."""
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, statement in _statements(text):
        parsed = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            table = _first_path(parsed)
            paths: Iterable[KeyPath] = (table[:depth] for depth in range(1, len(table) + 1))
        else:
            paths = ((*table, *path) for path in _paths(parsed))
        for path in paths:
            lines.setdefault(path, number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """The statements of a valid document, and the line on which each begins.

    A statement ends with its line, unless an array or a text goes on; what has begun and not ended is no TOML.
    """
    begun: list[str] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        begun.append(line)
        statement = "\n".join(begun)
        try:
            parsed = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        if parsed:
            yield number - len(begun) + 1, statement
        begun = []


def _first_path(parsed: Any) -> KeyPath:
    """The path of the table that a header such as `[a.b]` or `[[a.b]]` opens."""
    path: KeyPath = ()
    while isinstance(parsed, dict) and parsed:
        [(key, parsed)] = parsed.items()
        path = (*path, key)
    return path


def _paths(parsed: Any) -> Iterator[KeyPath]:
    if isinstance(parsed, dict):
        for key, value in parsed.items():
            yield (key,)
            yield from ((key, *path) for path in _paths(value))
