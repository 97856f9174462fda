"""What a broken or malicious device may send: every kind of it, at random, mostly small and now and then huge."""

import gzip
import json
import random
from collections.abc import Callable, Iterator, Sequence

import msgspec

FRAME_BYTES = 4 * 2**20
"""The longest frame that a hub takes unless told otherwise."""

LINES = (
    b"m\xff f=1",
    b"m f=NaN",
    b"m f=inf",
    b"m f=1e999",
    b"m f=" + b"1" * 10_000 + b"i",
    b"m f=1 " + b"9" * 10_000,
    b'm s="no end',
    b'm\\" s="a',
    b"m,t= f=1",
    b"m,t=a,t=b f=1",
    b"m " + b",".join(b"f%d=1" % number for number in range(300)),
    b"m" + b"".join(b",t%d=1" % number for number in range(80)) + b" f=1",
    b"m" * 70_000 + b" f=1",
    b"hostile kind=1i",
    b"hostile kind=1",
    b'hostile kind="text"',
    b"\0\0\0",
    b"=,=,= =",
    b"\\" * 500,
    b'"' * 500,
    b"m f=1 1 1",
)
NUMBERS = (
    b"NaN",
    b"Infinity",
    b"1e999",
    b"-1e999",
    b"1" * 10_000,
    b"null",
    b"[]",
    b"{}",
    b'"\\ud800"',
    b"true",
    b"0x1",
)
NESTED = (b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000, b"[NaN," + b"[" * 100_000)
PACKED = (
    b"\x91" * 100_000,
    b"\x81\xa1a" * 100_000,
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\x91\xdb\xff\xff\xff\xff",
    b"\xc1",
    msgspec.msgpack.encode({"measurement": "m", "fields": {"f": float("nan")}}),
    msgspec.msgpack.encode({"measurement": "m", "fields": {"f": 2**64 - 1, "g": b"bytes"}}),
    msgspec.msgpack.encode({"measurement": "m\ud800".encode("utf-8", "surrogatepass"), "fields": {"f": 1}}),
)
PATHS = (
    b"a nan",
    b"a 1e999",
    b"a",
    b"a b c d",
    b"\xff 1",
    b". 1",
    b";=; 1",
    b"a." * 20_000 + b" 1",
    b"a 1 " + b"9" * 10_000,
)
REQUESTS: Sequence[object] = (
    {"type": "subscribe"},
    {"type": "subscribe", "id": "a" * 100_000, "stream": "none"},
    {"type": "subscribe", "id": 1, "stream": []},
    {"type": "subscribe", "id": "q", "query": {"measurement": "m" * 100_000, "select": {"f": "mean"}}},
    {"type": "subscribe", "id": "q", "query": {"measurement": "m", "select": {}}},
    {"type": "subscribe", "id": "q", "query": {"measurement": "m", "select": {"f": "nothing"}, "every": "1ns"}},
    {"type": "subscribe", "id": "q", "query": {"measurement": "m", "select": {"f": ["p1"] * 10_000}}},
    {
        "type": "subscribe",
        "id": "q",
        "query": {"measurement": "m", "select": {"f": "mean"}, "window": "9" * 5_000 + "s"},
    },
    {"type": "subscribe", "id": "h", "query": {"measurement": "m", "select": {"f": "mean"}}, "after": -(2**63)},
    {"type": "subscribe", "id": "h", "query": {"measurement": "m", "select": {"f": "mean"}}, "history": "1000000d"},
    {
        "type": "subscribe",
        "id": "w",
        "query": {"measurement": "m", "select": {"f": "mean"}, "where": {"t": ["'"] * 5_000}},
    },
    {"type": "unsubscribe", "id": "nobody"},
    {"type": "explain", "id": "nobody", "stop": 10**30},
    {"type": "nothing"},
    [],
    None,
)

Make = Callable[[random.Random], bytes]
"""Makes one frame."""


def formats() -> dict[str, Make]:
    """What makes the frames of each format of `/v1/write`."""
    return {"line": _line, "json": _json, "msgpack": _msgpack, "graphite": _graphite}


