"""Plans, who listens to them, and when which windows are read and sent."""

from streams.engine.engine import Engine
from streams.engine.explanation import Explanation
from streams.engine.plan import Listener, Plan
from streams.engine.seam import Seam
from streams.windows import WindowUpdate

__all__ = ["Engine", "Explanation", "Listener", "Plan", "Seam", "WindowUpdate"]
