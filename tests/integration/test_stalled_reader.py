"""A reader of small frames that stops, on a real hub: it is found out although the kernel could hold many of them."""

import asyncio
import json
import socket
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.frames import Frame, Opcode

from tests.hub.server.serving import connect_raw
from tests.servers.hub import HubProcess

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.alone,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much the peer has acknowledged"),
]

QUERY = {"measurement": "m", "select": {"f": ["mean"]}, "every": "100ms", "grace": "0s"}
SUBSCRIBE = json.dumps({"type": "subscribe", "id": "a", "query": QUERY})
ESTABLISHED = 1
"""The kernel's name for a connection that stands, in the first byte of tcp_info."""


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as response:
        return str(response.read().decode())


async def test_it_is_cut_off_after_some_ten_seconds_and_nobody_else(tmp_path: Path) -> None:
    with HubProcess(tmp_path, "--store", "duckdb::memory:") as hub:
        async with connect(f"{hub.sockets}/v1/live") as reader:
            await reader.send(SUBSCRIBE)
            stalled = await connect_raw(hub.port, "/v1/live", receive_buffer=4_096)
            request = Frame(Opcode.TEXT, SUBSCRIBE.encode()).serialize(mask=True)
            await asyncio.get_running_loop().sock_sendall(stalled, request)
            began = time.monotonic()
            while stalled.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == ESTABLISHED:
                assert json.loads(await asyncio.wait_for(reader.recv(), 5))
                assert time.monotonic() < began + 30
            assert time.monotonic() > began + 8
        stalled.close()
        metrics = await asyncio.to_thread(read, f"{hub.url}/metrics")
        assert 'hub_closes_total{code="4508"} 1.0' in metrics
