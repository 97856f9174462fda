import gc

import gunicorn.config
import pytest
import uvicorn

from hub.server.collector import COLLECTOR
from hub.server.options import gunicorn_options, settle, uvicorn_options
from hub.server.protocol import HubProtocol
from hub.settings import Settings, load_settings


async def no_app(scope: object, receive: object, send: object) -> None:
    """An app that nobody calls."""


def test_uvicorn_knows_every_option_and_gets_sizes_and_times_of_the_settings() -> None:
    settings = load_settings({"store": "duckdb::memory:"}, {"HUB_MAX_FRAME_BYTES": "1MiB", "HUB_PING_TIMEOUT": "5s"})
    config = uvicorn.Config(no_app, **uvicorn_options(settings))
    config.load()
    assert config.ws_protocol_class is HubProtocol
    assert (config.ws_max_size, config.ws_ping_interval, config.ws_ping_timeout) == (2**20, 20.0, 5.0)
    assert config.ws_per_message_deflate is False


@pytest.mark.parametrize(("host", "bind"), [("127.0.0.1", "127.0.0.1:8000"), ("::1", "[::1]:8000")])
def test_gunicorn_knows_every_option(host: str, bind: str) -> None:
    config = gunicorn.config.Config()
    for name, value in gunicorn_options(Settings(host=host)).items():
        config.set(name, value)
    assert config.bind == [bind]
    assert config.worker_class_str == "hub.server.worker.HubWorker"
    assert config.control_socket_disable is True


def test_what_is_loaded_is_no_longer_looked_through() -> None:
    frozen = gc.get_freeze_count()
    try:
        settle()
        assert gc.get_freeze_count() > frozen
    finally:
        COLLECTOR.stop()
