"""The fields of a line: names and values between raw bytes and Python, as InfluxDB 2.9.1 reads and stores them."""

import re
from collections.abc import Callable, Iterable, Iterator
from math import isfinite

from streams.errors import PointRefused
from streams.formats.codes import Code
from streams.formats.series import KEPT_BYTES, KEY_BYTES, decode_name, shown
from streams.points import INT64_MAX, INT64_MIN, UINT64_MAX, Kind, Shape, Unsigned, Value, kind_of

_FIELD = re.compile(
    rb'((?:[^=\\]|\\=?+)*+)=((?:[^",\\]|\\["\\]?+|"(?:[^"\\]|\\["\\]?+)*+(?:"|\Z))*+)(?:,|\Z)', re.DOTALL
)
_PLAIN = re.compile(
    rb"(-?+[0-9]{1,18}+(?:\.[0-9]{0,20}+)?+)|(-?+[0-9]{1,18}+i)|([0-9]{1,19}+u)|(true|false|[tTfF]|True|False|TRUE|FALSE)"
)
_PLAIN_KINDS = (Kind.STRING, Kind.FLOAT, Kind.INTEGER, Kind.UNSIGNED, Kind.BOOLEAN)
_STRING = re.compile(rb'"(?:[^"\\]++|\\["\\]?+)*+"')
_INTEGER = re.compile(rb"-?[0-9]++[iu]")
_FLOAT = re.compile(rb"-?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")
_ESCAPED_IN_STRING = re.compile(rb'\\(["\\])')
_TO_ESCAPE_IN_STRING = re.compile(rb'["\\]')

_BOOLEANS = {
    **dict.fromkeys((b"t", b"T", b"true", b"TRUE", b"True"), True),
    **dict.fromkeys((b"f", b"F", b"false", b"FALSE", b"False"), False),
}
_DIGITS_OF_AN_INT = 4_000  # Python reads no longer ones, and zeros in front count

_PLAIN_FIELD = re.compile(rb'([^ ,=\\]++)=("[^"\\]*+"|[^ ,"\\]++),?')
_PLAIN_FIELDS = re.compile(rb'[^ ,=\\]++=(?:"[^"\\]*+"|[^ ,"\\]++)(?:,[^ ,=\\]++=(?:"[^"\\]*+"|[^ ,"\\]++))*+(?= |\Z)')


def plain_end(line: bytes, start: int) -> int:
    """Where the fields that start here end, if nothing about them is odd, else -1; their values may be none."""
    found = _PLAIN_FIELDS.match(line, start)
    return found.end() if found else -1


