"""What several integration tests may ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.servers import build
from tests.servers.influxdb import InfluxDB2


@pytest.fixture
def own_influxdb2(tmp_path: Path) -> Iterator[InfluxDB2]:
    """An InfluxDB 2.9.1 for one test alone, which may kill it."""
    folder = tmp_path / "influxdb"
    folder.mkdir()
    try:
        server = InfluxDB2(folder)
    except build.Unbuildable as error:
        missing(str(error))
    with server:
        yield server