def request(chance: random.Random) -> bytes:
    """A message to `/v1/live`."""
    if chance.random() < 0.2:
        return _broken(chance, NESTED[:2], b'{"type":"subscribe","id":"a"')
    return json.dumps(chance.choice(REQUESTS)).encode()


def huge() -> Iterator[tuple[str, bytes]]:
    """Frames of the greatest length, each the worst of its kind, with the name of their format."""
    for piece in (
        b"\n",
        b"#\n",
        b'# ="="\n',
        b"a\n",
        b'"',
        b"\\",
        b"=",
        b",",
        b"m,t=\\",
        b'm s="a\n',
        b"m f=1e999\n",
        b'm\\" f=1\n',
        b"m f=1 1\n",
    ):
        yield "line", _filled(piece)
    yield "line", b"m " + _filled(b'a="b",')
    yield "line", b'm s="' + _filled(b"a")[:-10] + b'"'
    for number in (b"1," * 2, b"{},", b"NaN,", b'{"measurement":"m","fields":{"f":NaN}},'):
        yield "json", b"[" + _filled(number)[:-10] + b"1]"
    yield "json", b'{"measurement":"' + _filled(b'\\\\\\"')[:-100] + b'","fields":{"f":1}}'
    yield "json", b'{"measurement":"m","fields":{"f":' + b"1" * (FRAME_BYTES - 100) + b"}}"
    yield "json", msgspec.json.encode({"measurement": "m", "fields": {f"f{n}": 1 for n in range(250_000)}})
    yield "msgpack", msgspec.msgpack.encode({"measurement": "m", "fields": {f"f{n}": 1 for n in range(250_000)}})
    yield "msgpack", b"\xdd\x00\x3f\xff\x00" + b"\x80" * 0x3FFF00
    for piece in (b"\n", b"a\n", b"a 1\n", b"a;b=c 1\n", b"a."):
        yield "graphite", _filled(piece)


def bomb(size: int = 64 * 2**20) -> bytes:
    """So many bytes of nothing, as gzip."""
    return gzip.compress(bytes(size), 9)


def _filled(piece: bytes) -> bytes:
    return (piece * (FRAME_BYTES // len(piece) + 1))[: FRAME_BYTES - 20]


def _broken(chance: random.Random, known: Sequence[bytes], good: bytes) -> bytes:
    """One that is known to be bad, noise, or a good one that is cut, repeated or has bytes exchanged."""
    match chance.randrange(5):
        case 0 | 1:
            return chance.choice(known)
        case 2:
            return chance.randbytes(chance.choice((1, 20, 500, 20_000)))
        case 3:
            return good[: chance.randrange(len(good))]
        case _:
            changed = bytearray(good * chance.choice((1, 3)))
            for _ in range(3):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            return bytes(changed)


def _line(chance: random.Random) -> bytes:
    good = b'hostile,site=a temp=21.5,on=true,count=3i,text="a \\" b"'
    return b"\n".join(_broken(chance, LINES, good) for _ in range(chance.choice((1, 1, 3, 100))))


def _json(chance: random.Random) -> bytes:
    value = chance.choice(NUMBERS)
    good = b'{"measurement":"hostile","tags":{"site":"a"},"fields":{"temp":21.5}}'
    bad = b'{"measurement":"hostile","fields":{"f":%b}}' % value
    wrong = b'{"measurement":%b,"tags":%b,"fields":{"f":1},"time":%b}' % (value, value, value)
    many = b"[" + b",".join([bad, good] * 50) + b"]"
    return _broken(chance, (*NESTED, bad, wrong, many, value), good)


def _msgpack(chance: random.Random) -> bytes:
    good = msgspec.msgpack.encode([{"measurement": "hostile", "tags": {"site": "a"}, "fields": {"temp": 21.5}}] * 3)
    return _broken(chance, PACKED, good)


def _graphite(chance: random.Random) -> bytes:
    return b"\n".join(_broken(chance, PATHS, b"hostile.site.a 21.5") for _ in range(chance.choice((1, 1, 3, 100))))
