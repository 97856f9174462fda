"""Lines read fast: the forms in which fields keep coming, each compiled into regular expressions of its own.

A form is the exact list of field names and kinds of lines that `split_line` has accepted several times. Its patterns
match less than the grammar allows (no escapes, so few digits that nothing can overflow) and never more, so what they
match needs no second look; what they do not match is no error, but a line for `split_line`.
"""

import re
from collections.abc import Collection, Sequence
from functools import cached_property

import msgspec

from streams.errors import PointRefused
from streams.formats.line_grammar import Parts
from streams.formats.line_values import walk_fields
from streams.formats.series import KEPT_BYTES, SERIES
from streams.lines import Text
from streams.points import TIME_MAX, Batch, Kind, Shape, each_once

_VALUES = {
    Kind.FLOAT: rb"-?+[0-9]{1,18}+(?:\.[0-9]{0,20}+)?+(?:[eE][-+]?+[0-9]{1,2}+)?+",
    Kind.INTEGER: rb"-?+[0-9]{1,18}+i",
    Kind.UNSIGNED: rb"[0-9]{1,19}+u",
    Kind.BOOLEAN: rb"(?:true|false|t|f|True|False|TRUE|FALSE|T|F)",
    Kind.STRING: rb'"[^"\\]*+"',
}
_DIGITS_AND_COMMAS = b"0123456789,"
_WITHOUT_VALUES = b"0123456789.+-"
_FORMS_IN_A_FRAME = 16  # each takes a look at every line
_FIELDS_AT_MOST = 64
_FIELD_BYTES = 4_096
_KEY_BYTES = 16_384  # a shorter key cannot break InfluxDB's bound, whatever the fields

_integers = msgspec.json.Decoder(list[int]).decode  # four times as fast as int

_PLAIN_NAME = re.compile(rb"[^\0-\x20,=\"\\](?:[^ ,=\"\\\n]++|\\[ ,=])*+")


class Form:
    """One list of field names and kinds, with the patterns that match lines of it."""

    def __init__(self, names: Sequence[bytes], shape: Shape) -> None:
        self.shape = shape
        values = (re.escape(name) + b"=" + _VALUES[kind] for name, (_, kind) in zip(names, shape, strict=True))
        self._fields = b",".join(values)

    @cached_property
    def rest(self) -> re.Pattern[bytes]:
        """Matches to the end of the line. Group 1 ends where the fields end, group 2 is the time, if there is one."""
        return re.compile(self._fields + rb"()(?: ([0-8][0-9]{18}|-?+[0-9]{1,18}+))?+(?:\r?+\n|\Z)")

    @cached_property
    def column(self) -> re.Pattern[bytes]:
        """Matches the fields of any number of lines, each with a line break after it."""
        return re.compile(b"(?:" + self._fields + rb"\n)*+")


def _is_plain_key(line: Parts) -> bool:
    """Whether every line with this key and a form's fields is good, and may be passed on as it came."""
    key = line.key
    if len(key) > KEPT_BYTES or b"\\\\" in key or b"\n" in key:
        return False
    return key == line.series.key and b'"' not in key if b"\\" in key else b"==" not in key


