"""What a log line looks like, and what is in none."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from hub.logs import JsonFormatter, TextFormatter, request_id
from hub.settings import Settings, secrets_of

SECRETS = secrets_of(Settings(influx_token="admin:hunter2"))


@pytest.fixture
def within_a_request() -> Iterator[None]:
    reset = request_id.set("4711")
    yield
    request_id.reset(reset)


def record(
    message: str, *values: object, level: int = logging.INFO, error: Exception | None = None
) -> logging.LogRecord:
    information = None
    if error:
        try:
            raise error
        except type(error):
            information = sys.exc_info()
    return logging.LogRecord("hub.parts", level, __file__, 1, message, values, information)


def parsed(formatter: logging.Formatter, one: logging.LogRecord) -> dict[str, object]:
    line = formatter.format(one)
    assert "\n" not in line
    return dict(json.loads(line))


def test_a_line_for_machines_is_one_object() -> None:
    line = parsed(JsonFormatter(), record("%d points\nwait", 3))
    assert line.keys() == {"time", "level", "logger", "process", "message"}
    assert (line["level"], line["logger"], line["message"]) == ("info", "hub.parts", "3 points\nwait")
    assert str(line["time"]).endswith("+00:00")


def test_a_line_for_people_is_short() -> None:
    assert TextFormatter().format(record("%d points wait", 3))[8:] == " 3 points wait"
    assert TextFormatter().format(record("late", level=logging.WARNING)).endswith("late (warning)")
    assert "\033[33m" in TextFormatter(coloured=True).format(record("late", level=logging.WARNING))


@pytest.mark.usefixtures("within_a_request")
def test_within_a_request_every_line_tells_its_id() -> None:
    assert parsed(JsonFormatter(), record("x"))["request"] == "4711"
    assert TextFormatter().format(record("x")).endswith("x [4711]")


def test_a_failure_is_told_with_where_it_happened() -> None:
    line = parsed(JsonFormatter(), record("it failed", level=logging.ERROR, error=ValueError("why")))
    assert "Traceback" in str(line["exception"])
    assert "ValueError: why" in str(line["exception"])


@pytest.mark.parametrize("formatter", [TextFormatter(SECRETS), JsonFormatter(SECRETS)])
@pytest.mark.parametrize(
    "text", ["tried admin:hunter2 at it", "password hunter2", "Authorization: Bearer hunter3", "{'Token hunter4'}"]
)
def test_no_line_tells_a_secret(formatter: logging.Formatter, text: str) -> None:
    assert "hunter" not in formatter.format(record("%s", text))
    assert "hunter" not in formatter.format(record("x", level=logging.ERROR, error=OSError(text)))
