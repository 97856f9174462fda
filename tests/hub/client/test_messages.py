"""The client reads what the hub says: every message of the hub's own types."""

import pytest

from hub import messages as hub
from hub.client import messages as client
from hub.client.errors import ProtocolViolated
from hub.encodings import Encoding
from streams.points import Kind


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (hub.WriteReady(session="s", max_frame_bytes=9, max_unacked=3, time=7), client.Ready("s", 7, 9, 3)),
        (hub.Ack(frame=3, stored="spool"), client.Ack(3)),
        (
            hub.Reject(frame=3, accepted=1, rejected=[hub.RejectedPoint(2, "c", "m")], more=4),
            client.Reject(3, (client.RejectedPoint(2, "c", "m"),), 4),
        ),
        (hub.Retry(frame=3, after_ms=500), client.Retry(3, 500)),
    ],
)
def test_what_a_device_hears(said: hub.WriteMessage, read: client.WriteMessage) -> None:
    assert client.decode_write(Encoding.JSON.encode(said)) == read


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (hub.LiveReady(session="s", time=7), client.Ready("s", 7)),
        (
            hub.Subscribed(
                id="a",
                plan="P",
                columns=[hub.Column("host", Kind.TAG), hub.Column("temp.mean", None, None)],
                window_ms=10,
                every_ms=5,
                grace_ms=1,
                shared_by=2,
            ),
            client.Subscribed(
                "a", "P", (client.Column("host", "tag"), client.Column("temp.mean", None, None)), 10, 5, 1
            ),
        ),
        (
            hub.History(id="a", plan="P", windows=[hub.PastWindow(0, 5, 0, True, [("a", None)])], more=True),
            client.History("a", (client.PastWindow(0, 5, 0, True, (("a", None),)),)),
        ),
        (hub.Live(id="a", plan="P", from_=5), client.Live("a", 5)),
        (
            hub.Window(
                plan="P",
                start=0,
                stop=5,
                revision=1,
                final=True,
                rows=[(1.5, 2, True, "x")],
                points=4,
                late=1,
                queried_ms=0.5,
                sent=6,
            ),
            client.Window("P", 0, 5, 1, True, ((1.5, 2, True, "x"),), 4, 1, 0.5, 6),
        ),
        (hub.Progress(plan="P", final_until=5), client.Progress("P", 5)),
        (hub.Skipped(plan="P", windows=2, from_=5, to=10), client.Skipped("P", 2, 10, 5)),
        (
            hub.Error(id=None, code="c", message="m", retry_after_ms=5),
            client.Error(None, "c", "m", 5),
        ),
    ],
)
def test_what_a_dashboard_hears(said: hub.LiveMessage, read: client.LiveMessage) -> None:
    assert client.decode_live(Encoding.JSON.encode(said)) == read


def test_a_later_hubs_messages_and_keys_pass() -> None:
    assert client.decode_write('{"type":"weather","of":"tomorrow"}') is None
    assert client.decode_write('{"type":"ack","frame":1,"stored":"moon","by":"rocket"}') == client.Ack(1)


@pytest.mark.parametrize("data", ["", "[]", "{}", '{"type":"ack"}', '{"type":"ack","frame":"one"}', b"\xff"])
def test_what_is_no_message_is_refused(data: str | bytes) -> None:
    with pytest.raises(ProtocolViolated):
        client.decode_write(data)
