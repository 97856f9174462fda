"""A Writer against a hub on a real socket."""

import asyncio
import json
from contextlib import suppress
from typing import cast

import pytest
from websockets.asyncio.client import ClientConnection

from hub.client import Backoff, HubRefused, NotAcknowledged, Point, Rejection, Setback, Writer
from hub.client.messages import Ready
from hub.client.writer import MOST_LOGGED_REJECTS
from tests.hub.client.scripted_hub import Peer, scripted_hub

pytestmark = pytest.mark.anyio
AT_ONCE = 0.01


def quick() -> Backoff:
    return Backoff(first=AT_ONCE, longest=AT_ONCE)


async def write_and_leave(writer: Writer, lines: list[str], when: asyncio.Event) -> None:
    async with writer:
        await writer.write(lines)
        await when.wait()


async def test_leaving_waits_for_the_acknowledgement() -> None:
    acknowledged = False

    async def hub(peer: Peer) -> None:
        nonlocal acknowledged
        assert peer.path == "/v1/write?precision=s"
        assert peer.headers["Authorization"] == "Bearer secret"
        await peer.ready()
        assert await peer.frame() == b"a f=1 1\nb f=2 2"
        acknowledged = True
        await peer.say(type="ack", frame=1, stored="store")
        await peer.stay()

    async with scripted_hub(hub) as url:
        async with Writer(url, token="secret", parameters={"precision": "s"}) as writer:
            await writer.write(["a f=1 1\n", b"b f=2 2", ""])
        assert acknowledged
        assert (writer.settled, writer.unacknowledged) == (2, 0)


async def test_points_are_lines() -> None:
    async def hub(peer: Peer) -> None:
        await peer.ready()
        assert await peer.frame() == b"weather,site=s\\ 1 temp=21.5 7"
        await peer.say(type="ack", frame=1, stored="spool")

    async with scripted_hub(hub) as url, Writer(url) as writer:
        await writer.write(Point("weather", {"temp": 21.5}, {"site": "s 1"}, 7))
        await writer.flush()


async def test_leaving_is_a_normal_close() -> None:
    closed_with = []

    async def hub(peer: Peer) -> None:
        await peer.ready()
        await peer.frame()
        await peer.say(type="ack", frame=1, stored="store")
        closed_with.append(await peer.stay())

    async with scripted_hub(hub) as url, Writer(url) as writer:
        await writer.write("1")
    assert closed_with == [1000]


async def test_after_a_broken_connection_what_is_open_is_sent_again() -> None:
    first_frame_arrived = asyncio.Event()

    async def breaks(peer: Peer) -> None:
        await peer.ready()
        await peer.frame()
        first_frame_arrived.set()
        peer.abort()

    async def takes_all(peer: Peer) -> None:
        await peer.ready()
        assert await peer.frame() == b"1\n2"
        await peer.say(type="ack", frame=1, stored="store")
        await peer.stay()

    setbacks: list[str] = []
    async with scripted_hub(breaks, takes_all) as url:
        async with Writer(url, backoff=quick(), on_setback=lambda s, _: setbacks.append(s.message)) as writer:
            await writer.write("1")
            await first_frame_arrived.wait()
            await writer.write("2")
        assert setbacks == ["the connection was closed with 1006"]


async def test_a_retry_sends_the_frame_and_all_later_ones_again() -> None:
    async def hub(peer: Peer) -> None:
        await peer.ready()
        assert await peer.frame() == b"temp=1 7"
        written_first.set()
        assert await peer.frame() == b"temp=2 7"
        await peer.say(type="retry", frame=1, after_ms=5)
        await peer.say(type="ack", frame=2, stored="store")
        assert await peer.frame() == b"temp=1 7\ntemp=2 7"
        await peer.say(type="ack", frame=3, stored="store")
        await peer.stay()

    written_first = asyncio.Event()
    async with scripted_hub(hub) as url, Writer(url) as writer:
        await writer.write("temp=1 7")
        await written_first.wait()
        await writer.write("temp=2 7")


