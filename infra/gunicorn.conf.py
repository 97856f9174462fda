"""`gunicorn -c infra/gunicorn.conf.py hub.app:app`: every setting comes from the HUB_… environment variables."""

from hub.server.options import gunicorn_options
from hub.settings import load_settings

globals().update(gunicorn_options(load_settings()))
