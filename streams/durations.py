"""Durations as people write them: `250ms`, `10s`, `5m`, `1h`, `30d`; inside, integers of milliseconds."""

import re

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION = re.compile(r"([0-9]{1,15})(ms|s|m|h|d|w)")

LONGEST_MS = 100 * 366 * 86_400_000
"""No duration in a request or a setting may be longer than a hundred years."""


def parse_duration(text: str) -> int:
    """Milliseconds of a duration such as `250ms` or `10s`; ValueError says what was expected."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration; write a whole number and ms, s, m, h, d or w, as in 10s")
    duration = int(match[1]) * _UNITS[match[2]]
    if duration > LONGEST_MS:
        raise ValueError(f"{text!r} is longer than a hundred years")
    return duration


def format_duration(duration_ms: int) -> str:
    """The shortest text that parses to the same duration."""
    for unit in ("w", "d", "h", "m", "s"):
        if duration_ms and duration_ms % _UNITS[unit] == 0:
            return f"{duration_ms // _UNITS[unit]}{unit}"
    return f"{duration_ms}ms" if duration_ms else "0s"
