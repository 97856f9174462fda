"""`gunicorn -c infra/gunicorn.conf.py hub.app:app`: every setting comes from the HUB_… environment variables."""

from hub import systemd
from hub.logs import configure_logs
from hub.preflight import one_sentence, preflight, try_reload
from hub.server.many import child_exit, share_metrics
from hub.server.options import gunicorn_options
from hub.server.takeover import guard
from hub.settings import load_settings

__all__ = ["child_exit", "on_starting"]

with one_sentence():
    settings = load_settings()
configure_logs(settings)
systemd.adopt()
globals().update(gunicorn_options(settings))


def on_starting(arbiter: object) -> None:
    """Once, before the first worker: what will never work ends Gunicorn with one sentence."""
    with one_sentence():
        preflight(settings).close()
        share_metrics(settings)
    guard(arbiter, lambda: try_reload(load_settings()))
