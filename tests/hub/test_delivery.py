import asyncio
import time
from collections.abc import Callable
from functools import partial

import pytest

from hub.backlog import Prepared
from hub.delivery import GAUGED_EVERY_S, GAUGED_PART, SOCKETS_AT_ONCE, TURN_S, Delivery, Members
from hub.encodings import Encoding
from hub.messages import Ack, Progress
from hub.outbound import Outbound
from hub.wires import Owner

pytestmark = pytest.mark.anyio


class Slow:
    """A wire that takes a while for each write, as a busy kernel does."""

    framed = True

    def __init__(self, takes_s: float = 0.0) -> None:
        self.writes: list[bytes] = []
        self.takes_s = takes_s
        self.takes: int | None = 2**20
        """Bytes of one `send`; None where it has no room for any."""
        self.has_room: int | None = None
        self.on_write: Callable[[], None] = lambda: None

    def attach(self, owner: Owner) -> Callable[[bytes], None]:
        return self._write

    def direct(self) -> Callable[[bytes], int]:
        return self.send

    def detach(self) -> None:
        pass

    def _write(self, data: bytes) -> None:
        until = time.thread_time() + self.takes_s
        while time.thread_time() < until:
            pass
        self.writes.append(data)
        self.on_write()

    def send(self, data: bytes) -> int:
        """As much as the kernel takes."""
        if self.takes is None:
            raise BlockingIOError
        taken = data[: self.takes]
        self._write(taken)
        return len(taken)

    def taken(self) -> int | None:
        return None

    def room(self) -> int | None:
        return self.has_room

    def unsent(self) -> int:
        return 0

    def abort(self) -> None:
        pass


async def not_used(_: str | bytes) -> None:
    raise AssertionError


def outbound(wire: Slow) -> Outbound:
    return Outbound(not_used, encoding=Encoding.JSON, budget_bytes=2**20, wire=wire)


def sockets(wires: list[Slow]) -> Members:
    members = Members()
    for wire in wires:
        members.add(outbound(wire))
    return members


def progress(until: int) -> Prepared:
    return Prepared("P", Progress(plan="P", final_until=until))


async def all_written(wires: list[Slow]) -> None:
    while not all(wire.writes for wire in wires):
        await asyncio.sleep(0)


async def test_a_long_delivery_lets_the_loop_serve_others_in_between() -> None:
    wires = [Slow(takes_s=0.0002) for _ in range(500)]
    Delivery().publish(progress(10), sockets(wires))
    longest, last = 0.0, time.thread_time()
    turns = 0
    while not all(wire.writes for wire in wires):
        await asyncio.sleep(0)
        now = time.thread_time()
        longest, last, turns = max(longest, now - last), now, turns + 1

    assert turns >= 500 // SOCKETS_AT_ONCE
    assert longest < 20 * TURN_S


async def test_every_socket_gets_everything_in_the_order_published() -> None:
    wires = [Slow() for _ in range(200)]
    members = sockets(wires)
    delivery = Delivery()
    for until in (10, 20, 30):
        delivery.publish(progress(until), members)
    await all_written(wires)

    assert {len(wire.writes) for wire in wires} == {1}
    assert {wire.writes[0] for wire in wires} == {
        b"".join(
            b"\x81" + bytes([len(payload)]) + payload
            for payload in (b'{"type":"progress","plan":"P","final_until":%d}' % until for until in (10, 20, 30))
        )
    }


async def test_the_bytes_are_the_same_object_for_every_socket() -> None:
    wires = [Slow() for _ in range(3)]
    Delivery().publish(progress(10), sockets(wires))
    await all_written(wires)
    assert len({id(wire.writes[0]) for wire in wires}) == 1


@pytest.mark.parametrize("takes", [None, 0, 5])
async def test_what_the_kernel_does_not_take_at_once_is_written(takes: int | None) -> None:
    wire = Slow()
    wire.takes = takes
    Delivery().publish(progress(10), sockets([wire]))
    await all_written([wire])
    payload = b'{"type":"progress","plan":"P","final_until":10}'
    assert b"".join(wire.writes) == b"\x81" + bytes([len(payload)]) + payload


