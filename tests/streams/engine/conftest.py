"""Engines are tested in simulated time."""

from typing import Any

import pytest

from tests.streams.simulation import SimulatedLoop


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": SimulatedLoop}
