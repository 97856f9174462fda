"""A dashboard of the load that reads little, or nothing: the neighbour whom the others must not notice."""

import asyncio
import socket
from contextlib import suppress

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from hub.client.connection import endpoint, setback_of_error
from hub.client.messages import Skipped, Window, decode_live
from hub.load.phases import Phases
from hub.load.tally import Tally
from hub.load.wanted import Wanted

RECEIVE_BUFFER_BYTES = 4_096
"""The kernel's for such a socket: it must not read ahead of us."""
PULSE_S = 1.0
"""How often one that reads nothing looks whether it has been cut off."""
RETURN_S = 2.0
"""How long one that was cut off stays away."""


class Laggard:
    """One subscription, read at so many bytes a second, or not at all. It comes back when it is cut off."""

    def __init__(self, wanted: Wanted, number: int, tally: Tally, bytes_per_s: int) -> None:
        self._address = endpoint(wanted.url, "/v1/live")
        self._headers = {"Authorization": f"Bearer {wanted.token}"} if wanted.token else {}
        query = wanted.query(wanted.plan_of(number))
        self._subscribe = msgspec.json.encode({"type": "subscribe", "id": "1", "query": query})
        self._tally = tally
        self._bytes_per_s = bytes_per_s

    async def run(self, phases: Phases) -> None:
        """Until cancelled."""
        is_open = False
        await phases.may_open()
        while True:
            try:
                connection = await self._connect()
                try:
                    if not is_open:
                        phases.opened()
                        is_open = True
                    await (self._read_slowly(connection) if self._bytes_per_s else self._read_nothing(connection))
                finally:
                    connection.transport.abort()  # a close would wait until all has been read
            except (OSError, InvalidHandshake, ConnectionClosed) as error:
                if is_open and isinstance(error, ConnectionClosed):
                    self._tally.cut_off += 1
                else:
                    self._tally.setbacks[setback_of_error(error).message] += 1
            await asyncio.sleep(RETURN_S)

    async def _connect(self) -> ClientConnection:
        connection = await connect(
            self._address,
            additional_headers=self._headers,
            subprotocols=[Subprotocol("hub.v1.json")],
            compression=None,
            ping_interval=None,
            max_queue=1,
        )
        kernel: socket.socket = connection.transport.get_extra_info("socket")
        kernel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        await connection.send(self._subscribe, text=True)
        return connection

    async def _read_slowly(self, connection: ClientConnection) -> None:
        while True:
            data = await connection.recv(decode=False)
            match decode_live(data):
                case Window():
                    self._tally.slow_windows += 1
                case Skipped(windows=windows):
                    self._tally.slow_skipped += windows
            await asyncio.sleep(len(data) / self._bytes_per_s)

    async def _read_nothing(self, connection: ClientConnection) -> None:
        with suppress(RuntimeError):  # it is closing
            connection.transport.pause_reading()
        while True:
            await asyncio.sleep(PULSE_S)
            await connection.pong()  # fails once the hub has cut the connection
