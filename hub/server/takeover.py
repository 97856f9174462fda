"""How new workers take over from old ones when Gunicorn's master gets a SIGHUP.

Left alone it asks the old workers to go before the new ones serve, and ends altogether when one of these cannot start.
"""

import logging
import signal
import time
from collections.abc import Callable
from typing import Any

from gunicorn.errors import HaltServer

from hub import systemd
from hub.settings import SettingInvalid
from streams.errors import DefinitionInvalid, StoreMisconfigured

log = logging.getLogger(__name__)

BOOT_SECONDS = 30.0
"""How long new workers may take until they serve."""
POLL_SECONDS = 0.05


def guard(arbiter: Any, check: Callable[[], None]) -> None:
    """Have a SIGHUP change nothing while `check` raises, nor when the new workers that it starts do not come to serve.

    And tell systemd of the stop, for which Gunicorn has no hook.
    """
    reload, manage, stop = arbiter.reload, arbiter.manage_workers, arbiter.stop

    def reload_if_possible() -> None:
        try:
            check()
        except (SettingInvalid, DefinitionInvalid, StoreMisconfigured) as error:
            log.error("not reloaded, the hub goes on as it was: %s", error)
            return
        old = set(arbiter.WORKERS)

        def manage_when_new_ones_serve() -> None:
            _take_over(arbiter, old)
            manage()

        arbiter.manage_workers = manage_when_new_ones_serve
        try:
            reload()
        finally:
            arbiter.manage_workers = manage

    def tell_and_stop(graceful: bool = True) -> None:
        systemd.notify(systemd.STOPPING)
        stop(graceful)

    arbiter.reload, arbiter.stop = reload_if_possible, tell_and_stop


def _take_over(arbiter: Any, old: set[int]) -> None:
    """Return when the workers that are not `old` serve; end them when they do not."""
    started = {pid: _heartbeat(worker) for pid, worker in arbiter.WORKERS.items() if pid not in old}
    until = time.monotonic() + BOOT_SECONDS
    while not all(pid in arbiter.WORKERS and _heartbeat(arbiter.WORKERS[pid]) != at for pid, at in started.items()):
        failed = not _reap(arbiter) or not started.keys() <= arbiter.WORKERS.keys()
        if failed or time.monotonic() > until:
            log.error("not reloaded, the hub goes on as it was: the new workers did not start")
            _end(arbiter, [pid for pid in started if pid in arbiter.WORKERS])
            return
        time.sleep(POLL_SECONDS)
    log.info("reloaded: new workers have taken over")


def _heartbeat(worker: Any) -> float:
    """When the worker last said that it is alive; it says so for the first time when it serves."""
    return float(worker.tmp.last_update())


def _reap(arbiter: Any) -> bool:
    """See who has ended; False when somebody could not start."""
    try:
        arbiter.reap_workers()
    except HaltServer:
        return False
    return True


def _end(arbiter: Any, workers: list[int]) -> None:
    for pid in workers:
        arbiter.kill_worker(pid, signal.SIGKILL)
    while any(pid in arbiter.WORKERS for pid in workers):
        _reap(arbiter)
        time.sleep(POLL_SECONDS)
