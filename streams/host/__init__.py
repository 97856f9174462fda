"""What the workers of one host tell each other: points under way, late ranges, and who does what only one may do."""

from streams.host.base import AnnouncementFailed, Hold, Host
from streams.host.local import LocalHost
from streams.host.shared import SharedHost, TooManyWorkers
from streams.points import Touched

__all__ = ["AnnouncementFailed", "Hold", "Host", "LocalHost", "SharedHost", "TooManyWorkers", "Touched"]