def walk_fields(fields: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each field's raw name and raw value. PointRefused where a name has no value."""
    position = 0
    while position < len(fields):
        field = _FIELD.match(fields, position)
        if field is None:
            raise PointRefused(Code.INVALID_FIELD, f"{shown(fields[position:])} is no name=value pair")
        position = field.end()
        yield field.group(1), field.group(2)


def walk_values(fields: bytes) -> Iterable[tuple[str, Value]]:
    """Each field's name and value, of fields that are known to be good."""
    if b"\\" in fields or fields.startswith(b"=") or len(fields) > _DIGITS_OF_AN_INT:
        return [(decode_name(raw), decode_value(word)) for raw, word in walk_fields(fields)]
    return [(_NAMES[raw], _DECODERS[word[-1]](word)) for raw, word in _PLAIN_FIELD.findall(fields)]


class _Names(dict[bytes, str]):
    """Decoded field names, few enough to keep."""

    def __missing__(self, raw: bytes) -> str:
        name = decode_name(raw)
        if len(self) >= 10_000:
            self.clear()
        if len(raw) <= KEPT_BYTES:
            self[raw] = name
        return name


_NAMES = _Names()


def shape_of(fields: bytes, key_bytes: int, plain: bool) -> Shape:
    """The shape of raw fields behind a key of so many bytes. PointRefused where InfluxDB does not take them."""
    pairs: Iterable[tuple[bytes, bytes]] = _PLAIN_FIELD.findall(fields) if plain else walk_fields(fields)
    shape: dict[str, Kind] = {}
    for raw, word in pairs:
        if key_bytes + 4 + len(raw) > KEY_BYTES:
            raise PointRefused(Code.KEY_TOO_LONG, f"measurement, tags and field name exceed {KEY_BYTES - 4} bytes")
        name = decode_name(raw)
        if name == "time":
            raise PointRefused(Code.RESERVED_NAME, "a field cannot be called 'time': the time follows the fields")
        kind = kind_of_word(word)
        if shape.setdefault(name, kind) is not kind:
            message = f"field {shown(raw)} appears twice in one line, as {shape[name]} and as {kind}"
            raise PointRefused(Code.FIELD_TYPE, message)
    return tuple(shape.items())


def kind_of_word(word: bytes) -> Kind:
    """The kind of the value of these bytes. PointRefused as in `decode_value`."""
    plain = _PLAIN.fullmatch(word)
    return _PLAIN_KINDS[plain.lastindex or 0] if plain else kind_of(decode_value(word))


def decode_value(word: bytes) -> Value:
    """The value of these bytes. PointRefused where they are none, or none that InfluxDB can hold."""
    first = word[:1]
    if first == b'"':
        return _decode_string(word)
    if not word or first not in b"0123456789.-Nn":
        return _decode_boolean(word)
    if word[-1:] in b"iu" and _INTEGER.fullmatch(word):
        return _decode_integer(word)
    if _FLOAT.fullmatch(word) is None:
        raise PointRefused(Code.INVALID_NUMBER, f"{shown(word)} is no number that InfluxDB can store")
    value = float(word)
    if not isfinite(value):
        raise PointRefused(Code.OUT_OF_RANGE, f"{shown(word)} is beyond the largest float")
    return value


def _decode_string(word: bytes) -> str:
    if _STRING.fullmatch(word) is None:
        raise PointRefused(Code.INVALID_STRING, f"the string {shown(word)} does not end at its closing quote")
    inside = word[1:-1]
    return (_ESCAPED_IN_STRING.sub(rb"\1", inside) if b"\\" in inside else inside).decode()


def _decode_boolean(word: bytes) -> bool:
    value = _BOOLEANS.get(word)
    if value is None:
        message = f"{shown(word)} is neither a number nor true or false: a string needs quotes"
        raise PointRefused(Code.INVALID_BOOLEAN, message)
    return value


def _decode_integer(word: bytes) -> int:
    negative, unsigned = word.startswith(b"-"), word.endswith(b"u")
    if negative and unsigned:
        raise PointRefused(Code.INVALID_NUMBER, f"{shown(word)} is unsigned and cannot have a sign")
    digits = word[negative:-1].lstrip(b"0") or b"0"
    value = int(digits) if len(digits) <= 20 else 2**64
    if unsigned:
        if value > UINT64_MAX:
            raise PointRefused(Code.OUT_OF_RANGE, f"{shown(word)} is more than {UINT64_MAX}u")
        return Unsigned(value)
    value = -value if negative else value
    if not INT64_MIN <= value <= INT64_MAX:
        raise PointRefused(Code.OUT_OF_RANGE, f"{shown(word)} is outside {INT64_MIN}i to {INT64_MAX}i")
    return value


_DECODERS: list[Callable[[bytes], Value]] = [_decode_boolean] * 256
for _digit in b"0123456789.":
    _DECODERS[_digit] = float
_DECODERS[ord("i")] = lambda word: int(word[:-1])
_DECODERS[ord("u")] = lambda word: Unsigned(word[:-1])
_DECODERS[ord('"')] = lambda word: word[1:-1].decode()


def encode_value(value: Value) -> bytes:
    """The value as it stands in a line. PointRefused for NaN, infinities, integers out of range and lone surrogates."""
    match value:
        case bool():
            return b"true" if value else b"false"
        case Unsigned():
            return _in_range(value, 0, UINT64_MAX) + b"u"
        case int():
            return _in_range(value, INT64_MIN, INT64_MAX) + b"i"
        case float():
            if not isfinite(value):
                raise PointRefused(Code.INVALID_NUMBER, f"{value} is no number that InfluxDB can store")
            return repr(value).encode()
        case _:
            return b'"' + _TO_ESCAPE_IN_STRING.sub(rb"\\\g<0>", encode_text(value)) + b'"'


def _in_range(value: int, least: int, most: int) -> bytes:
    if not least <= value <= most:
        raise PointRefused(Code.OUT_OF_RANGE, f"an integer is outside {least} to {most}")
    return b"%d" % value


def encode_text(text: str) -> bytes:
    """UTF-8. PointRefused where the text has a lone surrogate."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise PointRefused(Code.NOT_UTF8, f"{text[:80]!a} has half of a surrogate pair") from None
