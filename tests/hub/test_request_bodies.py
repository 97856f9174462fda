"""Bodies of requests: whole, inflated, and never more in memory than allowed."""

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterable

import anyio
import pytest

from hub import request_bodies
from hub.request_bodies import BodyRefused, Inflater, RequestBodies

pytestmark = pytest.mark.anyio

TEXT = b"m v=1\n" * 1_000


async def sent(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def read(chunks: Iterable[bytes], *, largest: int = 10_000, compressed: bool = True) -> bytes:
    bodies = RequestBodies(largest)
    try:
        async with bodies.held(sent(chunks), Inflater() if compressed else None) as body:
            assert bodies.held_bytes == len(body)
            return body
    finally:
        assert bodies.held_bytes == 0


def split(data: bytes, size: int) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


async def refused(chunks: Iterable[bytes], *, largest: int = 10_000, compressed: bool = True) -> tuple[int, str]:
    with pytest.raises(BodyRefused) as error:
        await read(chunks, largest=largest, compressed=compressed)
    return error.value.status, str(error.value)


async def test_a_plain_body_is_what_was_sent() -> None:
    assert await read([b"m v=", b"1", b""], compressed=False) == b"m v=1"
    assert await read([], compressed=False) == b""


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_gzip_comes_in_any_pieces_and_in_several_members(size: int) -> None:
    assert await read(split(gzip.compress(TEXT), size)) == TEXT
    assert await read(split(gzip.compress(b"m v=1\n") + gzip.compress(b"m v=2\n"), size)) == b"m v=1\nm v=2\n"
    assert await read(split(gzip.compress(b""), size)) == b""


async def test_what_is_not_gzip_is_refused() -> None:
    good = gzip.compress(TEXT)
    status, reason = await refused([TEXT])
    assert (status, "not gzip" in reason) == (400, True)
    assert await refused([good[:-1]]) == (400, "the gzip body ends too early")
    assert await refused([]) == (400, "the gzip body is empty")
    assert (await refused([good, b"rest"]))[0] == 400
    assert (await refused([good[:-8] + bytes(8)]))[0] == 400
    assert (await refused([zlib.compress(TEXT)]))[0] == 400


@pytest.mark.parametrize("compressed", [False, True])
async def test_the_limit_is_exact(compressed: bool) -> None:
    body = gzip.compress(TEXT) if compressed else TEXT
    assert await read([body], largest=6_000, compressed=compressed) == TEXT
    status, reason = await refused([body], largest=5_999, compressed=compressed)
    assert (status, reason) == (413, "unable to read data: points batch is too large: max_body_bytes is 5999")


async def test_a_bomb_is_cut_off_where_the_limit_is() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(200)) + packer.flush()
    assert len(bomb) < 250_000
    tracemalloc.start()
    assert (await refused([bomb], largest=2**20))[0] == 413
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 2**20, "of 200 MiB that it would be"


async def test_others_holding_all_the_room_is_no_fault_of_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_bodies, "MOST_HELD_BYTES", 10_000)
    bodies = RequestBodies(6_000)
    async with bodies.held(sent([TEXT]), None):
        with pytest.raises(BodyRefused) as error:
            async with bodies.held(sent([TEXT]), None):
                pass
        assert (error.value.status, error.value.retry_seconds) == (503, 1)
        assert bodies.held_bytes == len(TEXT)
    async with bodies.held(sent([TEXT]), None) as body:
        assert body == TEXT


async def test_a_body_that_never_ends_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_bodies, "PATIENCE_SECONDS", 0.0)

    async def stalls() -> AsyncIterator[bytes]:
        yield b"m v=1"
        await anyio.sleep_forever()

    with pytest.raises(BodyRefused) as error:
        async with RequestBodies(10).held(stalls(), None):
            pass
    assert error.value.status == 408
