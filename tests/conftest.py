"""What every test may ask for: the real servers, Chromium, hypothesis's profiles, anyio's backend.

A server that is not there skips the tests that need it, with the reason in the summary; where `CI` is `true` it
fails them, since there it has to be.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest

from tests.servers import build
from tests.servers.influxdb import InfluxDB1, InfluxDB2

# How long a test takes is no fault of its own: the machine has other work too.
patient = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("default", patient, max_examples=50)
# The same examples at each run: CI says whether the change is good, new examples are looked for elsewhere.
hypothesis.settings.register_profile("ci", patient, max_examples=100, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("long", patient, max_examples=10_000, print_blob=True)
hypothesis.settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") == "true" else "default")
)


def missing(reason: str) -> NoReturn:
    """Skip the test, or fail it where nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def influxdb2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB2]:
    """One InfluxDB 2.9.1 for all tests: make a bucket of your own in it, and leave it running."""
    try:
        server = InfluxDB2(tmp_path_factory.mktemp("influxdb2"))
    except build.Unbuildable as error:
        missing(str(error))
    with server:
        yield server


@pytest.fixture(scope="session")
def influxdb1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB1]:
    """One InfluxDB 1.8.10 for all tests: make a database of your own in it, and leave it running."""
    try:
        server = InfluxDB1(tmp_path_factory.mktemp("influxdb1"))
    except build.Unbuildable as error:
        missing(str(error))
    with server:
        yield server


@pytest.fixture(scope="session")
def telegraf() -> Path:
    """The path of a Telegraf 1.39.0 with the plug-ins that `tests.servers.build` names."""
    try:
        return build.find("telegraf-1.39.0")
    except build.Unbuildable as error:
        missing(str(error))


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The path of a Chromium."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return Path(path)
    missing("chromium is not installed; install your system's package of that name")
