"""The agent as a device: when it reads, and what it does when it is told to stop."""

import asyncio

import pytest

from hub.client import Backoff, HubError, NotAcknowledged, Writer
from hub.commands.agent import push_metrics, seconds_until_reading
from tests.hub.client.scripted_hub import Peer, scripted_hub

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("now", "wait"), [(100.0, 0.8), (100.5, 0.3), (100.875, 0.925), (100.9, 0.9)])
def test_one_reading_falls_into_each_period(now: float, wait: float) -> None:
    assert seconds_until_reading(now, 1.0) == pytest.approx(wait)


@pytest.mark.parametrize("now", [0.8, 0.7999])
def test_a_reading_is_never_due_at_once_again(now: float) -> None:
    assert seconds_until_reading(now, 1.0) == pytest.approx(1.0, abs=0.001)


async def test_readings_are_acknowledged_before_it_ends() -> None:
    stop = asyncio.Event()
    measurements: set[bytes] = set()

    async def hub(peer: Peer) -> None:
        await peer.ready()
        measurements.update(line.split(b",")[0] for line in (await peer.frame()).split(b"\n"))
        stop.set()
        await peer.say(type="ack", frame=1, stored="store")
        await peer.stay()

    async with scripted_hub(hub) as url:
        await push_metrics(Writer(url), 0.1, stop)
    assert measurements >= {b"memory", b"load"}


async def test_a_hub_that_does_not_acknowledge_is_told() -> None:
    stop = asyncio.Event()

    async def silent(peer: Peer) -> None:
        await peer.ready()
        await peer.frame()
        stop.set()
        await peer.stay()

    async with scripted_hub(silent) as url:
        with pytest.raises(NotAcknowledged):
            await push_metrics(Writer(url, patience=0.01), 0.1, stop)


async def test_a_refusal_ends_it() -> None:
    async def refuses(peer: Peer) -> None:
        await peer.ready()
        await peer.close(4403, "")

    async with scripted_hub(refuses) as url:
        with pytest.raises(HubError, match="4403"):
            await push_metrics(Writer(url, backoff=Backoff(first=0.01)), 0.1, asyncio.Event())
