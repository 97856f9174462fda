"""What the columns of a CSV file are: as told, and guessed from their names and first values where not. Pure."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from streams.points import Kind, Value

TIME_NAMES = ("time", "_time", "timestamp", "ts", "datetime", "date")
MEASUREMENT_NAMES = ("measurement", "_measurement")

_TRUE, _FALSE = frozenset(("true", "t")), frozenset(("false", "f"))
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_MAGNITUDES = ((10**11, "s"), (10**14, "ms"), (10**17, "us"))


class ColumnsUnclear(ValueError):
    """The columns cannot be told apart, or are not there; the text says which option helps."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user says of the columns; what is empty is guessed. A field may be `name:kind`."""

    measurement: str | None = None
    time: str | None = None
    tags: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row everything is; `measurement` is a name, or where it is."""

    measurement: str | int
    time: int
    tags: tuple[tuple[str, int], ...]
    fields: tuple[tuple[str, int, Kind], ...]


def choose_columns(header: Sequence[str], sample: Sequence[Sequence[str]], wishes: Wishes, name: str) -> Columns:
    """What the columns of this header are, the first rows being `sample`; `name` is the measurement if no other is.

    With neither tags nor fields told, columns of numbers and of booleans are fields, and columns of text are tags;
    with one of them told, all other columns are the other; with both, other columns are left out. ColumnsUnclear.
    """
    places = {column: place for place, column in enumerate(header)}
    if len(places) < len(header):
        raise ColumnsUnclear("two columns of the header have the same name")
    time = _find_time(header, wishes.time)
    measurement: str | int = wishes.measurement or next((places[n] for n in MEASUREMENT_NAMES if n in places), name)
    told = dict(_field_wish(wish) for wish in wishes.fields)
    for column in (*wishes.tags, *told):
        if column not in places:
            raise ColumnsUnclear(f"there is no column {column!r}; there are {', '.join(header)}")
    tags, fields = [], []
    for column, place in places.items():
        kind = _kind_of([row[place] for row in sample if len(row) > place])
        if place in (time, measurement):
            continue
        if column in told or (not told and column not in wishes.tags and (wishes.tags or kind is not Kind.STRING)):
            fields.append((column, place, told.get(column) or kind))
        elif column in wishes.tags or not wishes.tags:
            tags.append((column, place))
    if not fields:
        raise ColumnsUnclear("no column has numbers: name the fields with --field")
    return Columns(measurement, time, tuple(tags), tuple(fields))


def read_value(text: str, kind: Kind) -> Value:
    """A cell as a value of its column's kind; ValueError."""
    match kind:
        case Kind.INTEGER:
            return int(text)
        case Kind.BOOLEAN:
            if text.lower() not in _TRUE | _FALSE:
                raise ValueError(f"{text!r} is neither true nor false")
            return text.lower() in _TRUE
        case Kind.FLOAT:
            if not _NUMBER.fullmatch(text):
                raise ValueError(f"{text!r} is no number")
            return float(text)
        case _:
            return text


def time_reader(precision: str | None) -> Callable[[str], int]:
    """What reads a cell as a time in nanoseconds, or raises ValueError.

    A cell is ISO 8601 (in UTC unless it says otherwise) or a number, whose precision is told by its size if it is
    not given: less than 10^11 are seconds, less than 10^14 milliseconds, less than 10^17 microseconds.
    """

    def read(text: str) -> int:
        if not _NUMBER.fullmatch(text):
            return read_moment(text)
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise ValueError(f"{text!r} is no time") from None
        unit = precision or next((unit for bound, unit in _MAGNITUDES if abs(number) < bound), "ns")
        return int(number * _UNITS[unit])

    return read


def read_moment(text: str) -> int:
    """Nanoseconds of an ISO 8601 text, in UTC unless it says otherwise; ValueError."""
    # Python keeps microseconds; the digits behind them are added by hand.
    match = re.fullmatch(r"(.*?[:\d]{6,})(?:[.,](\d{1,9}))?(Z|[+-]\d\d(?::?\d\d)?)?", text.strip(), re.IGNORECASE)
    try:
        moment = datetime.fromisoformat((match[1] + (match[3] or "")) if match else text.strip())
    except ValueError:
        raise ValueError(f"{text!r} is no time: write for instance 2026-01-31T12:00:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    whole = moment - datetime(1970, 1, 1, tzinfo=UTC)
    fraction = int(match[2].ljust(9, "0")) if match and match[2] else 0
    return (whole.days * 86_400 + whole.seconds) * 10**9 + fraction


def _find_time(header: Sequence[str], wish: str | None) -> int:
    if wish is not None:
        if wish not in header:
            raise ColumnsUnclear(f"there is no column {wish!r}; there are {', '.join(header)}")
        return header.index(wish)
    for name in TIME_NAMES:
        for place, column in enumerate(header):
            if column.lower() == name:
                return place
    raise ColumnsUnclear(f"no column is called {', '.join(TIME_NAMES)}: name the one with the times with --time")


def _field_wish(wish: str) -> tuple[str, Kind | None]:
    name, colon, kind = wish.rpartition(":")
    if not colon:
        return wish, None
    if kind not in {Kind.FLOAT, Kind.INTEGER, Kind.STRING, Kind.BOOLEAN}:
        raise ColumnsUnclear(f"{wish!r}: {kind!r} is no kind of field; there are float, integer, string, boolean")
    return name, Kind(kind)


def _kind_of(cells: Sequence[str]) -> Kind:
    filled = [cell for cell in cells if cell]
    if filled and all(_NUMBER.fullmatch(cell) for cell in filled):
        return Kind.FLOAT
    if filled and all(cell.lower() in _TRUE | _FALSE for cell in filled):
        return Kind.BOOLEAN
    return Kind.STRING
