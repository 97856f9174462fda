"""What the end of a connection means, and where a hub is."""

import pytest

from hub.client.connection import endpoint, setback_of_close, setback_of_error


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("ws://127.0.0.1:8000", "ws://127.0.0.1:8000/v1/live"),
        ("http://hub.local/", "ws://hub.local/v1/live"),
        ("https://example.org/metrics", "wss://example.org/metrics/v1/live"),
    ],
)
def test_the_address_of_an_endpoint(url: str, address: str) -> None:
    assert endpoint(url, "/v1/live") == address


def test_parameters_are_quoted() -> None:
    assert endpoint("ws://h", "/v1/write", {"template": "a.b&c"}) == "ws://h/v1/write?template=a.b%26c"


@pytest.mark.parametrize("code", [1003, 1007, 1009, 4400, 4401, 4403])
def test_coming_back_unchanged_is_no_use(code: int) -> None:
    assert setback_of_close(code, "").final


@pytest.mark.parametrize("code", [None, 1000, 1001, 1006, 1011, 1012, 1013, 4408, 4413, 4429, 4508])
def test_coming_back_later_is(code: int | None) -> None:
    assert not setback_of_close(code, "").final


@pytest.mark.parametrize(
    ("reason", "seconds"), [('{"retry_after_ms":1500}', 1.5), ("", 0), ("restart", 0), ('{"retry_after_ms":-5}', 0)]
)
def test_the_hub_may_ask_for_time(reason: str, seconds: float) -> None:
    assert setback_of_close(1012, reason).retry_after == seconds


def test_why_a_hub_cannot_be_reached_is_said() -> None:
    assert setback_of_error(ConnectionRefusedError(111, "refused")).message == "the hub cannot be reached: refused"
    assert setback_of_error(ConnectionResetError()).message == "the hub cannot be reached: ConnectionResetError"
    assert setback_of_error(TimeoutError()).message == "the hub did not answer within 10 s"
