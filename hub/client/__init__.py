"""The Python client: `Writer` for devices, `Live` for those who watch. It needs only websockets and msgspec."""

from hub.client.backoff import Backoff
from hub.client.connection import Setback
from hub.client.errors import HubError, HubRefused, NotAcknowledged
from hub.client.live import Live
from hub.client.messages import Explained, Window
from hub.client.points import Point
from hub.client.unacknowledged import Rejection
from hub.client.writer import Writer

__all__ = [
    "Backoff",
    "Explained",
    "HubError",
    "HubRefused",
    "Live",
    "NotAcknowledged",
    "Point",
    "Rejection",
    "Setback",
    "Window",
    "Writer",
]
