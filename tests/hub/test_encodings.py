"""Messages on the wire: as PROTOCOL says, in both encodings; what cannot be read is named."""

import json

import msgspec
import pytest

from hub.encodings import Encoding, Unreadable, decode_auth, decode_request
from hub.messages import (
    Ack,
    Auth,
    Column,
    Error,
    Explain,
    Live,
    LiveRequest,
    QueryRequest,
    Reject,
    RejectedPoint,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from streams.points import Kind


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (Ack(frame=3, stored="store"), '{"type":"ack","frame":3,"stored":"store"}'),
        (
            Reject(frame=1, accepted=18, rejected=[RejectedPoint(3, "field_type", "no")]),
            '{"type":"reject","frame":1,"accepted":18,'
            '"rejected":[{"line":3,"code":"field_type","message":"no"}],"more":0}',
        ),
        (Live(id="a", plan="P", from_=7), '{"type":"live","id":"a","plan":"P","from":7}'),
        (
            Error(id="a", code="unknown_stream", message="no"),
            '{"type":"error","id":"a","code":"unknown_stream","message":"no","retry_after_ms":null}',
        ),
    ],
)
def test_messages_are_written_as_the_protocol_says(message: msgspec.Struct, text: str) -> None:
    assert Encoding.JSON.encode(message).decode() == text
    assert msgspec.msgpack.decode(Encoding.MSGPACK.encode(message)) == json.loads(text)


def test_a_tag_has_no_unit_and_an_unknown_kind_is_null() -> None:
    columns = [Column("site", Kind.TAG), Column("temp.mean", Kind.FLOAT, None), Column("hum.last", None, None)]
    message = Subscribed(id="a", plan="P", columns=columns, window_ms=10_000, every_ms=1_000, grace_ms=0, shared_by=1)
    assert json.loads(Encoding.JSON.encode(message))["columns"] == [
        {"name": "site", "kind": "tag"},
        {"name": "temp.mean", "kind": "float", "unit": None},
        {"name": "hum.last", "kind": None, "unit": None},
    ]


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        (
            '{"type":"subscribe","id":"a","stream":"weather","where":{"site":["s1",null],"dev":null},"history":"10m"}',
            Subscribe(id="a", stream="weather", where={"site": ["s1", None], "dev": None}, history="10m"),
        ),
        (
            '{"type":"subscribe","id":"b","query":{"measurement":"m","select":{"t":["mean"],"h":"last"},'
            '"every":"1s"},"after":1700000000000}',
            Subscribe(
                id="b",
                query=QueryRequest(measurement="m", select={"t": ["mean"], "h": "last"}, every="1s"),
                after=1_700_000_000_000,
            ),
        ),
        ('{"type":"subscribe","id":"a","stream":"s","after":5,"seen":7}', Subscribe("a", "s", after=5, seen=7)),
        ('{"type":"unsubscribe","id":"a"}', Unsubscribe(id="a")),
        ('{"type":"explain","id":"a","stop":5}', Explain(id="a", stop=5)),
        ('{"type":"auth","token":"t"}', Auth(token="t")),
    ],
)
def test_requests_are_read_in_both_encodings(text: str, request_: LiveRequest) -> None:
    assert decode_request(text, Encoding.JSON) == request_
    assert decode_request(msgspec.msgpack.encode(json.loads(text)), Encoding.MSGPACK) == request_


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('{"type":"subscribe","id":"a","strem":"x"}', "`strem`; did you mean stream?"),
        ('{"type":"subscribe","id":"a","stream":5}', "`$.stream`"),
        ('{"type":"subscribe","id":"a","after":1.5}', "`$.after`"),
        ('{"type":"subscribe","id":"a","query":{"select":{}}}', "`measurement`"),
        ('{"type":"subscribe","id":"a","query":{"measurement":"m","select":{"t":5}}}', "`$.query.select"),
    ],
)
def test_a_request_that_names_its_id_is_answered(text: str, names: str) -> None:
    error = decode_request(text, Encoding.JSON)
    assert isinstance(error, Error)
    assert (error.id, error.code) == ("a", "invalid_message")
    assert names in error.message


@pytest.mark.parametrize(
    "data",
    [
        "",
        "subscribe",
        "[]",
        "{}",
        '{"id":"a"}',
        '{"type":"subscribe"}',
        '{"type":"subscribe","id":7}',
        '{"type":"nonsense","id":"a"}',
        "[" * 100_000,
        '{"type":"subscribe","id":"a","where":' + '{"a":' * 100_000,
        '{"type":"unsubscribe","id":"\ud800"}',
    ],
)
def test_what_is_no_message_cannot_be_read(data: str) -> None:
    with pytest.raises(Unreadable):
        decode_request(data, Encoding.JSON)


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x81\xa4type\xa9subscribe", b"\xdf\xff\xff\xff\xff"])
def test_what_is_no_messagepack_cannot_be_read(data: bytes) -> None:
    with pytest.raises(Unreadable):
        decode_request(data, Encoding.MSGPACK)


def test_a_device_frame_is_auth_only_if_it_is_nothing_else() -> None:
    assert decode_auth(b' {"type": "auth", "token": "t"}') == Auth(token="t")
    assert decode_auth(b'{"measurement":"auth","fields":{"v":1}}') is None
    assert decode_auth(b"weather temp=1") is None
