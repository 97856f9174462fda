"""How large frames and points may be: what is well formed and still more than anybody means. Pure."""

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple, TypeVar

from streams.formats.line import decode_fields
from streams.formats.series import shown
from streams.points import Batch, Kind, Reject, Series, Shape

MOST_REMEMBERED = 100_000
"""Series and shapes that were found good and are not looked at again."""

Part = TypeVar("Part", Series, Shape)


class Excess(NamedTuple):
    """The code and the message of a point that has too much of something."""

    code: str
    message: str


class PointLimits:
    """So many tags and fields for each point, and bytes for each name and for each string and tag value, at most."""

    def __init__(self, tags: int, fields: int, name_bytes: int, value_bytes: int) -> None:
        self._tags, self._fields = tags, fields
        self._name_bytes, self._value_bytes = name_bytes, value_bytes
        # The formats intern series and shapes, and they are kept alive here, so their identity is a cheap key.
        self._good: dict[int, Series | Shape] = {}

    def rejects(self, batch: Batch, _now: int) -> dict[int, Reject]:
        """The points beyond a limit, by their index."""
        series = self._excessive(batch.different_series, self._of_series)
        shapes = self._excessive(batch.different_shapes, self._of_shape)
        if not series and not shapes and not (_has_strings(batch) and self._has_long_lines(batch)):
            return {}
        found: dict[int, Reject] = {}
        for index, line in enumerate(batch.lines):
            excess = series.get(id(batch.series[index])) or shapes.get(id(batch.shapes[index])) or self._of_line(line)
            if excess:
                found[index] = Reject(batch.numbers[index], excess.code, excess.message)
        return found

    def _has_long_lines(self, batch: Batch) -> bool:
        return max(map(len, batch.lines), default=0) > self._value_bytes

    def _excessive(self, parts: Collection[Part], look: Callable[[Part], Excess | None]) -> dict[int, Excess]:
        if len(self._good) > MOST_REMEMBERED:
            self._good.clear()
        found: dict[int, Excess] = {}
        for part in parts:
            if id(part) in self._good:
                continue
            if excess := look(part):
                found[id(part)] = excess
            else:
                self._good[id(part)] = part
        return found

    def _of_series(self, series: Series) -> Excess | None:
        if len(series.tags) > self._tags:
            return Excess("too_many_tags", f"a point may have {self._tags} tags (max_tags), not {len(series.tags)}")
        for value in (value for _, value in series.tags):
            if (size := len(value.encode())) > self._value_bytes:
                return Excess("value_too_long", _too_long("value", value, size, self._value_bytes))
        return self._of_names((series.measurement, *(name for name, _ in series.tags)))

    def _of_shape(self, shape: Shape) -> Excess | None:
        if len(shape) > self._fields:
            return Excess("too_many_fields", f"a point may have {self._fields} fields (max_fields), not {len(shape)}")
        return self._of_names(name for name, _ in shape)

    def _of_names(self, names: Iterable[str]) -> Excess | None:
        for name in names:
            if (size := len(name.encode())) > self._name_bytes:
                return Excess("name_too_long", _too_long("name", name, size, self._name_bytes))
        return None

    def _of_line(self, line: bytes) -> Excess | None:
        if len(line) <= self._value_bytes:
            return None
        for value in decode_fields(line).values():
            if isinstance(value, str) and (size := len(value.encode())) > self._value_bytes:
                return Excess("value_too_long", _too_long("value", value, size, self._value_bytes))
        return None


def _has_strings(batch: Batch) -> bool:
    """Whether a value can be too long: those of tags were judged with their series."""
    return any(kind is Kind.STRING for shape in batch.different_shapes for _, kind in shape)


def _too_long(what: str, text: str, size: int, most: int) -> str:
    return f"the {what} {shown(text.encode())} has {size} bytes; {most} are the most (max_{what}_bytes)"
