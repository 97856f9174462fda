"""When the clients of a hub that stops come back: not all at once. Pure but for the dice."""

import json
import random

RECONNECTS_PER_S = 670
"""Clients of one worker that are asked to come back within a second: each brings its subscriptions."""

SHORTEST_SPREAD_MS, LONGEST_SPREAD_MS = 1_000, 30_000


def spread_ms(connections: int) -> int:
    """Within how many milliseconds so many clients should be back."""
    return min(max(SHORTEST_SPREAD_MS, 1_000 * connections // RECONNECTS_PER_S), LONGEST_SPREAD_MS)


def reason_to_come_back(connections: int) -> str:
    """What one of so many clients is told in its close frame: a moment of its own."""
    return json.dumps({"retry_after_ms": random.randint(0, spread_ms(connections))})  # noqa: S311
