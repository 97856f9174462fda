import asyncio
from collections.abc import Callable

import msgspec
import pytest

from hub.backlog import Prepared
from hub.encodings import Encoding
from hub.messages import Ack, Progress, Window
from hub.outbound import Outbound, Stall
from hub.wires import Owner

pytestmark = pytest.mark.anyio


class Pipe:
    """A wire that takes everything until it is told to be full."""

    framed = True

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.full = False
        self.aborted = False
        self.waiting = 0
        self.has_taken = 0
        self.has_room: int | None = None

    def attach(self, owner: Owner) -> Callable[[bytes], None]:
        self._owner = owner
        return self._write

    def direct(self) -> Callable[[bytes], int]:
        return self.send

    def detach(self) -> None:
        pass

    def _write(self, data: bytes) -> None:
        self.writes.append(data)
        if self.full:
            self._owner.on_full()

    def send(self, data: bytes) -> int:
        self._write(data)
        return len(data)

    def taken(self) -> int | None:
        return self.has_taken

    def room(self) -> int | None:
        return self.has_room

    def unsent(self) -> int:
        return self.waiting

    def abort(self) -> None:
        self.aborted = True

    def drain(self) -> None:
        self.full = False
        self._owner.on_drained()


async def not_used(_: str | bytes) -> None:
    raise AssertionError("the wire should have been used")


def over(pipe: Pipe, budget_bytes: int = 2**20, stalled_after_s: float = 10) -> Outbound:
    return Outbound(
        not_used, encoding=Encoding.JSON, budget_bytes=budget_bytes, wire=pipe, stalled_after_s=stalled_after_s
    )


def ack(frame: int) -> Ack:
    return Ack(frame=frame, stored="store")


def window(stop: int, size: int = 0) -> Prepared:
    return Prepared(
        "P",
        Window(plan="P", start=stop - 10, stop=stop, revision=0, final=False, rows=[("x" * size,)],
               points=1, late=0, queried_ms=1.0, sent=stop),
    )  # fmt: skip


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_added_in_one_turn_leaves_in_one_write_of_whole_frames() -> None:
    pipe = Pipe()
    outbound = over(pipe)
    outbound.message(ack(1))
    outbound.frame(window(10))
    outbound.message(ack(2))
    assert pipe.writes == []
    await turn()

    (written,) = pipe.writes
    assert written.startswith(b"\x81\x29" + msgspec.json.encode(ack(1)))
    assert written.index(b'"stop":10') < written.index(b'"frame":2')

    outbound.message(ack(3))
    await turn()
    assert len(pipe.writes) == 2


async def test_a_full_wire_is_given_nothing_until_it_has_drained() -> None:
    pipe = Pipe()
    outbound = over(pipe)
    pipe.full = True
    outbound.message(ack(1))
    await turn()
    outbound.message(ack(2))
    outbound.frame(window(10))
    await turn()
    assert len(pipe.writes) == 1

    pipe.drain()
    assert len(pipe.writes) == 2
    assert b'"frame":2' in pipe.writes[1]


async def test_only_as_much_is_written_at_once_as_no_longer_can_be_conflated() -> None:
    pipe = Pipe()
    outbound = over(pipe, budget_bytes=200_000)
    pipe.full = True
    outbound.frame(window(10))
    await turn()
    for stop in range(20, 120, 10):
        outbound.frame(window(stop, size=40_000))
    pipe.drain()

    assert b'"skipped"' in pipe.writes[1]
    assert b'"stop":110' in pipe.writes[-1]
    assert all(len(written) < 100_000 for written in pipe.writes)
    assert sum(map(len, pipe.writes)) < 250_000