async def test_a_reject_reaches_the_caller_with_its_line() -> None:
    async def hub(peer: Peer) -> None:
        await peer.ready()
        await peer.frame()
        rejected = [{"line": 2, "code": "field_type", "message": "temp is a float"}]
        await peer.say(type="reject", frame=1, accepted=1, rejected=rejected, more=0)
        await peer.stay()

    heard: list[Rejection] = []
    async with scripted_hub(hub) as url:
        async with Writer(url, on_reject=heard.append) as writer:
            await writer.write(["w temp=1", "w temp=t"])
        assert heard == [Rejection(b"w temp=t", 1, "field_type", "temp is a float")]
        assert writer.rejected == 1


async def test_where_nobody_hears_the_log_has_it(caplog: pytest.LogCaptureFixture) -> None:
    async def breaks(peer: Peer) -> None:
        await peer.ready()
        peer.abort()

    async def rejects(peer: Peer) -> None:
        await peer.ready()
        await peer.frame()
        many = [{"line": n, "code": "field_type", "message": f"no {n}"} for n in range(1, MOST_LOGGED_REJECTS + 2)]
        await peer.say(type="reject", frame=1, accepted=0, rejected=many, more=0)
        await peer.stay()

    async with scripted_hub(breaks, rejects) as url:
        writer = Writer(url, backoff=quick())
        async with writer:
            await writer.write("\n".join("w temp=t" for _ in range(MOST_LOGGED_REJECTS + 1)))
    said = [record.getMessage() for record in caplog.records if record.name == "hub.client"]
    assert writer.rejected == MOST_LOGGED_REJECTS + 1
    assert said[0].startswith("the connection was closed with 1006; trying again in ")
    assert [line.rpartition(": ")[2] for line in said[1:-1]] == [f"no {n + 1}" for n in range(MOST_LOGGED_REJECTS)]
    assert "is not logged" in said[-1]


async def test_a_full_buffer_makes_the_writer_wait() -> None:
    release = asyncio.Event()

    async def hub(peer: Peer) -> None:
        await peer.ready(max_unacked=1)
        await peer.frame()
        await release.wait()
        await peer.say(type="ack", frame=1, stored="store")
        await peer.frame()
        await peer.say(type="ack", frame=2, stored="store")
        await peer.stay()

    async with scripted_hub(hub) as url, Writer(url, buffer_bytes=10) as writer:
        await writer.write("0123456789")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.write("more"), AT_ONCE)
        release.set()
        await writer.write("more")


async def test_leaving_says_what_is_not_acknowledged() -> None:
    arrived = asyncio.Event()

    async def silent(peer: Peer) -> None:
        await peer.ready()
        await peer.frame()
        arrived.set()
        await peer.stay()

    async with scripted_hub(silent) as url:
        with pytest.raises(NotAcknowledged, match=r"2 written lines .* the hub has not acknowledged it") as caught:
            await write_and_leave(Writer(url, patience=AT_ONCE), ["1", "2"], arrived)
        assert caught.value.lines == [b"1", b"2"]


async def test_a_hub_that_is_not_there_is_named_on_leaving() -> None:
    failed = asyncio.Event()
    async with scripted_hub() as url:
        pass
    writer = Writer(url, patience=AT_ONCE, backoff=quick(), on_setback=lambda *_: failed.set())
    with pytest.raises(NotAcknowledged, match="Connect call failed"):
        await write_and_leave(writer, ["1"], failed)


async def test_a_refusal_for_good_ends_it() -> None:
    async def refuses(peer: Peer) -> None:
        await peer.ready()
        await peer.frame()
        await peer.close(4403, "measurement cpu")

    async with scripted_hub(refuses) as url:
        with pytest.raises(NotAcknowledged, match=r"4403: the token does not allow this \(measurement cpu\)"):
            async with Writer(url) as writer:
                await writer.write("cpu f=1")
        with pytest.raises(HubRefused):
            await writer.write("cpu f=2")


