"""What is tried before a hub starts, so that a mistake is one sentence and exit code 2, and not a traceback."""

import asyncio
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hub.authority import Authority
from hub.buckets import is_influxdb, load_rollups, load_wanted
from hub.parts import load_streams, make_store
from hub.server.single import listen
from hub.settings import SettingInvalid, Settings, check_open
from hub.tracing import check_tracing
from streams.clock import SystemClock
from streams.errors import DefinitionInvalid, StoreMisconfigured


@contextmanager
def one_sentence() -> Iterator[None]:
    """End the process with a sentence on stderr and exit code 2 when what is done inside meets a user's mistake."""
    try:
        yield
    except (SettingInvalid, DefinitionInvalid, StoreMisconfigured) as error:
        sys.stderr.write(f"pxl-hub: {error}\n")
        sys.exit(2)


def preflight(settings: Settings) -> socket.socket:
    """Try the configuration and the address; the listening socket. SettingInvalid names what is wrong."""
    try_configuration(settings)
    try:
        return listen(settings.host, settings.port)
    except OSError as error:
        place = address(settings.host, settings.port)
        reason = error.strerror or error
        remedy = "another hub may run there: stop it, or choose another port, as in --port 8001"
        raise SettingInvalid(f"port: {place} cannot be listened on: {reason}; {remedy}") from None


def try_configuration(settings: Settings) -> None:
    """Try the definitions and the store. DefinitionInvalid, SettingInvalid, StoreMisconfigured say what is wrong."""
    check_tokens(settings)
    check_tracing(settings)
    load_streams(settings)
    load_rollups(settings)
    load_wanted(settings)
    asyncio.run(_try_store(settings))


def try_reload(settings: Settings) -> None:
    """As `try_configuration`, for workers that are to take over from others which still serve."""
    if not is_influxdb(settings):
        raise SettingInvalid(
            "store: only one process can have DuckDB open, and a reload starts new workers beside the old one;"
            " stop the hub and start it again (under systemd: systemctl restart pxl-hub)"
        )
    try_configuration(settings)


def check_tokens(settings: Settings) -> None:
    """SettingInvalid where the tokens cannot be read, or a hub that others can reach has none."""
    if not Authority(settings, SystemClock()).knows_somebody:
        check_open(settings)


async def _try_store(settings: Settings) -> None:
    store = make_store(settings)
    try:
        await store.open()
    finally:
        await store.close()


def address(host: str, port: int) -> str:
    """As it stands in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