class Forms:
    """The forms that have been seen often enough, found by a raw key or by what fields look like without digits.

    Bounded: when there are too many forms or keys, all are forgotten and learned again.
    """

    def __init__(self, sightings: int = 16, forms: int = 1_024, keys: int = 50_000) -> None:
        self.of_key: dict[bytes, Form] = {}
        self.of_outline: dict[bytes, Form] = {}
        self._sightings = sightings
        self._forms_at_most = forms
        self._shapes_at_most = 4 * forms
        self._keys_at_most = keys
        self._shapes: dict[Shape, Shape] = {}
        self._seen: dict[Shape, int] = {}
        self._forms: dict[Shape, Form] = {}

    def intern(self, shape: Shape) -> Shape:
        """The one object for this shape, if it is not too large to keep."""
        if len(shape) > _FIELDS_AT_MOST or sum(len(name) for name, _ in shape) > _FIELD_BYTES:
            return shape
        if len(self._shapes) >= self._shapes_at_most:
            self._shapes.clear()
        return self._shapes.setdefault(shape, shape)

    def learn(self, line: Parts) -> Shape:
        """Take note of a good line. Returns its shape, interned."""
        shape, fields = self.intern(line.shape), line.fields
        small = len(shape) <= _FIELDS_AT_MOST and len(fields) <= _FIELD_BYTES
        form = self._forms.get(shape) or (self._new(fields, shape) if small else None)
        if form is None:
            return shape
        if _is_plain_key(line):
            if len(self.of_key) >= self._keys_at_most:
                self.of_key.clear()
            self.of_key[line.key] = form
        if b'"' not in fields and small:
            if len(self.of_outline) >= self._shapes_at_most:
                self.of_outline.clear()
            self.of_outline[fields.translate(None, _WITHOUT_VALUES)] = form
        return shape

    def _new(self, fields: bytes, shape: Shape) -> Form | None:
        """The form of these fields, once they have been seen often enough to be worth a pattern."""
        if len(self._seen) >= self._shapes_at_most:
            self._seen.clear()
        self._seen[shape] = count = self._seen.get(shape, 0) + 1
        if count < self._sightings:
            return None
        names = [name for name, _ in walk_fields(fields)]
        if len(names) != len(shape) or not all(map(_PLAIN_NAME.fullmatch, names)):
            return None
        if len(self._forms) >= self._forms_at_most:
            self._forms.clear()
            self.of_key.clear()
            self.of_outline.clear()
        form = self._forms[shape] = Form(names, shape)
        return form

    def shapes(self, fields: list[bytes]) -> tuple[list[Shape], Collection[Shape]] | None:
        """The shape of each of these fields, and each different one; None where one has no known form, or is not quite
        what it seems.
        """
        column = b"\n".join(fields)
        first = self.of_outline.get(fields[0].translate(None, _WITHOUT_VALUES))
        if first and first.column.fullmatch(column + b"\n"):
            return [first.shape] * len(fields), [first.shape]
        outlines = column.translate(None, _WITHOUT_VALUES).split(b"\n")
        found = {outline: self.of_outline.get(outline) for outline in set(outlines)}
        if len(found) > _FORMS_IN_A_FRAME or len(outlines) > len(fields):  # with a line break among the fields
            return None
        shapes: dict[bytes, Shape] = {}
        for outline, form in found.items():
            if form is None:
                return None
            group = fields if len(found) == 1 else [f for f, o in zip(fields, outlines, strict=True) if o == outline]
            if form.column.fullmatch(b"\n".join(group) + b"\n") is None:
                return None
            shapes[outline] = form.shape
        return list(map(shapes.__getitem__, outlines)), each_once(shapes.values())


FORMS = Forms()
"""The forms of the lines that this process scans."""


def scan_columns(data: bytes, unit: int) -> Batch | None:
    """The points of a frame of nothing but plain lines in known forms, each with a time; None for any other frame."""
    words = _split(data)
    if words is None:
        return None
    text, keys, fields, digits = words
    shapes = FORMS.shapes(fields)
    numbers = b",".join(digits)
    if shapes is None or not numbers or numbers.translate(None, _DIGITS_AND_COMMAS):
        return None
    try:
        times = _integers(b"[" + numbers + b"]")
        different = dict.fromkeys(keys)
        found = dict(zip(different, map(SERIES.__getitem__, different), strict=True))
    except (msgspec.DecodeError, PointRefused):
        return None
    last = max(times) * unit
    if last > TIME_MAX or b"\n" in found or max(map(len, found)) > _KEY_BYTES:
        return None
    lines: Sequence[bytes] = Text(text, len(keys))
    if unit > 1:
        times = [time * unit for time in times]
        lines = [b"%b %b %d" % line for line in zip(keys, fields, times, strict=True)]
    series = list(map(found.__getitem__, keys))
    return Batch(lines, series, shapes[0], times, range(1, len(keys) + 1)).knowing(
        different_series=each_once(found.values()), different_shapes=shapes[1], last_time=last
    )


def _split(data: bytes) -> tuple[bytes, list[bytes], list[bytes], list[bytes]] | None:
    """Lines without the last break, and the three words of each, as columns; None where a line has more or fewer, or an
    escape or a string.
    """
    if b'"' in data or b"\\" in data or b"==" in data:
        return None
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    data = data.removesuffix(b"\n")
    # Each line break becomes a word of its own, so that a break in the place of a space is seen.
    words = data.replace(b"\n", b" \n ").split(b" ")
    breaks = words[3::4]
    if len(words) != 4 * len(breaks) + 3 or breaks.count(b"\n") != len(breaks):
        return None
    return data, words[0::4], words[1::4], words[2::4]
