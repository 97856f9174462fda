"""SIGTERM to real processes, with clients that have stopped reading."""

import asyncio
import json
import signal
import time
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from tests.hub.server.serving import connect_raw
from tests.servers.hub import GunicornProcess, HubProcess

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("kind", [HubProcess, GunicornProcess])
async def test_the_hub_exits_in_time_with_readers_that_have_stopped_and_tells_the_others_when_to_come_back(
    kind: type[HubProcess], tmp_path: Path
) -> None:
    loop = asyncio.get_running_loop()
    request = Frame(Opcode.TEXT, b'{"type":"unsubscribe","id":"%s"}' % (b"x" * 1_000)).serialize(mask=True)
    with kind(tmp_path) as hub:
        stalled = [await connect_raw(hub.port, "/v1/live", receive_buffer=4_096) for _ in range(5)]
        for client in stalled:
            await loop.sock_sendall(client, request * 500)
        async with connect(f"{hub.sockets}/v1/live") as reader:
            assert json.loads(await reader.recv())["type"] == "ready"
            started = time.perf_counter()
            hub.process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(reader.recv(), 10)
        assert reader.close_code == 1012
        assert 0 <= json.loads(reader.close_reason or "")["retry_after_ms"] <= 1_000
        code = await asyncio.to_thread(hub.process.wait, 15)
        assert time.perf_counter() - started < 10
        assert code == 0, hub.log.read_text()
        for client in stalled:
            client.close()
