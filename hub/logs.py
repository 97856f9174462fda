"""Log lines: short, with the time, and a colour for trouble on a terminal."""

import logging
import sys

_COLOURS = {logging.WARNING: "\033[33m", logging.ERROR: "\033[31m", logging.CRITICAL: "\033[31;1m"}


class _Formatter(logging.Formatter):
    def __init__(self, *, coloured: bool) -> None:
        super().__init__("%(asctime)s %(message)s", "%H:%M:%S")
        self._coloured = coloured

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        text = super().formatMessage(record)
        if record.levelno < logging.WARNING:
            return text
        label = record.levelname.lower()
        colour = _COLOURS.get(record.levelno, "")
        return f"{colour}{text} ({label})\033[0m" if self._coloured else f"{text} ({label})"


def configure_logs(level: str) -> None:
    """Show the hub's lines of at least this level on stderr, and of the libraries only warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(coloured=sys.stderr.isatty()))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in ("hub", "streams"):
        logging.getLogger(name).setLevel(level.upper())