async def test_the_hubs_wish_to_be_left_alone_is_kept() -> None:
    async def restarts(peer: Peer) -> None:
        await peer.ready()
        await peer.close(1012, json.dumps({"retry_after_ms": 20}))

    async def takes(peer: Peer) -> None:
        await peer.ready()
        await peer.frame()
        await peer.say(type="ack", frame=1, stored="store")
        await peer.stay()

    heard: list[tuple[Setback, float]] = []
    async with scripted_hub(restarts, takes) as url:
        async with Writer(url, backoff=quick(), on_setback=lambda *setback: heard.append(setback)) as writer:
            await writer.write("1")
        [(setback, delay)] = heard
        assert (setback.code, setback.retry_after) == (1012, 0.02)
        assert 0.02 <= delay <= 0.02 + AT_ONCE


async def test_a_peer_that_is_no_hub_is_left_and_tried_again() -> None:
    async def no_hub(peer: Peer) -> None:
        await peer.say(type="hello")
        await peer.stay()

    async def liar(peer: Peer) -> None:
        await peer.ready()
        await peer.frame()
        await peer.say(type="ack", frame=9, stored="store")
        await peer.stay()

    async def honest(peer: Peer) -> None:
        await peer.ready()
        await peer.say(type="news", of="a later version")
        await peer.frame()
        await peer.say(type="ack", frame=1, stored="store")
        await peer.stay()

    heard: list[str] = []
    async with scripted_hub(no_hub, liar, honest) as url:
        async with Writer(url, backoff=quick(), on_setback=lambda setback, _: heard.append(setback.message)) as writer:
            await writer.write("1")
        assert heard == ["the hub's first message is not `ready`", "the hub gave an outcome to frame 9; 1 were sent"]


async def test_a_text_longer_than_a_frame_is_refused_at_once() -> None:
    async def hub(peer: Peer) -> None:
        await peer.ready(max_frame_bytes=8)
        assert await peer.frame() == b"1"
        await peer.say(type="ack", frame=1, stored="store")
        await peer.stay()

    async with scripted_hub(hub) as url, Writer(url) as writer:
        await writer.write("1")
        await writer.flush()
        with pytest.raises(ValueError, match="9 bytes was written; the hub takes 8"):
            await writer.write("123456789")


async def test_an_error_in_the_callers_own_callback_reaches_the_caller() -> None:
    async def hub(peer: Peer) -> None:
        await peer.ready()
        await peer.frame()
        await peer.say(type="reject", frame=1, accepted=0, rejected=[{"line": 1, "code": "c", "message": "m"}])
        await peer.stay()

    def fails(rejection: Rejection) -> None:
        raise LookupError(rejection.code)

    async with scripted_hub(hub) as url:
        with pytest.raises(LookupError, match="c"):
            async with Writer(url, on_reject=fails) as writer:
                await writer.write("1")


async def test_writing_outside_the_context_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await Writer("ws://127.0.0.1:8000").write("1")


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="no address of a hub"):
        Writer("127.0.0.1:8000")


class Held:
    """A socket that has been closed, on which something is still being sent."""

    def __init__(self) -> None:
        self.sending, self.let_go = asyncio.Event(), asyncio.Event()

    def __aiter__(self) -> "Held":
        return self

    async def __anext__(self) -> str:
        await self.sending.wait()
        raise StopAsyncIteration

    async def send(self, _frame: bytes) -> None:
        self.sending.set()
        while not self.let_go.is_set():
            with suppress(asyncio.CancelledError):
                await self.let_go.wait()


async def test_leaving_while_a_connection_ends_is_leaving() -> None:
    socket, writer = Held(), Writer("ws://hub.example")
    writer._unacknowledged.add(b"m f=1")
    session = asyncio.create_task(writer._session(cast("ClientConnection", socket), Ready("s", 0)))
    await socket.sending.wait()
    for _ in range(3):
        await asyncio.sleep(0)
    session.cancel()
    await asyncio.sleep(0)
    socket.let_go.set()
    await asyncio.wait([session])
    assert session.cancelled()