async def test_run_returns_when_the_messages_before_the_close_are_written_without_the_windows() -> None:
    pipe = Pipe()
    outbound = over(pipe)
    pipe.full = True
    outbound.message(ack(1))
    await turn()
    outbound.message(ack(2))
    outbound.frame(window(10))
    outbound.close(1013, "overloaded")
    outbound.close(4400, "the first reason stays")
    outbound.message(ack(3))
    running = asyncio.create_task(outbound.run())
    await turn()
    assert not running.done()

    pipe.drain()
    await running
    assert outbound.closing == (1013, "overloaded")
    assert b"".join(pipe.writes).count(b'"ack"') == 2
    assert b'"window"' not in b"".join(pipe.writes)


async def test_a_lost_wire_is_written_to_no_more_and_leaves_the_rest_to_the_session() -> None:
    pipe = Pipe()
    outbound = over(pipe)
    running = asyncio.create_task(outbound.run())
    outbound.frame(window(10))
    outbound.on_lost(None)
    outbound.message(ack(1))
    await turn()

    assert pipe.writes == []
    assert not outbound.idle
    assert not running.done()
    running.cancel()


async def test_a_session_that_ends_is_not_kept_waiting_for_a_lost_wire() -> None:
    ended_after = over(Pipe())
    ended_after.on_lost(None)
    ended_after.close(4400, "")
    await asyncio.wait_for(ended_after.run(), 1)

    pipe = Pipe()
    pipe.full = True
    ended_before = over(pipe)
    ended_before.message(ack(1))
    await turn()
    ended_before.close(4400, "")
    ended_before.on_lost(None)
    await asyncio.wait_for(ended_before.run(), 1)


async def test_an_idle_socket_closes_at_once() -> None:
    outbound = over(Pipe())
    outbound.close(1001, "")
    await asyncio.wait_for(outbound.run(), 1)


async def test_a_socket_that_takes_nothing_is_cut_off() -> None:
    pipe = Pipe()
    outbound = over(pipe, stalled_after_s=0.05)
    pipe.full = True
    outbound.message(ack(1))
    await asyncio.wait_for(outbound.run(), 5)

    assert pipe.aborted
    assert outbound.closing == (4508, "nothing was read for 0.05 s")


def test_a_socket_is_stalled_when_its_unsent_bytes_have_not_become_fewer_for_the_limit() -> None:
    stall = Stall(10, unsent=1_000, since=100)
    assert not stall.over(1_000, now=109)
    assert not stall.over(999, now=109.5)
    assert not stall.over(999, now=119)
    assert not stall.over(1_500, now=119.4)  # a ping was written, nothing was taken
    assert stall.over(1_500, now=119.5)


async def test_a_socket_whose_kernel_takes_what_its_peer_does_not_is_cut_off_too() -> None:
    pipe = Pipe()
    outbound = over(pipe, stalled_after_s=0.05)
    outbound.look()
    pipe.waiting, pipe.has_taken = 200, 1_000
    outbound.look()
    pipe.waiting = 400
    pipe.has_taken += 1
    await asyncio.sleep(0.06)
    outbound.look()
    assert not pipe.aborted  # it has taken something

    pipe.waiting = 600
    await asyncio.sleep(0.06)
    outbound.look()
    assert outbound.closing == (4508, "nothing was read for 0.05 s")
    assert pipe.aborted


async def test_a_socket_that_has_been_given_nothing_is_not_stalled() -> None:
    pipe = Pipe()
    outbound = over(pipe, stalled_after_s=0.0)
    outbound.look()
    outbound.look()
    assert outbound.closing is None


async def test_a_reader_who_lets_messages_pile_up_is_cut_off() -> None:
    pipe = Pipe()
    outbound = over(pipe, budget_bytes=500)
    pipe.full = True
    for frame in range(50):
        outbound.message(ack(frame))
        await asyncio.sleep(0)
    await asyncio.wait_for(outbound.run(), 1)

    assert pipe.aborted
    assert outbound.closing
    assert outbound.closing.code == 4508