async def test_what_is_published_meanwhile_holds_up_nobody_and_leaves_in_one_write() -> None:
    wires = [Slow(takes_s=0.0005) for _ in range(100)]
    members, delivery = sockets(wires), Delivery()
    delivery.publish(progress(0), members)
    published = 0
    while not all(wire.writes for wire in wires):
        published += 1
        delivery.publish(progress(published), members)
        await asyncio.sleep(0)
    assert published > 2
    while delivery.busy:
        await asyncio.sleep(0)
    assert all(b"".join(wire.writes).count(b"progress") == published + 1 for wire in wires)
    assert max(len(wire.writes) for wire in wires) <= 3


async def test_a_member_of_several_plans_gets_all_of_them_in_one_write() -> None:
    wires = [Slow() for _ in range(3)]
    all_sockets = [outbound(wire) for wire in wires]
    plans = {"P": Members(), "Q": Members()}
    for members, those in zip(plans.values(), (all_sockets[:2], all_sockets[1:]), strict=True):
        for socket in those:
            members.add(socket)
    delivery = Delivery()
    for plan, members in plans.items():
        delivery.publish(Prepared(plan, Progress(plan=plan, final_until=10)), members)
    await all_written(wires)
    plan_p, both, plan_q = (wire.writes for wire in wires)
    assert both == [plan_p[0] + plan_q[0]]


async def test_a_socket_that_has_something_else_to_write_keeps_its_order() -> None:
    wires = [Slow() for _ in range(2)]
    members = sockets(wires)
    members.sockets[0].message(Ack(frame=1, stored="store"))
    delivery = Delivery()
    delivery.publish(progress(10), members)
    assert delivery.busy
    await all_written(wires)

    first, second = (b"".join(wire.writes) for wire in wires)
    assert first.endswith(second)
    assert b'"ack"' in first[: -len(second)]
    assert not delivery.busy


async def test_a_socket_is_a_member_until_it_was_discarded_as_often_as_it_was_added() -> None:
    members, (twice, once) = Members(), map(outbound, (Slow(), Slow()))
    for socket in (twice, once, twice):
        members.add(socket)
    assert list(members.sockets) == [twice, once]
    members.discard(twice)
    members.discard(once)
    members.discard(once)
    assert list(members.sockets) == [twice]
    members.discard(twice)
    assert not members


async def test_those_that_lag_are_written_to_after_all_others() -> None:
    wires = [Slow() for _ in range(20)]
    lagging, well = wires[:5], wires[5:]
    for wire in wires:
        wire.has_room = 100_000
    members, delivery = sockets(wires), Delivery()
    order: list[Slow] = []
    came = members.sockets
    for wire in wires:
        wire.on_write = partial(order.append, wire)

    async def deliver() -> list[Slow]:
        order.clear()
        delivery.publish(progress(10), members)
        while delivery.busy:
            await asyncio.sleep(0)
        return order

    def gauge_all(since: float) -> None:
        for number in range(2 * GAUGED_PART):
            members.gauge(since + number * GAUGED_EVERY_S)

    gauge_all(since=1e9)
    assert await deliver() == wires
    assert members.sockets is came
    for wire in lagging:
        wire.has_room = 40_000
    gauge_all(since=2e9)
    assert await deliver() == well + lagging
    for wire in lagging:
        wire.has_room = 90_000
    gauge_all(since=3e9)
    assert await deliver() == wires


async def test_nobody_is_gauged_more_often_than_needed() -> None:
    wire = Slow()
    members = sockets([wire])
    wire.has_room = 100_000
    members.gauge(100.0)
    (socket,) = members.sockets
    wire.has_room = 0
    members.gauge(100.0 + GAUGED_EVERY_S / 2)
    assert not socket.lags
    members.gauge(100.0 + GAUGED_EVERY_S)
    assert socket.lags


async def test_who_comes_before_its_turn_waits_for_the_next_publication() -> None:
    wires = [Slow() for _ in range(2)]
    members = sockets(wires[:1])
    delivery = Delivery()
    delivery.publish(progress(10), members)
    members.add(outbound(wires[1]))
    await all_written(wires[:1])
    assert wires[1].writes == []
    delivery.publish(progress(20), members)
    await all_written(wires[1:])
    assert [len(wire.writes) for wire in wires] == [2, 1]


async def test_who_leaves_before_its_turn_is_passed_over() -> None:
    wires = [Slow() for _ in range(3)]
    members = sockets(wires)
    Delivery().publish(progress(10), members)
    members.discard(members.sockets[1])
    for _ in range(5):
        await asyncio.sleep(0)
    assert [len(wire.writes) for wire in wires] == [1, 0, 1]
