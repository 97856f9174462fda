"""Log lines: short and coloured for people at a terminal, one JSON object each for machines.

Within a request or a session each line tells its id, which the client is told too. No line tells a secret.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import UTC, datetime

from hub.settings import Settings, secrets_of

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request or the session that the current task serves; empty outside of any."""

HIDDEN = "***"
_CREDENTIALS = re.compile(r"\b(Bearer|Token|Basic)\s+[^\s'\",;)}\]]+", re.IGNORECASE)
_COLOURS = {logging.WARNING: "\033[33m", logging.ERROR: "\033[31m", logging.CRITICAL: "\033[31;1m"}


class _Formatter(logging.Formatter):
    """Leaves out what must not be told: the values of secret settings, and what follows the name of a scheme."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(message)s", "%H:%M:%S")
        known = sorted(filter(None, secrets), key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None

    def hide(self, text: str) -> str:
        text = _CREDENTIALS.sub(rf"\1 {HIDDEN}", text)
        return self._secrets.sub(HIDDEN, text) if self._secrets else text


class TextFormatter(_Formatter):
    """For people."""

    def __init__(self, secrets: Iterable[str] = (), *, coloured: bool = False) -> None:
        super().__init__(secrets)
        self._coloured = coloured

    def format(self, record: logging.LogRecord) -> str:
        return self.hide(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        text = super().formatMessage(record)
        if number := request_id.get():
            text = f"{text} [{number}]"
        if record.levelno < logging.WARNING:
            return text
        label = record.levelname.lower()
        colour = _COLOURS.get(record.levelno, "")
        return f"{colour}{text} ({label})\033[0m" if self._coloured else f"{text} ({label})"


class JsonFormatter(_Formatter):
    """For machines: `time` in UTC, `level`, `logger`, `process`, `message`; perhaps `request`, `exception`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__(secrets)

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": self.hide(record.getMessage()),
        }
        if number := request_id.get():
            line["request"] = number
        if record.exc_info:
            line["exception"] = self.hide(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def configure_logs(settings: Settings) -> None:
    """Show the hub's lines of at least the level in the settings on stderr, and of the libraries only warnings."""
    handler = logging.StreamHandler(sys.stderr)
    as_text = settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())
    secrets = secrets_of(settings)
    handler.setFormatter(TextFormatter(secrets, coloured=sys.stderr.isatty()) if as_text else JsonFormatter(secrets))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in ("hub", "streams"):
        logging.getLogger(name).setLevel(settings.log_level.upper())