async def test_who_sends_much_waits_for_room_and_each_in_turn() -> None:
    pipe = Pipe()
    outbound = over(pipe, budget_bytes=1_000)
    pipe.full = True
    outbound.message(ack(0))
    await turn()
    order: list[int] = []

    async def pour(number: int) -> None:
        await outbound.drained()
        outbound.message(Progress(plan="x" * 600, final_until=number))
        order.append(number)

    tasks = [asyncio.create_task(pour(number)) for number in range(3)]
    await turn()
    assert order == [0]
    pipe.drain()
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2]


async def test_waiting_for_room_ends_when_the_socket_closes() -> None:
    pipe = Pipe()
    outbound = over(pipe, budget_bytes=10)
    pipe.full = True
    outbound.message(ack(0))
    await turn()
    outbound.message(ack(1))
    waiting = asyncio.create_task(outbound.drained())
    await turn()
    assert not waiting.done()
    outbound.close(1001, "")
    await asyncio.wait_for(waiting, 1)


# Without the extension: any server's send


async def test_a_plain_send_gets_text_or_bytes_in_order() -> None:
    for encoding, kind in ((Encoding.JSON, str), (Encoding.MSGPACK, bytes)):
        sent: list[str | bytes] = []

        async def send(data: str | bytes, sent: list[str | bytes] = sent) -> None:
            await asyncio.sleep(0)
            sent.append(data)

        outbound = Outbound(send, encoding=encoding, budget_bytes=1_000)
        for frame in range(1, 4):
            outbound.message(ack(frame))
            await turn()
        outbound.close(1000, "")
        await outbound.run()

        assert all(isinstance(data, kind) for data in sent)
        decode: Callable[..., Ack] = msgspec.json.decode if encoding is Encoding.JSON else msgspec.msgpack.decode
        assert [decode(data, type=Ack).frame for data in sent] == [1, 2, 3]


async def test_what_a_plain_send_raises_ends_run() -> None:
    async def send(_: str | bytes) -> None:
        raise ConnectionResetError("gone")

    outbound = Outbound(send, encoding=Encoding.JSON, budget_bytes=1_000)
    outbound.message(ack(1))
    with pytest.raises(ConnectionResetError, match="gone"):
        await outbound.run()
    assert outbound.closing


async def test_a_plain_send_that_never_returns_is_a_stalled_socket() -> None:
    cancelled = asyncio.Event()

    async def send(_: str | bytes) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    outbound = Outbound(send, encoding=Encoding.JSON, budget_bytes=1_000, stalled_after_s=0.05)
    outbound.message(ack(1))
    await asyncio.wait_for(outbound.run(), 5)

    assert outbound.closing
    assert outbound.closing.code == 4508
    await asyncio.wait_for(cancelled.wait(), 1)


async def test_a_session_that_ends_by_itself_leaves_nothing_running() -> None:
    pipe = Pipe()
    outbound = over(pipe)
    pipe.full = True
    outbound.message(ack(1))
    running = asyncio.create_task(outbound.run())
    await turn()
    running.cancel()
    await asyncio.wait([running])
    outbound.message(ack(2))
    outbound.frame(window(10))
    pipe.drain()
    assert len(pipe.writes) == 1


async def test_a_reader_lags_while_its_peer_has_much_less_room_than_it_had() -> None:
    pipe = Pipe()
    outbound = over(pipe)
    assert not outbound.gauge()
    for room, lags in ((60_000, False), (50_000, False), (100_000, False), (70_000, True), (0, True), (90_000, False)):
        pipe.has_room = room
        lagged = outbound.lags
        assert outbound.gauge() is (lagged is not lags)
        assert outbound.lags is lags


async def test_a_reader_whose_wire_is_full_lags() -> None:
    pipe = Pipe()
    outbound = over(pipe)
    pipe.full = True
    outbound.write(b"x")
    assert outbound.gauge()
    assert outbound.lags
    pipe.drain()
    pipe.has_room = 1_000
    assert outbound.gauge()
    assert not outbound.lags
