"""The body of a request, inflated where it is compressed, and never more of it in memory than is allowed."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

STEP_BYTES = 256 * 1024
"""Inflated at once; between two steps the event loop serves others."""
MOST_HELD_BYTES = 128 * 2**20
"""Bodies of all requests of a worker together; beyond it the hub is overloaded."""
PATIENCE_SECONDS = 60.0
"""How long a body may take to arrive."""

_CODES = {408: "too_slow", 413: "too_large", 503: "overloaded"}


class BodyRefused(Exception):
    """A body that is not taken; the text says why. `status` is HTTP's, `code` the catalogue's.

    `retry_seconds` says when it might be taken.
    """

    def __init__(self, status: int, message: str, retry_seconds: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.code = _CODES.get(status, "invalid_request")
        self.retry_seconds = retry_seconds


def too_large(most: int) -> BodyRefused:
    """The body, inflated, is larger than allowed; in InfluxDB's words."""
    return BodyRefused(413, f"unable to read data: points batch is too large: max_body_bytes is {most}")


class Inflater:
    """Gzip, several members of it too, to bytes. BodyRefused where it is none."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._begun = False

    def steps(self, data: bytes) -> Iterator[bytes]:
        """What these bytes add, in steps of at most STEP_BYTES."""
        while data:
            if self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            self._begun = True
            try:
                yield self._member.decompress(data, STEP_BYTES)
            except zlib.error as error:
                raise BodyRefused(400, f"the body is not gzip as its Content-Encoding says: {error}") from None
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    def finish(self) -> None:
        """Everything has come. BodyRefused when its end is missing."""
        if not self._member.eof:
            raise BodyRefused(400, "the gzip body ends too early" if self._begun else "the gzip body is empty")


class RequestBodies:
    """Reads the bodies of one worker's requests, each of at most `largest` bytes."""

    def __init__(self, largest: int) -> None:
        self.largest = largest
        self.held_bytes = 0

    @asynccontextmanager
    async def held(self, chunks: AsyncIterator[bytes], inflater: Inflater | None) -> AsyncIterator[bytes]:
        """A request's whole body, inflated where there is an `inflater`, counted as held until the block ends.

        BodyRefused when it is too large, too slow, no gzip, or others hold all the room.
        """
        body = bytearray()
        try:
            await self._read(chunks, inflater, body)
            yield bytes(body)
        finally:
            self.held_bytes -= len(body)

    async def _read(self, chunks: AsyncIterator[bytes], inflater: Inflater | None, body: bytearray) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                async for chunk in chunks:
                    for part in inflater.steps(chunk) if inflater else (chunk,):
                        self._add(part, body)
                        await asyncio.sleep(0)
        except TimeoutError:
            raise BodyRefused(408, f"the body did not arrive within {PATIENCE_SECONDS:.0f} s") from None
        if inflater:
            inflater.finish()

    def _add(self, part: bytes, body: bytearray) -> None:
        if len(body) + len(part) > self.largest:
            raise too_large(self.largest)
        # One body alone always has room, however large they may be.
        if self.held_bytes + len(part) > max(MOST_HELD_BYTES, self.largest):
            raise BodyRefused(503, "too many requests at once: send it again later", retry_seconds=1)
        self.held_bytes += len(part)
        body += part
