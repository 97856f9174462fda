"""How long a write may take before it counts as given up."""

import anyio
import pytest

from streams.host import LocalHost
from streams.ingest.patience import BEHIND_SECONDS, SECONDS_PER_POINT, PatientWrites
from tests.streams.ingest.shelf import Shelf, batch

pytestmark = pytest.mark.anyio


async def test_much_at_once_may_take_longer() -> None:
    shelf = Shelf()
    shelf.gate = anyio.Event()
    writes = PatientWrites(shelf, LocalHost())
    assert writes.behind_seconds() == BEHIND_SECONDS
    async with anyio.create_task_group() as tasks:
        for _ in range(2):
            tasks.start_soon(writes.write, batch(*[("a", 1.0)] * 1_000))
        await anyio.wait_all_tasks_blocked()
        assert writes.behind_seconds() == pytest.approx(BEHIND_SECONDS + 2_000 * SECONDS_PER_POINT)
        shelf.gate.set()
    assert writes.behind_seconds() == BEHIND_SECONDS
